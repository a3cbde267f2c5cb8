import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tryLock } from './file-lock.ts'
import { isAlive } from './host-process.ts'
import { readRunningFile, stackPaths } from './stack-file.ts'

const prefix = 'heed-test-stack-'
// A folder gets its lock within the first seconds of its life.
const youngMs = 60_000

/** A new temporary data folder; those that killed test runs left behind are removed on the way. */
export function temporaryDataDir(parent: string = tmpdir()): string {
  for (const name of readdirSync(parent).filter((name) => name.startsWith(prefix))) removeAbandoned(join(parent, name))
  return mkdtempSync(join(parent, prefix))
}

function removeAbandoned(folder: string): void {
  const stat = statSync(folder, { throwIfNoEntry: false })
  if (stat === undefined || Date.now() - stat.mtimeMs < youngMs) return
  const { kafka, mongodb } = readRunningFile(folder)
  if ([kafka, mongodb].some((ref) => ref !== undefined && isAlive(ref))) return
  const result = tryLock(stackPaths(folder).lockFile)
  if ('heldBy' in result) return
  rmSync(folder, { recursive: true, force: true })
  result.release()
}
