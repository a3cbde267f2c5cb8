import { afterEach, describe, expect, it } from 'vitest'
import { closeClient, grpcClient, status } from './index.ts'
import { type EchoClient, echoDefinition, startEcho } from './testing/echo.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function served(options: Parameters<typeof startEcho>[0] = {}) {
  const echo = await startEcho(options)
  cleanups.push(echo.stop)
  const connect = (key?: string) => {
    const client = grpcClient<EchoClient>(echoDefinition, {
      address: echo.address,
      deadlineMs: 5_000,
      ...(key === undefined ? {} : { key }),
    })
    cleanups.push(() => closeClient(client))
    return client
  }
  return { ...echo, connect, client: connect(echo.key) }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('the four kinds of call', () => {
  it('answers a request', async () => {
    const { client } = await served()
    expect(await client.echo({ text: 'hello' })).toMatchObject({ text: 'hello' })
  })

  it('streams responses, requests, and both', async () => {
    const { client } = await served()
    expect(await collect(client.count({ number: 100 }))).toHaveLength(100)
    expect(await client.collect([{ number: 1 }, { number: 2 }])).toMatchObject({ number: 3 })
    expect((await collect(client.chat([{ number: 1 }, { number: 2 }]))).map(({ number }) => number)).toEqual([1, 2])
  })
})

describe('who may call', () => {
  it('refuses a call without a key', async () => {
    const { connect } = await served()
    await expect(connect().echo({})).rejects.toMatchObject({ code: status.UNAUTHENTICATED, reason: 'KEY_MISSING' })
  })
})
