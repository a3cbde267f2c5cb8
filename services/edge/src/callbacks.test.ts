import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseSigningKeys, signWebhook, topicsOf } from '@heed/contracts'
import type { RecipientId } from '@heed/domain'
import { ManualClock } from '@heed/platform/clock'
import type { OutgoingRecord } from '@heed/platform/kafka'
import { createLogger } from '@heed/platform/log'
import express from 'express'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callbackRoutes } from './callbacks.ts'

const now = Date.UTC(2026, 10, 23, 10)
const key = `whsec_${randomBytes(32).toString('base64')}`
const requestId = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
let published: OutgoingRecord[]
let broken: boolean
let logged: string
let server: Server
let keys: string | undefined
const write = (line: string) => {
  logged += line
}

beforeEach(async () => {
  published = []
  broken = false
  logged = ''
  keys = key
  const app = express()
  app.use(
    '/v1/callbacks',
    callbackRoutes({
      keysOf: async (recipientId) => (recipientId === ('affiliates' as RecipientId) ? keys : undefined),
      publish: async (records) => {
        if (broken) throw new Error('no broker')
        published.push(...records)
      },
      topics: topicsOf('heed'),
      unknownPerMinute: 5,
      log: createLogger('edge', { level: 'debug', destination: { write } }),
      clock: new ManualClock(now),
    }),
  )
  server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function call(
  body: unknown = { request_id: requestId, request_status: 'completed' },
  more: { by?: string; at?: number; to?: string; id?: string; headers?: Record<string, string>; sent?: string } = {},
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const { by = key, at = now, to = 'affiliates', id = 'cb_1', headers = {}, sent = text } = more
  const signed = signWebhook({ id, timestampSeconds: Math.floor(at / 1000), body: Buffer.from(text) }, parseSigningKeys(by))
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/callbacks/${to}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signed, ...headers },
    body: sent,
  })
  return { status: response.status, body: await response.text(), retryAfter: response.headers.get('retry-after') }
}
const reports = () => published.map(({ value }) => JSON.parse(String(value)) as Record<string, unknown>)

describe('a recipient’s own call', () => {
  it.each(['completed', 'failed', 'cancelled'])('that says %s is with the broker before it is answered', async (request_status) => {
    expect(await call({ request_id: requestId, request_status, results_count: 1 })).toMatchObject({ status: 200, body: '' })
    expect(published.map(({ topic, key: on }) => [topic, on])).toEqual([['heed.callbacks.v1', requestId]])
    expect(reports()).toEqual([{ recipientId: 'affiliates', jobId: requestId, status: request_status, at: now }])
  })

  it.each(['pending', 'in_progress'])('that says %s changes nothing', async (request_status) => {
    expect((await call({ request_id: requestId, request_status })).status).toBe(200)
    expect(published).toEqual([])
  })

  it('may come again, and then says the same again under the same id', async () => {
    for (let times = 0; times < 2; times += 1) expect((await call()).status).toBe(200)
    expect(new Set(published.map(({ headers }) => headers?.ce_id)).size).toBe(1)
  })

  it.each([
    ['by another key', { by: `whsec_${Buffer.alloc(32, 1).toString('base64')}` }],
    ['over other bytes', { sent: JSON.stringify({ request_id: requestId, request_status: 'failed' }) }],
    ['of long ago', { at: now - 400_000 }],
    ['of the future', { at: now + 400_000 }],
    ['with another id', { headers: { 'webhook-id': 'cb_2' } }],
    ['without a signature', { headers: { 'webhook-signature': '' } }],
    ['for a recipient that makes no calls', { to: 'mailchimp' }],
    ['for nobody', { to: 'No%20Body' }],
  ])('%s is refused without a word, and nothing is published', async (_, more) => {
    expect(await call(undefined, more)).toEqual({ status: 403, body: '', retryAfter: null })
    expect(published).toEqual([])
  })

  it('is known by a rotated key at once, and by no key that cannot be used', async () => {
    const fresh = `whsec_${randomBytes(32).toString('base64')}`
    keys = `${fresh} ${key}`
    expect((await call(undefined, { by: fresh })).status).toBe(200)
    expect((await call()).status).toBe(200)
    keys = 'nonsense'
    expect((await call()).status).toBe(403)
    expect(logged).not.toContain(key)
  })

  it.each(['{', '[]', '{"request_id":"a b","request_status":"completed"}', '{"request_id":"r1","request_status":"done"}'])(
    'that cannot be understood is answered by 400: %s',
    async (body) => {
      expect((await call(body)).status).toBe(400)
      expect(published).toEqual([])
    },
  )

  it('that is far too long is not read', async () => {
    expect((await call({ request_id: requestId, request_status: 'completed', more: 'x'.repeat(30_000) })).status).toBe(413)
  })

  it('is not taken while the broker is away, and says when to come again', async () => {
    broken = true
    expect(await call()).toMatchObject({ status: 503, retryAfter: '30' })
  })

  it('is turned away where it is guessed at again and again; a good one never is', async () => {
    const statuses = []
    for (let tries = 0; tries < 7; tries += 1) statuses.push((await call(undefined, { at: 0 })).status)
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429])
    expect((await call()).status).toBe(200)
  })
})
