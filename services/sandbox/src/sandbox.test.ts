import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from './index.ts'
import { clientOf, md5 } from './mailchimp/test-client.ts'

let sandbox: Sandbox
let list = ''
const ada = 'ada@example.com'

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 })
  list = sandbox.mailchimp.control.audiences()[0]?.id ?? ''
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  sandbox.mailchimp.control.reset()
  sandbox.hashedEmail.control.reset()
})

async function control(method: string, path: string, body?: unknown) {
  const response = await fetch(`${sandbox.url}/_control${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text) }
}

describe('the control interface', () => {
  it('turns the clock', async () => {
    const before = (await control('GET', '/clock')).json.aheadSeconds
    expect((await control('POST', '/clock', { advanceSeconds: 3600 })).json.aheadSeconds).toBe(before + 3600)
    expect((await control('POST', '/clock', { advanceSeconds: -1 })).status).toBe(400)
  })
  it('seeds people, and tells what the vendor believes about each', async () => {
    const seeded = await control('POST', '/mailchimp/seed', {
      listId: list,
      members: [{ email: ada, interests: { promotions: true } }],
      generate: { count: 3 },
    })
    expect(seeded.json).toEqual({ seeded: 4 })
    const state = await control('GET', '/mailchimp/state?limit=2&offset=1')
    expect(state.json).toMatchObject({ vendor: 'mailchimp', total: 4, offset: 1 })
    expect(state.json.beliefs).toHaveLength(2)
    expect((await control('POST', '/mailchimp/person', { address: 'ADA@example.com' })).json.beliefs).toMatchObject([
      { address: ada, status: 'subscribed' },
    ])
    expect((await control('POST', '/mailchimp/person', { hash: md5(ada) })).json.beliefs).toHaveLength(1)
    expect((await control('POST', '/mailchimp/person', { address: 'nobody@example.com' })).json.beliefs).toEqual([])
    expect((await control('POST', '/mailchimp/person', {})).status).toBe(400)
  })
  it('switches faults on and off', async () => {
    expect((await control('POST', '/mailchimp/misbehave', { kind: 'rate-limited', count: 5 })).json.misbehaving).toEqual([
      { kind: 'rate-limited', count: 5 },
    ])
    expect((await clientOf(sandbox.mailchimp)('GET', '/ping')).status).toBe(429)
    expect((await control('GET', '/mailchimp/misbehave')).json.misbehaving).toEqual([{ kind: 'rate-limited', count: 4 }])
    await control('DELETE', '/mailchimp/misbehave')
    expect((await clientOf(sandbox.mailchimp)('GET', '/ping')).status).toBe(200)
  })
  it('names the field that does not fit', async () => {
    const refused = await control('POST', '/mailchimp/misbehave', { kind: 'rate-limited', count: -1, typo: true })
    expect(refused.status).toBe(400)
    expect(refused.json.problems.map(({ field }: { field: string }) => field)).toContain('count')
    expect((await control('POST', '/hashed-email/misbehave', { kind: 'bad-gateway-html' })).status).toBe(400)
    expect((await control('POST', '/mailchimp/seed', { listId: 'nowhere', members: [{ email: ada }] })).json.error).toContain('nowhere')
  })
  it('lists requests with exact totals', async () => {
    const call = clientOf(sandbox.mailchimp)
    for (let n = 0; n < 3; n += 1) await call('GET', '/ping')
    const { json } = await control('GET', '/mailchimp/requests?limit=2')
    expect(json).toMatchObject({ count: 3, totals: [{ method: 'GET', path: '/3.0/ping', status: 200, requests: 3 }] })
    expect(json.recent).toHaveLength(2)
    await control('DELETE', '/mailchimp/requests')
    expect((await control('GET', '/mailchimp/requests')).json.count).toBe(0)
  })
  it('tells how to connect, lets people act, and adds partners', async () => {
    expect((await control('GET', '/mailchimp/connection')).json).toEqual({
      url: sandbox.mailchimp.url,
      apiKey: sandbox.mailchimp.apiKey,
      apiKeyPath: sandbox.mailchimp.apiKeyPath,
      oauthToken: sandbox.mailchimp.oauthToken,
    })
    expect(readFileSync(sandbox.mailchimp.apiKeyPath, 'utf8')).toBe(sandbox.mailchimp.apiKey)
    expect(readFileSync(sandbox.hashedEmail.clientKey.path, 'utf8')).toBe(sandbox.hashedEmail.clientKey.privateKey)
    expect((await control('GET', '/hashed-email/connection')).json).toMatchObject({
      port: sandbox.hashedEmail.port,
      hostKeySha256: sandbox.hashedEmail.hostKeySha256,
    })
    sandbox.mailchimp.control.seedMember(list, ada)
    await control('POST', '/mailchimp/act', { listId: list, email: ada, act: 'unsubscribes' })
    expect(sandbox.mailchimp.control.person({ address: ada })).toMatchObject([{ status: 'unsubscribed', hold: 'unsubscribed' }])
    const added = await control('POST', '/hashed-email/partners', { name: 'cross-device', profile: 'uid2-sha256-b64' })
    expect(added.json).toMatchObject({ name: 'cross-device', encoding: 'base64' })
    expect((await control('POST', '/hashed-email/partners', { name: 'cross-device', profile: 'uid2-sha256-b64' })).status).toBe(400)
    await control('POST', '/hashed-email/known', { addresses: [ada], partner: 'cross-device' })
    expect((await control('POST', '/hashed-email/person', { address: ada })).json.beliefs).toMatchObject([
      { partner: 'cross-device', suppressed: false },
    ])
  })
  it('starts over', async () => {
    sandbox.mailchimp.control.seedMember(list, ada)
    sandbox.mailchimp.control.misbehave({ kind: 'down' })
    await control('POST', '/mailchimp/reset')
    expect((await control('GET', '/mailchimp/state')).json.total).toBe(0)
    expect((await control('GET', '/mailchimp/misbehave')).json.misbehaving).toEqual([])
    expect(sandbox.mailchimp.control.audiences()[0]?.id).toBe(list)
  })
})

describe('the page', () => {
  const page = async (path = '/', init: RequestInit = {}) => {
    const response = await fetch(`${sandbox.url}${path}`, init)
    return { response, text: await response.text() }
  }
  it('shows what each vendor believes, what it was asked, and what is wrong with it', async () => {
    sandbox.mailchimp.control.seedMember(list, ada, 'unsubscribed')
    sandbox.hashedEmail.control.know([ada])
    await clientOf(sandbox.mailchimp)('GET', '/ping')
    sandbox.mailchimp.control.misbehave({ kind: 'rate-limited', count: 2 })
    const { text } = await page()
    for (const part of ['Mailchimp', 'Hashed-email partners', ada, 'unsubscribed', 'not suppressed', 'GET /3.0/ping', 'rate-limited ×2'])
      expect(text).toContain(part)
  })
  it('escapes what people are called, and allows no script', async () => {
    sandbox.mailchimp.control.seedMember(list, "<script>alert('x')</script>@example.com".replaceAll(/[<>()]/g, ''))
    sandbox.mailchimp.control.addAudience({ name: '<img src=x onerror=alert(1)> & "co"' })
    const evil = sandbox.mailchimp.control.audiences().at(-1)?.id ?? ''
    sandbox.mailchimp.control.seedMember(evil, `o'neil&"sons"@example.com`)
    const { response, text } = await page()
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt; &amp; &quot;co&quot;')
    expect(text).toContain('o&#39;neil&amp;&quot;sons&quot;@example.com')
    expect(text).not.toContain('<img')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  })
  it('answers about one person without an address in a URL', async () => {
    sandbox.mailchimp.control.seedMember(list, ada)
    const { text } = await page('/person', { method: 'POST', body: new URLSearchParams({ address: ada }) })
    expect(text).toContain('subscribed')
    expect(text).toContain('Knows nobody of this address.')
    expect(text).not.toMatch(/(href|action|src)="[^"]*ada/)
  })
  it('refreshes itself only when asked to', async () => {
    expect((await page()).text).not.toContain('http-equiv="refresh"')
    expect((await page('/?refresh=2')).text).toContain('<meta http-equiv="refresh" content="2">')
    expect((await page('/?refresh=nonsense')).text).not.toContain('http-equiv="refresh"')
  })
  it('stands beside health and metrics', async () => {
    expect((await page('/healthz')).text).toBe('{"status":"ok"}')
    await clientOf(sandbox.mailchimp)('GET', '/ping')
    expect((await page('/metrics')).text).toContain(
      'heed_sandbox_requests_total{vendor="mailchimp",method="GET",path="/3.0/ping",status="200"}',
    )
    expect((await page('/nothing')).response.status).toBe(404)
  })
})

describe('starting', () => {
  it('plays only the vendors that are asked for', async () => {
    const one = await startSandbox({ port: 0, vendors: ['mailchimp'] })
    try {
      expect(one.mailchimp.url).toContain(one.url)
      expect(() => one.hashedEmail).toThrow('started without hashed-email')
      expect((await fetch(`${one.url}/_control/hashed-email/state`)).status).toBe(404)
    } finally {
      await one.stop()
    }
  })
  it('refuses a port that is taken', async () => {
    await expect(startSandbox({ port: sandbox.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
  it('gives the same demo key for the same seed, and another for another', async () => {
    const keyOf = async (seed: string): Promise<string> => {
      const one = await startSandbox({ port: 0, seed, vendors: ['mailchimp'] })
      await one.stop()
      return one.mailchimp.apiKey
    }
    expect(await keyOf('a')).toBe(await keyOf('a'))
    expect(await keyOf('a')).not.toBe(await keyOf('b'))
  })
})

describe('a data folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-sandbox-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const start = () => startSandbox({ port: 0, dataDir: folder, mailchimp: { batchStageMs: 0 } })

  it('keeps what the vendors believe, their keys, and a batch that was under way', async () => {
    const first = await start()
    const call = clientOf(first.mailchimp)
    first.mailchimp.control.seedMember(list, ada)
    first.mailchimp.control.seedMember(list, 'bob@example.com')
    first.mailchimp.control.configure({ batchStageMs: 3_600_000 })
    await call('PATCH', `/lists/${list}/members/${md5(ada)}`, { status: 'unsubscribed' })
    const path = `/lists/${list}/members/${md5('bob@example.com')}`
    const { json } = await call('POST', '/batches', { operations: [{ method: 'PATCH', path, body: '{"status":"unsubscribed"}' }] })
    first.hashedEmail.control.know([ada])
    await first.stop()

    const second = await start()
    const again = clientOf(second.mailchimp)
    expect(second.mailchimp.control.person({ address: ada })).toMatchObject([{ status: 'unsubscribed' }])
    expect(second.hashedEmail.control.person({ address: ada })).toMatchObject([{ address: ada, suppressed: false }])
    expect(second.hashedEmail.hostKeySha256).toBe(first.hashedEmail.hostKeySha256)
    await expect.poll(async () => (await again('GET', `/batches/${json.id}`)).json.status).toBe('finished')
    expect(second.mailchimp.control.person({ address: 'bob@example.com' })).toMatchObject([{ status: 'unsubscribed' }])
    await second.stop()
  })
  it('lets nobody else read its keys and facts', () => {
    const secrets = ['client-key', 'host-key', 'other-host-key', 'facts.jsonl'].map((name) => join(folder, 'hashed-email', name))
    expect(secrets.map((path) => statSync(path).mode & 0o077)).toEqual([0, 0, 0, 0])
  })
})

it('shares no code with any other room', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  expect(files.length).toBeGreaterThan(20)
  const imports = files.flatMap(
    (name) => readFileSync(join(import.meta.dirname, name), 'utf8').match(/^(import|export|\}) .*from '[^']+'$/gm) ?? [],
  )
  expect(imports.length).toBeGreaterThan(100)
  expect(imports.filter((line) => /from '(@heed\/|\.\.\/\.\.)/.test(line))).toEqual([])
})
