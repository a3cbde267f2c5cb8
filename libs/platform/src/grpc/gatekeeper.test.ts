import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../clock/index.ts'
import { type CallContext, type CallerStore, GrpcFault, hashKey, mintKey, status } from './index.ts'
import { type Echo, echoService, startEcho } from './testing/echo.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function served(options: Parameters<typeof startEcho>[0] = {}) {
  const echo = await startEcho(options)
  cleanups.push(echo.stop)
  return echo
}

describe('who may call', () => {
  it.each(['', 'Bearer', 'Bearer nonsense', 'Basic heed_tester_abc', 'Bearer heed_tester_short'])(
    'refuses the header %j',
    async (authorization) => {
      const { connect } = await served()
      await expect(connect().echo({}, { metadata: { authorization } })).rejects.toMatchObject({
        code: status.UNAUTHENTICATED,
        reason: 'KEY_MISSING',
      })
    },
  )

  it('refuses an unknown caller and a wrong secret alike', async () => {
    const { connect } = await served()
    const refusals = await Promise.all(
      [mintKey('nobody'), mintKey('tester')].map((key) =>
        connect(key)
          .echo({})
          .catch((error: unknown) => error),
      ),
    )
    for (const refusal of refusals)
      expect(refusal).toMatchObject({ code: status.UNAUTHENTICATED, reason: 'KEY_INVALID', message: 'the key is not valid' })
  })

  it('refuses a revoked caller once the remembered answer is too old', async () => {
    const clock = new ManualClock(0)
    const { client, callers } = await served({ clock, callerCacheMs: 5_000 })
    await client.echo({})
    const stored = await callers.find('tester')
    if (stored === undefined) throw new Error('no caller')
    callers.set({ ...stored, revokedAt: 1 })
    await clock.advance(5_000)
    await expect(client.echo({})).rejects.toMatchObject({ reason: 'KEY_INVALID' })
  })

  it('accepts the old and the new key during the grace time, then only the new one', async () => {
    const clock = new ManualClock(0)
    const { connect, callers } = await served({ clock })
    const [before, after] = [mintKey('rotated'), mintKey('rotated')]
    const keys = [
      { hash: hashKey(before), createdAt: 0, validUntil: 1_000 },
      { hash: hashKey(after), createdAt: 0 },
    ]
    callers.set({ id: 'rotated', scopes: ['*'], keys, createdAt: 0 })
    const [old, fresh] = [connect(before), connect(after)]
    await Promise.all([old.echo({}), fresh.echo({})])
    await clock.advance(1_000)
    await expect(old.echo({})).rejects.toMatchObject({ reason: 'KEY_INVALID' })
    await fresh.echo({})
  })

  it('refuses a caller without the scope, and names the scope', async () => {
    const { connect, callers } = await served()
    const client = connect(callers.add('reader', ['echo:count', 'other:*']))
    await expect(client.echo({})).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
      reason: 'SCOPE_MISSING',
      metadata: { scope: 'echo:say' },
    })
  })

  it('lets the handler ask for the exact scope below a declared one', async () => {
    const service = {
      ...echoService({
        Echo: async (request: Echo, context: CallContext) => {
          context.requireScope(`resolve:${request.text}`)
          return request
        },
      }),
      scopes: { Echo: 'resolve:*', Count: 'x', Collect: 'x', Chat: 'x' },
    }
    const { connect, callers } = await served({ services: [service] })
    const client = connect(callers.add('connector', ['resolve:mailchimp']))
    expect(await client.echo({ text: 'mailchimp' })).toMatchObject({ text: 'mailchimp' })
    await expect(client.echo({ text: 'google' })).rejects.toMatchObject({ reason: 'SCOPE_MISSING', metadata: { scope: 'resolve:google' } })
    await expect(connect(callers.add('other', ['resolve'])).echo({})).rejects.toMatchObject({ reason: 'SCOPE_MISSING' })
  })

  it('asks the store once for callers that are remembered, and once for calls at the same time', async () => {
    const { client, callers } = await served()
    await Promise.all(Array.from({ length: 20 }, () => client.echo({})))
    await client.echo({})
    expect(callers.lookups).toBe(1)
  })

  it('says that it cannot know when the store fails, and recovers', async () => {
    let broken = true
    const { callers, key } = await startEcho().then(async (echo) => {
      await echo.stop()
      return echo
    })
    const store: CallerStore = { find: (id) => (broken ? Promise.reject(new Error('away')) : callers.find(id)) }
    const { connect } = await served({ callers: store })
    const client = connect(key)
    await expect(client.echo({})).rejects.toMatchObject({ code: status.UNAVAILABLE, reason: 'CALLERS_UNAVAILABLE', retryAfterSeconds: 1 })
    broken = false
    await client.echo({})
  })

  it('limits the rate of a caller, says how long to wait, and does not limit another', async () => {
    const clock = new ManualClock(0)
    const { connect, callers } = await served({ clock })
    const client = connect(callers.add('busy', ['*'], { ratePerSecond: 2, burst: 3 }))
    const results = await Promise.all(Array.from({ length: 5 }, () => client.echo({}).catch((error: unknown) => error)))
    const refused = results.filter((result) => result instanceof GrpcFault)
    expect(refused).toHaveLength(2)
    expect(refused[0]).toMatchObject({ code: status.RESOURCE_EXHAUSTED, reason: 'RATE_LIMITED', retryAfterSeconds: 0.5 })
    await connect(callers.add('calm', ['*'])).echo({})
    await clock.advance(500)
    await client.echo({})
    await expect(client.echo({})).rejects.toMatchObject({ reason: 'RATE_LIMITED' })
  })

  it('does not fill the bucket again by reading the caller again', async () => {
    const clock = new ManualClock(0)
    const { connect, callers } = await served({ clock, callerCacheMs: 1 })
    const client = connect(callers.add('busy', ['*'], { ratePerSecond: 0.001, burst: 1 }))
    await client.echo({})
    await clock.advance(10)
    await expect(client.echo({})).rejects.toMatchObject({ reason: 'RATE_LIMITED' })
  })
})
