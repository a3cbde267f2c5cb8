import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../index.ts'
import { CONTACT, clientFor, destination, hex, MOBILE, member, USER_ID } from './test-client.ts'

let sandbox: Sandbox
let client: ReturnType<typeof clientFor>
const jane = 'jane.doe@example.com'
const device = 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93'
const control = () => sandbox.googleDataManager.control
const isIn = (question: { address?: string; hash?: string }, listId = CONTACT) =>
  control()
    .person(question)
    .find(({ audienceId }) => audienceId === listId)?.member
const remove = (hashes: readonly string[], listId = CONTACT) => ({
  destinations: [destination(listId)],
  audienceMembers: [member(...hashes)],
  encoding: 'HEX',
})

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['google-data-manager'], googleDataManager: { paceMs: 5 } })
  client = clientFor(sandbox)
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  control().reset()
  control().configure({ paceMs: 5 })
})

describe('a removal', () => {
  it('is accepted with a request id, and takes effect later', async () => {
    control().seedMember(CONTACT, jane)
    control().configure({ paceMs: 60_000 })
    const { status, json } = await client.call('POST', '/v1/audienceMembers:remove', remove([hex(jane)]))
    expect(status).toBe(200)
    expect(await client.status(json.requestId)).toMatchObject({ requestStatusPerDestination: [{ requestStatus: 'PROCESSING' }] })
    expect(isIn({ address: jane })).toBe(true)
    await sandbox.clock.advance(90)
    expect(isIn({ address: jane })).toBe(false)
    expect(await client.status(json.requestId)).toEqual({
      requestStatusPerDestination: [
        {
          destination: destination(CONTACT),
          requestStatus: 'SUCCESS',
          audienceMembersRemovalStatus: { userDataRemovalStatus: { recordCount: '1', userIdentifierCount: '1' } },
        },
      ],
    })
  })
  it('finds people by the vectors of the sheet, in hex and in base64', async () => {
    for (const [encoding, hash] of [
      ['HEX', '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d'],
      ['BASE64', 'huC55WwXzE0SOH4ZSbhQU/vnO8POWhGIcTqdMAzGEz0='],
    ] as const) {
      control().seedMember(CONTACT, jane)
      await client.done('/v1/audienceMembers:remove', { ...remove([hash]), encoding })
      expect(isIn({ address: jane })).toBe(false)
    }
    control().seedMember(CONTACT, { addresses: [' Jane.Doe+promo@Gmail.com '], phones: ['+14155550123'] })
    await client.done('/v1/audienceMembers:remove', remove(['d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69']))
    expect(isIn({ hash: '+14155550123' })).toBe(false)
    control().seedMember(CONTACT, { phones: ['+14155550123'] })
    const phoneNumber = '36a2cef4ff9bf7a1abd2a93359136b870393be4106e6c5d19b72ff564f9deca4'
    await client.done('/v1/audienceMembers:remove', {
      ...remove([]),
      audienceMembers: [{ userData: { userIdentifiers: [{ phoneNumber }] } }],
    })
    expect(isIn({ hash: '+14155550123' })).toBe(false)
  })
  it('does nothing for a Gmail address that was spelled another way than Google does, and says SUCCESS', async () => {
    const gmail = 'jane.doe+promo@gmail.com'
    control().seedMember(CONTACT, gmail)
    const { requestStatusPerDestination } = await client.done('/v1/audienceMembers:remove', remove([hex(gmail)]))
    expect(requestStatusPerDestination[0].requestStatus).toBe('SUCCESS')
    expect(isIn({ address: gmail })).toBe(true)
  })
  it('reaches somebody who was uploaded before 2026 only by the hash of then', async () => {
    const gmail = 'jane.doe+promo@gmail.com'
    control().seedFormerMember(CONTACT, gmail)
    await client.done('/v1/audienceMembers:remove', remove([hex('janedoe@gmail.com')]))
    expect(isIn({ address: gmail })).toBe(true)
    await client.done('/v1/audienceMembers:remove', remove([hex('janedoe@gmail.com'), hex('janedoe+promo@gmail.com')]))
    expect(isIn({ address: gmail })).toBe(false)
  })
  it('of somebody who is not in the list is no error', async () => {
    const { requestStatusPerDestination } = await client.done('/v1/audienceMembers:remove', remove([hex('nobody@example.com')]))
    expect(requestStatusPerDestination[0].requestStatus).toBe('SUCCESS')
  })
  it('goes to several lists and accounts at once, in the order of its destinations', async () => {
    control().seedEverywhere(jane)
    const body = { ...remove([hex(jane)]), destinations: [destination('7712345101'), destination(CONTACT)] }
    const { requestStatusPerDestination } = await client.done('/v1/audienceMembers:remove', body)
    expect(requestStatusPerDestination).toMatchObject([{ destination: destination('7712345101') }, { destination: destination(CONTACT) }])
    expect(control().person({ address: jane })).toMatchObject([{ member: false }, { member: false }])
  })
  it('takes devices and user ids as they are, each in its own list', async () => {
    control().seedMember(MOBILE, { deviceIds: [device] })
    control().seedMember(USER_ID, { userIds: ['crm-000481'] })
    const mobile = { destinations: [destination(MOBILE)], audienceMembers: [{ mobileData: { mobileIds: [device] } }] }
    expect(await client.done('/v1/audienceMembers:remove', mobile)).toMatchObject({
      requestStatusPerDestination: [
        { audienceMembersRemovalStatus: { mobileDataRemovalStatus: { recordCount: '1', mobileIdCount: '1' } } },
      ],
    })
    const user = { destinations: [destination(USER_ID)], audienceMembers: [{ userIdData: { userId: 'crm-000481' } }] }
    await client.done('/v1/audienceMembers:remove', user)
    expect([isIn({ hash: device }, MOBILE), isIn({ hash: 'crm-000481' }, USER_ID)]).toEqual([false, false])
  })
})

describe('an ingestion', () => {
  const ingest = (consent?: object) => ({
    ...remove([hex(jane)]),
    termsOfService: { customerMatchTermsOfServiceStatus: 'ACCEPTED' },
    ...(consent && { consent }),
  })
  const granted = { adUserData: 'CONSENT_GRANTED', adPersonalization: 'CONSENT_GRANTED' }
  beforeEach(() => control().know([jane]))

  it('adds a person who consented', async () => {
    expect(await client.done('/v1/audienceMembers:ingest', ingest(granted))).toMatchObject({
      requestStatusPerDestination: [
        {
          requestStatus: 'SUCCESS',
          audienceMembersIngestionStatus: { userDataIngestionStatus: { recordCount: '1', userIdentifierCount: '1' } },
        },
      ],
    })
    expect(isIn({ address: jane })).toBe(true)
  })
  it.each([
    ['denied', { ...granted, adPersonalization: 'CONSENT_DENIED' }, 'PROCESSING_ERROR_REASON_DENIED_CONSENT'],
    ['missing', undefined, 'PROCESSING_ERROR_REASON_UNKNOWN_CONSENT'],
  ])('counts a consent that is %s as an error, later', async (_what, consent, reason) => {
    const { requestStatusPerDestination } = await client.done('/v1/audienceMembers:ingest', ingest(consent))
    expect(requestStatusPerDestination[0].errorInfo).toEqual({ errorCounts: [{ recordCount: '1', reason }] })
    expect(isIn({ address: jane })).toBe(false)
  })
  it('lets a member override the consent of the request', async () => {
    const body = { ...ingest(granted), audienceMembers: [{ ...member(hex(jane)), consent: { adUserData: 'CONSENT_DENIED' } }] }
    await client.done('/v1/audienceMembers:ingest', body)
    expect(isIn({ address: jane })).toBe(false)
  })
  it('wants the terms accepted', async () => {
    const { termsOfService: _, ...body } = ingest(granted)
    expect(await client.call('POST', '/v1/audienceMembers:ingest', body)).toMatchObject({
      status: 400,
      json: { error: { details: [{}, { fieldViolations: [{ reason: 'TERMS_AND_CONDITIONS_NOT_SIGNED' }] }] } },
    })
  })
})

it('empties a list of whoever was in it at a time', async () => {
  control().seedMembers(CONTACT, { count: 5 })
  const asOf = new Date(sandbox.clock.now()).toISOString()
  const body = { destinations: [destination(CONTACT)], removeAsOfTime: asOf }
  expect(await client.done('/v1/audienceMembers:removeAll', body)).toMatchObject({
    requestStatusPerDestination: [{ requestStatus: 'SUCCESS' }],
  })
  expect(
    control()
      .beliefs()
      .filter((one) => one.member),
  ).toEqual([])
  const future = new Date(sandbox.clock.now() + 60_000).toISOString()
  expect((await client.call('POST', '/v1/audienceMembers:removeAll', { ...body, removeAsOfTime: future })).status).toBe(400)
})

it('works two requests that are under way together off in no promised order', async () => {
  const terms = { termsOfService: { customerMatchTermsOfServiceStatus: 'ACCEPTED' } }
  const consent = { adUserData: 'CONSENT_GRANTED', adPersonalization: 'CONSENT_GRANTED' }
  const people = Array.from({ length: 24 }, (_, n) => hex(`person-${n + 1}@example.com`))
  for (const hash of people) {
    await client.call('POST', '/v1/audienceMembers:ingest', { ...remove([hash]), ...terms, consent })
    await client.call('POST', '/v1/audienceMembers:remove', remove([hash]))
  }
  await expect.poll(() => control().underWay()).toBe(0)
  const outcomes = new Set(people.map((hash) => isIn({ hash })))
  expect(outcomes).toEqual(new Set([true, false]))
})

it('can be seeded with a crowd, and knows each of them', () => {
  control().seedMembers(CONTACT, { count: 20_000 })
  expect(isIn({ address: 'person-20000@example.com' })).toBe(true)
  expect(
    control()
      .beliefs()
      .filter((one) => one.member),
  ).toHaveLength(20_000)
})
