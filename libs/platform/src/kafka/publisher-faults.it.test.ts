import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Kafka, Publisher } from './index.ts'
import { contentOf, directKafka, freshName, proxiedKafka } from './testing/broker.ts'
import type { FaultProxy } from './testing/fault-proxy.ts'

describe('a publisher whose broker goes away', () => {
  let kafka: Kafka
  let topic: string
  const cleanups: (() => Promise<unknown>)[] = []
  let proxy: FaultProxy
  let publisher: Publisher

  beforeAll(() => {
    kafka = directKafka(inject('kafkaBrokers'))
  })
  afterAll(() => kafka.stop())
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function freshTopic(partitions: number): Promise<void> {
    topic = freshName('publish')
    await kafka.ensureTopics([{ name: topic, partitions }])
  }

  const values = async (): Promise<string[]> => [...(await contentOf(kafka, topic)).values()].flat().map(({ value }) => String(value))

  async function behindProxy(options: Parameters<Kafka['publisher']>[0] = {}): Promise<void> {
    const proxied = await proxiedKafka(inject('kafkaBrokers'))
    cleanups.push(proxied.stop)
    proxy = proxied.proxy
    publisher = proxied.kafka.publisher(options)
    cleanups.push(() => publisher.stop())
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
