import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientOf } from '../audience/test-client.ts'
import { type Sandbox, startSandbox } from '../index.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['liveramp'], liveramp: { organisations: ['ORG-1', 'ORG-2'], workMs: 60_000 } })
})
afterAll(() => sandbox.stop())
const control = () => sandbox.liveramp.control
beforeEach(() => control().reset())

const client = (headers: Record<string, string> = {}) =>
  clientOf(sandbox.liveramp.url, { authorization: `Bearer ${sandbox.liveramp.token}`, 'lr-org-id': 'ORG-1', ...headers })
const optOut = (email: string, more: object = {}) => client()('POST', '/v1/requests', { request_type: 'OPT_OUT', email, ...more })

it('takes a request once: the same again is a duplicate with the number of the first', async () => {
  const first = await optOut('ada@example.com')
  const again = await optOut('ADA@example.com')
  expect([first.status, first.json.is_duplicate, again.status, again.json.is_duplicate]).toEqual([201, false, 200, true])
  expect(again.json.request_uuid).toBe(first.json.request_uuid)
  expect((await client()('POST', '/v1/requests', { request_type: 'DELETION', email: 'ada@example.com' })).status).toBe(201)
  expect(control().person({ address: 'ada@example.com' })).toMatchObject([
    { optOut: 'ACCEPTED', deletion: 'ACCEPTED', requests: 2, asked: 3 },
  ])
})

it('works on a request by its clock, and says how far it is', async () => {
  const { request_uuid: uuid } = (await optOut('ada@example.com')).json
  const status = async () => (await client()('GET', `/v1/requests?uuid=${uuid}`)).json.privacy_request.status
  expect(await status()).toBe('ACCEPTED')
  await sandbox.clock.advance(31)
  expect(await status()).toBe('PROCESSING')
  await sandbox.clock.advance(31)
  expect(await status()).toBe('COMPLETED')
  control().misbehave({ kind: 'late-failure', match: { address: 'bob@example.com' } })
  const other = (await optOut('bob@example.com')).json.request_uuid
  await sandbox.clock.advance(61)
  expect((await client()('GET', `/v1/requests?uuid=${other}`)).json.privacy_request).toMatchObject({
    status: 'FAILED',
    error_message: 'Processing failed',
  })
})

it('lists requests of an organisation in pages of a hundred at the most, without addresses', async () => {
  for (const name of ['ada', 'bob', 'cy']) await optOut(`${name}@example.com`)
  const list = await client()('GET', '/v1/requests?page=2&page_size=2&status=ACCEPTED')
  expect(list.json).toMatchObject({ total: 3, page: 2, page_size: 2, privacy_requests: [{ request_type: 'OPT_OUT' }] })
  expect(list.text).not.toContain('@')
  expect((await client()('GET', '/v1/requests?page_size=101')).status).toBe(400)
  expect((await client({ 'lr-org-id': 'ORG-2' })('GET', '/v1/requests')).json.total).toBe(0)
})

describe('is refused', () => {
  it.each([
    [422, 'a hash in place of an address', { email: 'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514' }],
    [422, 'two @', { email: 'ada@@example.com' }],
    [422, 'no identifier', { email: undefined }],
    [422, 'another type', { request_type: 'OPT_IN' }],
    [400, 'an unknown field', { scope: 'all' }],
  ])('%i: %s', async (status, _, more) => {
    expect((await optOut('ada@example.com', more)).status).toBe(status)
    expect(control().beliefs()).toEqual([])
  })
  it.each([
    [401, { authorization: 'Bearer other' }],
    [401, { authorization: '' }],
    [403, { 'lr-org-id': 'ORG-9' }],
  ])('%i: %j', async (status, headers) => {
    const reply = await client(headers)('GET', '/v1/requests')
    expect([reply.status, Object.keys(reply.json).sort()]).toEqual([status, ['message', 'time']])
  })
})

it('gives tokens that end to a service account', async () => {
  const { accountId, secretKey } = sandbox.liveramp
  const grant = { grant_type: 'password', client_id: 'liveramp-api', scope: 'openid', username: accountId, password: secretKey }
  const signIn = (changed: object = {}) =>
    clientOf(sandbox.liveramp.url)('POST', '/authn/v1/oauth2/token', new URLSearchParams({ ...grant, ...changed }))
  const { access_token: token, expires_in: seconds } = (await signIn()).json
  const status = async () => (await client({ authorization: `Bearer ${token}` })('GET', '/v1/requests')).status
  expect([seconds, await status()]).toEqual([600, 200])
  await sandbox.clock.advance(601)
  expect(await status()).toBe(401)
  expect((await signIn({ password: 'other' })).json).toEqual({ error: 'invalid_grant' })
})
