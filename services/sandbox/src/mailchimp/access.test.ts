import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../index.ts'
import { type Answer, clientOf, md5 } from './test-client.ts'

let sandbox: Sandbox
let call: (method: string, path: string, body?: unknown) => Promise<Answer>
let list = ''
const ada = 'ada@example.com'
const control = () => sandbox.mailchimp.control
const optOut = () => call('PATCH', `/lists/${list}/members/${md5(ada)}`, { status: 'unsubscribed' })
const statusOfAda = () => control().person({ address: ada })[0]?.status

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['mailchimp'] })
  call = clientOf(sandbox.mailchimp)
  list = control().audiences()[0]?.id ?? ''
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  control().reset()
  control().configure({ latencyMs: 0, errorType: 'alternate' })
  control().seedMember(list, ada)
})

/** A ping with a Host header of its own, which fetch does not allow. */
function pingAt(host: string, authorization: string): Promise<number> {
  const { hostname, port, pathname } = new URL(`${sandbox.mailchimp.url}/3.0/ping`)
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path: pathname, headers: { host, authorization } }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}
const basic = (key: string): string => `Basic ${Buffer.from(`any:${key}`).toString('base64')}`

describe('credentials', () => {
  it('are the API key as a password, with any user, or the OAuth token as a bearer', async () => {
    expect((await call('GET', '/ping')).status).toBe(200)
    const bearer = clientOf(sandbox.mailchimp, { authorization: `Bearer ${sandbox.mailchimp.oauthToken}` })
    expect((await bearer('GET', '/ping')).status).toBe(200)
  })
  it.each([
    ['nothing', '', 'API Key Missing'],
    ['a wrong key', basic(`${'0'.repeat(32)}-us19`), 'API Key Invalid'],
    ['an empty key', basic(''), 'API Key Missing'],
    ['the key as a user', `Basic ${Buffer.from('key').toString('base64')}`, 'API Key Missing'],
    ['a wrong token', 'Bearer nonsense', 'API Key Invalid'],
  ])('are refused with 401 and a problem when they are %s', async (_what, authorization, title) => {
    const answer = await clientOf(sandbox.mailchimp, { authorization })('GET', '/ping')
    expect(answer).toMatchObject({ status: 401, json: { title, status: 401 } })
    expect(answer.type).toContain('application/problem+json')
  })
  it('belong to one data center, which the host must name', async () => {
    const key = basic(sandbox.mailchimp.apiKey)
    expect(await pingAt('us19.api.mailchimp.com', key)).toBe(200)
    expect(await pingAt('us7.api.mailchimp.com', key)).toBe(401)
    expect(await pingAt('us7.api.mailchimp.com', basic(sandbox.mailchimp.apiKey.replace('-us19', '-us7')))).toBe(401)
  })
})

describe('error bodies', () => {
  it('carry type only every other time, as the real ones do', async () => {
    const types = [await call('GET', '/nothing'), await call('GET', '/nothing')].map(({ json }) => 'type' in json)
    expect(types.toSorted()).toEqual([false, true])
    control().configure({ errorType: 'never' })
    expect((await call('GET', '/nothing')).json).toEqual({
      title: 'Resource Not Found',
      status: 404,
      detail: expect.any(String),
      instance: expect.any(String),
    })
  })
  it.each([
    ['APIKeyMissing', 401],
    ['Forbidden', 403],
    ['ResourceNotFound', 404],
    ['TooManyRequests', 429],
    ['InternalServerError', 500],
  ])('can be asked for by X-Trigger-Error: %s', async (name, status) => {
    expect((await clientOf(sandbox.mailchimp, { 'x-trigger-error': name })('GET', '/ping')).status).toBe(status)
  })
})

describe('limits', () => {
  it('refuses the eleventh request at the same time with 429', async () => {
    control().misbehave({ kind: 'slow', ms: 60_000 })
    const held = Array.from({ length: 10 }, optOut)
    await expect.poll(async () => (await optOut()).status).toBe(429)
    control().behave()
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect((await optOut()).status).toBe(200)
  })
  it('keeps a place taken for a request that its client gave up, until the vendor gives up too', async () => {
    control().misbehave({ kind: 'applied-then-timeout', count: 10 })
    const clients = Array.from({ length: 10 }, () => new AbortController())
    const given = clients.map(({ signal }) =>
      fetch(`${sandbox.mailchimp.url}/3.0/lists/${list}/members/${md5(ada)}`, {
        method: 'PATCH',
        body: '{"status":"unsubscribed"}',
        headers: { authorization: basic(sandbox.mailchimp.apiKey) },
        signal,
      }).catch(() => 'gave up'),
    )
    await expect.poll(() => control().requests().length).toBe(10)
    for (const client of clients) client.abort()
    expect(await Promise.all(given)).toEqual(Array(10).fill('gave up'))
    expect((await call('GET', '/ping')).status).toBe(429)
    await sandbox.clock.advance(121)
    await expect.poll(async () => (await call('GET', '/ping')).status).toBe(200)
  })
  it('takes as long as it is told to', async () => {
    control().configure({ latencyMs: 40 })
    const before = performance.now()
    await call('GET', '/ping')
    expect(performance.now() - before).toBeGreaterThanOrEqual(39)
  })
  it('honours no idempotency key', async () => {
    const twice = clientOf(sandbox.mailchimp, { 'idempotency-key': 'once' })
    const tag = (name: string) => twice('POST', `/lists/${list}/members/${md5(ada)}/tags`, { tags: [{ name, status: 'active' }] })
    await tag('first')
    await tag('second')
    expect(control().person({ address: ada })[0]?.tags).toEqual(['first', 'second'])
  })
})

describe('switches', () => {
  it('rate-limited: 429 as often as told, nothing applied', async () => {
    control().misbehave({ kind: 'rate-limited', count: 2 })
    expect([(await optOut()).status, (await optOut()).status]).toEqual([429, 429])
    expect(statusOfAda()).toBe('subscribed')
    expect((await optOut()).status).toBe(200)
  })
  it('forbidden-no-body: a 403 that has no body at all', async () => {
    control().misbehave({ kind: 'forbidden-no-body', count: 1 })
    expect(await optOut()).toMatchObject({ status: 403, text: '', type: null })
  })
  it('bad-gateway-html: a page instead of a problem', async () => {
    control().misbehave({ kind: 'bad-gateway-html', count: 1 })
    expect(await optOut()).toMatchObject({ status: 502, type: 'text/html', text: expect.stringContaining('<html>') })
  })
  it('server-error, user-disabled, revoked-key: problems of their own', async () => {
    for (const [kind, status, title] of [
      ['server-error', 500, 'Internal Server Error'],
      ['user-disabled', 403, 'User Disabled'],
      ['revoked-key', 401, 'API Key Invalid'],
    ] as const) {
      control().misbehave({ kind, count: 1 })
      expect(await optOut()).toMatchObject({ status, json: { title } })
    }
  })
  it('applied-then-timeout: applied, and the connection is reset', async () => {
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1 })
    await expect(optOut()).rejects.toThrow()
    expect(statusOfAda()).toBe('unsubscribed')
    expect(control().requests().at(-1)).toMatchObject({ status: 'none', misbehaved: 'applied-then-timeout', items: 1 })
  })
  it('down: reset before anything is read', async () => {
    control().misbehave({ kind: 'down', count: 1 })
    await expect(optOut()).rejects.toThrow()
    expect(statusOfAda()).toBe('subscribed')
  })
  it('poison: one person is refused, by address or by hash', async () => {
    control().seedMember(list, 'bob@example.com')
    control().misbehave({ kind: 'poison', match: { hash: md5(ada) } })
    expect(await optOut()).toMatchObject({ status: 400, json: { title: 'Invalid Resource' } })
    expect((await call('PATCH', `/lists/${list}/members/${md5('bob@example.com')}`, { status: 'unsubscribed' })).status).toBe(200)
  })
  it('fit only what they match', async () => {
    control().misbehave({ kind: 'rate-limited', match: { method: 'PATCH', path: '/members/' } })
    expect((await call('GET', '/ping')).status).toBe(200)
    expect((await optOut()).status).toBe(429)
  })
})

it('logs neither addresses nor credentials', async () => {
  await optOut()
  await call('GET', `/lists/${list}/members/${encodeURIComponent(ada)}`)
  await call('POST', `/lists/${list}`, { members: [{ email_address: ada, status: 'unsubscribed' }], update_existing: true })
  const log = JSON.stringify([control().requests(), control().requestTotals()])
  expect(log).toContain('/3.0/lists/{list}/members/{hash}')
  for (const secret of [ada, md5(ada), encodeURIComponent(ada), sandbox.mailchimp.apiKey]) expect(log).not.toContain(secret)
})
