import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Kafka, maxRequestBytes, type OutgoingRecord } from '../index.ts'
import { contentOf, freshName } from './broker.ts'

/** What every publisher promises. */
export function testPublisher(makeKafka: () => Kafka): void {
  describe('a publisher', () => {
    let kafka: Kafka
    let topic: string
    const cleanups: (() => Promise<unknown>)[] = []

    beforeAll(() => {
      kafka = makeKafka()
    })
    afterAll(() => kafka.stop())
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    })

    async function freshTopic(partitions = 3): Promise<string> {
      topic = freshName('publish')
      await kafka.ensureTopics([{ name: topic, partitions }])
      return topic
    }

    function track<T extends { stop(): Promise<unknown> }>(part: T): T {
      cleanups.push(() => part.stop())
      return part
    }

    const values = async (): Promise<string[]> => [...(await contentOf(kafka, topic)).values()].flat().map(({ value }) => String(value))

    it('stores what it acknowledged: headers, bytes, and a null that deletes', async () => {
      await freshTopic(1)
      const publisher = track(kafka.publisher())
      await publisher.publish([
        { topic, key: 'k', value: 'text', headers: { ce_type: 'a.b', traceparent: '00-1' } },
        { topic, key: 'ü', value: Buffer.from([0, 255]) },
        { topic, key: 'k', value: null },
      ])
      const [records = []] = (await contentOf(kafka, topic)).values()
      expect(records.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual([
        { key: 'k', value: Buffer.from('text'), headers: { ce_type: 'a.b', traceparent: '00-1' } },
        { key: 'ü', value: Buffer.from([0, 255]), headers: {} },
        { key: 'k', value: null, headers: {} },
      ])
    })

    it('splits what is larger than one request, in order', async () => {
      await freshTopic(1)
      const publisher = track(kafka.publisher())
      const value = 'x'.repeat(100_000)
      await publisher.publish(Array.from({ length: 40 }, (_, n): OutgoingRecord => ({ topic, key: 'k', value: `${n} ${value}` })))
      expect((await values()).map((text) => Number(text.split(' ')[0]))).toEqual(Array.from({ length: 40 }, (_, n) => n))
    })

    it('refuses a record that no request can carry, and takes the next', async () => {
      await freshTopic(1)
      const publisher = track(kafka.publisher())
      await expect(publisher.publish([{ topic, key: 'k', value: 'x'.repeat(maxRequestBytes) }])).rejects.toMatchObject({
        reason: 'kafka.record-refused',
      })
      await publisher.publish([{ topic, key: 'k', value: 'small' }])
      expect(await values()).toEqual(['small'])
    })

    it('lets nobody wait behind a topic that is not there', async () => {
      await freshTopic(1)
      const publisher = track(kafka.publisher())
      const [absent, present] = await Promise.allSettled([
        publisher.publish([{ topic: freshName('absent'), key: 'k', value: '1' }]),
        publisher.publish([{ topic, key: 'k', value: '2' }]),
      ])
      expect(absent).toMatchObject({ status: 'rejected', reason: { reason: 'kafka.record-refused' } })
      expect(present).toMatchObject({ status: 'fulfilled' })
      expect(await values()).toEqual(['2'])
    })

    it('refuses more than may wait', async () => {
      await freshTopic(1)
      const publisher = track(kafka.publisher({ maxQueue: 10 }))
      const first = publisher.publish(Array.from({ length: 8 }, (_, n): OutgoingRecord => ({ topic, key: 'k', value: String(n) })))
      await expect(publisher.publish(Array.from({ length: 3 }, () => ({ topic, key: 'k', value: 'more' })))).rejects.toMatchObject({
        reason: 'kafka.queue-full',
      })
      await first
      await publisher.publish([{ topic, key: 'k', value: 'again' }])
      expect(await values()).toHaveLength(9)
    })

    it('sends what waits when it is stopped, and takes no more', async () => {
      await freshTopic(1)
      const publisher = kafka.publisher()
      const published = publisher.publish([{ topic, key: 'k', value: 'last' }])
      await publisher.stop()
      await published
      await expect(publisher.publish([{ topic, key: 'k', value: 'late' }])).rejects.toMatchObject({ reason: 'kafka.stopped' })
      expect(await values()).toEqual(['last'])
    })
  })
}
