import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeContainers, runningContainers } from './docker.ts'
import { LocalStackError } from './errors.ts'
import { type HeldLock, tryLock } from './file-lock.ts'
import { isAlive, terminate, thisProcess } from './host-process.ts'
import { type RunningFile, readRunningFile, removeRunningFile, type StackPart, stackPaths, writeRunningFile } from './stack-file.ts'

/** A data folder that this process may start servers in. */
export interface EnteredFolder {
  running: RunningFile
  /** The servers of this folder outlive this process: they do so already, or shall. */
  standing: boolean
  /** Whether the server of that part stood before this process came. */
  stood(part: StackPart): boolean
  /** To be called when every part serves: a standing folder is then open to others, an own one stays locked. */
  settled(): void
  /** To be called when the servers of this process are gone. */
  leave(): void
}

/**
 * Takes the folder for this process, or joins the stack that stands in it, ending what a killed process may have left running. Throws
 * `LocalStackError` when a live process owns it.
 */
export async function enterDataFolder(
  dataDir: string,
  standing: boolean,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<EnteredFolder> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const held = await lockData(dataDir, signal)
  try {
    const running = await settleFormerRun(dataDir, standing, log)
    const stands = running.owner === undefined
    const before = (['kafka', 'mongodb'] as const).filter((part) => isServed(running, part))
    writeRunningFile(dataDir, running)
    return {
      running,
      standing: stands,
      stood: (part) => before.includes(part),
      settled() {
        if (stands) held.release()
      },
      leave() {
        if (!stands) removeRunningFile(dataDir)
        held.release()
      },
    }
  } catch (problem) {
    held.release()
    throw problem
  }
}

// A lock whose holder is not the owner of running servers is held only while someone starts a standing stack, or looks at one: wait.
async function lockData(dataDir: string, signal: AbortSignal): Promise<HeldLock> {
  const until = performance.now() + 120_000
  for (;;) {
    const result = tryLock(stackPaths(dataDir).lockFile)
    if (!('heldBy' in result)) return result
    const owned = readRunningFile(dataDir).owner?.pid === result.heldBy.pid
    if (owned || performance.now() > until) {
      throw new LocalStackError(
        'data-in-use',
        `${dataDir} is in use by process ${result.heldBy.pid}: stop that one, or use another data folder`,
      )
    }
    await sleep(50, undefined, { signal })
  }
}

// Called under the lock, so a named owner is dead. Its servers may still be ending, or, had their watchdog been killed too, run on.
async function settleFormerRun(dataDir: string, standing: boolean, log: (line: string) => void): Promise<RunningFile> {
  const former = readRunningFile(dataDir)
  const alive = [former.kafka, former.mongodb].filter((ref) => ref !== undefined).filter(isAlive)
  const containers = await runningContainers(Object.values(former.containers ?? {}))
  const left = alive.length + containers.length
  if (former.owner === undefined && left > 0) return former
  if (left > 0) log('ending the servers of a former run, which was killed')
  await Promise.all([...alive.map((ref) => terminate(ref, 8000)), removeContainers(containers)])
  return standing ? {} : { owner: thisProcess() }
}

function isServed(running: RunningFile, part: StackPart): boolean {
  const ref = running[part]
  return (ref !== undefined && isAlive(ref)) || running.containers?.[part] !== undefined
}
