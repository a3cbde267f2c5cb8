import type { ManualClock } from '@heed/platform/clock'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PlannedRequest } from '../contract.ts'
import {
  aDelivery,
  aDescriptor,
  answerOf,
  aRecipient,
  openRows,
  openWorkshop,
  recipient,
  ScriptedVendor,
  startTime,
  status,
  subject,
  type TestRows,
  type TestWorkshop,
  type TestWorkshopOptions,
  toldOf,
} from '../testing.fixture.ts'

let opened: TestRows
const running: TestWorkshop[] = []
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
beforeEach(async () => {
  for (const name of ['inbox', 'flights', 'batches', 'batchItems', 'recipients', 'leases'])
    await opened.connection.collection(opened.database, name).deleteMany({})
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})
async function open(options: Partial<TestWorkshopOptions> = {}): Promise<TestWorkshop> {
  const workshop = await openWorkshop({ opened, ...options })
  running.push(workshop)
  return workshop
}

const day = 86_400
const people = (count: number, choice: 'denied' | 'granted' = 'denied', prefix = 'p') =>
  Array.from({ length: count }, (_, index) => aDelivery(`${prefix}${index}`, 1, choice))
const namesIn = (requests: readonly PlannedRequest[]) => requests.flatMap((request) => toldOf(request).map(({ subjectId }) => subjectId))
const again = (days = 10): Partial<TestWorkshopOptions> => ({ recipients: [aRecipient(recipient(), { reassertEveryDays: days })] })
/** Time goes by, a day at a time. */
async function days(test: TestWorkshop, count: number): Promise<void> {
  for (let passed = 0; passed < count; passed += 1) await test.after(day)
}
const openRowsNow = () => opened.rows.countDocuments({ lane: { $lt: 4 } })

describe('a recipient that cannot be read', () => {
  const unreadable = aDescriptor({ batch: { maxTasks: 10 }, confirmation: 'never' })

  it('is told every refusal again once in each interval, spread over it; opt-ins, and what is new, are not', async () => {
    const test = await open({ descriptor: unreadable, ...again() })
    await test.take(...people(40), ...people(20, 'granted', 'g'))
    await test.settle()
    await days(test, 10)
    test.vendor.requests.length = 0
    await days(test, 8)
    // too new to be told again when its turn comes
    await test.take(aDelivery('fresh', 1, 'denied', { acceptedAt: test.clock.now() }))
    const spread = namesIn(test.vendor.asserts).length
    await days(test, 2)
    expect(namesIn(test.vendor.asserts).sort()).toEqual([...people(40).map(({ subjectId }) => subjectId), subject('fresh')].sort())
    expect(spread).toBeGreaterThan(20)
    expect(spread).toBeLessThan(40)
    expect(await openRowsNow()).toBe(0)
  })

  it('keeps what it was told settled, under a later assertion that has as much time as the first', async () => {
    const test = await open({ descriptor: unreadable, ...again() })
    await test.take(aDelivery('ada', 1))
    await test.settle()
    const before = await test.row('ada')
    await test.after(10 * day)
    const row = await test.row('ada')
    expect(row).toMatchObject({ state: 'accepted', final: true, version: 1, acceptedAt: before.acceptedAt })
    expect(row.assertion).toBe(test.clock.now())
    expect(row.deadlineAt - row.assertion).toBe(before.deadlineAt - before.acceptedAt)
    expect(await test.outcomes('ada')).toMatchObject([
      { assertion: 0, outcome: { kind: 'accepted', final: true } },
      { assertion: row.assertion, attempt: 1, outcome: { kind: 'accepted', final: true } },
    ])
  })

  it('goes on where it was when the process is started again in the middle of a round', async () => {
    const vendor = new ScriptedVendor()
    const first = await open({ descriptor: unreadable, vendor, ...again() })
    await first.take(...people(100))
    await first.settle()
    await days(first, 10)
    vendor.requests.length = 0
    await days(first, 5)
    const half = vendor.asserts.length
    expect(half).toBeGreaterThan(2)
    expect(half).toBeLessThan(8)
    const clock: ManualClock = first.clock
    await running.splice(0)[0]?.stop()
    const second = await open({ descriptor: unreadable, vendor, clock, ...again() })
    await second.settle()
    expect(vendor.asserts).toHaveLength(half)
    await days(second, 5)
    expect(namesIn(vendor.asserts).sort()).toEqual(
      people(100)
        .map(({ subjectId }) => subjectId)
        .sort(),
    )
  })

  it('is told a fresh refusal first, however many stand in line to be told again', async () => {
    const test = await open({ descriptor: aDescriptor({ batch: { maxTasks: 10 }, rate: { concurrentRequests: 1 } }), ...again() })
    await test.take(...people(100))
    await test.settle()
    test.vendor.requests.length = 0
    // the whole round is due at once; the fresh one comes while the first of its batches is under way
    test.vendor.script = async () => {
      if (test.vendor.requests.length === 1) await test.take(aDelivery('fresh', 1, 'denied', { acceptedAt: test.clock.now() }))
      return undefined
    }
    await test.after(10 * day)
    expect(namesIn(test.vendor.asserts)).toHaveLength(101)
    expect(namesIn(test.vendor.asserts.slice(1, 2))).toEqual([subject('fresh')])
  })

  it('that is down is not given more than a batch to be told again', async () => {
    const test = await open({ descriptor: unreadable, ...again() })
    await test.take(...people(50))
    await test.settle()
    test.vendor.script = () => status(503)
    await test.after(10 * day)
    expect(await openRowsNow()).toBe(10)
    test.vendor.script = () => undefined
    await test.after(3_600)
    expect(await openRowsNow()).toBe(0)
    const reasserted = await opened.rows.countDocuments({ assertion: { $gt: startTime } })
    expect(reasserted).toBe(50)
  })

  it('is told nothing again where the policy says never', async () => {
    const test = await open({ descriptor: aDescriptor({ reassertEveryDays: 10 }), ...again(0) })
    await test.take(...people(3))
    await test.settle()
    test.vendor.requests.length = 0
    await test.after(400 * day)
    expect(test.vendor.requests).toEqual([])
  })
})

describe('a recipient that can be read', () => {
  const readable = aDescriptor({ readBack: { afterSeconds: 60, maxTasks: 5, share: 0 } })
  const sampled = (size: number): Partial<TestWorkshopOptions> => ({
    descriptor: readable,
    recipients: [aRecipient(recipient(), { driftSampleEveryHours: 24, driftSampleSize: size })],
  })
  const reads = (test: TestWorkshop) => test.vendor.requests.filter(({ intent }) => intent === 'read-back')

  /** A vendor that lost one person, until she is told again. */
  function forgetful(test: TestWorkshop, lost: string): void {
    test.vendor.script = (request) => {
      if (request.intent !== 'read-back') return undefined
      const isLost = test.vendor.told.filter(({ subjectId }) => subjectId === subject(lost)).length < 2
      return answerOf({
        observed: request.covers.map((deliveryId) => ({
          deliveryId,
          holds: isLost && deliveryId.includes(subject(lost)) ? ('other' as const) : ('wanted' as const),
        })),
      })
    }
  }

  it('is found out when it lost somebody: counted, told to the trail, and repaired with a clock of its own', async () => {
    const test = await open(sampled(50))
    await test.take(...people(12))
    await test.settle()
    forgetful(test, 'p7')
    const before = await test.row('p7')
    await test.after(day)
    const row = await test.row('p7')
    const at = row.assertion
    expect(at).toBeGreaterThan(startTime + day * 1000)
    expect(row).toMatchObject({ state: 'confirmed', deadlineAt: at + before.deadlineAt - before.acceptedAt, drifts: 1 })
    expect((await test.outcomes('p7')).map(({ assertion, step, outcome }) => ({ assertion, step, outcome }))).toEqual([
      { assertion: 0, step: 'asserted', outcome: { kind: 'confirmed' } },
      { assertion: at, step: 'read-back', outcome: { kind: 'deferred', reason: 'item.drifted' } },
      { assertion: at, step: 'asserted', outcome: { kind: 'confirmed' } },
    ])
    expect(test.log.lines.filter(({ event }) => event === 'drift.found')).toMatchObject([{ fields: { deliveries: 1 } }])
    expect(await opened.rows.countDocuments({ state: 'verified' })).toBe(11)
    expect(await openRowsNow()).toBe(0)
  })

  it('is read no more than the sample asks for, and another part of the people each time, a restart in between', async () => {
    const vendor = new ScriptedVendor()
    const first = await open({ ...sampled(4), vendor })
    await first.take(...people(10))
    await first.settle()
    forgetful(first, 'nobody')
    await first.after(day)
    const clock = first.clock
    await running.splice(0)[0]?.stop()
    const second = await open({ ...sampled(4), vendor, clock })
    await second.after(day)
    const covered = reads(second).flatMap(({ covers }) => covers)
    expect(covered).toHaveLength(8)
    expect(new Set(covered).size).toBe(8)
    await second.after(day)
    expect(new Set(reads(second).flatMap(({ covers }) => covers)).size).toBe(10)
  })
})
