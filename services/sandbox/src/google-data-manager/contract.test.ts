import { sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientOf } from '../audience/test-client.ts'
import { type Sandbox, startSandbox } from '../index.ts'
import { CONTACT, clientFor, destination, hex, MOBILE, member } from './test-client.ts'

let sandbox: Sandbox
let client: ReturnType<typeof clientFor>
const ada = 'ada@example.com'
const google = () => sandbox.googleDataManager
const body = { destinations: [destination(CONTACT)], audienceMembers: [member(hex(ada))], encoding: 'HEX' }
const REMOVE = '/v1/audienceMembers:remove'
const reasonsOf = ({ json }: { json: ReturnType<typeof JSON.parse> }): string[] =>
  json.error.details.at(-1).fieldViolations.map(({ reason, field }: Record<string, string>) => `${reason} ${field}`)

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['google-data-manager'], googleDataManager: { paceMs: 5 } })
  client = clientFor(sandbox)
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  google().control.reset()
  google().control.configure({ perMinute: 300, perDay: 100_000 })
  google().control.seedMember(CONTACT, ada)
})

describe('one thing that is wrong refuses the whole request', () => {
  const userData = (identifier: object) => ({ audienceMembers: [member(hex(ada)), { userData: { userIdentifiers: [identifier] } }] })
  const second = 'audience_members[1].user_data.user_identifiers[0]'
  it.each([
    ['a raw address', userData({ emailAddress: ada }), `INVALID_HEX_ENCODING ${second}`],
    ['upper-case hex', userData({ emailAddress: hex(ada).toUpperCase() }), `INVALID_HEX_ENCODING ${second}`],
    ['another hash', userData({ emailAddress: hex(ada).slice(0, 40) }), `INVALID_SHA256_FORMAT ${second}`],
    [
      'hex for base64',
      { ...userData({ emailAddress: hex(ada) }), audienceMembers: [member(hex(ada))], encoding: 'BASE64' },
      'INVALID_SHA256_FORMAT audience_members[0].user_data.user_identifiers[0]',
    ],
    ['no encoding', { encoding: undefined }, 'REQUIRED_FIELD_MISSING encoding'],
    ['no members', { audienceMembers: [] }, 'REQUIRED_FIELD_MISSING audience_members'],
    ['10,001 members', { audienceMembers: Array(10_001).fill(member(hex(ada))) }, 'TOO_MANY_AUDIENCE_MEMBERS audience_members'],
    [
      '11 identifiers',
      { audienceMembers: [member(...Array(11).fill(hex(ada)))] },
      'TOO_MANY_USER_IDENTIFIERS audience_members[0].user_data.user_identifiers',
    ],
    [
      'no identifiers',
      { audienceMembers: [{ userData: { userIdentifiers: [] } }] },
      'NO_IDENTIFIERS_PROVIDED audience_members[0].user_data.user_identifiers',
    ],
    [
      'an address that is not whole',
      userData({ address: { givenName: hex('a'), familyName: hex('b'), regionCode: 'US' } }),
      `INVALID_POSTAL_CODE ${second}`,
    ],
    [
      'a hashed device id',
      { destinations: [destination(MOBILE)], audienceMembers: [{ mobileData: { mobileIds: [hex('x')] } }] },
      'INVALID_MOBILE_ID_FORMAT audience_members[0].mobile_data.mobile_ids[0]',
    ],
    ['a list of another kind', { destinations: [destination(MOBILE)] }, 'INVALID_USER_LIST_TYPE destinations[0].product_destination_id'],
    ['an unknown list', { destinations: [destination('99')] }, 'INVALID_USER_LIST_ID destinations[0].product_destination_id'],
    ['11 destinations', { destinations: Array(11).fill(destination(CONTACT)) }, 'TOO_MANY_DESTINATIONS destinations'],
    [
      'an account id with hyphens',
      { destinations: [{ ...destination(CONTACT), operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '408-555-0199' } }] },
      'INVALID_DESTINATION destinations[0].operating_account.account_id',
    ],
  ])('%s', async (_what, change, reason) => {
    const answer = await client.call('POST', REMOVE, { ...body, ...change })
    expect(answer.status).toBe(400)
    expect(answer.json.error).toMatchObject({ status: 'INVALID_ARGUMENT', details: [{ metadata: { requestId: expect.any(String) } }, {}] })
    expect(reasonsOf(answer)).toEqual([reason])
    expect(google().control.underWay()).toBe(0)
  })
  it('two kinds of data, two equal references', async () => {
    const mixed = { ...body, audienceMembers: [member(hex(ada)), { userIdData: { userId: 'u1' } }] }
    expect(reasonsOf(await client.call('POST', REMOVE, mixed))).toContain('MULTIPLE_DATA_TYPES_NOT_ALLOWED audience_members')
    const twice = { ...destination(CONTACT), reference: 'r' }
    expect(reasonsOf(await client.call('POST', REMOVE, { ...body, destinations: [twice, twice] }))).toEqual([
      'DUPLICATE_DESTINATION_REFERENCE destinations[1].reference',
    ])
  })
  it('a field that the message does not have: a removal takes neither consent nor terms', async () => {
    for (const [name, value] of [
      ['consent', {}],
      ['termsOfService', {}],
      ['typo', 1],
    ] as const) {
      const answer = await client.call('POST', REMOVE, { ...body, [name]: value })
      expect(answer.status).toBe(400)
      expect(answer.json.error.message).toContain(`Unknown name "${name}"`)
    }
    expect((await client.call('POST', REMOVE, { ...body, destinations: [{ ...destination(CONTACT), id: 1 }] })).status).toBe(400)
  })
  it('names at most ten at once', async () => {
    const answer = await client.call('POST', REMOVE, { ...body, audienceMembers: Array(30).fill(member('x')) })
    expect(reasonsOf(answer)).toHaveLength(10)
  })
  it('an account of somebody else is forbidden, a manager of the own one is not', async () => {
    const at = (operatingAccount: object, loginAccount?: object) => ({
      ...body,
      destinations: [{ operatingAccount, productDestinationId: CONTACT, ...(loginAccount && { loginAccount }) }],
    })
    const own = { accountType: 'GOOGLE_ADS', accountId: '4085550199' }
    expect(await client.call('POST', REMOVE, at({ ...own, accountId: '1' }))).toMatchObject({
      status: 403,
      json: { error: { status: 'PERMISSION_DENIED' } },
    })
    expect((await client.call('POST', REMOVE, at(own, { ...own, accountId: '4085550100' }))).status).toBe(200)
    expect((await client.call('POST', REMOVE, at(own, { ...own, accountId: '2' }))).status).toBe(403)
  })
  it('what is no JSON, or does not say that it is', async () => {
    expect((await client.call('POST', REMOVE, '{')).status).toBe(400)
    expect((await client.call('POST', REMOVE, body, { 'content-type': 'text/plain' })).status).toBe(400)
  })
})

it('only checks when told to, and such a request has no status', async () => {
  const { status, json } = await client.call('POST', REMOVE, { ...body, validateOnly: true })
  expect(status).toBe(200)
  expect(google().control.underWay()).toBe(0)
  const answer = await client.call('GET', `/v1/requestStatus:retrieve?requestId=${json.requestId}`)
  expect([answer.status, reasonsOf(answer)]).toEqual([400, ['INVALID_REQUEST_ID request_id']])
})

describe('signing in', () => {
  const token = (form: Record<string, string>) => clientOf(google().url)('POST', '/token', new URLSearchParams(form))
  const refresh = () => {
    const { clientId, clientSecret, refreshToken } = google()
    return { grant_type: 'refresh_token', client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken }
  }
  const removeWith = (headers: Record<string, string>) => clientOf(google().url, headers)('POST', REMOVE, body)
  const assertion = (claims: object = {}, key = JSON.parse(google().serviceAccountKey)) => {
    const now = Math.floor(Date.now() / 1000)
    const scope = 'https://www.googleapis.com/auth/datamanager'
    const payload = { iss: key.client_email, scope, aud: key.token_uri, iat: now, exp: now + 3600, ...claims }
    const text = [{ alg: 'RS256', typ: 'JWT' }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    return `${text}.${sign('RSA-SHA256', Buffer.from(text), key.private_key).toString('base64url')}`
  }
  const jwt = (text: string) => token({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: text })

  it('needs a bearer token; API keys are refused', async () => {
    for (const headers of [{}, { 'x-goog-api-key': 'k' }, { authorization: 'Bearer nonsense' }]) {
      expect(await removeWith(headers as Record<string, string>)).toMatchObject({
        status: 401,
        json: { error: { status: 'UNAUTHENTICATED' } },
      })
    }
  })
  it('gives a human a token that opens only together with their project', async () => {
    const { status, json } = await token(refresh())
    expect([status, json.expires_in, json.token_type]).toEqual([200, 3599, 'Bearer'])
    const authorization = `Bearer ${json.access_token}`
    expect((await removeWith({ authorization })).status).toBe(403)
    expect((await removeWith({ authorization, 'x-goog-user-project': google().projectId })).status).toBe(200)
  })
  it.each([
    ['refresh_token', 'invalid_grant', 400],
    ['client_secret', 'invalid_client', 401],
    ['client_id', 'invalid_client', 401],
    ['grant_type', 'unsupported_grant_type', 400],
  ])('refuses a wrong %s', async (field, error, status) => {
    expect(await token({ ...refresh(), [field]: 'wrong' })).toMatchObject({ status, json: { error } })
  })
  it("takes a service account's assertion, signed with its key", async () => {
    expect(readFileSync(google().serviceAccountKeyPath, 'utf8')).toBe(google().serviceAccountKey)
    const { json } = await jwt(assertion())
    expect((await removeWith({ authorization: `Bearer ${json.access_token}` })).status).toBe(200)
    expect((await jwt(assertion({ aud: 'https://oauth2.googleapis.com/token' }))).status).toBe(200)
  })
  it('refuses an assertion that was signed for another text, for another place, too long, too old, or of nobody', async () => {
    const now = Math.floor(Date.now() / 1000)
    const [header, , signature] = assertion().split('.')
    const forged = assertion({ scope: 'other' }).split('.')[1]
    const wrong = [
      `${header}.${forged}.${signature}`,
      assertion({ aud: 'https://example.com/token' }),
      assertion({ exp: now + 7200 }),
      assertion({ iat: now - 7200, exp: now - 3600 }),
      assertion({ iss: 'someone@example.com' }),
      'nonsense',
    ]
    for (const text of wrong) expect(await jwt(text)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } })
  })
  it('opens nothing with a token for another scope', async () => {
    const { json } = await jwt(assertion({ scope: 'https://www.googleapis.com/auth/adwords' }))
    expect(await removeWith({ authorization: `Bearer ${json.access_token}` })).toMatchObject({
      status: 403,
      json: { error: { details: [{ reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT' }] } },
    })
  })
  it('ends tokens after an hour, and when they are called back', async () => {
    const authorization = `Bearer ${(await jwt(assertion())).json.access_token}`
    await sandbox.clock.advance(3600)
    expect((await removeWith({ authorization })).status).toBe(401)
    const next = `Bearer ${(await jwt(assertion())).json.access_token}`
    google().control.recallTokens()
    expect((await removeWith({ authorization: next })).status).toBe(401)
    expect((await removeWith({ authorization: `Bearer ${google().accessToken}` })).status).toBe(200)
  })
  it('is over once the key is revoked; a token that ended early can be replaced', async () => {
    google().control.misbehave({ kind: 'revoked-key', count: 1 })
    expect([(await client.call('POST', REMOVE, body)).status, (await token(refresh())).status]).toEqual([401, 200])
    google().control.misbehave({ kind: 'revoked-key' })
    expect([(await client.call('POST', REMOVE, body)).status, (await token(refresh())).status]).toEqual([401, 400])
  })
})

describe('quotas', () => {
  const post = async () => (await client.call('POST', REMOVE, { ...body, validateOnly: true })).json.error?.details[0].metadata.quota_limit
  it('are 300 writes a minute and 100,000 a day, and name their bucket', async () => {
    google().control.configure({ perMinute: 2, perDay: 3 })
    expect([await post(), await post(), await post()]).toEqual([undefined, undefined, 'IngestionMutateRequestsPerMinutePerProject'])
    await sandbox.clock.advance(61)
    expect([await post(), await post()]).toEqual([undefined, 'IngestionMutateRequestsPerDayPerProject'])
    await sandbox.clock.advance(86_400)
    expect(await post()).toBeUndefined()
  })
  it('count reads apart from writes', async () => {
    google().control.configure({ perMinute: 1 })
    expect(await post()).toBeUndefined()
    expect((await client.call('GET', '/v1/requestStatus:retrieve?requestId=x')).status).toBe(400)
    expect((await client.call('GET', '/v1/requestStatus:retrieve?requestId=x')).status).toBe(429)
  })
})
