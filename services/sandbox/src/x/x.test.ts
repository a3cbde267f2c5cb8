import { createHash, createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, clientOf } from '../audience/test-client.ts'
import { type Sandbox, startSandbox } from '../index.ts'

let sandbox: Sandbox
const [FIRST, SECOND] = ['1exmp', '2exmp']
const USERS = `/12/accounts/18ce5exmpl/custom_audiences/${FIRST}/users`
const LISTS = '/12/accounts/18ce5exmpl/do_not_reach_lists'
const hex = (text: string) => createHash('sha256').update(text).digest('hex')
const jane = 'jane.doe@example.com'
const HASH = '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d'
const control = () => sandbox.x.control
const membersOf = (question: { address?: string; hash?: string }) =>
  control()
    .person(question)
    .map(({ member }) => member)
const operation = (type: string, ...users: object[]) => ({ operation_type: type, params: { users } })

// signed here with a few lines of its own, apart from the code under test
function authorization(method: string, path: string, change: Record<string, string> = {}): string {
  const { consumerKey, consumerSecret, token, tokenSecret, url } = sandbox.x
  const encode = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const fields: Record<string, string> = {
    oauth_consumer_key: consumerKey,
    oauth_nonce: randomUUID(),
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(Math.floor(Date.now() / 1000)),
    oauth_token: token,
    oauth_version: '1.0',
    ...change,
  }
  const target = new URL(url + path)
  const all = [...Object.entries(fields), ...target.searchParams].map(([k, v]) => `${encode(k)}=${encode(v)}`).sort()
  const base = [method, target.origin + target.pathname, all.join('&')].map(encode).join('&')
  const signature = createHmac('sha1', `${encode(consumerSecret)}&${encode(tokenSecret)}`)
    .update(base)
    .digest('base64')
  return `OAuth ${Object.entries({ ...fields, oauth_signature: signature })
    .map(([k, v]) => `${k}="${encode(v)}"`)
    .join(', ')}`
}
const call = (method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<Answer> =>
  clientOf(sandbox.x.url)(method, path, body, { authorization: authorization(method, path), ...more })
const codeOf = ({ json }: Answer) => json.errors[0].code

beforeAll(async () => {
  const audiences = [FIRST, SECOND].map((id) => ({ id, name: `Audience ${id}` }))
  sandbox = await startSandbox({ port: 0, vendors: ['x'], x: { audiences } })
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  control().reset()
  control().configure({ applyDelayMs: 0, perMinute: 1500 })
})

describe('a request', () => {
  it('takes people out of an audience, and counts them as objects', async () => {
    control().seedEverywhere({ addresses: [jane], phones: ['+14155550123'], userIds: ['crm-000481'] })
    const users = {
      email: [HASH],
      phone_number: ['36a2cef4ff9bf7a1abd2a93359136b870393be4106e6c5d19b72ff564f9deca4'],
      partner_user_id: ['crm-000481'],
    }
    const device = { device_id: ['2037680095afb452aeae985e6f39ada474bce05cd712b79f3f843fef0af68346'] }
    const { status, json } = await call('POST', USERS, [operation('Delete', users), operation('Update', device)])
    expect([status, json]).toEqual([
      200,
      { request: { params: { account_id: '18ce5exmpl', custom_audience_id: FIRST } }, data: { success_count: 2, total_count: 2 } },
    ])
    expect(membersOf({ address: jane })).toEqual([false, true])
    expect(membersOf({ hash: device.device_id[0] ?? '' })).toEqual([true])
  })
  it('finds somebody only by a key that they were added under', async () => {
    control().know([{ addresses: [jane], handles: ['@JaneDoe'] }])
    await call('POST', USERS, [operation('Update', { email: [HASH] })])
    await call('POST', USERS, [operation('Delete', { handle: ['7618385caea382f562305468e586330381aae549829075b78dca7cb0d0aefac6'] })])
    expect(membersOf({ address: jane })).toEqual([true, false])
    await call('POST', USERS, [operation('Delete', { handle: [hex('x')], email: [HASH] })])
    expect(membersOf({ address: jane })).toEqual([false, false])
  })
  it('recognises device ids and handles by the vectors of the sheet', async () => {
    control().seedMember(FIRST, { deviceIds: ['C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93'], handles: ['@JaneDoe '] })
    expect(membersOf({ hash: '2037680095afb452aeae985e6f39ada474bce05cd712b79f3f843fef0af68346' })[0]).toBe(true)
    expect(membersOf({ hash: '7618385caea382f562305468e586330381aae549829075b78dca7cb0d0aefac6' })[0]).toBe(true)
  })
  it('lets a membership end after 13 months, or when it says', async () => {
    await call('POST', USERS, [operation('Update', { email: [HASH] })])
    const soon = new Date(sandbox.clock.now() + 3_600_000).toISOString()
    await call('POST', USERS, [{ operation_type: 'Update', params: { expires_at: soon, users: [{ email: [hex('b')] }] } }])
    await sandbox.clock.advance(3601)
    expect([membersOf({ hash: HASH })[0], membersOf({ hash: hex('b') })[0]]).toEqual([true, false])
    await sandbox.clock.advance(400 * 86_400)
    expect(membersOf({ hash: HASH })[0]).toBe(false)
  })
  it('holds at once, or a while later', async () => {
    control().seedMember(FIRST, jane)
    control().configure({ applyDelayMs: 6 * 3_600_000 })
    await call('POST', USERS, [operation('Delete', { email: [HASH] })])
    expect([membersOf({ address: jane })[0], control().underWay()]).toEqual([true, 1])
    await sandbox.clock.advance(9 * 3600)
    expect(membersOf({ address: jane })[0]).toBe(false)
  })
})

describe('all or nothing', () => {
  const good = operation('Delete', { email: [HASH] })
  it.each([
    ['a raw address', operation('Delete', { email: [jane] }), 'INVALID_PARAMETER', 'users[0].email'],
    ['upper-case hex', operation('Delete', { email: [HASH.toUpperCase()] }), 'INVALID_PARAMETER', 'users[0].email'],
    [
      'a raw device id',
      operation('Delete', { device_id: ['c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93'] }),
      'INVALID_PARAMETER',
      'users[0].device_id',
    ],
    ['no array', operation('Delete', { email: HASH }), 'INVALID_PARAMETER', 'users[0].email'],
    ['an unknown field', operation('Delete', { emails: [HASH] }), 'INVALID_PARAMETER', 'users[0].emails'],
    ['nobody', operation('Delete', { email: [] }), 'INVALID_PARAMETER', 'users[0]'],
    ['no users', operation('Delete'), 'MISSING_PARAMETER', 'users'],
    ['another type', operation('delete', { email: [HASH] }), 'INVALID_PARAMETER', 'operation_type'],
    [
      'an end before its start',
      {
        operation_type: 'Update',
        params: { effective_at: '2027-01-01T00:00:00Z', expires_at: '2026-12-31T00:00:00Z', users: [{ email: [HASH] }] },
      },
      'INVALID_PARAMETER',
      'expires_at',
    ],
  ])('an operation with %s undoes the others, and is named by its place', async (_what, bad, code, parameter) => {
    control().seedMember(FIRST, jane)
    const { status, json } = await call('POST', USERS, [good, bad])
    expect(status).toBe(400)
    expect(json.operation_errors).toEqual([[], [expect.objectContaining({ code, parameter })]])
    expect(membersOf({ address: jane })[0]).toBe(true)
  })
  it('a poisoned person makes their operation fail', async () => {
    control().seedMembers(FIRST, { count: 2 })
    control().misbehave({ kind: 'poison', match: { address: 'person-2@example.com' } })
    const both = [1, 2].map((n) => operation('Delete', { email: [hex(`person-${n}@example.com`)] }))
    expect((await call('POST', USERS, both)).json.operation_errors.map((errors: unknown[]) => errors.length)).toEqual([0, 1])
    expect((await call('POST', USERS, both.slice(0, 1))).status).toBe(200)
    expect(
      control()
        .beliefs()
        .flatMap(({ member, address }) => (member ? [address] : [])),
    ).toEqual(['person-2@example.com'])
  })
  it('at most 2,500 operations and 5,000,000 bytes', async () => {
    expect((await call('POST', USERS, Array(2500).fill(good))).json.data.total_count).toBe(2500)
    expect((await call('POST', USERS, Array(2501).fill(good))).status).toBe(400)
    const users = Array.from({ length: 60_000 }, () => ({ email: [HASH] }))
    expect((await call('POST', USERS, [operation('Delete', ...users)])).json.data.total_count).toBe(60_000)
    expect((await call('POST', USERS, [operation('Delete', ...users, ...users.slice(0, 10_000))])).status).toBe(400)
  })
})

describe('the Do Not Reach List', () => {
  const users = (id: string) => `/12/batch/accounts/18ce5exmpl/do_not_reach_lists/${id}/users`
  const until = (months: number) =>
    new Date(new Date(sandbox.clock.now()).setUTCMonth(new Date(sandbox.clock.now()).getUTCMonth() + months)).toISOString()
  const put = (expires_at?: string, more: object = {}) => [
    { operation_type: 'Update', params: { ...(expires_at && { expires_at }), ...more, users: [{ email: [HASH] }] } },
  ]
  it('is made once, and keeps people out until it must be renewed', async () => {
    expect((await call('GET', LISTS)).json.data).toEqual([])
    const { id } = (await call('POST', LISTS)).json.data
    expect((await call('POST', LISTS)).status).toBe(400)
    expect((await call('GET', LISTS)).json.data).toMatchObject([{ id }])
    expect((await call('POST', users(id), put(until(11)))).json.data).toEqual([{ success_count: 1, total_count: 1 }])
    expect(control().person({ hash: HASH })).toMatchObject([{ audienceId: id, suppresses: true, member: true }])
    await sandbox.clock.advance(340 * 86_400)
    expect(control().person({ hash: HASH })).toMatchObject([{ member: false }])
  })
  it('wants an end less than 13 months ahead, no start, and takes addresses and phones only', async () => {
    await call('POST', LISTS)
    const device = [{ operation_type: 'Update', params: { expires_at: until(6), users: [{ device_id: [HASH] }] } }]
    for (const body of [put(), put(until(14)), put(until(6), { effective_at: until(1) }), device])
      expect((await call('POST', users('1dnrl'), body)).status).toBe(400)
    expect((await call('POST', users('other'), put(until(6)))).status).toBe(404)
  })
})

it('lists audiences page by page, with the query in the signature', async () => {
  const first = (await call('GET', '/12/accounts/18ce5exmpl/custom_audiences?count=1')).json
  expect(first.data).toMatchObject([{ id: FIRST }])
  const second = (await call('GET', `/12/accounts/18ce5exmpl/custom_audiences?count=1&cursor=${first.next_cursor}`)).json
  expect([second.data[0].id, second.next_cursor]).toEqual([SECOND, null])
})

describe('refusals', () => {
  it('a signature that is old, used, or of other keys is 401', async () => {
    const bare = clientOf(sandbox.x.url)
    const good = authorization('POST', USERS)
    const body = [operation('Delete', { email: [HASH] })]
    expect((await bare('POST', USERS, body, { authorization: good })).status).toBe(200)
    const old = String(Math.floor(sandbox.clock.now() / 1000) - 4000)
    const bad = [good, '', 'Bearer x', authorization('POST', USERS, { oauth_timestamp: old }), authorization('GET', USERS)]
    for (const one of bad) expect(await bare('POST', USERS, body, { authorization: one })).toMatchObject({ status: 401 })
  })
  it('a client may follow the turned clock as well as the wall’s', async () => {
    const turned = String(Math.floor(sandbox.clock.now() / 1000))
    const answer = await clientOf(sandbox.x.url)('GET', LISTS, undefined, {
      authorization: authorization('GET', LISTS, { oauth_timestamp: turned }),
    })
    expect([sandbox.clock.aheadSeconds() > 86_400, answer.status]).toEqual([true, 200])
  })
  it('accounts, audiences and routes that are not there', async () => {
    const body = [operation('Delete', { email: [HASH] })]
    expect(codeOf(await call('POST', USERS.replace('18ce5exmpl', 'other'), body))).toBe('ACCOUNT_NOT_FOUND')
    expect(codeOf(await call('POST', USERS.replace(FIRST, 'other'), body))).toBe('TAILORED_AUDIENCE_NOT_FOUND')
    expect(codeOf(await call('POST', '/11/nothing', body))).toBe('ROUTE_NOT_FOUND')
    expect((await call('POST', USERS, body, { 'content-type': 'text/plain' })).status).toBe(400)
  })
  it.each([
    ['rate-limited', 429, 'TOO_MANY_REQUESTS'],
    ['account-limited', 429, 'TOO_MANY_REQUESTS'],
    ['over-capacity', 503, 'OVER_CAPACITY'],
    ['locked', 423, 'LOCK_ACQUISITION_TIMEOUT'],
    ['cancelled', 408, 'CANCELLED_REQUEST'],
    ['not-allowed', 403, 'UNAUTHORIZED_CLIENT_APPLICATION'],
    ['server-error', 500, 'INTERNAL_ERROR'],
    ['revoked-key', 401, 'UNAUTHORIZED_ACCESS'],
  ] as const)('%s: %i', async (kind, status, code) => {
    control().seedMember(FIRST, jane)
    control().misbehave({ kind, count: 1 })
    const answer = await call('POST', USERS, [operation('Delete', { email: [HASH] })])
    expect([answer.status, codeOf(answer)]).toEqual([status, code])
    expect(membersOf({ address: jane })[0]).toBe(true)
  })
  it('miscount: the counts do not agree, and nothing was applied', async () => {
    control().seedMember(FIRST, jane)
    control().misbehave({ kind: 'miscount', count: 1 })
    const { json } = await call('POST', USERS, [operation('Delete', { email: [HASH] })])
    expect([json.data, membersOf({ address: jane })[0]]).toEqual([{ success_count: 0, total_count: 1 }, true])
  })
})

describe('headers', () => {
  const seconds = (answer: Answer, name: string) => Number(answer.headers.get(name)) - Date.now() / 1000
  it('tell what is left, and when more comes, by the wall’s clock', async () => {
    control().configure({ perMinute: 2 })
    const [first, , third] = [await call('GET', LISTS), await call('GET', LISTS), await call('GET', LISTS)]
    expect(first.headers.get('x-rate-limit-remaining')).toBe('1')
    expect(third.status).toBe(429)
    expect(seconds(third, 'x-rate-limit-reset')).toBeGreaterThan(50)
    expect(seconds(third, 'x-rate-limit-reset')).toBeLessThan(70)
    await sandbox.clock.advance(62)
    expect((await call('GET', LISTS)).status).toBe(200)
  })
  it('name the account’s own limit, how long to wait, and what will end', async () => {
    control().misbehave({ kind: 'account-limited', count: 1, retryAfterSeconds: 900 })
    expect(seconds(await call('GET', LISTS), 'x-account-rate-limit-reset')).toBeGreaterThan(800)
    control().misbehave({ kind: 'over-capacity', count: 1 })
    expect((await call('GET', LISTS)).headers.get('retry-after')).toBe('5')
    control().misbehave({ kind: 'warned', count: 1 })
    expect((await call('GET', LISTS)).headers.get('x-api-warn')).not.toBeNull()
  })
})

it('logs neither people nor credentials', async () => {
  await call('POST', USERS, [operation('Delete', { email: [HASH] })])
  const log = JSON.stringify([control().requests(), control().requestTotals()])
  expect(log).toContain('/12/accounts/{account}/custom_audiences/{audience}/users')
  for (const secret of [HASH, sandbox.x.consumerKey, sandbox.x.token]) expect(log).not.toContain(secret)
})
