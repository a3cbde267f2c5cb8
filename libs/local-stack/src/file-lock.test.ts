import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type HeldLock, lock, parseOwner, tryLock } from './file-lock.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-lock-'))
  path = join(folder, 'x.lock')
})
afterEach(() => rmSync(folder, { recursive: true }))

function taken(result: ReturnType<typeof tryLock>): HeldLock {
  if ('heldBy' in result) throw new Error(`held by ${result.heldBy.pid}`)
  return result
}

describe('tryLock', () => {
  it('is held by one, and free again after its release', () => {
    const first = taken(tryLock(path))
    expect(tryLock(path)).toMatchObject({ heldBy: { pid: process.pid } })
    first.release()
    taken(tryLock(path)).release()
    expect(readdirSync(folder)).toEqual([])
  })

  it('does not release the lock of the next holder by a second release', () => {
    const first = taken(tryLock(path))
    first.release()
    const second = taken(tryLock(path))
    first.release()
    expect(tryLock(path)).toMatchObject({ heldBy: { pid: process.pid } })
    second.release()
  })

  it.each([
    ['of a dead process', JSON.stringify({ pid: 2 ** 30, startMark: '1' })],
    ['of a process whose id was given away again', JSON.stringify({ pid: process.pid, startMark: 'earlier' })],
    ['without an owner', ''],
  ])('recovers at once a lock %s', (_, text) => {
    writeFileSync(path, text)
    taken(tryLock(path)).release()
    expect(readdirSync(folder)).toEqual([])
  })

  it('recovers a lock whose recoverer died, too', () => {
    writeFileSync(path, '')
    mkdirSync(`${path}.recovery`)
    utimesSync(`${path}.recovery`, 0, 0)
    taken(tryLock(path)).release()
  })

  it('leaves a stale lock to one that is recovering it just now', () => {
    writeFileSync(path, '')
    mkdirSync(`${path}.recovery`)
    expect(tryLock(path)).toHaveProperty('heldBy')
  })
})

describe('lock', () => {
  it('waits for its turn, and tells once whom it waits for', async () => {
    const first = taken(tryLock(path))
    const waited: number[] = []
    const second = lock(path, {
      timeoutMs: 5000,
      onWait(owner) {
        waited.push(owner.pid)
        setImmediate(() => first.release())
      },
    })
    ;(await second).release()
    expect(waited).toEqual([process.pid])
  })

  it('gives up after its time', async () => {
    const first = taken(tryLock(path))
    await expect(lock(path, { timeoutMs: 0 })).rejects.toThrow(`process ${process.pid} still holds`)
    first.release()
  })
})

describe('parseOwner', () => {
  it.each(['', '{', 'null', '{"pid":"1","startMark":"2"}', '{"pid":1}'])('takes %j for damaged', (text) => {
    expect(parseOwner(text)).toBeUndefined()
  })
})
