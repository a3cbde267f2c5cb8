import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type HttpRequest, referencedCredentials } from '@heed/connector-kit'
import type { RecipientId } from '@heed/domain'
import { ManualClock } from '@heed/platform/clock'
import { createLogger } from '@heed/platform/log'
import { anOptOut } from '@heed/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { linkedinAds } from './connector.ts'
import { parseSettings } from './settings.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** The connector's own transport before a small vendor that gives tokens a1, a2 … and asks `segment` about everything else. */
async function play(segment: RequestListener, now = Date.UTC(2026, 10, 23)) {
  const grants: string[] = []
  const server = createServer(async (request, response) => {
    if (request.url !== '/token') return segment(request, response)
    grants.push(await textOf(request))
    response.end(JSON.stringify({ access_token: `a${grants.length}`, expires_in: 60 * 86_400 }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const settings = parseSettings({
    baseUrl: base,
    tokenUrl: `${base}/token`,
    credentials: { clientId: 'env:ID', clientSecret: 'env:SECRET', refreshToken: 'env:REFRESH' },
    apiVersion: '202607',
    segments: ['1'],
  })
  const clock = new ManualClock(now)
  const lines: string[] = []
  const descriptor = typeof linkedinAds.descriptor === 'function' ? linkedinAds.descriptor(settings) : linkedinAds.descriptor
  const transport = linkedinAds.connect?.(settings, {
    recipientId: 'linkedin' as RecipientId,
    credentials: referencedCredentials({ ID: 'id', SECRET: 'secret', REFRESH: 'refresh' }),
    descriptor,
    clock,
    log: createLogger('test', { level: 'info', destination: { write: (line) => lines.push(line) } }),
  })
  if (transport === undefined) throw new Error('a transport')
  closers.push(() => transport.close())
  const task = anOptOut('ada@example.org', { recipientId: 'linkedin', purposes: ['social-audiences'], form: 'nows-sha256-hex' })
  const [request] = linkedinAds.plan([task], settings, { sequence: 0, openedAt: 0, extent: 'delta' })
  const send = () => transport.send(request as HttpRequest, { timeoutMs: 2_000, signal: new AbortController().signal })
  return { send, grants, clock, logged: () => lines.join('') }
}

describe('the connection to LinkedIn', () => {
  it('gets a token by the refresh token once, and keeps it for weeks', async () => {
    const seen: unknown[] = []
    const vendor = await play((request, response) => {
      const { authorization, 'linkedin-version': version, 'content-type': type } = request.headers
      seen.push([authorization, version, type])
      response.end()
    })
    await vendor.send()
    await vendor.clock.advance(50 * 86_400_000)
    await vendor.send()
    expect(seen).toEqual(Array(2).fill(['Bearer a1', '202607', 'application/json']))
    expect(vendor.grants.map((grant) => Object.fromEntries(new URLSearchParams(grant)))).toEqual([
      { grant_type: 'refresh_token', client_id: 'id', client_secret: 'secret', refresh_token: 'refresh' },
    ])
    expect(vendor.logged()).toContain('"expiresAt":"2027-01-22T00:00:00.000Z"')
    expect(vendor.logged()).not.toMatch(/a1|secret/)
  })

  it('refreshes a refused token once, and gives a second refusal as it is', async () => {
    const seen: unknown[] = []
    const vendor = await play((request, response) => {
      seen.push(request.headers.authorization)
      response.statusCode = 401
      response.end()
    })
    expect(await vendor.send()).toMatchObject({ status: 401 })
    expect(seen).toEqual(['Bearer a1', 'Bearer a2'])
  })

  it('says how long to wait where LinkedIn does not', async () => {
    const vendor = await play((_, response) => {
      response.statusCode = 429
      response.end()
    })
    expect(await vendor.send()).toMatchObject({ status: 429, headers: { 'retry-after': '60' } })
    await vendor.clock.advance(60_000)
    expect(await vendor.send()).toMatchObject({ headers: { 'retry-after': '120' } })
  })

  it('raises an alarm two months before the version ends', async () => {
    const calm = await play((_, response) => response.end())
    await calm.send()
    expect(calm.logged()).not.toContain('linkedin-ads.version-ends')
    await calm.clock.advance(170 * 86_400_000)
    await calm.send()
    expect(calm.logged()).toContain('linkedin-ads.version-ends')
    const late = await play((_, response) => response.end(), Date.UTC(2027, 5, 1))
    expect(late.logged()).toContain('"endsAt":"2027-07-01T00:00:00.000Z"')
  })
})
