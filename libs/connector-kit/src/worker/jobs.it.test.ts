import type { DeliveryId } from '@heed/domain'
import { ManualClock } from '@heed/platform/clock'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PlannedRequest } from '../contract.ts'
import { lanes } from '../inbox/row.ts'
import {
  aDelivery,
  aDescriptor,
  answerOf,
  exampleConnector,
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
} from '../testing.fixture.ts'
import type { ProbePoint } from './recipient.ts'

let opened: TestRows
const running: TestWorkshop[] = []
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
const collections = ['inbox', 'flights', 'batches', 'batchItems', 'recipients', 'leases']
const countOf = (name: string) => opened.connection.collection(opened.database, name).countDocuments()
beforeEach(async () => {
  for (const name of collections) await opened.connection.collection(opened.database, name).deleteMany({})
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})
async function open(options: Partial<TestWorkshopOptions> = {}): Promise<TestWorkshop> {
  const workshop = await openWorkshop({ opened, ...options })
  running.push(workshop)
  return workshop
}

const descriptor = aDescriptor({ confirmation: 'by-job', jobs: { maxPollSeconds: 40, giveUpAfterSeconds: 600 } })
const people = (count: number) => Array.from({ length: count }, (_, index) => aDelivery(`p${index}`, 1))
const all = (request: PlannedRequest, kind: 'confirmed') => request.covers.map((deliveryId) => ({ deliveryId, outcome: { kind } as const }))
const job = (id = 'j1') => ({ id, pollAfterSeconds: 5 })
const polls = (test: TestWorkshop) => test.vendor.requests.filter(({ intent }) => intent === 'follow')
const idOf = (name: string, version = 1): DeliveryId => `${recipient()}/${subject(name)}/${version}` as DeliveryId

/** Takes every batch as a job, and says "not yet" until it is told otherwise. */
function patient(vendor: ScriptedVendor, done: { now: boolean }): void {
  vendor.script = (request) => {
    if (request.intent === 'assert') return answerOf({ job: job() })
    return answerOf(done.now ? { outcomes: all(request, 'confirmed') } : { job: job() })
  }
}

describe('a job', () => {
  it('is followed too where the work that began it failed after the vendor had taken it', async () => {
    const done = { now: false }
    let failed = false
    const probe = (point: ProbePoint) => {
      if (failed || point !== 'decided') return
      failed = true
      throw new Error('the database is away')
    }
    const test = await open({ descriptor, probe })
    patient(test.vendor, done)
    await test.take(aDelivery('ada', 1))
    await expect.poll(() => test.log.lines.some(({ event }) => event === 'batch.failed')).toBe(true)
    await test.after(1)
    expect(await test.row('ada')).toMatchObject({ lane: lanes.followed })
    done.now = true
    await test.after(10)
    expect(await test.row('ada')).toMatchObject({ state: 'confirmed', attempts: 1 })
  })

  it('is asked about less and less often, and confirms when it ends', async () => {
    const done = { now: false }
    const test = await open({ descriptor })
    patient(test.vendor, done)
    await test.take(...people(3))
    await test.settle()
    expect(await test.row('p0')).toMatchObject({
      state: 'accepted',
      final: false,
      lane: lanes.followed,
      waitReason: 'awaiting_confirmation',
    })
    const at: number[] = []
    for (let second = 1; second <= 116; second += 1) {
      const before = polls(test).length
      await test.after(1)
      if (polls(test).length > before) at.push(second)
    }
    expect(at).toEqual([5, 15, 35, 75, 115])
    done.now = true
    await test.after(40)
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(3)
    expect((await test.outcomes('p0')).map(({ step, outcome }) => `${step} ${outcome.kind}`)).toEqual([
      'asserted accepted',
      'followed.0 confirmed',
    ])
    expect([await countOf('batches'), await countOf('batchItems')]).toEqual([0, 0])
  })

  it('is followed on after a restart', async () => {
    const done = { now: false }
    const vendor = new ScriptedVendor()
    const clock = new ManualClock(startTime + 60_000)
    patient(vendor, done)
    const first = await open({ descriptor, vendor, clock })
    await first.take(...people(2))
    await first.settle()
    await running.pop()?.stop()
    done.now = true
    const second = await open({ descriptor, vendor, clock })
    await second.after(6)
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(2)
    expect(vendor.asserts).toHaveLength(1)
  })

  it('may settle some now and others later', async () => {
    const test = await open({ descriptor })
    test.vendor.script = (request) => {
      if (request.intent === 'assert') return answerOf({ job: job() })
      if (polls(test).length === 1) {
        return answerOf({
          job: job(),
          outcomes: [
            { deliveryId: idOf('p0'), outcome: { kind: 'confirmed' } },
            { deliveryId: idOf('p1'), outcome: { kind: 'rejected', reason: 'item.malformed' } },
          ],
        })
      }
      return answerOf({ outcomes: [{ deliveryId: idOf('p2'), outcome: { kind: 'confirmed' } }] })
    }
    await test.take(...people(3))
    await test.settle()
    await test.after(5)
    expect([(await test.row('p0')).state, (await test.row('p1')).state, (await test.row('p2')).state]).toEqual([
      'confirmed',
      'needs_person',
      'accepted',
    ])
    await test.after(10)
    expect((await test.row('p2')).state).toBe('confirmed')
    expect(await countOf('batches')).toBe(0)
  })

  it('holds the next wish of a subject back until it has ended', async () => {
    const done = { now: false }
    const test = await open({ descriptor })
    patient(test.vendor, done)
    await test.take(aDelivery('ada', 1, 'granted'))
    await test.settle()
    await test.take(aDelivery('ada', 2))
    await test.settle()
    expect(test.vendor.asserts).toHaveLength(1)
    expect(await test.row('ada')).toMatchObject({ version: 2, state: 'pending', waitReason: 'awaiting_confirmation' })
    done.now = true
    await test.after(5)
    expect(test.vendor.asserts).toHaveLength(2)
    expect(test.vendor.holds('ada')).toMatchObject({ version: 2 })
    const kinds = (await test.outcomes('ada')).map(({ version, outcome }) => `${version} ${outcome.kind}`)
    expect(kinds.sort()).toEqual(['1 accepted', '1 confirmed', '1 superseded', '2 accepted'])
  })

  it('does not hold it back where the vendor keeps the order', async () => {
    const test = await open({
      descriptor: { ...descriptor, jobs: { maxPollSeconds: 40, giveUpAfterSeconds: 600, newerMayOvertake: true } },
    })
    patient(test.vendor, { now: false })
    await test.take(aDelivery('ada', 1, 'granted'))
    await test.settle()
    await test.take(aDelivery('ada', 2))
    await test.settle()
    expect(test.vendor.told.map(({ version }) => version)).toEqual([1, 2])
  })

  it('that ends without a word is asserted again, and awaits a person after the third time', async () => {
    const test = await open({ descriptor })
    patient(test.vendor, { now: false })
    await test.take(aDelivery('ada', 1))
    await test.settle()
    for (let round = 0; round < 3; round += 1) for (let minute = 0; minute < 11; minute += 1) await test.after(60)
    expect(test.vendor.asserts).toHaveLength(3)
    expect(await test.row('ada')).toMatchObject({ state: 'needs_person', waitReason: 'needs_person' })
    expect((await test.outcomes('ada')).at(-1)).toMatchObject({ outcome: { kind: 'rejected', reason: 'item.no-confirmation' } })
    expect(test.log.lines.filter(({ event }) => event === 'job.given-up')).toHaveLength(3)
  })

  it('that was refused for an unnamed item is split, across restarts too', async () => {
    const test = await open({ descriptor: { ...descriptor, batch: { maxTasks: 16 } } })
    test.vendor.script = (request) => {
      if (request.intent === 'assert') return answerOf({ job: job(`j${test.vendor.requests.length}`) })
      const bad = request.covers.includes(idOf('p5'))
      return answerOf({
        outcomes: bad
          ? request.covers.map((deliveryId) => ({ deliveryId, outcome: { kind: 'deferred', reason: 'batch.partial' } }))
          : all(request, 'confirmed'),
      })
    }
    await test.take(...people(16))
    for (let round = 0; round < 7; round += 1) await test.after(6)
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(15)
    expect(await test.row('p5')).toMatchObject({ state: 'needs_person' })
    expect(test.vendor.asserts.length).toBeLessThanOrEqual(1 + 2 * 4)
  })

  it('survives bad moments of the vendor', async () => {
    const test = await open({ descriptor })
    let bad = true
    test.vendor.script = (request) => {
      if (request.intent === 'assert') return answerOf({ job: job() })
      return bad ? { via: 'none', sent: true, reason: 'unavailable.timeout' } : answerOf({ outcomes: all(request, 'confirmed') })
    }
    await test.take(...people(2))
    await test.settle()
    for (let round = 0; round < 5; round += 1) await test.after(20)
    expect(await test.row('p0')).toMatchObject({ state: 'accepted', lane: lanes.followed })
    bad = false
    for (let round = 0; round < 10; round += 1) await test.after(40)
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(2)
    expect(test.vendor.asserts).toHaveLength(1)
  })

  it('of several requests for one delivery counts only when all have ended', async () => {
    const inner = exampleConnector(descriptor)
    const test = await open({
      connector: {
        ...inner,
        plan: (tasks, settings, batch) =>
          inner
            .plan(tasks, settings, batch)
            .flatMap((request) => (request.via === 'http' ? ['/list/1', '/list/2'].map((path) => ({ ...request, path })) : [])),
      },
    })
    test.vendor.script = (request) => {
      if (request.via !== 'http') return undefined
      if (request.intent === 'assert')
        return answerOf({ job: { id: request.path === '/list/1' ? 'one' : 'two', pollAfterSeconds: request.path === '/list/1' ? 5 : 30 } })
      return answerOf({ outcomes: all(request, 'confirmed') })
    }
    await test.take(aDelivery('ada', 1))
    await test.settle()
    await test.after(6)
    expect(await test.row('ada')).toMatchObject({ state: 'accepted' })
    await test.after(25)
    expect(await test.row('ada')).toMatchObject({ state: 'confirmed' })
  })
})

describe('read-back', () => {
  const readable = aDescriptor({ readBack: { afterSeconds: 60, maxTasks: 10, share: 1 } })
  const reading = (holds: (id: DeliveryId) => 'wanted' | 'other' | 'unreadable') => (request: PlannedRequest) =>
    request.intent === 'read-back'
      ? answerOf({ observed: request.covers.map((deliveryId) => ({ deliveryId, holds: holds(deliveryId) })) })
      : undefined

  it('verifies what the vendor holds', async () => {
    const test = await open({ descriptor: readable, random: () => 0 })
    test.vendor.script = reading(() => 'wanted')
    await test.take(...people(25))
    await test.settle()
    await test.after(60)
    expect(await opened.rows.countDocuments({ state: 'verified' })).toBe(25)
    expect((await test.outcomes('p0')).map(({ outcome }) => outcome.kind)).toEqual(['confirmed', 'verified'])
    expect(await opened.rows.countDocuments({ lane: { $exists: true } })).toBe(0)
  })

  it('asserts again what did not stay, under an assertion of its own, and asks a person the third time', async () => {
    const test = await open({ descriptor: readable, random: () => 0 })
    test.vendor.script = reading(() => 'other')
    await test.take(aDelivery('ada', 1))
    await test.settle()
    await test.after(60)
    expect(test.vendor.asserts).toHaveLength(2)
    const row = await test.row('ada')
    expect(row.assertion).toBeGreaterThan(startTime)
    expect((await test.outcomes('ada')).map(({ assertion, outcome }) => [assertion > 0, outcome.kind])).toEqual([
      [false, 'confirmed'],
      [true, 'deferred'],
      [true, 'confirmed'],
    ])
    await test.after(61)
    await test.after(61)
    expect(await test.row('ada')).toMatchObject({ state: 'needs_person', drifts: 3 })
    expect(test.vendor.asserts).toHaveLength(3)
  })

  it('takes nothing back when it cannot be read', async () => {
    const test = await open({ descriptor: readable, random: () => 0 })
    test.vendor.script = (request) => (request.intent === 'read-back' ? status(500) : undefined)
    await test.take(aDelivery('ada', 1))
    await test.settle()
    await test.after(60)
    expect(await test.row('ada')).toMatchObject({ state: 'confirmed' })
  })

  it('samples no more than its share', async () => {
    let draw = 0
    const sampled = aDescriptor({ readBack: { afterSeconds: 60, maxTasks: 100, share: 0.1 } })
    const test = await open({
      descriptor: sampled,
      random: () => {
        draw += 1
        return (draw % 100) / 100
      },
    })
    await test.take(...people(100))
    await test.settle()
    const waiting = await opened.rows.countDocuments({ lane: lanes.readBack })
    expect(waiting).toBeGreaterThan(5)
    expect(waiting).toBeLessThan(15)
  })
})
