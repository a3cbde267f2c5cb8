import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { silentLogger } from '../log/index.ts'
import type { Consumer, ConsumerOptions, Kafka, Publisher } from './index.ts'
import { directKafka, freshName, proxiedKafka } from './testing/broker.ts'

describe('a consumer in trouble', () => {
  let kafka: Kafka
  let publisher: Publisher
  let topic: string
  let groupId: string
  const cleanups: (() => Promise<unknown>)[] = []

  beforeAll(() => {
    kafka = directKafka(inject('kafkaBrokers'))
    publisher = kafka.publisher()
  })
  afterAll(async () => {
    await publisher.stop()
    await kafka.stop()
  })
  beforeEach(async () => {
    topic = freshName('consume')
    groupId = freshName('group')
    await kafka.ensureTopics([{ name: topic, partitions: 3 }])
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  const publish = (count: number, from = 0) =>
    publisher.publish(Array.from({ length: count }, (_, n) => ({ topic, key: `k${(from + n) % 9}`, value: String(from + n) })))

  const make = (handle: ConsumerOptions['handle'], extra: Partial<ConsumerOptions> = {}, broker = kafka): Consumer =>
    broker.consumer({ groupId, topics: [topic], fromBeginning: true, log: silentLogger, handle, ...extra })

  it('comes back by itself after the broker was away', async () => {
    const { kafka: proxied, proxy, stop } = await proxiedKafka(inject('kafkaBrokers'))
    cleanups.push(stop)
    const seen: number[] = []
    const consumer = make(async ({ records }) => void seen.push(...records.map(({ value }) => Number(value))), {}, proxied)
    const running = await consumer.start()
    cleanups.push(() => running.stop())
    await publish(10)
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(10)
    proxy.set('cut')
    await publish(10, 10)
    await expect.poll(() => consumer.health().ok, { timeout: 40_000, interval: 100 }).toBe(false)
    proxy.set('forward')
    await expect.poll(() => new Set(seen).size, { timeout: 40_000, interval: 100 }).toBe(20)
    expect(consumer.health()).toMatchObject({ ok: true })
  })

  it('fails for good when the broker refuses it for what it is', async () => {
    const consumer = make(async () => undefined, { sessionTimeoutMs: 10 })
    await expect(consumer.start()).rejects.toMatchObject({ reason: 'kafka.consumer-died' })
    expect(consumer.health()).toMatchObject({ ok: false, detail: 'ended' })
  })
})

describe('a broker', () => {
  it('is not healthy while it does not answer', async () => {
    const { kafka, proxy, stop } = await proxiedKafka(inject('kafkaBrokers'))
    proxy.set('cut')
    expect(await kafka.health()).toMatchObject({ ok: false })
    proxy.set('forward')
    expect(await kafka.health()).toMatchObject({ ok: true })
    await stop()
  })
})
