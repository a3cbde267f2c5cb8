import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sha256 } from '../audience/people.ts'
import { type Answer, clientOf } from '../audience/test-client.ts'
import { type Sandbox, startSandbox } from '../index.ts'

let sandbox: Sandbox
let call: (method: string, path: string, body?: unknown, more?: Record<string, string>) => Promise<Answer>
const jane = 'jane.doe@example.com'
const [FIRST, SECOND] = ['23851234567890', '23851234567891']
const USERS = `/v25.0/${FIRST}/users`
const ANY = '/v25.0/act_1020304050/usersofanyaudience'
const control = () => sandbox.meta.control
const memberships = (question: { address?: string; hash?: string }) =>
  control()
    .person(question)
    .map(({ member }) => member)
const emails = (...hashes: string[]) => ({ payload: { schema: ['EMAIL'], data: hashes.map((hash) => [hash]) } })
const codeOf = ({ json }: Answer) => [json.error?.code, json.error?.error_subcode]

beforeAll(async () => {
  const audiences = [FIRST, SECOND].map((id, index) => ({ id, name: `Audience ${index + 1}` }))
  sandbox = await startSandbox({ port: 0, vendors: ['meta'], meta: { audiences } })
  call = clientOf(sandbox.meta.url, { authorization: `Bearer ${sandbox.meta.accessToken}` })
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  control().reset()
  control().configure({
    applyDelayMs: 0,
    errorStatus: 'proper',
    requireAppSecretProof: false,
    businessOwned: true,
    termsAccepted: true,
    callsPerHour: null,
    usagePercent: null,
  })
})

describe('an opt-out', () => {
  it('takes a person out of every audience of the account, by the example of the sheet', async () => {
    control().seedEverywhere({ addresses: [jane], phones: ['+14155550123'], userIds: ['crm-000481'] })
    const data = [
      [
        'crm-000481',
        '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d',
        '413ba75461ab5f99d36820e561ea97e2bd80f9cb586f7ecea6cf4c496518950a',
        'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93',
      ],
    ]
    const answer = await call('DELETE', ANY, { payload: { schema: ['EXTERN_ID', 'EMAIL', 'PHONE', 'MADID'], data } })
    expect(answer.status).toBe(200)
    expect(answer.json).not.toHaveProperty('error')
    expect(memberships({ address: jane })).toEqual([false, false])
  })
  it('takes a person out of one audience only, by any of their keys', async () => {
    control().seedEverywhere({ addresses: [jane], deviceIds: ['C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93'] })
    const payload = { schema: ['EMAIL', 'MADID'], data: [['', 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93']] }
    expect((await call('DELETE', USERS, { payload })).json).toEqual({
      audience_id: FIRST,
      session_id: expect.any(String),
      num_received: 1,
      num_invalid_entries: 0,
      invalid_entry_samples: [],
    })
    expect(memberships({ address: jane })).toEqual([false, true])
  })
  it('keeps dots and suffixes of Gmail addresses, so Google’s spelling matches nobody', async () => {
    const gmail = 'jane.doe+promo@gmail.com'
    control().seedMember(FIRST, gmail)
    expect((await call('DELETE', USERS, emails(sha256('janedoe@gmail.com')))).json.num_invalid_entries).toBe(0)
    expect(memberships({ address: gmail })[0]).toBe(true)
    await call('DELETE', USERS, emails('5f0d1df1fc49e30424381b57b1d4c73e067772a4267dde043a19b026935602c8'))
    expect(memberships({ address: gmail })[0]).toBe(false)
  })
  it('may be a form, and a POST that says it is a DELETE', async () => {
    control().seedEverywhere(jane)
    await call('DELETE', USERS, new URLSearchParams({ payload: JSON.stringify(emails(sha256(jane)).payload) }))
    await call('POST', `/v25.0/${SECOND}/users`, { ...emails(sha256(jane)), method: 'DELETE' })
    expect(memberships({ address: jane })).toEqual([false, false])
  })
  it('holds at once, or a while later', async () => {
    control().seedMember(FIRST, jane)
    control().configure({ applyDelayMs: 3_600_000 })
    await call('DELETE', USERS, emails(sha256(jane)))
    expect([memberships({ address: jane })[0], control().underWay()]).toEqual([true, 1])
    await sandbox.clock.advance(2 * 3600)
    expect([memberships({ address: jane })[0], control().underWay()]).toEqual([false, 0])
  })
  it('of the whole account does nothing, quietly, without a portfolio or the terms', async () => {
    control().seedMember(FIRST, jane)
    for (const settings of [{ businessOwned: false }, { businessOwned: true, termsAccepted: false }]) {
      control().configure(settings)
      expect((await call('DELETE', ANY, emails(sha256(jane)))).status).toBe(200)
      const shown = (await call('GET', '/v25.0/act_1020304050?fields=business,tos_accepted')).json
      expect('business' in shown && 'custom_audience_tos' in shown.tos_accepted).toBe(false)
    }
    expect(memberships({ address: jane })[0]).toBe(true)
  })
})

it('adds people again, once the terms are accepted', async () => {
  control().know([jane])
  control().configure({ termsAccepted: false })
  expect(codeOf(await call('POST', USERS, emails(sha256(jane))))).toEqual([200, 1_870_090])
  control().configure({ termsAccepted: true })
  await call('POST', USERS, emails(sha256(jane)))
  expect(memberships({ address: jane })).toEqual([true, false])
})

describe('rows', () => {
  it.each([
    ['a raw address', ['EMAIL'], [jane]],
    ['upper-case hex', ['EMAIL'], [sha256(jane).toUpperCase()]],
    ['a hashed device id', ['MADID'], [sha256('x')]],
    ['an upper-case device id', ['MADID'], ['C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93']],
    ['no key at all', ['EMAIL', 'PHONE'], ['', '']],
    ['too few cells', ['EMAIL', 'PHONE'], [sha256(jane)]],
  ])('with %s are counted as invalid, and the others are taken', async (_what, schema, bad) => {
    control().seedMember(FIRST, jane)
    const good = [sha256(jane), ...schema.slice(1).map(() => '')]
    const data = schema[0] === 'EMAIL' ? [bad, good] : [bad]
    const { status, json } = await call('DELETE', USERS, { payload: { schema, data } })
    expect([status, json.num_received, json.num_invalid_entries]).toEqual([200, data.length, 1])
    expect(Object.keys(json.invalid_entry_samples)).toHaveLength(1)
    expect(memberships({ address: jane })[0]).toBe(schema[0] !== 'EMAIL')
  })
  it('are 10,000 at most', async () => {
    const rows = (count: number) => ({ payload: { schema: ['EMAIL'], data: Array.from({ length: count }, () => [sha256(jane)]) } })
    expect((await call('DELETE', USERS, rows(10_000))).json.num_received).toBe(10_000)
    expect(codeOf(await call('DELETE', USERS, rows(10_001)))[0]).toBe(105)
  })
  it('may say that data use is limited', async () => {
    control().seedMember(FIRST, jane)
    const schema = ['EMAIL', 'DATA_PROCESSING_OPTIONS', 'DATA_PROCESSING_OPTIONS_COUNTRY', 'DATA_PROCESSING_OPTIONS_STATE']
    await call('DELETE', USERS, { payload: { schema, data: [[sha256(jane), ['LDU'], 1, 1000]] } })
    expect(memberships({ address: jane })[0]).toBe(false)
  })
  it('of the array form and of the single-key form do not go together on one audience', async () => {
    const single = { payload: { schema: 'EMAIL_SHA256', data: [sha256(jane)] } }
    expect((await call('DELETE', USERS, emails(sha256(jane)))).status).toBe(200)
    expect(codeOf(await call('DELETE', USERS, single))[0]).toBe(2650)
    expect((await call('DELETE', `/v25.0/${SECOND}/users`, single)).status).toBe(200)
  })
  it('are refused as a whole when there is none, or the schema is unknown', async () => {
    for (const payload of [
      undefined,
      { schema: ['EMAIL'], data: [] },
      { schema: ['MAIL'], data: [['x']] },
      { schema: 'MAIL', data: ['x'] },
    ])
      expect(codeOf(await call('DELETE', USERS, { payload }))[0]).toBe(100)
  })
  it('of a poisoned person are invalid', async () => {
    control().seedMembers(FIRST, { count: 2 })
    control().misbehave({ kind: 'poison', match: { address: 'person-1@example.com' } })
    const both = emails(sha256('person-1@example.com'), sha256('person-2@example.com'))
    expect((await call('DELETE', USERS, both)).json.num_invalid_entries).toBe(1)
    expect(
      control()
        .beliefs()
        .filter(({ member }) => member),
    ).toMatchObject([{ address: 'person-1@example.com' }])
  })
})

describe('a session', () => {
  const batch = (session: object, hash = sha256(jane)) => ({ ...emails(hash), session })
  it('goes through its batches without a gap; repeating one counts nothing', async () => {
    const at = (seq: number, last = false) => batch({ session_id: 77, batch_seq: seq, last_batch_flag: last })
    expect(codeOf(await call('DELETE', USERS, at(2)))[0]).toBe(100)
    expect((await call('DELETE', USERS, at(1))).json.session_id).toBe('77')
    expect(codeOf(await call('DELETE', USERS, at(3)))[0]).toBe(100)
    expect((await call('DELETE', USERS, at(1))).status).toBe(200)
    expect((await call('DELETE', USERS, at(2, true))).status).toBe(200)
    expect(codeOf(await call('DELETE', USERS, at(3)))[0]).toBe(100)
    expect((await call('GET', `/v25.0/${FIRST}/sessions?session_id=77`)).json.data).toMatchObject([
      { session_id: '77', num_received: '2', num_invalid_entries: '0', stage: 'finished' },
    ])
  })
  it('keeps an id of 64 bits, shuts after 90 minutes, and belongs to one audience', async () => {
    const id = '9007199254740993123'
    const body = JSON.stringify(batch({ session_id: 1, batch_seq: 1 })).replace('"session_id":1', `"session_id":${id}`)
    expect((await call('DELETE', USERS, body)).json.session_id).toBe(id)
    expect(codeOf(await call('DELETE', `/v25.0/${SECOND}/users`, body))[0]).toBe(100)
    await sandbox.clock.advance(91 * 60)
    expect(codeOf(await call('DELETE', USERS, body.replace('"batch_seq":1', '"batch_seq":2')))[0]).toBe(100)
  })
  it('is needed to replace an audience, which stands alone while it goes on', async () => {
    control().seedMembers(FIRST, { count: 3 })
    await sandbox.clock.advance(1)
    const REPLACE = `/v25.0/${FIRST}/usersreplace`
    const [one, two] = [sha256('person-2@example.com'), sha256('person-3@example.com')]
    expect(codeOf(await call('POST', REPLACE, emails(one)))[0]).toBe(100)
    expect((await call('POST', REPLACE, batch({ session_id: 5, batch_seq: 1 }, one))).status).toBe(200)
    expect(codeOf(await call('DELETE', USERS, emails(two)))).toEqual([2650, 1_870_145])
    expect(codeOf(await call('POST', REPLACE, batch({ session_id: 6, batch_seq: 1 }, one)))).toEqual([2650, 1_870_145])
    await call('POST', REPLACE, batch({ session_id: 5, batch_seq: 2, last_batch_flag: true }, two))
    expect(
      control()
        .beliefs()
        .flatMap(({ member, address }) => (member ? [address] : [])),
    ).toEqual(['person-2@example.com', 'person-3@example.com'])
  })
})

describe('credentials', () => {
  it('are a bearer token or a field of the body, never a part of the query', async () => {
    const bare = clientOf(sandbox.meta.url)
    const { accessToken } = sandbox.meta
    expect(codeOf(await bare('DELETE', USERS, emails('x')))[0]).toBe(104)
    expect(codeOf(await bare('DELETE', USERS, emails('x'), { authorization: 'Bearer wrong' }))[0]).toBe(190)
    expect((await bare('DELETE', USERS, { ...emails(sha256(jane)), access_token: accessToken })).status).toBe(200)
    expect(codeOf(await bare('DELETE', `${USERS}?access_token=${accessToken}`, emails(sha256(jane))))[0]).toBe(190)
    expect(control().requests().at(-1)).toMatchObject({ remark: 'a token in the query' })
  })
  it('may have to be proved', async () => {
    control().configure({ requireAppSecretProof: true })
    const { accessToken, appSecret } = sandbox.meta
    const proof = createHmac('sha256', appSecret).update(accessToken).digest('hex')
    expect(codeOf(await call('DELETE', USERS, emails(sha256(jane))))[0]).toBe(100)
    expect(codeOf(await call('DELETE', USERS, { ...emails(sha256(jane)), appsecret_proof: 'wrong' }))[0]).toBe(100)
    expect((await call('DELETE', USERS, { ...emails(sha256(jane)), appsecret_proof: proof })).status).toBe(200)
  })
  it('open one account and its audiences, in a living version', async () => {
    expect(codeOf(await call('DELETE', '/v25.0/act_7/usersofanyaudience', emails(sha256(jane))))).toEqual([100, 33])
    expect(codeOf(await call('DELETE', '/v25.0/123/users', emails(sha256(jane))))).toEqual([100, 33])
    expect(codeOf(await call('DELETE', `/v19.0/${FIRST}/users`, emails(sha256(jane))))[0]).toBe(2635)
  })
})

describe('errors', () => {
  it.each([
    ['rate-limited', 80_003, 400],
    ['app-limited', 4, 403],
    ['blocked', 368, 400],
    ['transient', 2, 503],
    ['permission-denied', 10, 403],
    ['update-failed', 2650, 400],
    ['server-error', 1, 500],
    ['revoked-key', 190, 401],
  ] as const)('%s is code %i', async (kind, code, status) => {
    control().seedMember(FIRST, jane)
    control().misbehave({ kind, count: 1 })
    const answer = await call('DELETE', USERS, emails(sha256(jane)))
    expect([answer.status, codeOf(answer)[0]]).toEqual([status, code])
    expect(answer.json.error.fbtrace_id).toEqual(expect.any(String))
    expect(memberships({ address: jane })[0]).toBe(true)
  })
  it('come with HTTP 200 every other time, as the real ones may', async () => {
    control().configure({ errorStatus: 'alternate' })
    control().misbehave({ kind: 'blocked' })
    const statuses = [(await call('DELETE', USERS, emails('x'))).status, (await call('DELETE', USERS, emails('x'))).status]
    expect(statuses.toSorted()).toEqual([200, 400])
  })
  it('may be a page', async () => {
    control().misbehave({ kind: 'bad-gateway-html', count: 1 })
    expect((await call('DELETE', USERS, emails('x'))).text).toContain('<html>')
  })
  it('refuse both adding and removing while an audience is flagged', async () => {
    control().flag(FIRST)
    for (const method of ['POST', 'DELETE']) expect(codeOf(await call(method, USERS, emails(sha256(jane))))).toEqual([100, 1_713_230])
    expect((await call('GET', `/v25.0/${FIRST}`)).json.operation_status.code).toBe(471)
    control().flag(FIRST, false)
    expect((await call('DELETE', USERS, emails(sha256(jane)))).status).toBe(200)
  })
})

describe('the budget', () => {
  const usage = ({ headers }: Answer) =>
    JSON.parse(headers.get('x-business-use-case-usage') ?? '{}')[sandbox.meta.businessId][0] as Record<string, number>
  it('is told on every answer in percent, without a Retry-After', async () => {
    control().configure({ callsPerHour: 4 })
    await call('GET', `/v25.0/${FIRST}`)
    const second = await call('GET', `/v25.0/${FIRST}`)
    expect(second.headers.get('retry-after')).toBeNull()
    expect(usage(second)).toMatchObject({ type: 'custom_audience', call_count: 50, estimated_time_to_regain_access: 0 })
  })
  it('refuses what is beyond it for an hour', async () => {
    control().configure({ callsPerHour: 1 })
    await call('GET', `/v25.0/${FIRST}`)
    const refused = await call('GET', `/v25.0/${FIRST}`)
    expect([codeOf(refused)[0], usage(refused).estimated_time_to_regain_access]).toEqual([80_003, expect.closeTo(61, -1)])
    await sandbox.clock.advance(3700)
    expect((await call('GET', `/v25.0/${FIRST}`)).status).toBe(200)
  })
  it('can be shown as used by others', async () => {
    control().configure({ usagePercent: 96 })
    expect(usage(await call('DELETE', USERS, emails(sha256(jane)))).call_count).toBe(96)
  })
  it('says in minutes how long a limit lasts', async () => {
    control().misbehave({ kind: 'rate-limited', count: 1, retryAfterSeconds: 180 })
    expect(usage(await call('DELETE', USERS, emails(sha256(jane)))).estimated_time_to_regain_access).toBe(3)
  })
})

it('lists audiences page by page', async () => {
  const page = async (query: string) => (await call('GET', `/v25.0/act_1020304050/customaudiences?${query}`)).json
  const first = await page('fields=id,name&limit=1')
  expect(first.data).toMatchObject([{ id: FIRST }])
  expect((await page(`limit=1&after=${first.paging.cursors.after}`)).data).toMatchObject([{ id: SECOND }])
  expect((await page(`limit=1&after=${SECOND}`)).data).toEqual([])
})

it('logs neither people nor credentials', async () => {
  await call('DELETE', ANY, emails(sha256(jane)))
  const log = JSON.stringify([control().requests(), control().requestTotals()])
  expect(log).toContain('"/{version}/act_{account}/usersofanyaudience"')
  for (const secret of [sha256(jane), sandbox.meta.accessToken, sandbox.meta.appSecret]) expect(log).not.toContain(secret)
})
