import { ManualClock } from '@heed/platform/clock'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NoAnswer } from '../contract.ts'
import {
  aDelivery,
  aDescriptor,
  aRecipient,
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

let opened: TestRows
const running: TestWorkshop[] = []
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
beforeEach(async () => {
  for (const name of ['inbox', 'flights', 'batches', 'batchItems', 'recipients', 'dayCounts', 'leases']) {
    await opened.connection.collection(opened.database, name).deleteMany({})
  }
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})

async function open(options: Partial<TestWorkshopOptions> = {}): Promise<TestWorkshop> {
  const workshop = await openWorkshop({ opened, ...options })
  running.push(workshop)
  return workshop
}
const people = (count: number) => Array.from({ length: count }, (_, index) => aDelivery(`p${index}`, 1))
const refused: NoAnswer = { via: 'none', sent: false, reason: 'unavailable.refused' }
const events = (test: TestWorkshop) => test.log.lines.map(({ event }) => event)

describe('a rate limit', () => {
  it('is kept for as long as the vendor says, by all of the account', async () => {
    const test = await open({
      recipients: [aRecipient(), aRecipient(recipient('second'))],
      connector: exampleConnector(aDescriptor(), { account: () => 'shared' }),
    })
    test.vendor.script = () => status(429, { 'retry-after': '30' })
    await test.take(aDelivery('ada', 1))
    await test.settle()
    test.vendor.script = () => undefined
    expect(await test.row('ada')).toMatchObject({ waitReason: 'rate_limited', state: 'pending' })
    await test.take(aDelivery('bob', 1, 'denied', { recipientId: recipient('second') }))
    await test.after(29)
    expect(test.vendor.requests).toHaveLength(1)
    await test.after(1)
    expect(test.vendor.requests).toHaveLength(3)
    expect(events(test)).not.toContain('recipient.blocked')
  })

  it('of a minute is never exceeded in any sixty seconds', async () => {
    const test = await open({ descriptor: aDescriptor({ batch: { maxTasks: 1 }, rate: { concurrentRequests: 2, requestsPerMinute: 5 } }) })
    await test.take(...people(12))
    await test.settle()
    expect(test.vendor.requests).toHaveLength(5)
    await test.after(59)
    expect(test.vendor.requests).toHaveLength(5)
    await test.after(1)
    expect(test.vendor.requests).toHaveLength(10)
    await test.after(60)
    expect(test.vendor.requests).toHaveLength(12)
  })

  it('counts a whole batch as the one request that it is, also the first one, and after one of a single person', async () => {
    const batch = { maxTasks: 100, inOneRequest: true }
    const test = await open({ descriptor: aDescriptor({ batch, rate: { concurrentRequests: 1, requestsPerMinute: 5 } }) })
    await test.take(...people(100))
    await test.settle()
    expect(test.vendor.requests.map(({ covers }) => covers.length)).toEqual([100])
    await test.take(aDelivery('ada', 1))
    await test.settle()
    await test.take(...Array.from({ length: 100 }, (_, index) => aDelivery(`q${index}`, 1)))
    await test.settle()
    expect(test.vendor.requests.map(({ covers }) => covers.length)).toEqual([100, 1, 100])
  })

  it('of a day outlives a restart', async () => {
    const descriptor = aDescriptor({ batch: { maxTasks: 1 }, rate: { concurrentRequests: 1, requestsPerDay: 10 } })
    const clock = new ManualClock(startTime + 60_000)
    const first = await open({ descriptor, clock })
    await first.take(...people(25))
    await first.settle()
    expect(first.vendor.requests).toHaveLength(10)
    await running.pop()?.stop()
    const second = await open({ descriptor, clock })
    await second.settle()
    expect(second.vendor.requests).toHaveLength(0)
    await second.after(23 * 3600)
    expect(second.vendor.requests).toHaveLength(0)
    await second.after(2 * 3600)
    expect(second.vendor.requests).toHaveLength(10)
  })

  it('that the vendor hints at slows the account down', async () => {
    const inner = exampleConnector(aDescriptor())
    const test = await open({
      connector: { ...inner, interpret: (...args) => ({ ...inner.interpret(...args), slowDownSeconds: 20 }) },
    })
    await test.take(aDelivery('ada', 1))
    await test.settle()
    await test.take(aDelivery('bob', 1))
    await test.after(19)
    expect(test.vendor.requests).toHaveLength(1)
    await test.after(1)
    expect(test.vendor.requests).toHaveLength(2)
  })
})

describe('a recipient that fails', () => {
  it('is left alone after five failures, with one alarm, and told of with one line when it works again', async () => {
    const test = await open({ descriptor: aDescriptor({ batch: { maxTasks: 1 }, rate: { concurrentRequests: 1 } }) })
    test.vendor.script = () => refused
    await test.take(...people(200))
    await test.settle()
    expect(test.vendor.requests).toHaveLength(5)
    for (let minute = 0; minute < 30; minute += 1) await test.after(60)
    const tries = test.vendor.requests.length
    expect(tries).toBeLessThan(40)
    expect(events(test).filter((event) => event === 'recipient.blocked')).toHaveLength(1)
    expect(await opened.rows.countDocuments({ state: 'needs_person' })).toBe(0)
    expect(test.workshop.recipientReason(recipient())).toBe('breaker_open')
    test.vendor.script = () => undefined
    for (let minute = 0; minute < 6; minute += 1) await test.after(60)
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(200)
    expect(events(test).filter((event) => event === 'recipient.recovered')).toHaveLength(1)
    expect(test.workshop.recipientReason(recipient())).toBeUndefined()
  })

  it('is tried with one request of one person', async () => {
    const test = await open({ descriptor: aDescriptor({ batch: { maxTasks: 100 } }) })
    test.vendor.script = () => refused
    for (let round = 0; round < 12 && test.workshop.recipientReason(recipient()) !== 'breaker_open'; round += 1) {
      await test.take(...Array.from({ length: 20 }, (_, index) => aDelivery(`r${round}-${index}`, 1)))
      await test.after(1)
    }
    expect(test.workshop.recipientReason(recipient())).toBe('breaker_open')
    test.vendor.requests.length = 0
    await test.after(320)
    expect(test.vendor.requests.map(({ covers }) => covers.length)).toEqual([1])
  })

  it('because it refuses the credentials is paused at once, and checked again', async () => {
    const test = await open()
    test.vendor.script = () => status(401)
    await test.take(...people(3))
    await test.settle()
    expect(test.vendor.requests).toHaveLength(1)
    expect(events(test)).toContain('recipient.blocked')
    expect(await test.row('p0')).toMatchObject({ waitReason: 'auth_failed', state: 'pending' })
    test.vendor.script = () => undefined
    await test.after(59)
    expect(test.vendor.requests).toHaveLength(1)
    await test.after(61)
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(3)
  })

  it('delays no other', async () => {
    const [ill, well] = [new ScriptedVendor(), new ScriptedVendor()]
    ill.script = () => refused
    const test = await open({
      recipients: [aRecipient(), aRecipient(recipient('second'))],
      transport: ({ id }) => (id === recipient() ? ill : well),
    })
    await test.take(...people(50), ...people(50).map((delivery) => ({ ...delivery, recipientId: recipient('second') })))
    await test.settle()
    expect(well.told).toHaveLength(50)
    expect(ill.told).toHaveLength(0)
  })

  it('is not put down to items: one good answer among bad ones keeps it open', async () => {
    let count = 0
    const test = await open({ descriptor: aDescriptor({ batch: { maxTasks: 1 }, rate: { concurrentRequests: 1 } }) })
    test.vendor.script = () => {
      count += 1
      return count % 4 === 0 ? undefined : status(500)
    }
    await test.take(...people(20))
    for (let round = 0; round < 40; round += 1) await test.after(60)
    expect(events(test)).not.toContain('recipient.blocked')
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(20)
  })
})

describe('one account', () => {
  it('is worked for by one process at a time, and taken over when that one stops', async () => {
    const [first, second] = [await open(), await open()]
    await second.take(...people(30))
    await first.after(6)
    await second.settle()
    expect(second.vendor.requests).toHaveLength(0)
    expect(first.vendor.told).toHaveLength(30)
    await running.shift()?.stop()
    await second.take(aDelivery('ada', 1))
    await expect.poll(() => second.vendor.holds('ada'), { timeout: 10_000 }).toBeDefined()
  })

  it('is paused and resumed by operators; the newest order counts, in whatever order they come', async () => {
    const test = await open()
    const order = (paused: boolean, at: number) => ({ recipientId: recipient(), paused, by: 'ops', reason: 'audit', at })
    await test.workshop.controls.pausedOrResumed(order(true, 10))
    await test.take(aDelivery('ada', 1))
    await test.after(3600)
    expect(test.vendor.requests).toHaveLength(0)
    expect(test.workshop.recipientReason(recipient())).toBe('paused')
    await test.workshop.controls.pausedOrResumed(order(false, 20))
    await test.settle()
    expect(test.vendor.holds('ada')).toBeDefined()
    await test.workshop.controls.pausedOrResumed(order(true, 15))
    await test.take(aDelivery('bob', 1))
    await test.settle()
    expect(test.vendor.holds('bob')).toBeDefined()
  })

  it('that was resumed is tried at once, whatever it was left alone for', async () => {
    const test = await open()
    test.vendor.script = () => status(401)
    await test.take(aDelivery('ada', 1))
    await test.settle()
    test.vendor.script = () => undefined
    await test.workshop.controls.pausedOrResumed({ recipientId: recipient(), paused: false, by: 'ops', reason: 'new key', at: 5 })
    await expect.poll(() => test.vendor.holds('ada')).toBeDefined()
    await test.settle()
    expect(await test.row('ada')).toMatchObject({ state: 'confirmed' })
  })
})

describe('a person', () => {
  const order = (version: number, at: number) => ({
    deliveryId: `${recipient()}/${subject('ada')}/${version}` as never,
    recipientId: recipient(),
    subjectId: subject('ada'),
    version,
    by: 'M. Curie',
    why: 'told by letter',
    at,
  })

  it('ends a delivery that awaits one', async () => {
    const test = await open()
    test.vendor.script = () => status(422)
    await test.take(aDelivery('ada', 1))
    await test.settle()
    expect(await test.row('ada')).toMatchObject({ state: 'needs_person' })
    await test.workshop.controls.resolved(order(1, startTime + 1_000))
    const row = await test.row('ada')
    expect(row).toMatchObject({ state: 'resolved' })
    expect(row.lane).toBeUndefined()
    const told = (await test.outcomes('ada')).find(({ step }) => step === 'resolved')
    expect(told).toMatchObject({ outcome: { kind: 'resolved', by: 'M. Curie' } })
  })

  it('ends no other version, and none that was asked for since', async () => {
    const test = await open()
    test.vendor.script = () => status(422)
    await test.take(aDelivery('ada', 2))
    await test.settle()
    await test.workshop.controls.resolved(order(1, startTime + 1_000))
    expect(await test.row('ada')).toMatchObject({ state: 'needs_person' })
    await test.take(aDelivery('ada', 2, 'denied', { assertion: startTime + 5_000 }))
    await test.settle()
    await test.workshop.controls.resolved(order(2, startTime + 1_000))
    expect(await test.row('ada')).toMatchObject({ state: 'needs_person' })
  })
})
