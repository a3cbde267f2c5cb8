import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, clientOf } from '../audience/test-client.ts'
import { type Sandbox, startSandbox } from '../index.ts'

let sandbox: Sandbox
let call: (method: string, path: string, body?: unknown, more?: Record<string, string>) => Promise<Answer>
const [FIRST, SECOND] = ['834700001', '834700002']
const APPLY = '/CampaignManagement/v13/CustomerListUserData/Apply'
const QUERY = '/CampaignManagement/v13/Audiences/QueryByIds'
const jane = 'jane.doe@example.com'
const HASH = '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d'
const hex = (text: string) => createHash('sha256').update(text).digest('hex')
const control = () => sandbox.microsoft.control
const membersOf = (question: { address?: string; hash?: string }) =>
  control()
    .person(question)
    .map(({ member }) => member)
const data = (action: string, items: readonly unknown[], change: object = {}) => ({
  CustomerListUserData: { AudienceId: FIRST, ActionType: action, CustomerListItemSubType: 'Email', CustomerListItems: items, ...change },
})
const codeOf = ({ json }: Answer): number => (json.Errors ?? json.OperationErrors)[0].Code
const remove = (...items: unknown[]) => call('POST', APPLY, data('Remove', items))

beforeAll(async () => {
  const audiences = [FIRST, SECOND].map((id) => ({ id, name: `List ${id}` }))
  sandbox = await startSandbox({ port: 0, vendors: ['microsoft'], microsoft: { audiences } })
  const { accessToken, developerToken, customerId, customerAccountId, url } = sandbox.microsoft
  call = clientOf(url, {
    authorization: `Bearer ${accessToken}`,
    developertoken: developerToken,
    customerid: customerId,
    customeraccountid: customerAccountId,
  })
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  control().reset()
  control().configure({
    applyDelayMs: 0,
    perMinute: 1000,
    errorStatus: 'expected',
    termsAccepted: true,
    rotation: 'keeps-old',
    membershipDurationDays: 30,
  })
})

describe('a removal', () => {
  it('answers 200 and names what was not taken by its place, by the example of the sheet', async () => {
    control().seedEverywhere(jane)
    const answer = await remove(HASH, 'Jane.Doe@example.com')
    expect([answer.status, answer.headers.get('trackingid')]).toEqual([200, expect.any(String)])
    expect(answer.json.PartialErrors).toEqual([
      {
        Code: 8004,
        ErrorCode: 'EmailMustBeHashed',
        Message: expect.any(String),
        Details: null,
        FieldPath: null,
        ForwardCompatibilityMap: [],
        Index: 1,
        Type: 'BatchError',
      },
    ])
    expect(membersOf({ address: jane })).toEqual([false, true])
  })
  it('has an empty or a null list of errors when all was taken, also of people who are not there', async () => {
    expect([(await remove(HASH)).json, (await remove(HASH, hex('nobody'))).json]).toEqual([{ PartialErrors: null }, { PartialErrors: [] }])
  })
  it('finds addresses with their dots and suffixes', async () => {
    control().seedMember(FIRST, '  Jane.Doe+promo@Example.com ')
    await remove('c3374bcfe3572e09f37602e0e179782352c5e117a4a3767824abbaa21bbdef8b')
    expect(control().beliefs()[0]?.member).toBe(false)
    control().seedMember(FIRST, 'jane.doe@gmail.com')
    await remove(hex('janedoe@gmail.com'))
    expect(membersOf({ address: 'jane.doe@gmail.com' })[0]).toBe(true)
  })
  it.each([
    ['upper-case hex', HASH.toUpperCase(), 8004],
    ['another hash', HASH.slice(0, 40), 8004],
    ['nothing', '', 8006],
    ['null', null, 8006],
  ])('with %s leaves that item out', async (_what, item, code) => {
    control().seedMember(FIRST, jane)
    expect((await remove(item, HASH)).json.PartialErrors).toMatchObject([{ Code: code, Index: 0 }])
    expect(membersOf({ address: jane })[0]).toBe(false)
  })
  it('takes 1,000 items at most', async () => {
    const many = (count: number) => remove(...Array(count).fill(HASH))
    expect([(await many(1000)).status, codeOf(await many(1001)), codeOf(await many(0))]).toEqual([200, 100, 100])
  })
  it('holds at once, or a while later', async () => {
    control().seedMember(FIRST, jane)
    control().configure({ applyDelayMs: 24 * 3_600_000 })
    await remove(HASH)
    expect(membersOf({ address: jane })[0]).toBe(true)
    await sandbox.clock.advance(48 * 3600)
    expect(membersOf({ address: jane })[0]).toBe(false)
  })
})

describe('adding', () => {
  it('lasts as long as memberships of the list do', async () => {
    await call('POST', APPLY, data('Add', [HASH]))
    expect(membersOf({ hash: HASH })).toEqual([true])
    await sandbox.clock.advance(31 * 86_400)
    expect(membersOf({ hash: HASH })).toEqual([false])
    control().configure({ membershipDurationDays: -1 })
    await call('POST', APPLY, data('Add', [HASH]))
    await sandbox.clock.advance(400 * 86_400)
    expect(membersOf({ hash: HASH })).toEqual([true])
  })
  it('needs the terms: accepted in the web interface, or here', async () => {
    control().configure({ termsAccepted: false })
    expect(codeOf(await call('POST', APPLY, data('Add', [HASH])))).toBe(8003)
    expect((await call('POST', APPLY, data('Add', [HASH], { AcceptCustomerMatchTerm: true }))).status).toBe(200)
    expect(codeOf(await call('POST', APPLY, data('Add', [HASH], { AcceptCustomerMatchTerm: false })))).toBe(8003)
  })
  it('in place of a whole list is possible, and leaves a remark', async () => {
    control().seedMembers(FIRST, { count: 3 })
    await call('POST', APPLY, data('Replace', [HASH]))
    expect(
      control()
        .beliefs()
        .filter(({ member }) => member),
    ).toMatchObject([{ keys: [`email:${HASH}`] }])
    expect(control().requests().at(-1)?.remark).toBe('a whole list replaced')
  })
})

describe('a request that does not fit', () => {
  it.each([
    ['an unknown list', { AudienceId: '1' }, 8000],
    ['an id that is a number', { AudienceId: 834700001 }, 100],
    ['another action', { ActionType: 'Delete' }, 8001],
    ['phones', { CustomerListItemSubType: 'Phone' }, 8002],
    ['ids of ours', { CustomerListItemSubType: 'CRM' }, 8002],
    ['a stray field', { Items: [] }, 100],
  ])('for %s is refused as a whole', async (_what, change, code) => {
    const answer = await call('POST', APPLY, data('Remove', [HASH], change))
    expect([answer.status, codeOf(answer)]).toEqual([400, code])
    expect(answer.json).toMatchObject({ TrackingId: expect.any(String), Type: code === 100 ? 'AdApiFaultDetail' : 'ApiFaultDetail' })
  })
  it('or is no JSON', async () => {
    expect(codeOf(await call('POST', APPLY, '{'))).toBe(100)
    expect(codeOf(await call('POST', APPLY, data('Remove', [HASH]), { 'content-type': 'text/plain' }))).toBe(100)
  })
})

it('lists what the account has, with null for what it has not', async () => {
  const all = (await call('POST', QUERY, { AudienceIds: null, Type: 'CustomerList' })).json
  expect(all.Audiences.map(({ Id }: { Id: string }) => Id)).toEqual([FIRST, SECOND])
  const some = (await call('POST', QUERY, { AudienceIds: [SECOND, '9'], Type: 'CustomerList' })).json
  expect(some).toMatchObject({ Audiences: [{ Id: SECOND }, null], PartialErrors: [{ Code: 8000, Index: 1 }] })
  expect(codeOf(await call('POST', QUERY, { AudienceIds: Array(101).fill(FIRST), Type: 'CustomerList' }))).toBe(100)
})

describe('signing in', () => {
  const token = (change: Record<string, string> = {}) => {
    const { clientId, clientSecret, refreshToken, url } = sandbox.microsoft
    const scope = 'https://ads.microsoft.com/msads.manage offline_access'
    const form = {
      client_id: clientId,
      client_secret: clientSecret,
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      scope,
      ...change,
    }
    return clientOf(url)('POST', '/common/oauth2/v2.0/token', new URLSearchParams(form))
  }
  const removeWith = (headers: Record<string, string>) => call('POST', APPLY, data('Remove', [HASH]), headers)

  it('brings an hour of access and a new refresh token', async () => {
    const { json } = await token()
    expect(json.refresh_token).not.toBe(sandbox.microsoft.refreshToken)
    const authorization = `Bearer ${json.access_token}`
    expect((await removeWith({ authorization })).status).toBe(200)
    expect((await token({ refresh_token: json.refresh_token })).status).toBe(200)
    expect((await token()).status).toBe(200)
    await sandbox.clock.advance(3600)
    const expired = await removeWith({ authorization })
    expect([expired.status, codeOf(expired)]).toEqual([401, 109])
  })
  it('can end the refresh token that was used, or keep it for good', async () => {
    control().configure({ rotation: 'ends-old' })
    const { json } = await token()
    expect(await token()).toMatchObject({ status: 400, json: { error: 'invalid_grant' } })
    expect((await token({ refresh_token: json.refresh_token })).status).toBe(200)
    control().reset()
    control().configure({ rotation: 'never' })
    expect((await token()).json).not.toHaveProperty('refresh_token')
  })
  it.each([
    ['client_secret', 'invalid_client'],
    ['client_id', 'unauthorized_client'],
    ['refresh_token', 'invalid_grant'],
    ['scope', 'invalid_scope'],
    ['grant_type', 'unsupported_grant_type'],
  ])('refuses a wrong %s', async (field, error) => {
    expect((await token({ [field]: 'wrong' })).json.error).toBe(error)
  })
  it('needs all four headers', async () => {
    expect(codeOf(await removeWith({ authorization: '' }))).toBe(105)
    expect(codeOf(await removeWith({ developertoken: 'wrong' }))).toBe(105)
    expect(codeOf(await removeWith({ customeraccountid: '1' }))).toBe(106)
    const { accessToken, developerToken, customerId, url } = sandbox.microsoft
    const short = clientOf(url, { authorization: `Bearer ${accessToken}`, developertoken: developerToken, customerid: customerId })
    expect(codeOf(await short('POST', APPLY, data('Remove', [HASH])))).toBe(116)
    expect(codeOf(await clientOf(url, { authorization: `Bearer ${accessToken}` })('POST', APPLY, data('Remove', [HASH])))).toBe(116)
  })
  it('is over when tokens are called back', async () => {
    const { json } = await token()
    control().recallTokens()
    expect(codeOf(await removeWith({ authorization: `Bearer ${json.access_token}` }))).toBe(105)
  })
})

describe('errors', () => {
  it.each([
    ['rate-limited', 117],
    ['server-error', 0],
    ['revoked-key', 105],
    ['no-access', 106],
    ['login-refused', 120],
    ['wrong-identity', 123],
  ] as const)('%s is code %i', async (kind, code) => {
    control().seedMember(FIRST, jane)
    control().misbehave({ kind, count: 1 })
    expect(codeOf(await remove(HASH))).toBe(code)
    expect(membersOf({ address: jane })[0]).toBe(true)
  })
  it('have a status that cannot be relied upon', async () => {
    control().configure({ errorStatus: 'alternate' })
    control().misbehave({ kind: 'rate-limited' })
    expect([(await remove(HASH)).status, (await remove(HASH)).status].toSorted()).toEqual([400, 429])
  })
  it('may be bare, or a page', async () => {
    control().misbehave({ kind: 'rate-limited-bare', count: 1 })
    expect(await remove(HASH)).toMatchObject({ status: 429, text: '' })
    control().misbehave({ kind: 'bad-gateway-html', count: 1 })
    expect((await remove(HASH)).text).toContain('<html>')
  })
  it('of a sliding minute pass', async () => {
    control().configure({ perMinute: 1 })
    expect([(await remove(HASH)).status, codeOf(await remove(HASH))]).toEqual([200, 117])
    await sandbox.clock.advance(62)
    expect((await remove(HASH)).status).toBe(200)
  })
  it('of one item: poison stays, item-failed passes', async () => {
    control().seedMembers(FIRST, { count: 3 })
    control().misbehave({ kind: 'poison', match: { address: 'person-1@example.com' } })
    control().misbehave({ kind: 'item-failed', match: { address: 'person-2@example.com' }, count: 1 })
    const hashes = [1, 2, 3].map((n) => hex(`person-${n}@example.com`))
    expect((await remove(...hashes)).json.PartialErrors).toMatchObject([
      { Code: 8004, Index: 0, Type: 'EditorialError' },
      { Code: 0, Index: 1 },
    ])
    expect((await remove(...hashes.slice(1))).json.PartialErrors).toEqual([])
    expect(
      control()
        .beliefs()
        .flatMap(({ member, address }) => (member ? [address] : [])),
    ).toEqual(['person-1@example.com'])
  })
  it('without an index mean that nothing was taken', async () => {
    control().seedMember(FIRST, jane)
    control().misbehave({ kind: 'nothing-taken', count: 1 })
    expect((await remove(HASH)).json.PartialErrors).toMatchObject([{ Index: null }])
    expect(membersOf({ address: jane })[0]).toBe(true)
  })
})

it('logs neither people nor credentials', async () => {
  await remove(HASH)
  const log = JSON.stringify([control().requests(), control().requestTotals()])
  expect(log).toContain(APPLY)
  for (const secret of [HASH, sandbox.microsoft.accessToken, sandbox.microsoft.developerToken]) expect(log).not.toContain(secret)
})
