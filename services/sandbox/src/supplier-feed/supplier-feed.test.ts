import { createHmac, createPrivateKey, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, type SandboxOptions, startSandbox } from '../index.ts'

const feed: SandboxOptions['supplierFeed'] = {
  partners: [
    { name: 'suppliers' },
    {
      name: 'affiliates',
      signature: 'ed25519',
      answers: 'by-call',
      identities: [{ type: 'controller_customer_id', format: 'raw', profile: null }],
    },
  ],
}
let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['supplier-feed'], supplierFeed: feed })
})
afterAll(() => sandbox.stop())
beforeEach(() => sandbox.supplierFeed.control.reset())
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

// the SHA-256 of ada@example.org
const ada = 'cfe00dde46ef942601ffafb9e2825e802858b460e586b8305b344c1eb826357d'
const requestId = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
const control = () => sandbox.supplierFeed.control

function message(id: string, changed: { type?: string; sequence?: number; series?: string; subject?: object; scope?: object | null } = {}) {
  const { type = 'preference.opt_out', sequence = 1, series = 'series-0123456789', subject, scope } = changed
  return {
    type,
    timestamp: '2026-11-03T20:26:10.344Z',
    data: {
      event_id: id,
      request_id: requestId,
      sequence,
      series,
      subject: { identity_type: 'email', identity_format: 'sha256', identity_value: ada, hash_profile: 'plain-sha256-hex', ...subject },
      scope: scope === undefined ? { purpose: 'marketing', channel: 'email', topic: null } : scope,
      regulation: 'gdpr',
      effective_at: '2026-11-03T20:26:09Z',
      source: 'preference-service',
    },
  }
}
const keyOf = (name: string, of = sandbox) => of.supplierFeed.partners.find((one) => one.name === name)?.signingKey ?? ''

function signatureOf(key: string, content: string): string {
  const bytes = Buffer.from(key.slice(key.indexOf('_') + 1), 'base64')
  if (key.startsWith('whsec_')) return `v1,${createHmac('sha256', bytes).update(content).digest('base64')}`
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytes])
  return `v1a,${sign(null, Buffer.from(content), createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).toString('base64')}`
}

interface Sent {
  readonly partner?: string
  readonly key?: string
  readonly ageSeconds?: number
  readonly headers?: Record<string, string>
  readonly tamper?: (body: string) => string
  readonly to?: Sandbox
}
async function send(id: string, body: unknown = message(id), sent: Sent = {}) {
  const { partner = 'suppliers', to = sandbox, ageSeconds = 0, headers = {}, tamper = (text: string) => text } = sent
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const seconds = Math.floor(Date.now() / 1000) - ageSeconds
  const response = await fetch(`${to.url}/supplier-feed/${partner}/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signatureOf(sent.key ?? keyOf(partner, to), `${id}.${seconds}.${text}`),
      ...headers,
    },
    body: tamper(text),
    redirect: 'manual',
  })
  const answer = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    json: answer === '' ? undefined : (JSON.parse(answer) as Record<string, unknown>),
  }
}
const states = () =>
  control()
    .beliefs()
    .map(({ purpose, topic, state, sequence }) => `${topic ?? purpose ?? '*'} ${state} ${sequence}`)
    .sort()

describe('a signature', () => {
  it('of either kind is known', async () => {
    expect((await send('evt_1')).status).toBe(200)
    const subject = { identity_type: 'controller_customer_id', identity_format: 'raw', identity_value: 'crm-1', hash_profile: null }
    expect((await send('evt_1', message('evt_1', { subject }), { partner: 'affiliates' })).status).toBe(202)
  })

  it.each<[string, Sent, string]>([
    ['by another key', { key: `whsec_${Buffer.alloc(32, 1).toString('base64')}` }, 'signature.unknown'],
    ['of another kind', { headers: { 'webhook-signature': 'v1a,AAAA' } }, 'signature.unknown'],
    ['over other bytes', { tamper: (body) => body.replace('opt_out', 'opt_in') }, 'signature.unknown'],
    ['over another id', { headers: { 'webhook-id': 'evt_2' } }, 'signature.unknown'],
    ['of another time', { headers: { 'webhook-timestamp': String(Math.floor(Date.now() / 1000) + 7) } }, 'signature.unknown'],
    ['that is stale', { ageSeconds: 400 }, 'timestamp.outside'],
    ['of the future', { ageSeconds: -400 }, 'timestamp.outside'],
    ['with an id that has a dot', { headers: { 'webhook-id': 'evt.1' } }, 'id.malformed'],
    ['without a time', { headers: { 'webhook-timestamp': '' } }, 'timestamp.malformed'],
  ])('%s is refused, and nothing is believed', async (_, sent, code) => {
    expect(await send('evt_1', message('evt_1'), sent)).toMatchObject({ status: 401, json: { error: code } })
    expect(states()).toEqual([])
  })

  it('is enough where one of several is good, and an older key lasts a day', async () => {
    const older = keyOf('suppliers')
    const newer = control().rotateKey('suppliers')
    expect(newer).not.toBe(older)
    expect((await send('evt_1', undefined, { key: older })).status).toBe(200)
    expect((await send('evt_2', undefined, { key: newer })).status).toBe(200)
    await sandbox.clock.advance(86_401)
    expect((await send('evt_3', undefined, { key: older })).status).toBe(401)
  })
})

describe('a message', () => {
  it('is taken once, whatever the time of its repeat, and never with other words', async () => {
    await send('evt_1')
    expect(await send('evt_1', message('evt_1'), { ageSeconds: 60 })).toMatchObject({
      status: 200,
      json: { request_id: requestId, request_status: 'completed' },
    })
    expect(control().ignored()).toEqual({ repeated: 1, stale: 0 })
    expect((await send('evt_1', message('evt_1', { sequence: 2 }))).status).toBe(409)
    expect(states()).toEqual(['marketing opted-out 1'])
  })

  it('that is older than what is held is taken and ignored; each scope and each series counts by itself', async () => {
    await send('evt_1', message('evt_1', { sequence: 5 }))
    await send('evt_2', message('evt_2', { sequence: 4, type: 'preference.opt_in' }))
    expect(states()).toEqual(['marketing opted-out 5'])
    await send(
      'evt_3',
      message('evt_3', {
        sequence: 4,
        type: 'preference.topic_opt_out',
        scope: { purpose: 'marketing', channel: 'email', topic: 'offers' },
      }),
    )
    expect(states()).toEqual(['marketing opted-out 5', 'offers opted-out 4'])
    await send('evt_4', message('evt_4', { sequence: 2, series: 'another-0123456789', type: 'preference.opt_in' }))
    expect(states()).toEqual(['marketing opted-in 2', 'offers opted-out 4'])
    expect(control().ignored().stale).toBe(1)
  })

  it('that forgets somebody ends every scope, and what was sent before it comes too late', async () => {
    await send('evt_1', message('evt_1', { sequence: 5 }))
    await send('evt_2', message('evt_2', { sequence: 6, type: 'privacy.erasure', scope: null }))
    await send(
      'evt_3',
      message('evt_3', { sequence: 4, type: 'preference.opt_in', scope: { purpose: 'other', channel: null, topic: null } }),
    )
    expect(states()).toEqual(['* erased 6'])
  })

  it.each<[string, unknown, number, string]>([
    ['no JSON', '{', 400, 'message.not-json'],
    ['no message', {}, 422, 'message.type'],
    ['a field too many', { ...message('evt_1'), name: 'Ada' }, 422, 'message.malformed'],
    ['a type that is not agreed on', message('evt_1', { type: 'preference.changed' }), 422, 'message.type'],
    ['another event', message('evt_2'), 422, 'event-id.differs'],
    ['a topic where a purpose is due', message('evt_1', { type: 'preference.topic_opt_out' }), 422, 'scope.topic'],
    ['an erasure of a part', message('evt_1', { type: 'privacy.erasure' }), 422, 'message.data.scope'],
    ['an address where a hash is due', message('evt_1', { subject: { identity_value: 'ada@example.org' } }), 422, 'identity.not-hashed'],
    ['upper-case hex', message('evt_1', { subject: { identity_value: ada.toUpperCase() } }), 422, 'identity.hash-malformed'],
    ['a raw address', message('evt_1', { subject: { identity_format: 'raw', hash_profile: null } }), 422, 'identity.form-not-agreed'],
    ['another profile', message('evt_1', { subject: { hash_profile: 'nows-sha256-hex' } }), 422, 'identity.form-not-agreed'],
    ['another kind of identity', message('evt_1', { subject: { identity_type: 'phone' } }), 422, 'identity.type-not-agreed'],
    ['a version in place of a sequence', message('evt_1', { sequence: 0 }), 422, 'message.data.sequence'],
    ['twenty thousand bytes', { ...message('evt_1'), more: 'x'.repeat(20_000) }, 413, 'message.too-long'],
  ])('with %s is refused in words that quote nothing', async (_, body, status, code) => {
    const answer = await send('evt_1', body)
    expect(answer).toMatchObject({ status, json: { error: code } })
    expect(JSON.stringify(control().requests())).not.toMatch(/ada|cfe00d/i)
  })

  it('comes as JSON, by POST, to a partner that there is', async () => {
    expect((await send('evt_1', undefined, { headers: { 'content-type': 'text/plain' } })).status).toBe(415)
    expect((await send('evt_1', undefined, { partner: 'nobody', key: keyOf('suppliers') })).status).toBe(404)
    expect((await fetch(`${sandbox.url}/supplier-feed/suppliers/events`)).status).toBe(405)
  })

  it('may be a ping, about which nothing is believed', async () => {
    expect((await send('evt_1', { type: 'ping', timestamp: '2026-11-03T20:26:10Z', data: {} })).status).toBe(204)
    expect(states()).toEqual([])
  })
})

describe('a switch', () => {
  it('is for one partner where it names its path', async () => {
    control().misbehave({ kind: 'gone', match: { path: 'affiliates' } })
    expect((await send('evt_1')).status).toBe(200)
    expect((await send('evt_1', undefined, { partner: 'affiliates' })).status).toBe(410)
  })

  it('redirects to where the metadata of a cloud are', async () => {
    control().misbehave({ kind: 'redirect' })
    expect((await send('evt_1')).headers.get('location')).toContain('169.254.169.254')
  })

  it('refuses one person, for now or for good', async () => {
    control().know(['ada@example.org'])
    control().misbehave({ kind: 'poison', count: 1, match: { address: 'ADA@example.org' } })
    expect((await send('evt_1')).status).toBe(422)
    control().misbehave({ kind: 'aborts', count: 1, match: { hash: ada } })
    const aborted = await send('evt_1')
    expect([aborted.status, aborted.headers.get('webhook-delivery')]).toEqual([400, 'abort-message'])
    expect((await send('evt_1')).status).toBe(200)
  })
})

describe('a call', () => {
  const subject = { identity_type: 'controller_customer_id', identity_format: 'raw', identity_value: 'crm-1', hash_profile: null }
  async function listener(answers: number[] = []) {
    const seen: { headers: Record<string, unknown>; body: string }[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      seen.push({ headers: request.headers, body })
      response.statusCode = answers.shift() ?? 200
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => {
      server.closeAllConnections()
      server.close()
    })
    control().register('affiliates', `http://127.0.0.1:${(server.address() as AddressInfo).port}/calls`)
    return seen
  }
  const isGood = ({ headers, body }: { headers: Record<string, unknown>; body: string }) => {
    const key = sandbox.supplierFeed.partners.find(({ name }) => name === 'affiliates')?.callbackKey ?? ''
    return headers['webhook-signature'] === signatureOf(key, `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
  }
  const ask = () => send('evt_1', message('evt_1', { subject }), { partner: 'affiliates' })

  it('follows the answer, signed, and comes again under the same id until it is taken', async () => {
    const seen = await listener([500, 200])
    expect((await ask()).json).toMatchObject({ request_status: 'pending' })
    await expect.poll(() => seen.length).toBe(2)
    expect(seen.map(isGood)).toEqual([true, true])
    expect(new Set(seen.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(seen.map(({ body }) => JSON.parse(body) as unknown)).toEqual(
      Array(2).fill({ request_id: requestId, request_status: 'completed', results_count: 1 }),
    )
    await expect.poll(() => control().calls()).toMatchObject([{ answers: [500, 200], over: true }])
  })

  it('is not repeated where it was refused', async () => {
    const seen = await listener([403])
    await ask()
    await expect.poll(() => control().calls()).toMatchObject([{ answers: [403], over: true }])
    expect(seen).toHaveLength(1)
  })

  it('may be late, twice, first, failed or forged', async () => {
    const seen = await listener()
    control().holdCalls()
    await ask()
    await sandbox.clock.advance(86_400)
    expect(seen).toHaveLength(0)
    control().releaseCalls()
    await expect.poll(() => seen.length).toBe(1)
    for (const kind of ['call-twice', 'call-forged', 'call-fails'] as const) control().misbehave({ kind, count: 1 })
    await send('evt_2', message('evt_2', { subject, sequence: 2 }), { partner: 'affiliates' })
    await expect.poll(() => seen.length).toBe(4)
    expect(seen.map(isGood)).toEqual([true, false, true, true])
    expect(seen.slice(2).every(({ body }) => body.includes('failed'))).toBe(true)
    control().misbehave({ kind: 'call-first', count: 1 })
    await send('evt_3', message('evt_3', { subject, sequence: 3 }), { partner: 'affiliates' })
    expect(seen).toHaveLength(5)
  })

  it('can be made by hand, properly or not', async () => {
    const seen = await listener()
    await control().call('affiliates', 'r1', 'completed')
    await control().call('affiliates', 'r1', 'completed', { forged: true })
    await control().call('affiliates', 'r1', 'completed', { tampered: true })
    await control().call('affiliates', 'r1', 'completed', { agedSeconds: 900 })
    expect(seen.map(isGood)).toEqual([true, false, false, true])
    expect(Number(seen[3]?.headers['webhook-timestamp'])).toBeLessThan(Date.now() / 1000 - 800)
    expect(await control().call('suppliers', 'r1', 'completed')).toBe(0)
  })
})

it('knows after a restart what it took, and whom it owes a call', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'heed-feed-'))
  const options: SandboxOptions = { port: 0, dataDir, vendors: ['supplier-feed'], supplierFeed: feed }
  const first = await startSandbox(options)
  first.supplierFeed.control.holdCalls()
  const subject = { identity_type: 'controller_customer_id', identity_format: 'raw', identity_value: 'crm-1', hash_profile: null }
  await send('evt_1', undefined, { to: first })
  await send('evt_2', message('evt_2', { subject }), { to: first, partner: 'affiliates' })
  await first.stop()
  const second = await startSandbox(options)
  closers.push(
    () => rmSync(dataDir, { recursive: true }),
    () => second.stop(),
  )
  expect(second.supplierFeed.control.beliefs()).toHaveLength(2)
  await send('evt_1', undefined, { to: second })
  expect(second.supplierFeed.control.ignored()).toEqual({ repeated: 1, stale: 0 })
  expect(second.supplierFeed.control.calls()).toMatchObject([{ partner: 'affiliates', requestId, over: false }])
})

it('is told and asked by HTTP as other vendors are', async () => {
  const post = (path: string, body: object) =>
    fetch(`${sandbox.url}/_control/supplier-feed/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  expect((await post('settings', { callbacks: { affiliates: 'http://127.0.0.1:9/v1/callbacks/affiliates' } })).status).toBe(204)
  expect((await post('settings', { callbacks: { nobody: 'http://127.0.0.1:9/' } })).status).toBe(400)
  await send('evt_1')
  expect(await (await post('person', { address: 'ada@example.org' })).json()).toMatchObject({ beliefs: [{ state: 'opted-out' }] })
  expect((await post('misbehave', { kind: 'gone' })).status).toBe(200)
  expect((await post('misbehave', { kind: 'tired' })).status).toBe(400)
  const page = await (await fetch(`${sandbox.url}/`)).text()
  expect(page).toContain('Partners with a feed')
  expect(page).not.toContain(keyOf('suppliers'))
})
