import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type CallContext, GrpcFault, status } from './index.ts'
import { collect, type Echo, gate, startEcho } from './testing/echo.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function served(options: Parameters<typeof startEcho>[0] = {}) {
  const echo = await startEcho(options)
  cleanups.push(echo.stop)
  return echo
}

/** Resolves with the value once it has not changed for a while. */
async function settled(read: () => number): Promise<number> {
  for (let before = -1, same = 0; ; await pause(20)) {
    const now = read()
    same = now === before ? same + 1 : 0
    before = now
    if (same >= 10) return now
  }
}

const numbers = (count: number): Partial<Echo>[] => Array.from({ length: count }, (_, number) => ({ number }))

describe('streams', () => {
  it('bring everything, in order', async () => {
    const { client } = await served()
    expect((await collect(client.count({ number: 1_000 }))).map(({ number }) => number)).toEqual(
      Array.from({ length: 1_000 }, (_, n) => n + 1),
    )
    expect(await client.collect(numbers(1_001))).toMatchObject({ number: 500_500 })
    expect((await collect(client.chat(numbers(1_000)))).map(({ number }) => number)).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
    expect(await collect(client.chat([]))).toEqual([])
  })

  it('are refused like any call', async () => {
    const { connect } = await served()
    const client = connect()
    await expect(collect(client.count({ number: 1 }))).rejects.toMatchObject({ reason: 'KEY_MISSING' })
    await expect(client.collect(numbers(10))).rejects.toMatchObject({ reason: 'KEY_MISSING' })
    await expect(collect(client.chat(numbers(10)))).rejects.toMatchObject({ reason: 'KEY_MISSING' })
  })

  it('bring the fault of the handler after what it has sent', async () => {
    const { client } = await served({
      handlers: {
        Count: async function* () {
          yield { number: 1 }
          throw GrpcFault.badRequest([{ field: 'number', description: 'too high' }])
        },
      },
    })
    const seen: number[] = []
    const reading = (async () => {
      for await (const { number } of client.count({})) seen.push(number)
    })()
    await expect(reading).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      violations: [{ field: 'number', description: 'too high' }],
    })
    expect(seen).toEqual([1])
  })

  it('give a handler that answers early back its caller, who stops sending', async () => {
    const { client } = await served({
      handlers: {
        Collect: async (requests: AsyncIterable<Echo>) => {
          for await (const { number } of requests) if (number >= 3) return { text: 'enough', number }
          return { text: 'all', number: 0 }
        },
      },
    })
    let sent = 0
    async function* endless() {
      for (;;) {
        yield { number: sent }
        sent += 1
        if (sent % 100 === 0) await pause(1)
      }
    }
    expect(await client.collect(endless())).toMatchObject({ text: 'enough' })
    const after = await settled(() => sent)
    expect(after).toBeGreaterThan(3)
  })

  it('end with the error of the source they send from', async () => {
    const { client } = await served()
    // biome-ignore lint/correctness/useYield: the source fails before it has anything.
    async function* broken(): AsyncGenerator<Partial<Echo>> {
      throw new Error('source')
    }
    await expect(client.collect(broken())).rejects.toThrow('source')
    await expect(collect(client.chat(broken()))).rejects.toThrow('source')
  })
})

describe('back-pressure', { timeout: 30_000 }, () => {
  const text = 'x'.repeat(16_384)

  it('holds a handler that writes faster than the caller reads, and loses nothing', async () => {
    const total = 800
    let made = 0
    const { client } = await served({
      handlers: {
        Count: async function* () {
          for (; made < total; made += 1) yield { text, number: made }
        },
      },
    })
    const reader = client.count({})[Symbol.asyncIterator]()
    await reader.next()
    const held = await settled(() => made)
    expect(held).toBeLessThan(total / 2)
    let seen = 1
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) seen += 1
    expect(seen).toBe(total)
  })

  it('holds a caller that sends faster than the handler reads, and loses nothing', async () => {
    const total = 800
    const reading = gate()
    let sent = 0
    const { client } = await served({
      handlers: {
        Chat: async function* (requests: AsyncIterable<Echo>) {
          await reading.opened
          for await (const { number } of requests) yield { number }
        },
      },
    })
    async function* source() {
      for (; sent < total; sent += 1) yield { text, number: sent }
    }
    const answers = collect(client.chat(source()))
    const held = await settled(() => sent)
    expect(held).toBeLessThan(total / 2)
    reading.open()
    expect(await answers).toHaveLength(total)
  })
})

describe('the end of a stream', () => {
  it('reaches the handler when the caller leaves the loop', async () => {
    const ended = gate()
    let aborted = false
    const { client } = await served({
      handlers: {
        Count: async function* (_request: Echo, { signal }: CallContext) {
          signal.addEventListener('abort', () => {
            aborted = true
          })
          try {
            for (let number = 0; ; number += 1) {
              yield { number }
              await pause(1)
            }
          } finally {
            ended.open()
          }
        },
      },
    })
    for await (const { number } of client.count({})) if (number === 3) break
    await ended.opened
    expect(aborted).toBe(true)
  })

  it('reaches a handler that waits for something else', async () => {
    const [waiting, ended] = [gate(), gate()]
    const leaving = new AbortController()
    const { client } = await served({
      handlers: {
        Count: async function* (_request: Echo, { signal }: CallContext) {
          yield { number: 1 }
          waiting.open()
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          ended.open()
        },
      },
    })
    const reading = collect(client.count({}, { signal: leaving.signal }))
    reading.catch(() => undefined)
    await waiting.opened
    leaving.abort()
    await ended.opened
    await expect(reading).rejects.toMatchObject({ code: status.CANCELLED })
  })

  it('comes when the server stops, also for a handler that would wait for ever', async () => {
    const { client, server, stop } = await served({
      handlers: {
        Count: async function* () {
          yield { number: 1 }
          await new Promise(() => undefined)
        },
      },
    })
    const reader = client.count({})[Symbol.asyncIterator]()
    await reader.next()
    const next = reader.next()
    next.catch(() => undefined)
    server.setServing(false)
    const stopped = stop()
    await expect(next).rejects.toMatchObject({ code: expect.any(Number) })
    await stopped
  })

  it('carries SERVER_STOPPING to a caller who stays', async () => {
    const echo = await served({
      drainMs: 2_000,
      handlers: {
        Count: async function* () {
          yield { number: 1 }
          await new Promise(() => undefined)
        },
      },
    })
    const reader = echo.client.count({})[Symbol.asyncIterator]()
    await reader.next()
    const next = reader.next()
    next.catch(() => undefined)
    const stopped = echo.stopServer()
    await expect(next).rejects.toMatchObject({ code: status.UNAVAILABLE, reason: 'SERVER_STOPPING' })
    await stopped
  })
})
