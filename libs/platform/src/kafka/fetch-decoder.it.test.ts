import { gzipSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { ConsumedRecord, Kafka } from './index.ts'
import { contentOf, directKafka, freshName } from './testing/broker.ts'

describe('a batch that cannot be decoded', () => {
  let kafka: Kafka

  beforeAll(() => {
    kafka = directKafka(inject('kafkaBrokers'))
  })
  afterAll(() => kafka.stop())

  it('comes as one record with the bytes and the reason; what follows is read', async () => {
    const topic = freshName('unreadable')
    await kafka.ensureTopics([{ name: topic, partitions: 1 }])
    const publisher = kafka.publisher()
    await publisher.publish([{ topic, key: 'a', value: '1' }])

    const codecs = kafkajs.CompressionCodecs as Record<number, () => object>
    const before = codecs[kafkajs.CompressionTypes.GZIP]
    codecs[kafkajs.CompressionTypes.GZIP] = () => ({
      // Well-formed gzip, since the broker looks inside; only the reader cannot.
      compress: async (encoder: { buffer: Buffer }) => gzipSync(encoder.buffer),
      decompress: () => Promise.reject(new Error('broken')),
    })
    try {
      const raw = new kafkajs.Kafka({ brokers: inject('kafkaBrokers').split(','), logLevel: kafkajs.logLevel.NOTHING }).producer({
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      })
      await raw.connect()
      await raw.send({
        topic,
        compression: kafkajs.CompressionTypes.GZIP,
        messages: [
          { key: 'b', value: '2' },
          { key: 'b', value: '3' },
        ],
      })
      await raw.disconnect()
      await publisher.publish([{ topic, key: 'c', value: '4' }])

      const [records = []] = (await contentOf(kafka, topic)).values()
      const shape = ({ key, offset, unreadable, value }: ConsumedRecord) => ({ key, offset, unreadable, bytes: (value?.length ?? 0) > 10 })
      expect(records.map(shape)).toEqual([
        { key: 'a', offset: '0', unreadable: undefined, bytes: false },
        { key: null, offset: '2', unreadable: 'broken records', bytes: true },
        { key: 'c', offset: '3', unreadable: undefined, bytes: false },
      ])
    } finally {
      if (before !== undefined) codecs[kafkajs.CompressionTypes.GZIP] = before
      await publisher.stop()
    }
  })
})
