import { ManualClock } from '@heed/platform/clock'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NoAnswer, PlannedRequest } from '../contract.ts'
import {
  aDelivery,
  aDescriptor,
  answerOf,
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
import { nextBatch } from './sequence.ts'

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
  const workshop = await openWorkshop({ opened, descriptor: files, ...options })
  running.push(workshop)
  return workshop
}

const files = aDescriptor({
  batch: { maxTasks: 100, sequenced: true, fullEverySeconds: 30 * 86_400 },
  rate: { concurrentRequests: 1 },
  confirmation: 'by-job',
  jobs: { maxPollSeconds: 600, giveUpAfterSeconds: 3_600 },
})
const sequenceOf = (request: PlannedRequest) => {
  const body = request.via === 'http' && request.body !== undefined && 'json' in request.body ? request.body.json : {}
  return body as { sequence: number; extent: string; openedAt: number }
}
const bodyOf = (request: PlannedRequest | undefined) => (request?.via === 'http' ? JSON.stringify(request.body) : undefined)
const acked = (request: PlannedRequest) =>
  request.intent === 'assert'
    ? answerOf({ job: { id: `file-${sequenceOf(request).sequence}`, pollAfterSeconds: 10 } })
    : answerOf({ outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome: { kind: 'confirmed' } })) })
const notYet = (request: PlannedRequest) => answerOf({ job: { id: request.name, pollAfterSeconds: 10 } })
const refused: NoAnswer = { via: 'none', sent: false, reason: 'unavailable.connect' }
const names = (request: PlannedRequest | undefined) =>
  request === undefined
    ? []
    : toldOf(request)
        .map(({ subjectId }) => subjectId)
        .sort()

describe('a sequenced recipient', () => {
  it('gets everything first, then what changed, numbered without a gap', async () => {
    const test = await open()
    test.vendor.script = acked
    await test.take(aDelivery('ada', 1))
    await test.settle()
    await test.after(11)
    await test.take(aDelivery('bob', 1))
    await test.settle()
    await test.after(11)
    await test.take(aDelivery('ada', 2, 'granted'))
    await test.settle()
    expect(test.vendor.asserts.map(sequenceOf)).toMatchObject([
      { sequence: 1, extent: 'full' },
      { sequence: 2, extent: 'delta' },
      { sequence: 3, extent: 'delta' },
    ])
    expect(test.vendor.asserts.map(names)).toEqual([[subject('ada')], [subject('bob')], [subject('ada')]])
    await test.after(11)
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(2)
  })

  it('gets the same bytes again after a crash, and nothing else before', async () => {
    const vendor = new ScriptedVendor()
    const clock = new ManualClock(startTime + 60_000)
    vendor.script = () => refused
    const first = await open({ vendor, clock })
    await first.take(aDelivery('ada', 1), aDelivery('bob', 1))
    await first.settle()
    await running.pop()?.stop()
    vendor.script = acked
    const second = await open({ vendor, clock })
    await second.take(aDelivery('cleo', 1), aDelivery('ada', 2, 'granted'))
    await second.after(60)
    const [before, after, next] = vendor.asserts
    expect(bodyOf(after)).toBe(bodyOf(before))
    expect(next && sequenceOf(next)).toMatchObject({ sequence: 2 })
    expect(names(next)).toEqual([subject('ada'), subject('cleo')].sort())
    await second.after(60)
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(3)
  })

  it('does not wait for an ack before the next batch, and a newer wish overtakes an older one', async () => {
    const test = await open()
    test.vendor.script = notYet
    await test.take(aDelivery('ada', 1, 'granted'))
    await test.settle()
    await test.take(aDelivery('ada', 2))
    await test.settle()
    expect(test.vendor.told.map(({ version, choice }) => `${version} ${choice}`)).toEqual(['1 granted', '2 denied'])
  })

  it('that never acknowledges gets the same batch again', async () => {
    const test = await open()
    test.vendor.script = notYet
    await test.take(aDelivery('ada', 1))
    await test.settle()
    for (let round = 0; round < 7; round += 1) await test.after(600)
    expect(test.vendor.asserts).toHaveLength(2)
    expect(bodyOf(test.vendor.asserts[1])).toBe(bodyOf(test.vendor.asserts[0]))
    test.vendor.script = acked
    for (let round = 0; round < 3; round += 1) await test.after(600)
    expect(await test.row('ada')).toMatchObject({ state: 'confirmed' })
  })

  it('that misses one gets everything again', async () => {
    const test = await open()
    test.vendor.script = acked
    await test.take(aDelivery('ada', 1), aDelivery('bob', 1))
    await test.settle()
    await test.after(11)
    test.vendor.script = (request) =>
      request.intent === 'assert'
        ? acked(request)
        : answerOf({
            needsFull: true,
            outcomes: request.covers.map((deliveryId) => ({
              deliveryId,
              outcome: { kind: 'deferred', reason: 'unavailable.gap', retryAfterSeconds: 1 },
            })),
          })
    await test.take(aDelivery('cleo', 1))
    await test.settle()
    await test.after(11)
    test.vendor.script = acked
    for (let round = 0; round < 4; round += 1) await test.after(20)
    const last = test.vendor.asserts.find((request) => sequenceOf(request).sequence === 3)
    expect(last && sequenceOf(last).extent).toBe('full')
    expect(names(last)).toEqual([subject('ada'), subject('bob'), subject('cleo')].sort())
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(3)
  })

  it('collects for a while, unless a batch is full', async () => {
    const test = await open({ descriptor: { ...files, batch: { maxTasks: 3, sequenced: true, collectSeconds: 900 } } })
    test.vendor.script = acked
    await test.take(aDelivery('ada', 1, 'denied', { acceptedAt: startTime + 60_000 }))
    await test.settle()
    await test.after(800)
    expect(test.vendor.asserts).toHaveLength(0)
    await test.after(101)
    expect(test.vendor.asserts).toHaveLength(1)
    await test.take(...['b', 'c', 'd'].map((name) => aDelivery(name, 1, 'denied', { acceptedAt: test.clock.now() })))
    await test.settle()
    expect(test.vendor.asserts).toHaveLength(2)
  })

  it('gets a heartbeat where nothing changed', async () => {
    const test = await open({ descriptor: { ...files, batch: { ...files.batch, heartbeatSeconds: 3_600 } } })
    test.vendor.script = acked
    await test.take(aDelivery('ada', 1))
    await test.settle()
    await test.after(11)
    await test.after(3_600)
    await test.after(20)
    expect(test.vendor.asserts.map((request) => [sequenceOf(request).sequence, request.covers.length])).toEqual([
      [1, 1],
      [2, 0],
    ])
  })

  it('that refuses the batch as such keeps its number, and is not asked for less', async () => {
    const test = await open()
    test.vendor.script = () => status(422)
    await test.take(aDelivery('ada', 1), aDelivery('bob', 1))
    await test.settle()
    expect(test.workshop.recipientReason(recipient())).toBe('auth_failed')
    expect(await opened.rows.countDocuments({ state: 'needs_person' })).toBe(0)
    test.vendor.script = acked
    for (let round = 0; round < 3; round += 1) await test.after(120)
    expect(test.vendor.asserts.map((request) => sequenceOf(request).sequence)).toEqual([1, 1])
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(2)
  })

  it('is told of a long outage in few outcomes', async () => {
    const test = await open()
    test.vendor.script = () => refused
    await test.take(aDelivery('ada', 1))
    await test.settle()
    for (let round = 0; round < 60; round += 1) await test.after(600)
    expect(test.vendor.asserts.length).toBeGreaterThan(40)
    expect((await test.outcomes('ada')).length).toBeLessThan(10)
    expect(await test.row('ada')).toMatchObject({ state: 'pending', waitReason: 'breaker_open' })
  })
})

describe('the next batch', () => {
  const state = { _id: recipient(), sequence: 3, lastBatchAt: 1_000_000, lastFullAt: 1_000_000 }
  const nothing = { count: 0, since: undefined }
  it('is none where nothing waits, until the next full one or heartbeat', () => {
    const beating = { ...files, batch: { ...files.batch, heartbeatSeconds: 60 } }
    expect(nextBatch(files, state, nothing, 2_000_000)).toEqual({ kind: 'none', at: 1_000_000 + 30 * 86_400_000 })
    expect(nextBatch(beating, state, nothing, 1_010_000)).toEqual({ kind: 'none', at: 1_060_000 })
    expect(nextBatch(beating, state, nothing, 1_060_000)).toEqual({ kind: 'heartbeat' })
  })
  it('is no heartbeat and no full one before anything was ever told', () => {
    const beating = { ...files, batch: { ...files.batch, heartbeatSeconds: 60 } }
    expect(nextBatch(beating, { _id: recipient() }, nothing, 9e12)).toEqual({ kind: 'none', at: Number.POSITIVE_INFINITY })
  })
  it('is full when the month is over', () => {
    expect(nextBatch(files, state, nothing, 1_000_000 + 30 * 86_400_000)).toEqual({ kind: 'full' })
  })
})
