import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@heed/platform/clock'
import { silentLogger } from '@heed/platform/log'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Click } from './click.ts'
import { type ClickIntake, clickIntake, type LinkUseResult } from './click-intake.ts'
import { openSpool, type Spool } from './spool.ts'

let folder: string
let spool: Spool
let intake: ClickIntake
let away: boolean
let poison: string | undefined
let calls: string[][]
let journal: string[]

const click = (number: number): Click => ({
  requestId: `click-${number}`,
  linkRef: '0'.repeat(32),
  scope: 'all',
  method: 'one-click',
  tokenFingerprint: '01234567',
  keyId: 'k1',
  usedAt: number,
})
const use = async (clicks: readonly Click[]): Promise<readonly LinkUseResult[] | 'refused'> => {
  const ids = clicks.map(({ requestId }) => requestId)
  calls.push(ids)
  await new Promise((resolve) => setImmediate(resolve))
  if (away) throw new Error('away')
  if (poison !== undefined && ids.includes(poison)) return 'refused'
  for (const id of ids) if (!journal.includes(id)) journal.push(id)
  return ids.map(() => 'changed')
}
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `click-${from + index}`)
const acceptAll = (from: number, to: number) => Promise.all(numbered(from, to).map((_, index) => intake.accept(click(from + index))))
const open = async () => {
  spool = await openSpool(folder, { maxBytes: 1_000_000 })
  const events = { journalled: () => undefined, spooled: () => undefined, forwarded: () => undefined, setAside: () => undefined }
  intake = clickIntake({ links: { use }, spool, events, log: silentLogger, clock: systemClock })
}
const drained = () =>
  vi.waitUntil(
    async () => {
      await intake.forwarder.settle()
      return spool.size === 0
    },
    { timeout: 5_000 },
  )

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-clicks-'))
  away = false
  poison = undefined
  calls = []
  journal = []
  await open()
})
afterEach(async () => {
  await intake.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('a click', () => {
  it('is journalled before it is answered, together with those that came meanwhile', async () => {
    const results = await acceptAll(1, 100)
    expect(new Set(results)).toEqual(new Set(['changed']))
    expect(journal).toEqual(numbered(1, 100))
    expect(calls.length).toBeLessThan(5)
  })

  it('goes to the spool while preferences is away, and reaches it later, in order and once', async () => {
    away = true
    expect(new Set(await acceptAll(1, 20))).toEqual(new Set(['spooled']))
    expect(journal).toEqual([])
    away = false
    await drained()
    await acceptAll(21, 22)
    expect(journal).toEqual(numbered(1, 22))
  })

  it('waits behind the ones in the spool', async () => {
    away = true
    await acceptAll(1, 3)
    const before = calls.length
    await acceptAll(4, 6)
    expect(spool.size).toBe(6)
    expect(calls.slice(before).flat()).not.toContain('click-4')
  })

  it('survives a kill between the answer and the forwarding', async () => {
    away = true
    await acceptAll(1, 5)
    await intake.forwarder.stop()
    away = false
    await open()
    await drained()
    expect(journal).toEqual(numbered(1, 5))
  })

  it('that nobody can ever accept is set aside and holds up no other', async () => {
    away = true
    await acceptAll(1, 9)
    poison = 'click-4'
    away = false
    await drained()
    expect(journal).toEqual(numbered(1, 9).filter((id) => id !== 'click-4'))
    expect(await readFile(join(folder, 'set-aside.ndjson'), 'utf8')).toContain('click-4')
  })
})
