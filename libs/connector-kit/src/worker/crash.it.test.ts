import { ManualClock } from '@heed/platform/clock'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PlannedRequest } from '../contract.ts'
import {
  aDelivery,
  aDescriptor,
  answerOf,
  openRows,
  openWorkshop,
  ScriptedVendor,
  startTime,
  status,
  type TestRows,
  type TestWorkshop,
} from '../testing.fixture.ts'
import type { ProbePoint } from './recipient.ts'

let opened: TestRows
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
const leases = () => opened.connection.collection(opened.database, 'leases')
beforeEach(async () => {
  for (const name of ['inbox', 'flights', 'batches', 'batchItems', 'recipients', 'leases'])
    await opened.connection.collection(opened.database, name).deleteMany({})
})

const descriptor = aDescriptor({ quietAfterUnknownSeconds: 60 })

/** Something that never answers, whatever is asked of it: the database as a dead process sees it. */
const silence: unknown = new Proxy(() => undefined, {
  get: (_, name) => (name === 'then' ? undefined : silence),
  apply: () => Object.assign(new Promise(() => undefined), { sort: silence, limit: silence, toArray: silence }),
})

/** A process that ends at one moment of its work: nothing after it happens, nothing is tidied up, nothing more is read or written. */
async function crashAt(
  point: ProbePoint,
  vendor: ScriptedVendor,
  clock: ManualClock,
): Promise<{ test: TestWorkshop; reached: Promise<void> }> {
  let atPoint: () => void = () => undefined
  const reached = new Promise<void>((resolve) => (atPoint = resolve))
  let dead = false
  const mortal = (name: string) =>
    new Proxy(opened.connection.collection(opened.database, name), {
      get: (target, method) => {
        const own = Reflect.get(target, method) as unknown
        return dead ? silence : typeof own === 'function' ? own.bind(target) : own
      },
    })
  const test = await openWorkshop({
    opened,
    vendor,
    clock,
    descriptor,
    mongo: { ...opened.connection, collection: ((_: string, name: string) => mortal(name)) as never },
    probe: (here) => {
      if (here !== point) return undefined
      dead = true
      atPoint()
      return new Promise(() => undefined)
    },
  })
  return { test, reached }
}

describe('after a crash', () => {
  it.each([
    ['claimed', 0, 1],
    ['answered', 1, 2],
    ['decided', 1, 1],
    ['settled', 1, 1],
  ] as const)('at %s the delivery is told once more, or not at all where that was settled', async (point, toldBefore, toldAfter) => {
    const vendor = new ScriptedVendor()
    const clock = new ManualClock(startTime + 60_000)
    const { test, reached } = await crashAt(point, vendor, clock)
    await test.take(aDelivery('ada', 1))
    await reached
    expect(vendor.told).toHaveLength(toldBefore)
    // the dead process renews its lease no more; a new one does not wait for it to run out in this test
    await leases().deleteMany({})
    const next = await openWorkshop({ opened, vendor, clock, descriptor })
    await next.settle()
    const wasDecided = point === 'decided' || point === 'settled'
    if (!wasDecided) {
      expect(await next.row('ada')).toMatchObject({ waitReason: 'unknown_outcome', unknown: true, attempts: 1 })
      expect(vendor.told).toHaveLength(toldBefore)
    }
    await next.after(61)
    expect(vendor.told).toHaveLength(toldAfter)
    expect(await next.row('ada')).toMatchObject({ state: 'confirmed' })
    const kinds = (await next.outcomes('ada')).map(({ attempt, outcome }) => `${attempt} ${outcome.kind}`)
    expect(kinds).toEqual(wasDecided ? ['1 confirmed'] : ['1 deferred', '2 confirmed'])
    await next.stop()
  })

  it('all that was recorded is repeated, which changes nothing', async () => {
    const clock = new ManualClock(startTime + 60_000)
    const vendor = new ScriptedVendor()
    const confirm = (request: PlannedRequest) =>
      answerOf({ outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome: { kind: 'confirmed' } })) })
    const withJobs = aDescriptor({ quietAfterUnknownSeconds: 60, jobs: { maxPollSeconds: 60, giveUpAfterSeconds: 3_600 } })
    const first = await openWorkshop({ opened, vendor, clock, descriptor: withJobs })
    // one is followed, and a newer wish of hers waits for the job; one has no answer; one is refused; one is put off
    vendor.script = (request) => (request.intent === 'assert' ? answerOf({ job: { id: 'j1', pollAfterSeconds: 5 } }) : confirm(request))
    await first.take(aDelivery('ada', 1, 'granted'))
    await first.settle()
    await first.take(aDelivery('ada', 2))
    await first.after(6)
    vendor.script = () => ({ via: 'none', sent: true, reason: 'unavailable.timeout' })
    await first.take(aDelivery('bob', 1))
    await first.settle()
    vendor.script = () => status(422)
    await first.take(aDelivery('cy', 1))
    await first.settle()
    vendor.script = () => status(503)
    await first.take(aDelivery('dee', 1))
    await first.settle()
    vendor.script = confirm
    await first.take(aDelivery('eve', 1))
    await first.settle()
    await first.stop()
    const before = await opened.rows.find().sort({ _id: 1 }).toArray()
    const requests = vendor.requests.length
    // nothing was published, so every record is still there
    expect(await opened.connection.collection(opened.database, 'flights').countDocuments()).toBeGreaterThan(5)
    for (let times = 0; times < 2; times += 1) {
      const next = await openWorkshop({ opened, vendor, clock, descriptor: withJobs })
      await next.settle()
      await next.stop()
    }
    expect(await opened.rows.find().sort({ _id: 1 }).toArray()).toEqual(before)
    expect(vendor.requests).toHaveLength(requests)
  })

  it('what a person ended while it was under way stays ended', async () => {
    const vendor = new ScriptedVendor()
    const clock = new ManualClock(startTime + 60_000)
    const test = await openWorkshop({ opened, vendor, clock, descriptor })
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    vendor.script = async () => {
      await held
      return status(503)
    }
    await test.take(aDelivery('ada', 1))
    await expect.poll(() => vendor.requests.length).toBe(1)
    const { id: deliveryId, recipientId, subjectId } = aDelivery('ada', 1)
    const order = { deliveryId, recipientId, subjectId, version: 1, by: 'M. Curie', why: 'told by letter', at: clock.now() }
    await test.workshop.controls.resolved(order)
    release()
    await test.settle()
    expect(await test.row('ada')).toMatchObject({ state: 'resolved', attempts: 0 })
    await test.after(600)
    expect(vendor.requests).toHaveLength(1)
    await test.stop()
  })

  it('what the dead process still does changes nothing', async () => {
    const vendor = new ScriptedVendor()
    const clock = new ManualClock(startTime + 60_000)
    let goOn: () => void = () => undefined
    const held = new Promise<void>((resolve) => (goOn = resolve))
    const first = await openWorkshop({
      opened,
      vendor,
      clock,
      descriptor: aDescriptor(),
      probe: (point) => (point === 'answered' ? held : undefined),
    })
    await first.take(aDelivery('ada', 1, 'granted'))
    await expect.poll(() => vendor.told.length).toBe(1)
    await leases().deleteMany({})
    const next = await openWorkshop({ opened, vendor, clock, descriptor: aDescriptor() })
    await next.take(aDelivery('ada', 2))
    await next.settle()
    goOn()
    await first.stop()
    expect(await next.row('ada')).toMatchObject({ version: 2, state: 'confirmed' })
    expect(vendor.told.map(({ version }) => version)).toEqual([1, 2])
    await next.stop()
  })
})
