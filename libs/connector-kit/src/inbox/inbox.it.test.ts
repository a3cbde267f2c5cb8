import type { Delivery } from '@heed/domain'
import { ManualClock } from '@heed/platform/clock'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aDelivery, openRows, recipient, startTime, subject, type TestRows } from '../testing.fixture.ts'
import { arrivalUpdate } from './arrival-update.ts'
import { createInbox } from './inbox.ts'
import { type InboxRow, lanes, rowIdOf } from './row.ts'

let opened: TestRows
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
beforeEach(async () => {
  await opened.rows.deleteMany({})
})

const inbox = (newerMayOvertake = false) => {
  const box = createInbox(opened.rows, { clock: new ManualClock(startTime + 60_000), newerMayOvertake: () => newerMayOvertake })
  return { accept: async (deliveries: readonly Delivery[]) => (await box.accept(deliveries)).get(recipient()) }
}
const rowOf = async (name: string): Promise<InboxRow> => {
  const row = await opened.rows.findOne({ _id: rowIdOf(recipient(), subject(name)) })
  if (row === null) throw new Error('no such row')
  return row
}
const supersededOf = (row: InboxRow) => (row.outbox ?? []).filter(({ step }) => step === 'superseded').map(({ version }) => version)
const change = (name: string, update: Partial<InboxRow>) =>
  opened.rows.updateOne({ _id: rowIdOf(recipient(), subject(name)) }, { $set: update })
const settle = (name: string) =>
  opened.rows.updateOne(
    { _id: rowIdOf(recipient(), subject(name)) },
    { $set: { state: 'confirmed' }, $unset: { lane: 1, dueAt: 1, waitReason: 1, outbox: 1, outboxTag: 1 } },
  )

describe('an inbox', () => {
  it('makes a delivery due, an opt-out before an opt-in', async () => {
    await inbox().accept([aDelivery('ada', 1), aDelivery('bob', 1, 'granted')])
    expect(await rowOf('ada')).toMatchObject({
      version: 1,
      lane: lanes.optOut,
      dueAt: startTime + 1,
      state: 'pending',
      waitReason: 'waiting_turn',
    })
    expect(await rowOf('bob')).toMatchObject({ lane: lanes.optIn })
  })

  it('keeps the newest version and records the others as superseded, once each', async () => {
    const box = inbox()
    const first = await box.accept([aDelivery('ada', 2)])
    expect(first).toEqual({ wanted: 1, superseded: 0, repeated: 0, added: [await rowOf('ada')] })
    expect(await box.accept([aDelivery('ada', 4, 'granted'), aDelivery('ada', 3)])).toEqual({
      wanted: 1,
      superseded: 2,
      repeated: 0,
      added: [],
    })
    await box.accept([aDelivery('ada', 1)])
    const row = await rowOf('ada')
    expect(row).toMatchObject({ version: 4, past: [1, 2, 3], attempts: 0 })
    expect(supersededOf(row).sort()).toEqual([1, 2, 3])
    expect(row.outbox?.every(({ outcome }) => outcome.kind === 'superseded' && outcome.by === 4)).toBe(true)
    expect(row.outboxTag).toBeDefined()
  })

  it('writes nothing for a replay of all that it knows', async () => {
    const box = inbox()
    const all = [1, 2, 3].map((version) => aDelivery('ada', version))
    await box.accept(all)
    await settle('ada')
    const before = await rowOf('ada')
    expect(await box.accept(all)).toEqual({ wanted: 0, superseded: 0, repeated: 1, added: [] })
    for (const one of all) await box.accept([one])
    expect(await rowOf('ada')).toEqual(before)
  })

  it('does not call a settled version superseded', async () => {
    const box = inbox()
    await box.accept([aDelivery('ada', 1)])
    await settle('ada')
    await box.accept([aDelivery('ada', 2)])
    const row = await rowOf('ada')
    expect(row).toMatchObject({ version: 2, state: 'pending', lane: lanes.optOut })
    expect(row.outbox).toBeUndefined()
    expect(row.outboxTag).toBeUndefined()
  })

  it('asserts a settled version again when it is asked for later, and clears its tries', async () => {
    const box = inbox()
    await box.accept([aDelivery('ada', 1)])
    await change('ada', { attempts: 5, failures: 5 })
    await settle('ada')
    await box.accept([aDelivery('ada', 1, 'denied', { assertion: startTime + 50, changed: [] })])
    expect(await rowOf('ada')).toMatchObject({
      version: 1,
      assertion: startTime + 50,
      lane: lanes.optOut,
      attempts: 0,
      failures: 0,
      dueAt: startTime + 50,
    })
    expect(supersededOf(await rowOf('ada'))).toEqual([])
  })

  it('leaves a row that follows a job where it is, with the newer wish', async () => {
    const box = inbox()
    await box.accept([aDelivery('ada', 1, 'granted')])
    const lease = { token: 't', version: 1, assertion: 0, attempt: 1 }
    await change('ada', { lane: lanes.followed, lease })
    await box.accept([aDelivery('ada', 2)])
    expect(await rowOf('ada')).toMatchObject({ version: 2, lane: lanes.followed, lease, priority: 0 })
  })

  it.each([
    [false, lanes.followed],
    [true, lanes.optOut],
  ])('lets a newer wish overtake a job only where the vendor keeps the order (%s)', async (newerMayOvertake, lane) => {
    const box = inbox(newerMayOvertake)
    await box.accept([aDelivery('ada', 1, 'granted')])
    await change('ada', { lane: lanes.followed, lease: { token: 'job', version: 1, assertion: 0, attempt: 1 } })
    await box.accept([aDelivery('ada', 2)])
    const row = await rowOf('ada')
    expect(row.lane).toBe(lane)
    expect(row.lease?.token).toBe(newerMayOvertake ? undefined : 'job')
  })

  it('does not assert a newer wish before an unknown outcome has had its time', async () => {
    const box = inbox()
    await box.accept([aDelivery('ada', 1, 'granted')])
    await change('ada', { unknown: true, quietUntil: startTime + 500_000 })
    await box.accept([aDelivery('ada', 2)])
    expect(await rowOf('ada')).toMatchObject({ dueAt: startTime + 500_000, unknown: true })
  })

  it('takes what two consumers write at the same time', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `p${index}`)
    await Promise.all([1, 2, 3].map((version) => inbox().accept(names.map((name) => aDelivery(name, version)))))
    const rows = await opened.rows.find().toArray()
    expect(rows).toHaveLength(50)
    for (const row of rows) {
      expect(row.version).toBe(3)
      expect(supersededOf(row).sort()).toEqual([1, 2])
    }
  })

  it('loses a race without losing what it brought: the row went further between reading and writing', async () => {
    await inbox().accept([aDelivery('ada', 3)])
    const rules = { newerMayOvertake: false, now: startTime + 70_000, tag: 'race' }
    await opened.rows.updateOne(
      { _id: rowIdOf(recipient(), subject('ada')) },
      arrivalUpdate(aDelivery('ada', 2), [aDelivery('ada', 1)], rules),
    )
    const row = await rowOf('ada')
    expect(row).toMatchObject({ version: 3, past: [1, 2], state: 'pending', outboxTag: 'race' })
    expect(supersededOf(row).sort()).toEqual([1, 2])
  })

  it('ends in the same row for any order, grouping and repetition of the same deliveries', async () => {
    const example = fc.array(fc.record({ version: fc.integer({ min: 1, max: 5 }), assertion: fc.constantFrom(0, startTime + 10) }), {
      minLength: 1,
      maxLength: 8,
    })
    const property = fc.asyncProperty(example, fc.infiniteStream(fc.nat(1000)), async (some, randoms) => {
      const make = ({ version, assertion }: { version: number; assertion: number }): Delivery =>
        aDelivery('ada', version, version % 2 === 0 ? 'granted' : 'denied', { assertion })
      const order = [...some, ...some].map((one) => ({ one, at: randoms.next().value ?? 0 })).sort((a, b) => a.at - b.at)
      await opened.rows.deleteMany({})
      const box = inbox()
      let group: Delivery[] = []
      for (const { one, at } of order) {
        group.push(make(one))
        if (at % 3 === 0) {
          await box.accept(group)
          group = []
        }
      }
      await box.accept(group)
      const top = some.reduce((a, b) => (b.version > a.version || (b.version === a.version && b.assertion > a.assertion) ? b : a))
      const row = await rowOf('ada')
      const others = [...new Set(some.map(({ version }) => version))].filter((version) => version !== top.version).sort()
      expect(row).toMatchObject({ version: top.version, assertion: top.assertion, wanted: make(top).wanted, state: 'pending' })
      expect(row.past).toEqual(others)
      expect(supersededOf(row).sort()).toEqual(others)
    })
    await fc.assert(property, { numRuns: 60 })
  })

  it('finds what is next by an index scan without a sort', async () => {
    await inbox().accept(Array.from({ length: 20 }, (_, index) => aDelivery(`p${index}`, 1)))
    const plan = await opened.rows
      .find({ recipientId: recipient(), lane: lanes.optOut, dueAt: { $lte: startTime + 60_000 } })
      .sort({ dueAt: 1 })
      .limit(5)
      .explain('executionStats')
    const text = JSON.stringify(plan)
    expect(text).toContain('"line"')
    expect(text).not.toContain('COLLSCAN')
    expect(text).not.toContain('"SORT"')
    expect(plan.executionStats.totalKeysExamined).toBeLessThanOrEqual(6)
  })
})
