import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { silentLogger } from '../log/index.ts'
import { connectKafka, type Kafka } from './index.ts'

const name = (part: string) => `platform-${part}-${Math.random().toString(36).slice(2)}`

describe('publisher and consumer', () => {
  let kafka: Kafka

  beforeAll(() => {
    kafka = connectKafka({ brokers: inject('kafkaBrokers').split(','), clientId: 'platform-test', log: silentLogger })
  })
  afterAll(() => kafka.stop())

  it('brings every record to the handler, in order for each key', async () => {
    const topic = name('order')
    await kafka.ensureTopics([{ name: topic, partitions: 3, compact: true, minLagMs: 60_000 }])
    const publisher = kafka.publisher()
    const seen = new Map<string, number[]>()
    const consumer = kafka.consumer({
      groupId: name('group'),
      topics: [topic],
      fromBeginning: true,
      log: silentLogger,
      handle: async ({ records }) => {
        for (const { key, value } of records) {
          const list = seen.get(key ?? '') ?? []
          list.push(Number(value?.toString()))
          seen.set(key ?? '', list)
        }
      },
    })
    const running = await consumer.start()
    const keys = ['a', 'b', 'c', 'd', 'e']
    await Promise.all(
      Array.from({ length: 200 }, (_, version) =>
        publisher.publish(keys.map((key) => ({ topic, key, value: String(version), headers: { n: 'x' } }))),
      ),
    )
    await consumer.caughtUp()
    await running.stop()
    await publisher.stop()
    expect([...seen.keys()].sort()).toEqual(keys)
    for (const versions of seen.values()) expect(versions).toEqual(Array.from({ length: 200 }, (_, version) => version))
  })
})
