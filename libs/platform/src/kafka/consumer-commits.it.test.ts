import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { silentLogger } from '../log/index.ts'
import type { Consumer, Kafka, Publisher } from './index.ts'
import { directKafka, freshName } from './testing/broker.ts'

describe('a consumer that commits now and then', () => {
  let kafka: Kafka
  let publisher: Publisher
  let topic: string
  let groupId: string
  beforeAll(() => {
    kafka = directKafka(inject('kafkaBrokers'))
    publisher = kafka.publisher()
  })
  afterAll(async () => {
    await publisher.stop()
    await kafka.stop()
  })
  beforeEach(async () => {
    topic = freshName('commits')
    groupId = freshName('group')
    await kafka.ensureTopics([{ name: topic, partitions: 3 }])
  })

  const publish = (count: number) => publisher.publish(Array.from({ length: count }, (_, n) => ({ topic, key: `k${n}`, value: 'v' })))
  const make = (seen: string[]): Consumer =>
    kafka.consumer({
      groupId,
      topics: [topic],
      fromBeginning: true,
      commitEveryMs: 60_000,
      concurrency: 3,
      log: silentLogger,
      handle: async ({ records }) => void seen.push(...records.map(({ key }) => String(key))),
    })

  it('has not committed what came soon after a commit, and does when it is asked', async () => {
    const seen: string[] = []
    const consumer = make(seen)
    const watcher = make([])
    const running = await consumer.start()
    await publish(30)
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(30)
    await publish(30)
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(60)
    expect(await watcher.lag()).toBeGreaterThanOrEqual(30)
    await consumer.caughtUp()
    expect(await watcher.lag()).toBe(0)
    await running.stop()
  })

  it('commits at its end, so that the next one repeats nothing', async () => {
    const first: string[] = []
    const running = await make(first).start()
    for (const total of [30, 60]) {
      await publish(30)
      await expect.poll(() => first.length, { timeout: 20_000 }).toBe(total)
    }
    await running.stop()
    const second: string[] = []
    const next = make(second)
    expect(await next.lag()).toBe(0)
    const again = await next.start()
    await publish(1)
    await expect.poll(() => second.length, { timeout: 20_000 }).toBe(1)
    await again.stop()
    expect(second).toEqual(['k0'])
  })
})
