import { deadlineAlarm, deadlineShare } from '@heed/domain'
import { ManualClock } from '@heed/platform/clock'
import { createMetrics } from '@heed/platform/metrics'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { effectiveReason, openFigures, watchOpen } from './figures.ts'
import { createInbox } from './inbox/inbox.ts'
import { lanes } from './inbox/row.ts'
import { aDelivery, keptLog, openRows, recipient, startTime, type TestRows } from './testing.fixture.ts'

let opened: TestRows
const figuresAt = async (now: number) => {
  const found = (await openFigures(opened.rows, [recipient()], now)).get(recipient())
  if (found === undefined) throw new Error('a recipient that was asked for has no figures')
  return found
}
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
beforeEach(async () => {
  await opened.rows.deleteMany({})
})

const hour = 3_600_000
const inbox = () => createInbox(opened.rows, { clock: new ManualClock(startTime + 60_000), newerMayOvertake: () => false })

describe('what is open', () => {
  it('is counted by the same clock as the domain’s', async () => {
    const some = fc.array(fc.record({ hours: fc.integer({ min: 1, max: 48 }), repeated: fc.boolean() }), { minLength: 1, maxLength: 12 })
    const property = fc.asyncProperty(some, fc.integer({ min: 0, max: 60 }), async (clocks, elapsed) => {
      await opened.rows.deleteMany({})
      const deliveries = clocks.map(({ hours, repeated }, index) =>
        aDelivery(`p${index}`, 1, 'denied', {
          acceptedAt: startTime,
          assertion: repeated ? startTime + hour : 0,
          deadlineAt: startTime + hours * hour,
        }),
      )
      await inbox().accept(deliveries)
      const now = startTime + elapsed * hour
      const { byAlarm, open } = await figuresAt(now)
      const expected = { none: 0, half: 0, eighty: 0, late: 0 }
      for (const delivery of deliveries) expected[deadlineAlarm(deadlineShare(delivery, now))] += 1
      expect(byAlarm).toEqual(expected)
      expect(open).toBe(deliveries.length)
    })
    await fc.assert(property, { numRuns: 40 })
  })

  it('is counted by why it waits, with its age, and without what is settled', async () => {
    await inbox().accept([1, 2, 3, 4].map((index) => aDelivery(`p${index}`, 1, 'denied', { acceptedAt: startTime + index })))
    const rows = await opened.rows.find().sort({ acceptedAt: 1 }).toArray()
    await opened.rows.updateOne({ _id: rows[0]?._id ?? '' }, { $unset: { lane: 1 } })
    await opened.rows.updateOne({ _id: rows[3]?._id ?? '' }, { $set: { lane: lanes.parked, waitReason: 'needs_person' } })
    expect(await figuresAt(startTime)).toMatchObject({
      open: 3,
      byReason: { waiting_turn: 2, needs_person: 1, paused: 0 },
      oldestAt: startTime + 2,
    })
  })

  it('raises an alarm when it passes half of its time, four fifths, and all of it: once, and again when there is more', async () => {
    const clock = new ManualClock(startTime)
    const log = keptLog()
    const metrics = createMetrics()
    const take = (name: string) =>
      inbox().accept([aDelivery(name, 1, 'denied', { acceptedAt: startTime, deadlineAt: startTime + 10 * hour })])
    const look = async () => {
      const watch = watchOpen({ rows: opened.rows, recipients: [recipient()], recipientReason: () => 'breaker_open', clock, log, metrics })
      await watch.settle()
      await watch.stop()
      return log.lines.splice(0).map(({ fields }) => `${String(fields.share)} ${String(fields.deliveries)}`)
    }
    await take('ada')
    expect(await look()).toEqual([])
    await clock.advance(6 * hour)
    expect(await look()).toEqual(['half 1'])
    await take('bob')
    expect(await look()).toEqual(['half 2'])
    await clock.advance(3 * hour)
    expect(await look()).toEqual(['eighty 2'])
    await clock.advance(2 * hour)
    expect(await look()).toEqual(['late 2'])
    const text = await metrics.read()
    expect(text).toContain('heed_deliveries_open{recipient="mail-provider",reason="breaker_open"} 2')
    expect(text).toContain('heed_delivery_deadline_passed{recipient="mail-provider",share="late"} 2')
    expect(text).toContain('heed_delivery_oldest_seconds{recipient="mail-provider"} 39600')
  })
})

describe('why a row waits', () => {
  it('is what holds the recipient back, unless it is its own', () => {
    expect(effectiveReason('waiting_turn', 'breaker_open')).toBe('breaker_open')
    expect(effectiveReason(undefined, undefined)).toBe('waiting_turn')
    expect(effectiveReason('needs_person', 'breaker_open')).toBe('needs_person')
    expect(effectiveReason('awaiting_confirmation', 'auth_failed')).toBe('awaiting_confirmation')
  })
})
