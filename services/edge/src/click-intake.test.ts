import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@heed/platform/clock'
import { silentLogger } from '@heed/platform/log'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Click } from './click.ts'
import { type ClickIntake, clickIntake } from './click-intake.ts'
import type { Forwarded, LinkUseResult } from './forwarder.ts'
import { openSpool, type Spool, SpoolFull } from './spool.ts'

let root: string
let folder: string
let spool: Spool
let intake: ClickIntake
let running: ClickIntake[]
let away: boolean
let poison: string | undefined
/** Calls to preferences wait until the gate opens, where there is one. */
let gate: Promise<void> | undefined
let calls: string[][]
let journal: { id: string; person: string }[]
let forwarded: Forwarded[]

const click = (number: number, person = number): Click => ({
  requestId: `click-${number}`,
  linkRef: String(person).padStart(32, '0'),
  scope: 'all',
  method: 'one-click',
  tokenFingerprint: '01234567',
  keyId: 'k1',
  usedAt: number,
})
// preferences as it promises to be: atomic for no call, once for each request id
const use = async (clicks: readonly Click[], { signal }: { signal: AbortSignal }): Promise<readonly LinkUseResult[] | 'refused'> => {
  const ids = clicks.map(({ requestId }) => requestId)
  calls.push(ids)
  await new Promise((resolve) => setImmediate(resolve))
  if (gate !== undefined) await Promise.race([gate, new Promise((resolve) => signal.addEventListener('abort', resolve))])
  if (away || signal.aborted) throw new Error('away')
  if (poison !== undefined && ids.includes(poison)) return 'refused'
  for (const { requestId: id, linkRef: person } of clicks) if (!journal.some((row) => row.id === id)) journal.push({ id, person })
  return ids.map(() => 'changed')
}
const ids = () => journal.map(({ id }) => id)
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `click-${from + index}`)
const acceptAll = (from: number, to: number) =>
  Promise.all(Array.from({ length: to - from + 1 }, (_, index) => intake.accept(click(from + index))))
const open = async (maxBytes = 10_000_000) => {
  spool = await openSpool(folder, { maxBytes, log: silentLogger })
  const events = { taken: () => undefined, forwarded: (call: Forwarded) => void forwarded.push(call), damaged: () => undefined }
  intake = clickIntake({ links: { use }, spool, events, log: silentLogger, clock: systemClock, patienceMs: 500 })
  running.push(intake)
}
const drained = () =>
  vi.waitUntil(
    async () => {
      await intake.forwarder.settle()
      return spool.size === 0
    },
    { timeout: 5_000 },
  )
const opener = () => {
  let openGate: () => void = () => undefined
  gate = new Promise((resolve) => (openGate = resolve))
  return () => {
    gate = undefined
    openGate()
  }
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-clicks-'))
  folder = join(root, 'spool')
  away = false
  poison = undefined
  gate = undefined
  calls = []
  journal = []
  forwarded = []
  running = []
  await open()
})
afterEach(async () => {
  for (const one of running) await one.stop()
  await rm(root, { recursive: true, force: true })
})

describe('a click', () => {
  it('is answered without waiting for preferences, and is sent on at once', async () => {
    const openGate = opener()
    expect(await intake.accept(click(1))).toBe('spooled')
    await vi.waitUntil(() => calls.length === 1)
    expect([journal, spool.size]).toEqual([[], 1])
    openGate()
    await vi.waitUntil(() => spool.size === 0)
    expect(ids()).toEqual(['click-1'])
  })

  it('goes on together with those that came during a call', async () => {
    await acceptAll(1, 100)
    await drained()
    expect(ids()).toEqual(numbered(1, 100))
    expect(calls.length).toBeLessThan(5)
  })

  it('stays in the spool while preferences is away, and reaches it later, in order and once', async () => {
    away = true
    expect(new Set(await acceptAll(1, 20))).toEqual(new Set(['spooled']))
    expect(journal).toEqual([])
    away = false
    await drained()
    await acceptAll(21, 22)
    await drained()
    expect(ids()).toEqual(numbered(1, 22))
  })

  it('survives a kill between the answer and the forwarding', async () => {
    away = true
    await acceptAll(1, 5)
    const left = join(root, 'after-kill')
    await cp(folder, left, { recursive: true, filter: (file) => !file.endsWith('.sock') })
    folder = left
    away = false
    await open()
    await drained()
    expect([...new Set(ids())].sort()).toEqual(numbered(1, 5))
  })

  it('that nobody can ever accept is set aside and holds up no other', async () => {
    away = true
    await acceptAll(1, 9)
    poison = 'click-4'
    away = false
    await drained()
    expect(ids()).toEqual(numbered(1, 9).filter((id) => id !== 'click-4'))
    expect(await readFile(join(folder, 'set-aside.ndjson'), 'utf8')).toContain('click-4')
    expect(forwarded.flatMap(({ results }) => results).filter((result) => result === 'set-aside')).toHaveLength(1)
  })
})

describe('a backlog', () => {
  it('goes on in several calls at once, of no more than five hundred', async () => {
    const openGate = opener()
    await acceptAll(1, 1)
    await vi.waitUntil(() => calls.length === 1)
    await acceptAll(2, 3_000)
    await vi.waitUntil(() => calls.length === 4)
    openGate()
    await drained()
    expect(Math.max(...calls.map(({ length }) => length))).toBe(500)
    expect(ids().toSorted()).toEqual(numbered(1, 3_000).toSorted())
  })

  it('never has two clicks of one person under way in two calls', async () => {
    const openGate = opener()
    await intake.accept(click(1, 7))
    await vi.waitUntil(() => calls.length === 1)
    await Promise.all(Array.from({ length: 900 }, (_, index) => intake.accept(click(index + 2, index === 400 ? 7 : index + 1_000))))
    await vi.waitUntil(() => calls.length === 2)
    // the second call ends before the second click of that person, and nothing behind it overtakes
    expect(calls[1]).toEqual(numbered(2, 401))
    openGate()
    await drained()
    expect(journal.filter(({ person }) => person === click(1, 7).linkRef).map(({ id }) => id)).toEqual(['click-1', 'click-402'])
    expect(new Set(ids()).size).toBe(901)
  })

  it('of which one call failed is sent again, and counts once', async () => {
    const openGate = opener()
    await acceptAll(1, 1)
    await vi.waitUntil(() => calls.length === 1)
    await acceptAll(2, 2_000)
    await vi.waitUntil(() => calls.length === 4)
    away = true
    openGate()
    await vi.waitUntil(() => calls.length > 4)
    away = false
    await drained()
    expect(ids().toSorted()).toEqual(numbered(1, 2_000).toSorted())
  })
})

describe('a click that the spool cannot take', () => {
  beforeEach(async () => {
    await intake.stop()
    await open(4_000)
  })
  /** Fills the spool; how many it took. */
  const fill = async () => {
    let taken = 0
    while (
      await spool.append(click(1_000 + taken)).then(
        () => true,
        () => false,
      )
    )
      taken += 1
    return taken
  }

  it('waits for preferences, which makes room', async () => {
    const openGate = opener()
    const taken = await fill()
    intake.forwarder.wake()
    const answer = intake.accept(click(1))
    await vi.waitUntil(() => calls.length === 1)
    openGate()
    expect(await answer).toBe('spooled')
    await drained()
    expect(ids()).toEqual([...numbered(1_000, 999 + taken), 'click-1'])
  })

  it('goes to preferences itself where the spool takes nothing at all, and does not overtake', async () => {
    await intake.stop()
    await open(100)
    expect(await Promise.all([intake.accept(click(1, 1)), intake.accept(click(2, 1))])).toEqual(['journalled', 'journalled'])
    expect(ids()).toEqual(['click-1', 'click-2'])
  })

  it('is refused where preferences is away too, and nothing of it is kept', async () => {
    away = true
    const taken = await fill()
    await expect(intake.accept(click(1))).rejects.toThrow(SpoolFull)
    away = false
    await drained()
    expect(ids()).toEqual(numbered(1_000, 999 + taken))
  })
})

it('stops while preferences does not answer, and keeps what it has', async () => {
  opener()
  await acceptAll(1, 3)
  await vi.waitUntil(() => calls.length === 1)
  const startedAt = performance.now()
  await intake.stop()
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  gate = undefined
  await open()
  await drained()
  expect(ids()).toEqual(numbered(1, 3))
})
