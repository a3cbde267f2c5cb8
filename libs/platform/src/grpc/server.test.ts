import * as grpc from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { HeedError } from '../errors/index.ts'
import { createLogger, silentLogger } from '../log/index.ts'
import { createMetrics } from '../metrics/index.ts'
import { type CallContext, closeClient, GrpcFault, GrpcServerError, grpcClient, grpcServer, mintKey, status } from './index.ts'
import { type Echo, type EchoClient, echoDefinition, echoService, gate, startEcho } from './testing/echo.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function served(options: Parameters<typeof startEcho>[0] = {}) {
  const echo = await startEcho(options)
  cleanups.push(echo.stop)
  return echo
}

const says = (handler: (request: Echo, context: CallContext) => Promise<unknown>) => ({ handlers: { Echo: handler } })

describe('what a request may be', () => {
  it('refuses a message above the limit', async () => {
    const { client } = await served({ maxMessageBytes: 1_000 })
    await client.echo({ text: 'x'.repeat(900) })
    await expect(client.echo({ text: 'x'.repeat(2_000) })).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED })
    await expect(client.collect([{ text: 'x'.repeat(2_000) }])).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED })
  })

  /** A client that sends bytes as they are. */
  function raw(address: string, key: string, path: string) {
    const client = new grpc.Client(address, grpc.credentials.createInsecure())
    cleanups.push(() => client.close())
    const metadata = new grpc.Metadata()
    metadata.set('authorization', `Bearer ${key}`)
    return (bytes: Buffer) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          path,
          (value: Buffer) => value,
          (value) => value,
          bytes,
          metadata,
          (error, value) => (error ? reject(error) : resolve(value)),
        )
      })
  }

  it('refuses bytes that are no message', async () => {
    const { address, key } = await served()
    const send = raw(address, key, '/heed.testing.v1.EchoService/Echo')
    await expect(send(Buffer.from([0x1f, 0x01]))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  })

  it('refuses text that is no UTF-8 and names the field', async () => {
    const { address, key, client } = await served()
    const send = raw(address, key, '/heed.testing.v1.EchoService/Echo')
    const broken = Buffer.from([0x0a, 0x03, 0x61, 0xc3, 0x28])
    await expect(send(broken)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: 'the request is not valid: text' })
    expect(await client.echo({ text: 'Zoë 👋', number: 300 })).toMatchObject({ text: 'Zoë 👋' })
  })

  it('carries the violations, the reason and the metadata of a fault to the caller', async () => {
    const { client } = await served(
      says(async () => {
        throw new GrpcFault({
          code: status.INVALID_ARGUMENT,
          reason: 'PURPOSE_UNKNOWN',
          message: 'the request is not valid: choices[0].purpose',
          violations: [{ field: 'choices[0].purpose', description: 'the policy has no such purpose' }],
          metadata: { policy: '3' },
        })
      }),
    )
    await expect(client.echo({})).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      reason: 'PURPOSE_UNKNOWN',
      message: 'the request is not valid: choices[0].purpose',
      violations: [{ field: 'choices[0].purpose', description: 'the policy has no such purpose' }],
      metadata: { policy: '3' },
    })
  })
})

describe('what a caller learns of a failure', () => {
  const canary = 'canary@example.org'

  it('nothing of a foreign error but an id, which is in the log with the error', async () => {
    const lines: string[] = []
    const log = createLogger('test', { level: 'info', destination: { write: (line) => lines.push(line) } })
    const { client } = await served({ ...says(() => Promise.reject(new TypeError(canary))), log })
    const fault: unknown = await client.echo({}, { metadata: { 'x-request-id': 'request-7' } }).catch((error: unknown) => error)
    expect(fault).toMatchObject({
      code: status.INTERNAL,
      reason: 'INTERNAL',
      message: 'an internal error',
      metadata: { requestId: 'request-7' },
    })
    const line = lines.find((text) => text.includes('rpc.failed')) ?? ''
    expect(JSON.parse(line)).toMatchObject({
      level: 'error',
      requestId: 'request-7',
      callerId: 'tester',
      code: 'INTERNAL',
      error: { name: 'TypeError' },
    })
    expect(lines.join('')).not.toContain('canary')
  })

  it('the same when the handler throws before it returns a promise', async () => {
    const { client } = await served(
      says(() => {
        throw new Error(canary)
      }),
    )
    await expect(client.echo({})).rejects.toMatchObject({ code: status.INTERNAL, message: 'an internal error' })
  })

  it('that the database is away', async () => {
    const { client } = await served(says(() => Promise.reject(Object.assign(new Error(canary), { name: 'MongoServerSelectionError' }))))
    await expect(client.echo({})).rejects.toMatchObject({ code: status.UNAVAILABLE, reason: 'STORE_UNAVAILABLE', retryAfterSeconds: 1 })
  })

  it('what the room makes of its own errors', async () => {
    const { client } = await served({
      ...says(() => Promise.reject(new HeedError('x.y', 'z'))),
      translate: (error) => (error instanceof HeedError ? GrpcFault.notFound('NO_SUBJECT', 'there is no such subject') : undefined),
    })
    await expect(client.echo({})).rejects.toMatchObject({ code: status.NOT_FOUND, reason: 'NO_SUBJECT' })
  })
})

describe('time', () => {
  it('ends a call that comes without a deadline after the default', async () => {
    const aborted = gate()
    const handlers = says((_request, { signal }) => new Promise(() => signal.addEventListener('abort', aborted.open)))
    const { address, key } = await served({ ...handlers, defaultDeadlineMs: 50 })
    const client = new grpc.Client(address, grpc.credentials.createInsecure())
    cleanups.push(() => client.close())
    const metadata = new grpc.Metadata()
    metadata.set('authorization', `Bearer ${key}`)
    const { Echo } = echoDefinition
    if (Echo === undefined) throw new Error('no method')
    const error = await new Promise((resolve) => {
      client.makeUnaryRequest(
        Echo.path,
        Echo.requestSerialize as (value: object) => Buffer,
        Echo.responseDeserialize,
        {},
        metadata,
        resolve,
      )
    })
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED })
    await aborted.opened
  })

  it("tells the handler the caller's deadline, and its end", async () => {
    const aborted = gate()
    let deadline = 0
    const { client } = await served(
      says((_request, context) => {
        deadline = context.deadline
        return new Promise(() => context.signal.addEventListener('abort', aborted.open))
      }),
    )
    const before = Date.now()
    await expect(client.echo({}, { deadlineMs: 100 })).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED })
    expect(deadline - before).toBeGreaterThan(50)
    expect(deadline - before).toBeLessThan(1_000)
    await aborted.opened
  })

  it('tells the handler that the caller went away', async () => {
    const [arrived, aborted] = [gate(), gate()]
    const { client } = await served(
      says((_request, { signal }) => {
        signal.addEventListener('abort', aborted.open)
        arrived.open()
        return new Promise(() => undefined)
      }),
    )
    const leaving = new AbortController()
    const call = client.echo({}, { signal: leaving.signal })
    call.catch(() => undefined)
    await arrived.opened
    leaving.abort()
    await aborted.opened
    await expect(call).rejects.toMatchObject({ code: status.CANCELLED })
  })

  it('fails quickly when nobody listens', async () => {
    const client = grpcClient<EchoClient>(echoDefinition, { address: '127.0.0.1:1', key: mintKey('tester'), deadlineMs: 5_000 })
    cleanups.push(() => closeClient(client))
    await expect(client.echo({})).rejects.toMatchObject({ code: status.UNAVAILABLE })
  })
})

describe('what is counted and logged', () => {
  it('one line and one observation for each call, refused ones too', async () => {
    const lines: string[] = []
    const metrics = createMetrics()
    const log = createLogger('test', { level: 'info', destination: { write: (line) => lines.push(line) } })
    const { client, connect } = await served({ log, metrics })
    await client.echo({})
    await connect()
      .echo({})
      .catch(() => undefined)
    const calls = lines.map((line) => JSON.parse(line)).filter(({ method }) => method !== undefined)
    expect(calls).toMatchObject([
      { msg: 'rpc.served', method: '/heed.testing.v1.EchoService/Echo', callerId: 'tester', code: 'OK' },
      { msg: 'rpc.refused', code: 'UNAUTHENTICATED', reason: 'KEY_MISSING' },
    ])
    const text = await metrics.read()
    expect(text).toContain('heed_rpc_seconds_count{method="/heed.testing.v1.EchoService/Echo",code="OK"} 1')
    expect(text).toContain('code="UNAUTHENTICATED"} 1')
  })

  it('counts a success of a hot method, and logs it at debug only', async () => {
    const lines: string[] = []
    const metrics = createMetrics()
    const log = createLogger('test', { level: 'info', destination: { write: (line) => lines.push(line) } })
    const { client } = await served({ log, metrics, services: [{ ...echoService(), hot: ['Echo'] }] })
    await client.echo({})
    expect(lines.join('')).not.toContain('rpc.served')
    expect(await metrics.read()).toContain('code="OK"} 1')
  })

  it('does not take any text for a request id', async () => {
    let requestId = ''
    const { client } = await served(
      says(async (request, context) => {
        requestId = context.requestId
        return request
      }),
    )
    await client.echo({}, { metadata: { 'x-request-id': 'canary@example.org' } })
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('a server that is not completely declared does not start', () => {
  const start = (service: Partial<ReturnType<typeof echoService>>) =>
    grpcServer({
      name: 'x',
      port: 0,
      services: [{ ...echoService(), ...service }],
      callers: { find: async () => undefined },
      log: silentLogger,
      reflection: false,
    })

  it('a method without a scope', () => {
    expect(() => start({ scopes: { Echo: 'x', Count: 'x', Collect: 'x' } })).toThrow(
      expect.objectContaining({ reason: 'grpc.method-without-scope' }),
    )
    expect(() => start({ scopes: { Echo: 'x', Count: 'x', Collect: 'x', Chat: '' } })).toThrow(GrpcServerError)
  })

  it('a method without a handler', () => {
    expect(() => start({ handlers: {} })).toThrow(expect.objectContaining({ reason: 'grpc.method-without-handler' }))
  })

  it('a scope for a method that is not there', () => {
    expect(() => start({ scopes: { ...echoService().scopes, Ecko: 'x' } })).toThrow(
      expect.objectContaining({ reason: 'grpc.unknown-method' }),
    )
  })

  it('a port that is taken', async () => {
    const { server } = await served()
    const second = grpcServer({
      name: 'second',
      port: server.port,
      host: '127.0.0.1',
      services: [echoService()],
      callers: { find: async () => undefined },
      log: silentLogger,
      reflection: false,
    })
    await expect(second.start()).rejects.toMatchObject({ reason: 'grpc.listen-failed' })
  })
})
