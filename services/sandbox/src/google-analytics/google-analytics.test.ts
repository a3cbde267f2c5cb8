import { sign } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, clientOf } from '../audience/test-client.ts'
import { type Sandbox, startSandbox } from '../index.ts'

let sandbox: Sandbox
let call: (method: string, path: string, body?: unknown, more?: Record<string, string>) => Promise<Answer>
const PROPERTY = '312345678'
const DELETE = `/v1alpha/properties/${PROPERTY}:submitUserDeletion`
const UPSERT = '/analytics/v3/userDeletion/userDeletionRequests:upsert'
const jane = 'jane.doe@example.com'
const control = () => sandbox.googleAnalytics.control
const stateOf = (hash: string) => control().person({ hash })[0]?.state
const submit = (body: object) => call('POST', DELETE, body)

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['google-analytics'] })
  call = clientOf(sandbox.googleAnalytics.url, { authorization: `Bearer ${sandbox.googleAnalytics.accessToken}` })
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  control().reset()
  control().configure({ deletionsPerDay: 500, writesPerMinute: 600, writesPerMinutePerUser: 180 })
})

describe('a deletion', () => {
  it('is one call for each identifier, answered with the time up to which everything goes', async () => {
    const person = {
      userIds: ['crm-000481'],
      clientIds: ['1234567890.1700000000'],
      appInstanceIds: ['app1'],
      addresses: [jane],
      phones: ['+14155550123'],
    }
    control().seedMember(PROPERTY, person)
    const { status, json } = await submit({ userId: 'crm-000481' })
    expect([status, json]).toEqual([200, { deletionRequestTime: expect.stringMatching(/^\d{4}-.*Z$/) }])
    expect(
      control()
        .person({ address: jane })
        .filter(({ state }) => state === 'recorded'),
    ).toHaveLength(4)
    for (const body of [
      { clientId: '1234567890.1700000000' },
      { appInstanceId: 'app1' },
      { userProvidedData: jane },
      { userProvidedData: '+14155550123' },
    ])
      expect((await submit(body)).status).toBe(200)
    expect(
      control()
        .person({ address: jane })
        .map(({ state }) => state),
    ).toEqual(Array(5).fill('deletion-requested'))
  })
  it('is out of reports after 72 hours, and gone after the next run', async () => {
    control().seedMember(PROPERTY, { userIds: ['u1'] })
    await submit({ userId: 'u1' })
    await sandbox.clock.advance(72 * 3600)
    expect(stateOf('u1')).toBe('out-of-reports')
    await sandbox.clock.advance(60 * 86_400)
    expect(stateOf('u1')).toBe('deleted')
  })
  it('does not stop later collection', async () => {
    control().seedMember(PROPERTY, { userIds: ['u1'] })
    await submit({ userId: 'u1' })
    await sandbox.clock.advance(1)
    control().seedMember(PROPERTY, { userIds: ['u1'] })
    expect(stateOf('u1')).toBe('recorded')
  })
  it('may be repeated, and be of somebody who was never seen', async () => {
    const first = (await submit({ userId: 'nobody' })).json.deletionRequestTime
    await sandbox.clock.advance(1)
    expect((await submit({ userId: 'nobody' })).json.deletionRequestTime > first).toBe(true)
    expect(stateOf('nobody')).toBe('never-seen')
  })
  it('finds an address only as Analytics keeps it: Gmail without dots, but with its suffix', async () => {
    const gmail = ' Jane.Doe+promo@Gmail.com '
    control().seedMember(PROPERTY, gmail)
    for (const spelled of ['jane.doe+promo@gmail.com', 'janedoe@gmail.com', 'Janedoe+promo@gmail.com']) {
      expect((await submit({ userProvidedData: spelled })).status).toBe(200)
    }
    expect(stateOf('janedoe+promo@gmail.com')).toBe('recorded')
    expect(
      control()
        .requests()
        .filter(({ remark }) => remark !== undefined),
    ).toHaveLength(2)
    await submit({ userProvidedData: 'janedoe+promo@gmail.com' })
    expect(stateOf('janedoe+promo@gmail.com')).toBe('deletion-requested')
  })
})

describe('a request', () => {
  it.each([
    ['nobody', {}],
    ['two identifiers', { userId: 'a', clientId: '1.2' }],
    ['an empty identifier', { userId: '' }],
    ['a hashed address', { userProvidedData: '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d' }],
    ['a phone without its plus', { userProvidedData: '14155550123' }],
    ['a field of another API', { emailAddress: jane }],
  ])('for %s is refused', async (_what, body) => {
    expect(await submit(body)).toMatchObject({ status: 400, json: { error: { code: 400, status: 'INVALID_ARGUMENT' } } })
  })
  it('goes to a property by its number, and to one that exists', async () => {
    expect((await call('POST', '/v1alpha/properties/G-ABC:submitUserDeletion', { userId: 'u' })).status).toBe(400)
    expect((await call('POST', '/v1alpha/properties/99:submitUserDeletion', { userId: 'u' })).status).toBe(404)
    expect((await call('POST', '/v1beta/properties/312345678:submitUserDeletion', { userId: 'u' })).status).toBe(404)
  })
  it('of a poisoned identifier is refused alone', async () => {
    control().misbehave({ kind: 'poison', match: { address: jane } })
    expect([(await submit({ userProvidedData: jane })).status, (await submit({ userId: 'u1' })).status]).toEqual([400, 200])
  })
})

describe('the day’s quota', () => {
  it('is the property’s, and starts anew at midnight Pacific time', async () => {
    control().configure({ deletionsPerDay: 2 })
    expect([(await submit({ userId: '1' })).status, (await submit({ userId: '1' })).status]).toEqual([200, 200])
    expect(await submit({ userId: '2' })).toMatchObject({ status: 429, json: { error: { status: 'RESOURCE_EXHAUSTED' } } })
    expect(control().deletionsLeft(PROPERTY)).toBe(0)
    const time = new Intl.DateTimeFormat('en-GB', { timeZone: 'America/Los_Angeles', timeStyle: 'medium', hourCycle: 'h23' })
    const [hours = 0, minutes = 0, seconds = 0] = time.format(sandbox.clock.now()).split(':').map(Number)
    const untilMidnight = 86_400 - (hours * 3600 + minutes * 60 + seconds)
    await sandbox.clock.advance(Math.max(0, untilMidnight - 30))
    expect((await submit({ userId: '2' })).status).toBe(429)
    await sandbox.clock.advance(60)
    expect((await submit({ userId: '2' })).status).toBe(200)
  })
  it('is 500', async () => {
    control().configure({ writesPerMinute: 10_000, writesPerMinutePerUser: 10_000 })
    expect(control().deletionsLeft(PROPERTY)).toBe(500)
  })
  it('stands beside those of a minute', async () => {
    control().configure({ writesPerMinutePerUser: 1 })
    expect([(await submit({ userId: '1' })).status, (await submit({ userId: '2' })).status]).toEqual([200, 429])
    await sandbox.clock.advance(61)
    expect((await submit({ userId: '2' })).status).toBe(200)
  })
})

describe('the older API', () => {
  const upsert = (id: object, more: object = { propertyId: PROPERTY }) =>
    call('POST', UPSERT, { kind: 'analytics#userDeletionRequest', id, ...more }, scoped)
  let scoped: Record<string, string> = {}
  beforeAll(async () => {
    scoped = { authorization: `Bearer ${await tokenFor('https://www.googleapis.com/auth/analytics.user.deletion')}` }
  })

  it('repeats the body with the time, and takes no e-mail', async () => {
    control().seedMember(PROPERTY, { userIds: ['crm-000481'] })
    expect((await upsert({ type: 'USER_ID', userId: 'crm-000481' })).json).toEqual({
      kind: 'analytics#userDeletionRequest',
      id: { type: 'USER_ID', userId: 'crm-000481' },
      propertyId: PROPERTY,
      deletionRequestTime: expect.any(String),
    })
    expect(stateOf('crm-000481')).toBe('deletion-requested')
    expect((await upsert({ type: 'EMAIL', userId: jane })).status).toBe(400)
    expect((await upsert({ type: 'USER_ID', userId: 'u' }, { propertyId: PROPERTY, webPropertyId: 'UA-1-1' })).status).toBe(400)
    expect((await upsert({ type: 'USER_ID', userId: 'u' }, {})).status).toBe(400)
  })
  it('is slow, and opens with another scope', async () => {
    const statuses = await Promise.all(['1', '2', '3', '4'].map(async (userId) => (await upsert({ type: 'USER_ID', userId })).status))
    expect(statuses.toSorted()).toEqual([200, 200, 200, 429])
    expect((await call('POST', DELETE, { userId: 'u' }, scoped)).status).toBe(403)
  })
})

async function tokenFor(scope: string): Promise<string> {
  const { url, serviceAccountKey } = sandbox.googleAnalytics
  const key = JSON.parse(serviceAccountKey)
  const iat = Math.floor(Date.now() / 1000)
  const claims = { iss: key.client_email, scope, aud: key.token_uri, iat, exp: iat + 600 }
  const text = [{ alg: 'RS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const assertion = `${text}.${sign('RSA-SHA256', Buffer.from(text), key.private_key).toString('base64url')}`
  const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
  return (await clientOf(url)('POST', '/token', form)).json.access_token
}

describe('signing in and errors', () => {
  it('opens with the right scope, for a human without naming a project', async () => {
    const { url, clientId, clientSecret, refreshToken } = sandbox.googleAnalytics
    const form = { grant_type: 'refresh_token', client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken }
    const { json } = await clientOf(url)('POST', '/token', new URLSearchParams(form))
    const human = { authorization: `Bearer ${json.access_token}` }
    expect((await call('POST', DELETE, { userId: 'u' }, human)).status).toBe(200)
    const reader = { authorization: `Bearer ${await tokenFor('https://www.googleapis.com/auth/analytics.readonly')}` }
    expect((await call('POST', DELETE, { userId: 'u' }, reader)).status).toBe(403)
    expect((await call('POST', DELETE, { userId: 'u' }, { authorization: 'Bearer wrong' })).status).toBe(401)
  })
  it.each([
    ['rate-limited', 429],
    ['permission-denied', 403],
    ['unavailable', 503],
    ['server-error', 500],
    ['revoked-key', 401],
    ['bad-gateway-html', 502],
  ] as const)('%s: %i, nothing deleted', async (kind, status) => {
    control().seedMember(PROPERTY, { userIds: ['u1'] })
    control().misbehave({ kind, count: 1 })
    expect((await submit({ userId: 'u1' })).status).toBe(status)
    expect(stateOf('u1')).toBe('recorded')
  })
  it('quota-as-403: an empty bucket in the older form', async () => {
    control().misbehave({ kind: 'quota-as-403', count: 2 })
    const reasons = [await submit({ userId: '1' }), await submit({ userId: '1' })].map(({ json }) => json.error.errors[0].reason)
    expect(reasons.toSorted()).toEqual(['quotaExceeded', 'rateLimitExceeded'])
  })
  it('logs nobody', async () => {
    await submit({ userProvidedData: jane })
    expect(JSON.stringify(control().requests())).not.toContain(jane)
  })
})
