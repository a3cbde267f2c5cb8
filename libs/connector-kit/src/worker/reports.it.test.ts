import type { DeliveryId } from '@heed/domain'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Connector, JobReport } from '../contract.ts'
import { lanes } from '../inbox/row.ts'
import {
  aDelivery,
  aDescriptor,
  answerOf,
  exampleConnector,
  openRows,
  openWorkshop,
  recipient,
  status,
  type TestRows,
  type TestWorkshop,
  type TestWorkshopOptions,
} from '../testing.fixture.ts'
import { createReports, type StoredReport } from './reports.ts'

let opened: TestRows
const running: TestWorkshop[] = []
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
beforeEach(async () => {
  for (const name of ['inbox', 'flights', 'batches', 'batchItems', 'recipients', 'reports', 'leases'])
    await opened.connection.collection(opened.database, name).deleteMany({})
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})
async function open(options: Partial<TestWorkshopOptions> = {}): Promise<TestWorkshop> {
  const workshop = await openWorkshop({ opened, connector, ...options })
  running.push(workshop)
  return workshop
}

const descriptor = aDescriptor({
  confirmation: 'by-job',
  jobs: { maxPollSeconds: 600, giveUpAfterSeconds: 600, newerMayOvertake: true, reported: true },
})
/** A vendor that takes each person by a request of her own, and reports by itself what became of her. */
const inner = exampleConnector(descriptor)
const connector: Connector<Record<string, unknown>> = {
  ...inner,
  plan: (tasks, settings, batch) => tasks.flatMap((task) => inner.plan([task], settings, batch)),
  hear: ({ status }, covers) => ({
    outcomes: covers.map((deliveryId) => ({
      deliveryId,
      outcome: status === 'completed' ? { kind: 'confirmed' } : { kind: 'rejected', reason: 'item.failed-at-partner' },
    })),
  }),
}
const jobOf = (deliveryId: string | undefined) => `r-${deliveryId?.replaceAll('/', '.')}`
const takesAll = (test: TestWorkshop) => {
  test.vendor.script = (request) => answerOf({ job: { id: jobOf(request.covers[0]), pollAfterSeconds: 60 } })
}
const idOf = (name: string, version = 1): DeliveryId => aDelivery(name, version).id
const report = async (test: TestWorkshop, name: string, status: JobReport['status'] = 'completed', version = 1) => {
  await test.workshop.reported(recipient(), [{ jobId: jobOf(idOf(name, version)), status }])
  await test.settle()
}

describe('reports in the database', () => {
  const stored = () => createReports(opened.connection.collection<StoredReport>(opened.database, 'reports'), () => 1_000)

  it('are heard, but for one whose job has begun since it was read', async () => {
    const reports = stored()
    await reports.keep(recipient(), [
      { jobId: 'ada', status: 'completed' },
      { jobId: 'bob', status: 'completed' },
    ])
    const due = await reports.due(recipient(), 10)
    await reports.begun(recipient(), ['ada'])
    await reports.heard(due)
    const again = await reports.due(recipient(), 10)
    expect(again.map(({ jobId }) => jobId)).toEqual(['ada'])
    await reports.heard(again)
    expect(await reports.nextAt(recipient())).toBeUndefined()
  })

  it('are looked at again when they are made again; the first word stays', async () => {
    const reports = stored()
    await reports.keep(recipient(), [{ jobId: 'ada', status: 'completed' }])
    await reports.heard(await reports.due(recipient(), 10))
    expect(await reports.nextAt(recipient())).toBeUndefined()
    await reports.keep(recipient(), [{ jobId: 'ada', status: 'failed' }])
    expect(await reports.due(recipient(), 10)).toMatchObject([{ jobId: 'ada', status: 'completed' }])
  })
})

describe('a report', () => {
  it('confirms what waits for it, and nothing else; nobody was asked', async () => {
    const test = await open()
    takesAll(test)
    await test.take(aDelivery('ada', 1), aDelivery('bob', 1))
    await test.settle()
    expect(await test.row('ada')).toMatchObject({
      state: 'accepted',
      final: false,
      lane: lanes.followed,
      waitReason: 'awaiting_confirmation',
    })
    await report(test, 'ada')
    expect(await test.row('ada')).toMatchObject({ state: 'confirmed', final: true })
    expect(await test.row('bob')).toMatchObject({ state: 'accepted', lane: lanes.followed })
    await report(test, 'bob', 'failed')
    expect(await test.row('bob')).toMatchObject({ state: 'needs_person', lane: lanes.parked })
    expect(test.vendor.requests.map(({ intent }) => intent)).toEqual(['assert', 'assert'])
    expect(await opened.connection.collection(opened.database, 'batches').countDocuments({})).toBe(0)
  })

  it('that is the last word stays it, however often and in whatever order others come', async () => {
    const test = await open()
    takesAll(test)
    await test.take(aDelivery('ada', 1))
    await test.settle()
    for (const status of ['completed', 'completed', 'failed', 'cancelled'] as const) await report(test, 'ada', status)
    expect(await test.row('ada')).toMatchObject({ state: 'confirmed' })
    expect(await test.outcomes('ada')).toHaveLength(2)
  })

  it('that comes before the answer counts once the answer is there', async () => {
    const test = await open()
    takesAll(test)
    await report(test, 'ada')
    await test.take(aDelivery('ada', 1))
    await test.settle()
    await expect.poll(async () => (await test.row('ada')).state).toBe('confirmed')
    expect(test.vendor.asserts).toHaveLength(1)
  })

  it('counts as well for a later try of the same work', async () => {
    const test = await open()
    takesAll(test)
    await test.take(aDelivery('ada', 1))
    await test.settle()
    await test.after(700)
    // given up, and asserted again
    expect(test.vendor.asserts).toHaveLength(2)
    await report(test, 'ada')
    expect(await test.row('ada')).toMatchObject({ state: 'confirmed' })
    await test.take(aDelivery('ada', 1, 'denied', { assertion: test.clock.now() }))
    await test.settle()
    await expect.poll(async () => (await test.row('ada')).state).toBe('confirmed')
    expect(test.vendor.asserts).toHaveLength(3)
  })

  it('about an older wish changes nothing for a newer one, which did not wait for it', async () => {
    const test = await open()
    takesAll(test)
    await test.take(aDelivery('ada', 1, 'granted'))
    await test.settle()
    await test.take(aDelivery('ada', 2, 'denied'))
    await test.settle()
    expect(test.vendor.holds('ada')).toMatchObject({ version: 2, choice: 'denied' })
    await report(test, 'ada', 'completed', 1)
    expect(await test.row('ada')).toMatchObject({ version: 2, state: 'accepted', lane: lanes.followed })
    await report(test, 'ada', 'completed', 2)
    expect(await test.row('ada')).toMatchObject({ version: 2, state: 'confirmed' })
  })

  it('about nothing that is known is given up quietly', async () => {
    const test = await open()
    takesAll(test)
    await test.workshop.reported(recipient(), [{ jobId: 'r-nobody', status: 'completed' }])
    await test.settle()
    for (let minute = 0; minute < 12; minute += 1) await test.after(60)
    expect(test.log.lines.filter(({ event }) => event === 'report.unmatched')).toHaveLength(1)
    expect(await opened.connection.collection(opened.database, 'reports').countDocuments({ lookAt: { $exists: true } })).toBe(0)
  })

  it('is heard in any number at once, and each job of a batch by itself', async () => {
    const test = await open()
    takesAll(test)
    const names = Array.from({ length: 60 }, (_, index) => `p${index}`)
    await test.take(...names.map((name) => aDelivery(name, 1)))
    await test.settle()
    await Promise.all(
      names.map((name, index) =>
        test.workshop.reported(recipient(), [{ jobId: jobOf(idOf(name)), status: index % 10 === 0 ? 'failed' : 'completed' }]),
      ),
    )
    await test.settle()
    await expect.poll(() => opened.rows.countDocuments({ state: 'confirmed' })).toBe(54)
    expect(await opened.rows.countDocuments({ state: 'needs_person' })).toBe(6)
  })
})

describe('a recipient that wants to be told nothing any more', () => {
  const gone: Connector<Record<string, unknown>> = {
    ...inner,
    interpret: (request, answer, settings) =>
      answer.via === 'http' && answer.status === 410
        ? {
            outcomes: request.covers.map((deliveryId) => ({
              deliveryId,
              outcome: { kind: 'deferred', reason: 'configuration.endpoint-gone' },
            })),
            halt: 'configuration.endpoint-gone',
          }
        : inner.interpret(request, answer, settings),
  }

  it('is paused until an operator lets it go on; its deliveries stay open', async () => {
    const test = await open({ connector: gone })
    test.vendor.script = () => status(410)
    await test.take(aDelivery('ada', 1))
    await test.settle()
    await expect.poll(() => test.workshop.recipientReason(recipient())).toBe('paused')
    await test.take(aDelivery('bob', 1))
    for (let day = 0; day < 10; day += 1) await test.after(86_400)
    expect(test.vendor.requests).toHaveLength(1)
    expect(await test.row('ada')).toMatchObject({ state: 'pending', final: false })
    test.vendor.script = () => undefined
    await test.workshop.controls.pausedOrResumed({
      recipientId: recipient(),
      paused: false,
      by: 'ops',
      reason: 'it has a new address',
      at: test.clock.now(),
    })
    await test.settle()
    for (const name of ['ada', 'bob']) expect(await test.row(name)).toMatchObject({ state: 'confirmed' })
  })
})
