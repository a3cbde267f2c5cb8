import { randomUUID } from 'node:crypto'
import { loadService, type TrailEvent } from '@heed/contracts'
import type { DisclosureReportRequest } from '@heed/contracts/gen/heed/audit/v1/DisclosureReportRequest.ts'
import type { DisclosureReportResponse__Output } from '@heed/contracts/gen/heed/audit/v1/DisclosureReportResponse.ts'
import type { SubjectId } from '@heed/domain'
import { systemClock } from '@heed/platform/clock'
import { type CallerRow, closeClient, grpcClient, mongoCallers, status, type UnaryCall } from '@heed/platform/grpc'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accepted, exampleTime, recipient, subject } from './testing/events.ts'
import { type House, openHouse, type RunningAudit, until } from './testing/house.ts'

interface ReportClient {
  disclosureReport: UnaryCall<DisclosureReportRequest, DisclosureReportResponse__Output>
}

let house: House
let audit: RunningAudit
const clients: object[] = []
beforeAll(async () => {
  house = await openHouse('reports')
  audit = await house.audit()
})
afterAll(async () => {
  for (const client of clients) closeClient(client)
  await house.stop()
})

const clientWith = async (...scopes: string[]): Promise<ReportClient> => {
  const callers = mongoCallers(house.mongo.collection<CallerRow>(`${house.prefix}_callers`, 'callers'), systemClock)
  const { key } = await callers.addCaller({ id: `desk-${randomUUID().slice(0, 8)}`, scopes })
  const client = grpcClient<ReportClient>(loadService('heed.audit.v1.AuditService'), { address: `127.0.0.1:${audit.app.server.port}`, key })
  clients.push(client)
  return client
}

const handedOver = (subjectId: SubjectId, name: string, at = exampleTime): TrailEvent => ({
  type: 'heed.disclosure.made.v1',
  data: {
    actId: `disclosure/${randomUUID()}/0`,
    at,
    by: 'connectors',
    subjectId,
    recipientId: recipient(name),
    identifiers: [{ kind: 'email', form: 'raw', count: 1 }],
    policyVersion: 'p1',
  },
})

const mergedInto = (from: SubjectId, into: SubjectId): TrailEvent => {
  const event = accepted(from, 2)
  if (event.type !== 'heed.preference.changed.v1') throw new Error('a change is expected')
  return { ...event, data: { ...event.data, cause: 'merged', changed: [], mergedInto: into } }
}

describe('a disclosure report', () => {
  it('tells who was handed what of a person, of those that were merged too, and is counted once a request', async () => {
    const client = await clientWith('disclosures:report')
    const [ada, twin] = [subject(1), subject(2)]
    await house.tell(
      accepted(ada, 1),
      handedOver(ada, 'mailchimp'),
      accepted(twin, 1),
      handedOver(twin, 'google-ads'),
      mergedInto(twin, ada),
    )
    await audit.app.caughtUp()
    const preview = await client.disclosureReport({ subjectId: twin, preview: true })
    expect(preview).toMatchObject({ subjectId: ada, mergedSubjectIds: [twin], preview: true, ordinal: 1, firstGivenAt: null })
    expect(preview.recipients).toMatchObject([
      { recipientId: 'mailchimp', clause: '4', quote: 'We share it.', times: 1, kinds: [{ kind: 'IDENTIFIER_KIND_EMAIL', form: 'raw' }] },
      { recipientId: 'google-ads' },
    ])
    const request = { subjectId: ada, requestId: 'r-1', reference: 'desk:1' }
    const first = await client.disclosureReport(request)
    expect(first).toMatchObject({ ordinal: 1, firstGivenAt: null, countedYear: new Date().getUTCFullYear(), preview: false })
    expect(await client.disclosureReport(request)).toMatchObject({ ordinal: 1, firstGivenAt: null })
    const second = await client.disclosureReport({ ...request, requestId: 'r-2' })
    expect(second).toMatchObject({ ordinal: 2, firstGivenAt: { seconds: first.generatedAt?.seconds } })
    await expect(client.disclosureReport({ ...request, reference: 'desk:2' })).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED' })
    const told = () =>
      house
        .store()
        .entries.find({ kind: 'disclosure-reported' }, { sort: { _id: 1 } })
        .toArray()
    const entries = await until(told, (rows) => rows.length === 2)
    expect(entries.map(({ subjectId, facts }) => [subjectId, JSON.parse(facts ?? '{}').ordinal])).toEqual([
      [ada, 1],
      [ada, 2],
    ])
  })

  it('of one year tells only what was handed over in it', async () => {
    const client = await clientWith('disclosures:report')
    const bob = subject(3)
    await house.tell(
      accepted(bob, 1),
      handedOver(bob, 'mailchimp', Date.UTC(2024, 11, 31, 23, 59)),
      handedOver(bob, 'google-ads', Date.UTC(2025, 0, 1)),
    )
    await audit.app.caughtUp()
    const of = async (year: number) =>
      (await client.disclosureReport({ subjectId: bob, preview: true, year })).recipients.map(({ recipientId }) => recipientId)
    expect(await of(2024)).toEqual(['mailchimp'])
    expect(await of(2025)).toEqual(['google-ads'])
    expect(await of(0)).toEqual(['mailchimp', 'google-ads'])
  })

  it('of somebody to whom nothing happened names nobody, and of an unknown subject is not found', async () => {
    const client = await clientWith('disclosures:report')
    const eve = subject(4)
    await house.tell(accepted(eve, 1))
    await audit.app.caughtUp()
    expect(await client.disclosureReport({ subjectId: eve, preview: true })).toMatchObject({
      recipients: [],
      notDisclosedRecipientIds: ['mailchimp', 'google-ads'],
    })
    await expect(client.disclosureReport({ subjectId: subject(99), preview: true })).rejects.toMatchObject({ code: status.NOT_FOUND })
  })

  it('is refused to a reader of the trail, without a reference, and for a year that has not been', async () => {
    const reader = await clientWith('audit:read')
    await expect(reader.disclosureReport({ subjectId: subject(1), preview: true })).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    })
    const client = await clientWith('disclosures:report')
    for (const wrong of [{ requestId: 'r-9' }, { requestId: 'r-9', reference: 'ada@example.org' }, { preview: true, year: 3000 }]) {
      await expect(client.disclosureReport({ subjectId: subject(1), ...wrong })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    }
  })

  it('given to two at once is the first of the year for one of them', async () => {
    const client = await clientWith('disclosures:report')
    const kim = subject(5)
    await house.tell(accepted(kim, 1))
    await audit.app.caughtUp()
    const given = await Promise.all(
      Array.from({ length: 8 }, (_, index) => client.disclosureReport({ subjectId: kim, requestId: `many-${index}`, reference: 'desk:1' })),
    )
    expect(given.map(({ ordinal }) => ordinal).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })
})
