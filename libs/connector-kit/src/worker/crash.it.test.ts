import { ManualClock } from '@heed/platform/clock'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  aDelivery,
  aDescriptor,
  openRows,
  openWorkshop,
  ScriptedVendor,
  startTime,
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
    if (point !== 'settled') {
      expect(await next.row('ada')).toMatchObject({ waitReason: 'unknown_outcome', unknown: true, attempts: 1 })
      expect(vendor.told).toHaveLength(toldBefore)
    }
    await next.after(61)
    expect(vendor.told).toHaveLength(toldAfter)
    expect(await next.row('ada')).toMatchObject({ state: 'confirmed' })
    const kinds = (await next.outcomes('ada')).map(({ attempt, outcome }) => `${attempt} ${outcome.kind}`)
    expect(kinds).toEqual(point === 'settled' ? ['1 confirmed'] : ['1 deferred', '2 confirmed'])
    await next.stop()
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
