import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HttpRequest, Transport } from '@heed/connector-kit'
import { referencedCredentials } from '@heed/connector-kit'
import { checkWebhook, parseCheckingKeys } from '@heed/contracts'
import { ManualClock, systemClock } from '@heed/platform/clock'
import { silentLogger } from '@heed/platform/log'
import { anOptOut, exampleTime, recipientId } from '@heed/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { supplierFeed } from './connector.ts'
import { inARowHeader } from './endpoint.ts'
import { parseSettings } from './settings.ts'

const closers: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Seen {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly type: unknown
}

const limit = { timeoutMs: 2_000, signal: new AbortController().signal }
const secret = () => `whsec_${randomBytes(32).toString('base64')}`
type Reply = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }

/** A partner as far as a connection goes, and the connector's way to it. */
async function connect(reply: (seen: Seen) => Reply, options: { env?: Record<string, string>; settings?: object } = {}) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const one = { headers: request.headers, body, type: (JSON.parse(body.toString()) as { type: unknown }).type }
    seen.push(one)
    const { status, headers = {}, body: text = '' } = reply(one)
    response.writeHead(status, headers)
    response.end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { ...open(`http://127.0.0.1:${port}`, options), seen, port }
}

function open(origin: string, { env = { KEY: secret() }, settings = {} }: { env?: Record<string, string>; settings?: object } = {}) {
  const parsed = parseSettings({
    url: `${origin}/heed?tenant=7`,
    credential: 'env:KEY',
    signature: 'symmetric',
    acknowledgement: 'in-response',
    trustedHosts: new URL(origin).host,
    ...settings,
  })
  const { descriptor } = supplierFeed
  const transport = supplierFeed.connect?.(parsed, {
    recipientId: recipientId('affiliates'),
    credentials: referencedCredentials(env),
    descriptor: typeof descriptor === 'function' ? descriptor(parsed) : descriptor,
    clock: new ManualClock(exampleTime),
    log: silentLogger,
    development: true,
  }) as Transport
  closers.push(() => transport.close())
  const task = anOptOut('ada@example.org', { recipientId: 'affiliates', form: 'plain-sha256-hex' })
  const [request] = supplierFeed.plan([task], parsed, { sequence: 0, openedAt: 0, extent: 'delta' }) as HttpRequest[]
  if (request === undefined) throw new Error('a request')
  const told = async () => {
    const answer = await transport.send(request, limit)
    return answer.via === 'none' ? answer : (supplierFeed.interpret(request, answer, parsed).outcomes[0]?.outcome ?? 'awaited')
  }
  return { transport, request, told, env }
}

describe('a message on its way', () => {
  it('is signed over the bytes that leave, anew for each try, under one id', async () => {
    const { seen, told, env } = await connect(({ type }) => ({ status: type === 'ping' || seen.length > 2 ? 204 : 503 }))
    const keys = parseCheckingKeys(env.KEY ?? '')
    await told()
    const before = Date.now()
    // in the next second of the machine
    while (Math.floor(Date.now() / 1000) === Math.floor(before / 1000)) await systemClock.sleep(20)
    expect(await told()).toEqual({ kind: 'confirmed' })
    const [, first, second] = seen
    for (const one of [first, second]) {
      expect(checkWebhook(one?.headers ?? {}, one?.body ?? Buffer.alloc(0), keys, Date.now()).ok).toBe(true)
      expect(one?.headers).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'user-agent': expect.stringMatching(/^Heed\//),
      })
    }
    expect(first?.headers['webhook-id']).toBe(second?.headers['webhook-id'])
    expect(first?.headers['webhook-signature']).not.toBe(second?.headers['webhook-signature'])
    expect(first?.body).toEqual(second?.body)
  })

  it('follows a key that is rotated in its file, without a restart', async () => {
    const [old, fresh] = [secret(), secret()]
    const file = join(tmpdir(), `heed-key-${randomBytes(6).toString('hex')}`)
    writeFileSync(file, old)
    const { seen, told } = await connect(() => ({ status: 204 }), { settings: { credential: `file:${file}` } })
    const knownBy = (key: string) => {
      const last = seen.at(-1)
      return checkWebhook(last?.headers ?? {}, last?.body ?? Buffer.alloc(0), parseCheckingKeys(key), Date.now()).ok
    }
    await told()
    expect([knownBy(old), knownBy(fresh)]).toEqual([true, false])
    writeFileSync(file, `${fresh} ${old}@2126-03-02T00:00:00Z\n`)
    await told()
    expect([knownBy(old), knownBy(fresh)]).toEqual([true, true])
    writeFileSync(file, fresh)
    await told()
    expect([knownBy(old), knownBy(fresh)]).toEqual([false, true])
  })

  it.each([
    [{}, 'configuration.credential-missing'],
    [{ KEY: 'secret' }, 'configuration.signing-key-unusable'],
    [{ KEY: `whsk_${randomBytes(32).toString('base64')}` }, 'configuration.signing-key-unusable'],
  ])('is not sent where it cannot be signed: %#', async (env, reason) => {
    const { seen, told } = await connect(() => ({ status: 204 }), { env })
    expect(await told()).toEqual({ via: 'none', sent: false, reason })
    expect(seen).toEqual([])
  })

  it('goes nowhere else when it is told to', async () => {
    const other = await connect(() => ({ status: 204 }))
    const { told } = await connect(({ type }) =>
      type === 'ping' ? { status: 204 } : { status: 307, headers: { location: `http://127.0.0.1:${other.port}/heed` } },
    )
    expect(await told()).toEqual({ kind: 'deferred', reason: 'configuration.redirected' })
    expect(other.seen).toEqual([])
  })

  it('is taken although the answer never ends', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write('HTTP/1.1 204 No Content\r\n\r\n')
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
          const more = setInterval(() => socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`), 1)
          socket.on('close', () => clearInterval(more))
        })
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => new Promise((resolve) => server.close(resolve)))
    const { told } = open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    expect(await told()).toEqual({ kind: 'confirmed' })
  })

  it('waits until the time that the partner names, as a number of seconds', async () => {
    const { told } = await connect(({ type }) =>
      type === 'ping' ? { status: 204 } : { status: 429, headers: { 'retry-after': new Date(Date.now() + 90_500).toUTCString() } },
    )
    expect(await told()).toEqual({
      kind: 'deferred',
      reason: 'unavailable.rate-limited',
      retryAfterSeconds: expect.toSatisfy((seconds: number) => seconds > 80 && seconds <= 91),
    })
  })

  it('counts what is refused in a row, here and nowhere else', async () => {
    const { told, seen } = await connect(({ type }) => ({
      status: type === 'ping' || seen.length === 5 ? 204 : 422,
      headers: { [inARowHeader]: '99' },
    }))
    const outcomes = []
    for (let tries = 0; tries < 6; tries += 1) outcomes.push(await told())
    expect(outcomes).toMatchObject([
      { reason: 'item.refused' },
      { reason: 'item.refused' },
      { reason: 'configuration.messages-refused' },
      { kind: 'confirmed' },
      { reason: 'item.refused' },
      { reason: 'item.refused' },
    ])
  })
})

describe('a ping', () => {
  it('goes once, before anything about anybody, also where several messages wait', async () => {
    const { transport, request, seen } = await connect(() => ({ status: 204 }))
    await Promise.all([1, 2, 3].map(() => transport.send(request, limit)))
    expect(seen.map(({ type }) => type)).toEqual(['ping', ...Array(3).fill('preference.opt_out')])
    expect(seen[0]?.headers['webhook-signature']).toMatch(/^v1,/)
  })

  it.each([
    [401, { kind: 'deferred', reason: 'auth.refused' }],
    [404, { kind: 'deferred', reason: 'configuration.endpoint-missing' }],
    [410, { kind: 'deferred', reason: 'configuration.endpoint-gone' }],
    [302, { kind: 'deferred', reason: 'configuration.redirected' }],
    [503, { kind: 'deferred', reason: 'unavailable.server-error' }],
    [422, { via: 'none', sent: false, reason: 'configuration.ping-refused' }],
    [400, { via: 'none', sent: false, reason: 'configuration.ping-refused' }],
  ])('that is answered by %i lets nothing through, and is no word about a person', async (status, meaning) => {
    const { told, seen } = await connect(() => ({ status }))
    expect(await told()).toEqual(meaning)
    expect(await told()).toEqual(meaning)
    expect(new Set(seen.map(({ type }) => type))).toEqual(new Set(['ping']))
  })

  it('that gets no answer says that the message was never sent', async () => {
    const server = createTcpServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => new Promise((resolve) => server.close(resolve)))
    expect(await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).told()).toMatchObject({ via: 'none', sent: false })
  })

  it('is left out where that is agreed on', async () => {
    const { told, seen } = await connect(() => ({ status: 204 }), { settings: { ping: false } })
    await told()
    expect(seen.map(({ type }) => type)).toEqual(['preference.opt_out'])
  })
})
