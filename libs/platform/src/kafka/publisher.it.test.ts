import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Kafka, maxRequestBytes, type OutgoingRecord, type Publisher } from './index.ts'
import { contentOf, directKafka, freshName, proxiedKafka } from './testing/broker.ts'
import type { FaultProxy } from './testing/fault-proxy.ts'

describe('a publisher', () => {
  let kafka: Kafka
  let topic: string
  const cleanups: (() => Promise<unknown>)[] = []

  beforeAll(() => {
    kafka = directKafka(inject('kafkaBrokers'))
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

  describe('while the broker is away', () => {
    let proxy: FaultProxy
    let publisher: Publisher

    async function behindProxy(options: Parameters<Kafka['publisher']>[0] = {}): Promise<void> {
      const proxied = await proxiedKafka(inject('kafkaBrokers'))
      cleanups.push(proxied.stop)
      proxy = proxied.proxy
      publisher = track(proxied.kafka.publisher(options))
    }

    it('says that it could not, and is not healthy until it can again', async () => {
      await freshTopic(1)
      await behindProxy({ deliveryTimeoutMs: 500 })
      proxy.set('cut')
      await expect(publisher.publish([{ topic, key: 'k', value: '1' }])).rejects.toMatchObject({ reason: 'kafka.unavailable' })
      expect(publisher.healthy).toBe(false)
      proxy.set('forward')
      await publisher.publish([{ topic, key: 'k', value: '2' }])
      expect(publisher.healthy).toBe(true)
      expect(await values()).toContain('2')
    })

    it('waits, and sends in order when the broker is back', async () => {
      await freshTopic(1)
      await behindProxy()
      await publisher.publish([{ topic, key: 'k', value: '0' }])
      proxy.set('cut')
      const all = Promise.all(Array.from({ length: 50 }, (_, n) => publisher.publish([{ topic, key: 'k', value: String(n + 1) }])))
      await expect.poll(() => publisher.healthy, { timeout: 20_000 }).toBe(false)
      proxy.set('forward')
      await all
      expect(await values()).toEqual(Array.from({ length: 51 }, (_, n) => String(n)))
    })

    it('gives back what it cannot send when it is stopped', async () => {
      await freshTopic(1)
      await behindProxy()
      proxy.set('cut')
      const published = publisher.publish([{ topic, key: 'k', value: '1' }])
      published.catch(() => undefined)
      await publisher.stop()
      await expect(published).rejects.toMatchObject({ reason: 'kafka.unavailable' })
    })

    // The trap of kafkajs: a sequence number used again for other records makes the broker acknowledge what it never stored.
    it('acknowledges nothing that is not stored, and leaves the newest record of each key last, whatever is lost on the way', async () => {
      await freshTopic(3)
      await behindProxy({ deliveryTimeoutMs: 60_000 })
      const keys = ['a', 'b', 'c', 'd', 'e', 'f']
      const acknowledged = new Set<string>()
      let running = true
      const publishing = keys.map(async (key) => {
        for (let version = 1; running || version <= 20; version += 1) {
          await publisher.publish([{ topic, key, value: `${key}/${version}` }])
          acknowledged.add(`${key}/${version}`)
        }
      })
      for (const fault of ['cut', 'lose-answers', 'cut', 'lose-answers'] as const) {
        const before = acknowledged.size
        await expect.poll(() => acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(before + 20)
        proxy.set(fault)
        await (fault === 'cut' ? pause(150) : expect.poll(() => proxy.swallowed, { timeout: 20_000 }).toBeGreaterThan(0))
        proxy.set('forward')
      }
      const before = acknowledged.size
      await expect.poll(() => acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(before + 20)
      running = false
      await Promise.all(publishing)
      expect(proxy.cuts).toBeGreaterThan(0)
      expect(proxy.swallowed).toBeGreaterThan(0)

      const stored = await contentOf(kafka, topic)
      const all = new Set([...stored.values()].flat().map(({ value }) => String(value)))
      expect([...acknowledged].filter((value) => !all.has(value))).toEqual([])
      for (const key of keys) {
        const versions = [...stored.values()]
          .flat()
          .filter((record) => record.key === key)
          .map(({ value }) => Number(String(value).split('/')[1]))
        // First appearances are in order, and what a compaction would keep is the newest.
        expect([...new Set(versions)]).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
        expect(versions.at(-1)).toBe(Math.max(...versions))
      }
    })
  })
})
