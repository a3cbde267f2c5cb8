import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientOf } from '../audience/test-client.ts'
import { type Sandbox, startSandbox } from '../index.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['liveintent'], liveintent: { workMs: 60_000 } })
})
afterAll(() => sandbox.stop())
const control = () => sandbox.liveintent.control
beforeEach(() => {
  control().reset()
  control().configure({ reportsOnly: false })
})

const hash = (name: string, text: string): string => createHash(name).update(text).digest('hex')
const hashesOf = (address: string) => ['md5', 'sha1', 'sha256'].map((name) => hash(name, address))
const client = (authorization = `Bearer ${sandbox.liveintent.token}`) =>
  clientOf(sandbox.liveintent.url, authorization === '' ? {} : { authorization })
const submit = (more: object = {}, path = '/data-subject-requests') =>
  client()('POST', path, {
    action: 'RESTRICT',
    scope: { Advertiser: { id: 1 } },
    jurisdiction: 'US_PRIVACY',
    emailHashes: hashesOf('ada@example.com'),
    submitter: 'ref-1',
    ...more,
  })

it('takes a request and works on it by its clock', async () => {
  control().know(['ada@example.com'])
  const taken = await submit()
  expect([taken.status, Object.keys(taken.json)]).toEqual([202, ['transactionId']])
  const look = async () => (await client()('GET', `/data-subject-requests/${taken.json.transactionId}`)).json
  expect(await look()).toMatchObject({ status: 'ACCEPTED', action: 'RESTRICT', scope: { Advertiser: { id: 1 } }, submitter: 'ref-1' })
  expect(control().person({ address: 'ada@example.com' })).toMatchObject([{ restricted: false }])
  await sandbox.clock.advance(61)
  expect(await look()).toMatchObject({ status: 'COMPLETED' })
  expect(control().person({ address: 'ada@example.com' })).toMatchObject([
    { address: 'ada@example.com', restricted: true, transactions: 1 },
  ])
})

it('cannot tell a repeat apart: it is another transaction for the same state', async () => {
  const [first, second] = [await submit(), await submit()]
  expect(first.json.transactionId).not.toBe(second.json.transactionId)
  await sandbox.clock.advance(61)
  expect(control().person({ address: 'ada@example.com' })).toMatchObject([{ restricted: true, transactions: 2 }])
  expect(control().submitters()).toEqual(['ref-1', 'ref-1'])
})

it('does nothing in a dry run, and shows no transaction where only reports are shown', async () => {
  expect((await submit({}, '/data-subject-requests/test')).status).toBe(202)
  expect(control().beliefs()).toEqual([])
  control().configure({ reportsOnly: true })
  const { transactionId } = (await submit()).json
  expect((await client()('GET', `/data-subject-requests/${transactionId}`)).status).toBe(404)
})

describe('is refused', () => {
  it.each([
    [404, 'another account', { scope: { Advertiser: { id: 2 } } }],
    [404, 'a media group that is not ours', { scope: { MediaGroup: { id: 1 } } }],
    [404, 'everybody', { scope: { Global: {} } }],
    [400, 'two scopes', { scope: { Advertiser: { id: 1 }, Publisher: { id: 1 } } }],
    [400, 'another action', { action: 'ACCESS' }],
    [400, 'another law', { jurisdiction: 'CCPA' }],
    [400, 'no hash', { emailHashes: [] }],
    [400, 'an upper-case hash', { emailHashes: [hash('md5', 'ada@example.com').toUpperCase()] }],
    [400, 'an address', { emailHashes: ['ada@example.com'] }],
    [400, 'base64', { emailHashes: [createHash('sha256').update('ada@example.com').digest('base64')] }],
    [400, 'the same hash twice', { emailHashes: Array(2).fill(hash('md5', 'ada@example.com')) }],
  ])('%i: %s', async (status, _, more) => {
    const reply = await submit(more)
    expect([reply.status, reply.json.errors[0].httpStatus]).toEqual([status, status])
    expect(control().beliefs()).toEqual([])
  })
  it('400: hashes of two people, and wrong hashes of one that is known', async () => {
    control().know([['ada@example.com', 'ada.l@gmail.com'], 'bob@example.com'])
    expect((await submit({ emailHashes: [...hashesOf('ada@example.com'), ...hashesOf('bob@example.com')] })).json.errors[0].errorCode).toBe(
      'SEVERAL_PEOPLE',
    )
    expect((await submit({ emailHashes: [hash('sha256', 'adal@gmail.com')] })).json.errors[0].errorCode).toBe('MISREAD_HASH')
    expect((await submit({ emailHashes: [...hashesOf('ada@example.com'), ...hashesOf('ada.l@gmail.com')] })).status).toBe(202)
  })
  it('401 without a token, 403 with another', async () => {
    expect((await client('')('GET', '/data-subject-requests/x')).status).toBe(401)
    expect((await client('Bearer other')('GET', '/data-subject-requests/x')).status).toBe(403)
  })
})
