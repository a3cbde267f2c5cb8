import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderInUse, type FolderLock, lockFolder } from './folder-lock.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Another process that has the folder; resolves once it has. */
async function owner() {
  const script = `const { lockFolder } = await import(${JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href)})
    await lockFolder(${JSON.stringify(folder)})
    setInterval(() => undefined, 1000)
    console.log('locked')`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return { pid: child.pid, kill: () => Promise.all([once(child, 'exit'), child.kill('SIGKILL')]) }
}

describe('a folder', () => {
  it('belongs to one process as long as that lives, and to the next one as soon as it is killed', async () => {
    const other = await owner()
    await expect(lockFolder(folder)).rejects.toThrow(FolderInUse)
    await other.kill()
    const lock = await lockFolder(folder)
    await expect(lockFolder(folder)).rejects.toThrow(FolderInUse)
    await lock.release()
    expect(await readdir(folder)).toEqual([])
  })

  it('is taken by one of many that come at once after a kill', async () => {
    const other = await owner()
    await other.kill()
    const attempts = await Promise.allSettled(Array.from({ length: 12 }, () => lockFolder(folder)))
    const taken = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
    expect(taken).toHaveLength(1)
    expect(attempts.filter((attempt) => attempt.status === 'rejected').every(({ reason }) => reason instanceof FolderInUse)).toBe(true)
    await taken[0]?.release()
  })

  it('can be taken again after it was given back', async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const lock: FolderLock = await lockFolder(folder)
      await lock.release()
    }
  })
})
