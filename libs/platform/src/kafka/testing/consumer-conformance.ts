import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RunningPart } from '../../lifecycle/index.ts'
import { silentLogger } from '../../log/index.ts'
import { createMetrics } from '../../metrics/index.ts'
import type { ConsumedBatch, Consumer, ConsumerOptions, Kafka, Publisher } from '../index.ts'
import { freshName } from './broker.ts'

/** A promise and its resolver: for what a handler must wait for. */
function gate(): { opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** What every consumer and every replay promises. */
export function testConsumer(makeKafka: () => Kafka): void {
  describe('a consumer', () => {
    let kafka: Kafka
    let publisher: Publisher
    let topic: string
    let groupId: string
    const cleanups: (() => Promise<unknown>)[] = []

    beforeAll(() => {
      kafka = makeKafka()
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

    const publish = (count: number, from = 0, keys = 9) =>
      publisher.publish(Array.from({ length: count }, (_, n) => ({ topic, key: `k${(from + n) % keys}`, value: String(from + n) })))

    const make = (handle: ConsumerOptions['handle'], extra: Partial<ConsumerOptions> = {}, broker = kafka): Consumer =>
      broker.consumer({ groupId, topics: [topic], fromBeginning: true, log: silentLogger, handle, ...extra })

    async function start(consumer: Consumer): Promise<RunningPart> {
      const running = await consumer.start()
      cleanups.push(() => running.stop())
      return running
    }

    const valuesOf = ({ records }: ConsumedBatch): number[] => records.map(({ value }) => Number(value))
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
    const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b)

    it('handles everything once, in order for each key, from the oldest record on', async () => {
      await publish(1_000)
      const seen: { key: string | null; value: number }[] = []
      const consumer = make(async ({ records }) => {
        for (const { key, value } of records) seen.push({ key, value: Number(value) })
      })
      await start(consumer)
      await publish(1_000, 1_000)
      await consumer.caughtUp()
      expect(sorted(seen.map(({ value }) => value))).toEqual(upTo(2_000))
      for (const key of new Set(seen.map((record) => record.key))) {
        const values = seen.filter((record) => record.key === key).map(({ value }) => value)
        expect(values).toEqual(sorted(values))
      }
      expect(await consumer.lag()).toBe(0)
    })

    it('gathers what comes one by one: fewer calls for the same records, all partitions at the same time', async () => {
      const batches: { at: number; values: number[] }[] = []
      const consumer = make(async (batch) => void batches.push({ at: performance.now(), values: valuesOf(batch) }), {
        gatherMs: 300,
        concurrency: 3,
      })
      await start(consumer)
      for (let n = 0; n < 60; n += 1) await publish(1, n)
      await consumer.caughtUp()
      expect(sorted(batches.flatMap(({ values }) => values))).toEqual(upTo(60))
      const elapsed = (batches.at(-1)?.at ?? 0) - (batches[0]?.at ?? 0)
      expect(batches.length).toBeLessThanOrEqual(3 * (Math.floor(elapsed / 300) + 2))
      expect(await consumer.lag()).toBe(0)
    })

    it('that commits now and then has not committed what came soon after, and does when it is asked', async () => {
      const seen: number[] = []
      const consumer = make(async (batch) => void seen.push(...valuesOf(batch)), { commitEveryMs: 60_000, concurrency: 3 })
      const watcher = make(() => Promise.resolve())
      await start(consumer)
      for (const from of [0, 30]) {
        await publish(30, from)
        await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(from + 30)
      }
      expect(await watcher.lag()).toBeGreaterThanOrEqual(30)
      await consumer.caughtUp()
      expect(await watcher.lag()).toBe(0)
    })

    it('that commits now and then commits at its end: the next one repeats nothing', async () => {
      const first: number[] = []
      const running = await make(async (batch) => void first.push(...valuesOf(batch)), { commitEveryMs: 60_000 }).start()
      for (const from of [0, 30]) {
        await publish(30, from)
        await expect.poll(() => first.length, { timeout: 20_000 }).toBe(from + 30)
      }
      await running.stop()
      const second: number[] = []
      const next = make(async (batch) => void second.push(...valuesOf(batch)))
      expect(await next.lag()).toBe(0)
      await start(next)
      await publish(1, 60)
      await next.caughtUp()
      expect(second).toEqual([60])
    })

    it('commits only after the handler is done, and goes on there after a restart', async () => {
      await publish(30)
      const [arrived, release] = [gate(), gate()]
      const first = make(async () => {
        arrived.open()
        await release.opened
      })
      const running = await first.start()
      await arrived.opened
      expect(await first.lag()).toBe(30)
      release.open()
      await first.caughtUp()
      await running.stop()
      await publish(5, 30)
      const seen: number[] = []
      const second = make(async (batch) => void seen.push(...valuesOf(batch)))
      await start(second)
      await second.caughtUp()
      expect(sorted(seen)).toEqual([30, 31, 32, 33, 34])
    })

    it('brings the same records again after a throw; other partitions go on meanwhile', async () => {
      await publish(30)
      const metrics = createMetrics()
      const attempts = new Map<number, number>()
      const handled: number[] = []
      let broken: number | undefined
      let healed = false
      const consumer = make(
        async (batch) => {
          attempts.set(batch.partition, (attempts.get(batch.partition) ?? 0) + 1)
          broken ??= batch.partition
          if (batch.partition === broken && !healed) throw new Error('canary@example.org')
          handled.push(...valuesOf(batch))
        },
        { metrics },
      )
      await start(consumer)
      await expect.poll(() => attempts.get(broken ?? -1) ?? 0, { timeout: 20_000 }).toBeGreaterThanOrEqual(3)
      await expect.poll(() => attempts.size, { timeout: 20_000 }).toBe(3)
      // What is left is what the broken partition holds.
      await expect.poll(async () => (await consumer.lag()) + handled.length, { timeout: 20_000 }).toBe(30)
      expect(handled.length).toBeGreaterThan(0)
      healed = true
      await consumer.caughtUp()
      expect(sorted(handled)).toEqual(upTo(30))
      expect(await metrics.read()).toMatch(/heed_kafka_handler_failures_total\{[^}]*\} [3-9]/)
    })

    it('finishes and commits the batch in progress when it is stopped, and handles nothing after', async () => {
      await publish(30, 0, 1)
      const [arrived, release] = [gate(), gate()]
      let calls = 0
      const consumer = make(
        async () => {
          calls += 1
          arrived.open()
          await release.opened
        },
        { maxBatchRecords: 10 },
      )
      const running = await consumer.start()
      await arrived.opened
      const stopped = running.stop()
      // The stop is under way while the handler still works.
      await pause(100)
      release.open()
      await stopped
      expect(calls).toBe(1)
      expect(await consumer.lag()).toBe(20)
      await publish(1, 30)
      await pause(300)
      expect(calls).toBe(1)
    })

    it('can be stopped before it has joined', async () => {
      const consumer = make(async () => undefined)
      const starting = consumer.start()
      const running = await starting
      await Promise.all([running.stop(), running.stop()])
    })

    it('loses nothing when another member joins in the middle and when one leaves', async () => {
      const total = 3_000
      const handled = new Map<number, number>()
      const order = new Map<string, number>()
      const disorder: string[] = []
      const handle = (member: string) => async (batch: ConsumedBatch) => {
        await pause(5)
        for (const value of valuesOf(batch)) {
          handled.set(value, (handled.get(value) ?? 0) + 1)
          const place = `${member}/${batch.partition}`
          if (value < (order.get(place) ?? -1) && (handled.get(value) ?? 0) === 1) disorder.push(place)
          order.set(place, value)
        }
      }
      const members = ['a', 'b'].map((member) => make(handle(member), { maxBatchRecords: 20, sessionTimeoutMs: 6_000 }))
      const [one, two] = members
      if (one === undefined || two === undefined) throw new Error('two members')
      await publish(total)
      const first = await one.start()
      await expect.poll(() => handled.size, { timeout: 20_000 }).toBeGreaterThan(100)
      const second = await start(two)
      await expect.poll(() => handled.size, { timeout: 20_000 }).toBeGreaterThan(1_000)
      await first.stop()
      await two.caughtUp()
      await second.stop()
      expect(sorted(handled.keys())).toEqual(upTo(total))
      expect(disorder).toEqual([])
      // What was in hand at the hand-over comes twice at most; a batch is 20.
      expect([...handled.values()].filter((times) => times > 1).length).toBeLessThan(200)
    })

    it('rests while paused and goes on when resumed', async () => {
      const seen: number[] = []
      const consumer = make(async (batch) => void seen.push(...valuesOf(batch)))
      await start(consumer)
      await publish(10)
      await consumer.caughtUp()
      consumer.pause()
      await publish(10, 10)
      // Longer than a fetch may wait for records.
      await pause(1_500)
      expect(seen).toHaveLength(10)
      consumer.resume()
      await consumer.caughtUp()
      expect(sorted(seen)).toEqual(upTo(20))
    })

    it('reads topics that come to match its pattern later', async () => {
      const prefix = freshName('pattern')
      const seen: number[] = []
      const consumer = make(async (batch) => void seen.push(...valuesOf(batch)), {
        topics: new RegExp(`^${prefix}\\.`),
        topicRefreshMs: 100,
      })
      const running = await start(consumer)
      for (const [n, name] of [`${prefix}.one`, `${prefix}.two`].entries()) {
        await kafka.ensureTopics([{ name, partitions: 1 }])
        await publisher.publish([{ topic: name, key: 'k', value: String(n) }])
        await expect.poll(() => seen, { timeout: 20_000 }).toContain(n)
      }
      await consumer.caughtUp()
      expect(seen).toEqual([0, 1])
      await running.stop()
    })

    it('keeps its place in the group through a handler that takes longer than the session', async () => {
      await publish(3, 0, 1)
      const calls: number[] = []
      const consumer = make(
        async (batch) => {
          calls.push(batch.records.length)
          await pause(8_000)
          expect(batch.isStale()).toBe(false)
        },
        { sessionTimeoutMs: 6_000 },
      )
      await start(consumer)
      await consumer.caughtUp()
      expect(calls).toEqual([3])
    })

    it('replays everything once from the start, without leaving offsets behind', async () => {
      await publish(500)
      const consumer = make(async () => undefined)
      await start(consumer)
      await consumer.caughtUp()
      for (let times = 0; times < 2; times += 1) {
        const seen: number[] = []
        expect(await kafka.replay({ topics: [topic], from: 'start', handle: async (batch) => void seen.push(...valuesOf(batch)) })).toBe(
          500,
        )
        expect(sorted(seen)).toEqual(upTo(500))
      }
      expect(await consumer.lag()).toBe(0)
    })

    it('replays the newest of each partition only, where asked to', async () => {
      await publish(90)
      const seen: number[] = []
      const read = (last: number) =>
        kafka.replay({ topics: [topic], from: { last }, handle: async (batch) => void seen.push(...valuesOf(batch)) })
      expect(await read(2)).toBe(6)
      // nine keys in three partitions: the newest of each stand among the last eighteen
      expect(seen.every((value) => value >= 72)).toBe(true)
      expect(seen).toContain(89)
      expect(await read(1_000)).toBe(90)
    })

    it('ends a replay with the error of its handler, and of its signal', async () => {
      await publish(10)
      await expect(kafka.replay({ topics: [topic], from: 'start', handle: () => Promise.reject(new Error('handler')) })).rejects.toThrow(
        'handler',
      )
      const leaving = new AbortController()
      const replay = kafka.replay({
        topics: [topic],
        from: 'start',
        signal: leaving.signal,
        handle: async () => {
          leaving.abort(new Error('enough'))
          await pause(50)
        },
      })
      await expect(replay).rejects.toThrow('enough')
    })

    it('replays nothing where there is nothing', async () => {
      expect(await kafka.replay({ topics: [topic], from: 'start', handle: async () => undefined })).toBe(0)
      expect(await kafka.replay({ topics: /^no-such-topic-/, from: 'start', handle: async () => undefined })).toBe(0)
    })
  })
}

/** What making topics promises. */
export function testTopics(makeKafka: () => Kafka): void {
  describe('topics', () => {
    it('are made once, also when two ask at the same time', async () => {
      const one = makeKafka()
      const two = makeKafka()
      const topics = [
        { name: freshName('compact'), partitions: 2, compact: true, minLagMs: 60_000 },
        { name: freshName('time'), partitions: 1, retentionMs: 86_400_000 },
      ]
      await Promise.all([one.ensureTopics(topics), two.ensureTopics(topics)])
      await one.ensureTopics(topics)
      expect(await one.health()).toEqual({ name: 'kafka', ok: true })
      await Promise.all([one.stop(), two.stop()])
    })
  })
}
