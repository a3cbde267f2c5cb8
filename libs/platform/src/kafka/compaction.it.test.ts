import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { silentLogger } from '../log/index.ts'
import { connectKafka, type Kafka } from './index.ts'

const name = (part: string) => `platform-${part}-${randomBytes(6).toString('hex')}`

describe('a compacted topic', () => {
  let kafka: Kafka
  let admin: kafkajs.Admin

  const cleanerPause = (ms: number) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        { type: kafkajs.ConfigResourceTypes.BROKER, name: '1', configEntries: [{ name: 'log.cleaner.backoff.ms', value: String(ms) }] },
      ],
    })

  beforeAll(async () => {
    const brokers = inject('kafkaBrokers').split(',')
    kafka = connectKafka({ brokers, clientId: 'platform-test', log: silentLogger })
    admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    await cleanerPause(100)
  })
  afterAll(async () => {
    await cleanerPause(15_000)
    await admin.disconnect()
    await kafka.stop()
  })

  // Compaction keeps the last batch of every producer, also when it holds no record any more. Where such a batch is the last of
  // its segment, a fetch brings that batch and nothing else.
  it('is read to the end, past batches that compaction has emptied', async () => {
    const topic = name('compacted')
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic,
          numPartitions: 1,
          configEntries: Object.entries({
            'cleanup.policy': 'compact',
            'segment.ms': '100',
            'segment.bytes': String(1024 * 1024),
            'min.cleanable.dirty.ratio': '0.001',
            'min.compaction.lag.ms': '0',
            'max.compaction.lag.ms': '200',
          }).map(([entry, value]) => ({ name: entry, value })),
        },
      ],
    })
    const filler = randomBytes(600 * 1024)
    for (const round of [1, 2, 3]) {
      const publisher = kafka.publisher()
      await publisher.publish([{ topic, key: `filler-${round}`, value: filler }])
      await publisher.stop()
      const last = kafka.publisher()
      await last.publish([{ topic, key: 'k', value: String(round) }])
      await last.stop()
      await pause(150)
    }
    const read = async (): Promise<string[]> => {
      const found: string[] = []
      await kafka.replay({
        topics: [topic],
        from: 'start',
        handle: async ({ records }) => {
          for (const { key, value } of records) found.push(key === 'k' ? `k=${value}` : `${key}`)
        },
      })
      return found
    }
    const compacted = ['filler-1', 'filler-2', 'k=2', 'filler-3', 'k=3']
    await expect.poll(read, { timeout: 40_000, interval: 500 }).toEqual(compacted)
  })
})
