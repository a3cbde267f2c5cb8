import { appendFile, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { silentLogger } from '@heed/platform/log'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Click } from './click.ts'
import { FolderInUse } from './folder-lock.ts'
import { openSpool, type Spool, SpoolFull } from './spool.ts'

let root: string
let folder: string
let spool: Spool
let opened: Spool[]

const click = (number: number): Click => ({
  requestId: `click-${number}`,
  linkRef: String(number % 10).repeat(32),
  scope: 'all',
  method: 'one-click',
  tokenFingerprint: '01234567',
  keyId: 'k1',
  usedAt: 1_764_000_000_000 + number,
})
const everything = () => false
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `click-${from + index}`)
const appendAll = (from: number, to: number) =>
  Promise.all(Array.from({ length: to - from + 1 }, (_, index) => spool.append(click(from + index))))
/** What is given out next: the ids, and how to say that they were sent on. */
const next = async (limit = 1_000) => {
  const batch = await spool.next(limit, everything)
  return { ids: batch?.clicks.map(({ requestId }) => requestId) ?? [], damaged: batch?.damaged ?? 0, done: () => batch?.done() }
}
/** All that is given out until there is nothing more. */
const rest = async () => {
  const ids: string[] = []
  for (let batch = await next(7); batch.ids.length > 0; batch = await next(7)) ids.push(...batch.ids)
  return ids
}
const open = async (maxBytes = 10_000_000) => {
  spool = await openSpool(folder, { maxBytes, log: silentLogger })
  opened.push(spool)
}
/** What a kill leaves: the files as they are now, and no process that has them open. Housekeeping that is under way may be finished or not. */
const killAndOpen = async (change: (folder: string) => Promise<void> = async () => undefined, maxBytes?: number) => {
  const copy = join(root, `after-kill-${opened.length}`)
  for (let copied = false; !copied; ) {
    // a file that housekeeping removes meanwhile: the copy is made anew
    copied = await cp(folder, copy, { recursive: true, force: true, filter: (file) => !file.endsWith('.sock') }).then(
      () => true,
      () => false,
    )
    if (!copied) await rm(copy, { recursive: true, force: true })
  }
  folder = copy
  await change(folder)
  await open(maxBytes)
}
const segments = async () => (await readdir(folder)).filter((name) => name.startsWith('clicks-')).sort()

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-spool-'))
  folder = join(root, 'spool')
  opened = []
  await open()
})
afterEach(async () => {
  for (const one of opened) await one.close()
  await rm(root, { recursive: true, force: true })
})

describe('the spool', () => {
  it('gives clicks out once, in the order in which they came, and again after a rewind unless they were sent on', async () => {
    await appendAll(1, 10)
    const first = await next(4)
    expect(first.ids).toEqual(numbered(1, 4))
    expect((await next(4)).ids).toEqual(numbered(5, 8))
    expect([spool.size, spool.unread]).toEqual([10, 2])
    first.done()
    spool.rewind()
    expect([spool.size, spool.unread]).toEqual([6, 6])
    expect(await rest()).toEqual(numbered(5, 10))
  })

  it('forgets what was sent on only once all before it is sent on', async () => {
    await appendAll(1, 9)
    const [first, second] = [await next(3), await next(3)]
    second.done()
    expect(spool.size).toBe(9)
    first.done()
    expect(spool.size).toBe(3)
  })

  it('gives out nothing from the first click on that its reader does not want yet', async () => {
    await appendAll(1, 6)
    const batch = await spool.next(99, ({ requestId }) => requestId === 'click-4')
    expect(batch?.clicks.map(({ requestId }) => requestId)).toEqual(numbered(1, 3))
    expect(await spool.next(99, ({ requestId }) => requestId === 'click-4')).toBeUndefined()
    expect((await next()).ids).toEqual(numbered(4, 6))
  })

  it('writes all that came during an fsync with the next one', async () => {
    await Promise.all([appendAll(1, 1), appendAll(2, 400)])
    const [name = ''] = await segments()
    expect((await readFile(join(folder, name), 'utf8')).split('\n')).toHaveLength(401)
    expect(await rest()).toEqual(numbered(1, 400))
  })

  it('says how old the oldest click is, and never too young', async () => {
    expect(spool.oldestAt).toBeUndefined()
    await appendAll(1, 5)
    expect(spool.oldestAt).toBe(click(1).usedAt)
    const first = await next(3)
    first.done()
    expect(spool.oldestAt).toBeLessThanOrEqual(click(4).usedAt)
    await killAndOpen()
    expect(spool.oldestAt).toBeLessThanOrEqual(click(4).usedAt)
    for (let batch = await next(); batch.ids.length > 0; batch = await next()) batch.done()
    expect(spool.oldestAt).toBeUndefined()
  })
})

describe('after a kill, the spool', () => {
  it('has everything that it acknowledged, and goes on where it was', async () => {
    await appendAll(1, 5)
    const first = await next(2)
    first.done()
    await vi.waitUntil(async () => (await readFile(join(folder, 'head'), 'utf8').catch(() => '')).startsWith('1 '))
    await killAndOpen()
    expect(spool.size).toBe(3)
    await appendAll(6, 7)
    expect(await rest()).toEqual(numbered(3, 7))
  })

  it('passes over a line that was cut off: it was never acknowledged', async () => {
    await appendAll(1, 2)
    await killAndOpen(async (left) => {
      const file = join(left, 'clicks-00000001.ndjson')
      await appendFile(file, (await readFile(file, 'utf8')).slice(0, 40))
    })
    expect(spool.size).toBe(2)
    await appendAll(3, 3)
    expect(await rest()).toEqual(numbered(1, 3))
  })

  it('passes over a line that the disk has damaged, says so, and gives out the others', async () => {
    await appendAll(1, 3)
    await killAndOpen(async (left) => {
      const file = join(left, 'clicks-00000001.ndjson')
      await writeFile(file, (await readFile(file, 'utf8')).replace('click-2', 'click-9'))
    })
    const batch = await next()
    expect(batch).toMatchObject({ ids: ['click-1', 'click-3'], damaged: 1 })
    batch.done()
    expect(spool.size).toBe(0)
  })

  it.each(['', '1 9', '1 999999\n', 'nonsense\n', '1 17 \n'])(
    'sends again rather than forgets, where its place was lost: %j',
    async (text) => {
      await appendAll(1, 3)
      const first = await next(2)
      first.done()
      await killAndOpen((left) => writeFile(join(left, 'head'), text))
      expect(await rest()).toEqual(numbered(1, 3))
    },
  )

  it('does not take the place that it noted in one segment for a place in another', async () => {
    await appendAll(1, 3)
    const all = await next()
    all.done()
    await vi.waitUntil(async () => (await readFile(join(folder, 'head'), 'utf8').catch(() => '')).startsWith('1 '))
    await spool.tidy()
    await killAndOpen()
    await appendAll(4, 9)
    await killAndOpen()
    expect(await rest()).toEqual(numbered(4, 9))
  })

  test.prop(
    [
      fc.array(
        fc.oneof(
          fc.nat({ max: 30 }).map((count) => ({ append: count })),
          fc.constant('send' as const),
          fc.constant('kill' as const),
        ),
        { maxLength: 12 },
      ),
    ],
    {
      numRuns: 25,
    },
  )('loses nothing that it acknowledged, whatever happened before, and keeps the order', async (steps) => {
    await killAndOpen((left) => rm(left, { recursive: true }))
    let count = 0
    const sent: string[] = []
    for (const step of steps) {
      if (step === 'kill') await killAndOpen()
      else if (step === 'send') {
        const batch = await next(20)
        sent.push(...batch.ids)
        batch.done()
      } else {
        await appendAll(count + 1, count + step.append)
        count += step.append
      }
    }
    await killAndOpen()
    sent.push(...(await rest()))
    // a click may be given out twice, and never before one that came earlier was given out
    expect([...new Set(sent)]).toEqual(numbered(1, count))
  })
})

describe('the room of the spool', () => {
  it('is given back segment by segment', async () => {
    await spool.close()
    await open(100_000)
    // one after the other, so that they spread over segments
    for (let number = 1; number <= 120; number += 1) await spool.append(click(number))
    const before = await segments()
    expect(before.length).toBeGreaterThan(2)
    const first = await next(119)
    first.done()
    while ((await next()).ids.length > 0);
    await vi.waitUntil(async () => (await segments()).length < before.length)
    expect(spool.size).toBeGreaterThan(0)
    spool.rewind()
    expect((await rest()).at(-1)).toBe('click-120')
  })

  it('is all given back once everything was sent on', async () => {
    await appendAll(1, 500)
    await spool.tidy()
    expect(spool.bytes).toBeGreaterThan(0)
    for (let batch = await next(); batch.ids.length > 0; batch = await next()) batch.done()
    await spool.tidy()
    expect([await segments(), spool.bytes]).toEqual([[], 0])
    await appendAll(501, 501)
    expect(await rest()).toEqual(['click-501'])
  })

  it('has a limit: what is refused is not there, and what is sent on makes room', async () => {
    await spool.close()
    await open(4_000)
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        spool.append(click(index + 1)).then(
          () => 'taken',
          (error) => (error instanceof SpoolFull ? 'full' : 'other'),
        ),
      ),
    )
    const taken = results.filter((result) => result === 'taken').length
    expect(results).toEqual([...Array(taken).fill('taken'), ...Array(30 - taken).fill('full')])
    expect([taken > 5, taken < 30, spool.isFull]).toEqual([true, true, true])
    expect((await stat(join(folder, 'clicks-00000001.ndjson'))).size).toBeLessThanOrEqual(4_000)
    const batch = await next()
    expect(batch.ids).toEqual(numbered(1, taken))
    batch.done()
    await appendAll(31, 31)
    expect(spool.isFull).toBe(false)
    expect(await rest()).toEqual(['click-31'])
  })

  it('keeps a click aside that nobody can accept', async () => {
    await spool.setAside(click(1))
    expect(await readFile(join(folder, 'set-aside.ndjson'), 'utf8')).toContain('click-1')
  })
})

it('is not opened twice at once', async () => {
  await expect(openSpool(folder, { maxBytes: 1_000_000, log: silentLogger })).rejects.toThrow(FolderInUse)
  await spool.close()
  await open()
  await appendAll(1, 1)
  expect(spool.size).toBe(1)
})
