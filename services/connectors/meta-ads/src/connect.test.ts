import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type HttpRequest, referencedCredentials, type Transport, type TransportTools } from '@heed/connector-kit'
import { anOptOut, emailIdentifiers, recipientId } from '@heed/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { accountFaultOf } from './account-check.ts'
import { metaAds } from './connector.ts'
import { parseSettings } from './settings.ts'

const closers: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly authorization: string | undefined
  readonly body: string
}

const sound = { id: 'act_1020304050', business: { id: '7', name: 'Example' }, tos_accepted: { custom_audience_tos: 1 } }
const limit = { timeoutMs: 2_000, signal: new AbortController().signal }

/** The Graph API as far as a connection goes, and a transport to it. */
async function connect(account: unknown, more: object = {}) {
  const seen: Seen[] = []
  const warned: string[] = []
  let held = account
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    seen.push({ method: request.method, url: request.url, authorization: request.headers.authorization, body })
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.method === 'GET' ? held : { success: true }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const settings = parseSettings({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credential: 'env:TOKEN',
    adAccount: '1020304050',
    ...more,
  })
  const log = { warn: (_: object, event: string) => warned.push(event) } as unknown as TransportTools['log']
  const transport = metaAds.connect?.(settings, {
    recipientId: recipientId('meta'),
    credentials: referencedCredentials({ TOKEN: 'EAAB-token', SECRET: 'app-secret' }),
    descriptor: typeof metaAds.descriptor === 'function' ? metaAds.descriptor(settings) : metaAds.descriptor,
    clock: { now: () => 0, sleep: async () => undefined },
    log,
  }) as Transport
  closers.push(() => transport.close())
  const task = anOptOut('ada@example.org', { recipientId: 'meta', identifiers: emailIdentifiers('ada@example.org', 'plain-sha256-hex') })
  const [request] = metaAds.plan([task], settings, { sequence: 0, openedAt: 0, extent: 'delta' }) as HttpRequest[]
  if (request === undefined) throw new Error('a request')
  return {
    seen,
    warned,
    now: (next: unknown) => {
      held = next
    },
    send: () => transport.send(request, limit),
  }
}

describe('a connection', () => {
  it('carries the token in its header and nowhere else, and the payload in the body of the DELETE', async () => {
    const { seen, send } = await connect(sound)
    expect(await send()).toMatchObject({ status: 200 })
    const [check, removal] = seen
    expect(check).toMatchObject({ method: 'GET', url: '/v25.0/act_1020304050?fields=business%2Ctos_accepted' })
    expect(removal).toMatchObject({ method: 'DELETE', url: '/v25.0/act_1020304050/usersofanyaudience', authorization: 'Bearer EAAB-token' })
    expect(Object.keys(JSON.parse(removal?.body ?? ''))).toEqual(['payload'])
  })

  it('proves the token in the body where the app demands it', async () => {
    const { seen, send } = await connect(sound, { credentials: { appSecret: 'env:SECRET' } })
    await send()
    const proof = createHmac('sha256', 'app-secret').update('EAAB-token').digest('hex')
    expect(seen.map(({ method, body }) => [method, (JSON.parse(body) as { appsecret_proof?: string }).appsecret_proof])).toEqual([
      ['DELETE', proof],
    ])
  })

  it('asks about the ad account once', async () => {
    const { seen, send } = await connect(sound)
    await Promise.all([send(), send()])
    await send()
    expect(seen.map(({ method }) => method).filter((method) => method === 'GET')).toHaveLength(1)
  })

  it('sends nothing from an ad account of nobody, until somebody mends it', async () => {
    const { now, seen, send } = await connect({ ...sound, business: undefined })
    expect(await send()).toEqual({ via: 'none', sent: false, reason: 'configuration.account-without-business' })
    now({ ...sound, tos_accepted: {} })
    expect(await send()).toEqual({ via: 'none', sent: false, reason: 'configuration.terms-not-accepted' })
    now(sound)
    expect(await send()).toMatchObject({ status: 200 })
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'DELETE'])
  })

  it('sends where it cannot be told, and says so once', async () => {
    const { send, warned } = await connect({ error: { code: 100, message: 'Unsupported get request' } })
    await send()
    expect(await send()).toMatchObject({ status: 200 })
    expect(warned).toEqual(['account.unchecked'])
  })

  it('asks nothing where the settings say so, or where it would change nothing', async () => {
    for (const more of [{ checkAccount: false }, { removeFrom: 'audiences', audiences: ['1'] }]) {
      const { seen, send } = await connect({}, more)
      await send()
      expect(seen.map(({ method }) => method)).toEqual(['DELETE'])
    }
  })
})

describe('what an ad account lacks', () => {
  const answer = (status: number, body: unknown) => ({ via: 'http' as const, status, headers: {}, body: Buffer.from(JSON.stringify(body)) })

  it.each([
    ['nothing', answer(200, sound), 'none'],
    ['the terms of today under their other name', answer(200, { ...sound, tos_accepted: { web_custom_audience_tos: 1 } }), 'none'],
    ['terms that were refused', answer(200, { ...sound, tos_accepted: { custom_audience_tos: 0 } }), 'configuration.terms-not-accepted'],
    ['an answer about terms', answer(200, { ...sound, tos_accepted: undefined }), 'unknown'],
    ['an id', answer(200, {}), 'unknown'],
    ['a status', answer(500, sound), 'unknown'],
    ['an answer', { via: 'none' as const, sent: true, reason: 'unavailable.timeout' as const }, 'unknown'],
  ])('is read: %s', (_, from, fault) => {
    expect(accountFaultOf(from)).toBe(fault)
  })
})
