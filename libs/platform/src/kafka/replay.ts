import { randomUUID } from 'node:crypto'
import type kafkajs from 'kafkajs'
import { asError } from '../errors/index.ts'
import type { AdminConnection } from './admin.ts'
import { matchingTopics, partitionRanges } from './offsets.ts'
import { toRecord } from './records.ts'
import type { ReplayOptions } from './types.ts'

/** kafkajs has no reader without a group, so one is made for the purpose and deleted afterwards; it commits nothing. */
export async function replay(client: kafkajs.Kafka, admin: AdminConnection, options: ReplayOptions): Promise<number> {
  const { topics, handle, signal } = options
  const names = await admin.use((connected) => matchingTopics(connected, topics))
  if (names.length === 0) return 0
  const ranges = await admin.use((connected) => partitionRanges(connected, names))
  const open = new Map(ranges.filter(({ low, high }) => high > low).map(({ topic, partition, high }) => [`${topic}/${partition}`, high]))
  if (open.size === 0) return 0

  const groupId = `heed.replay.${randomUUID()}`
  const consumer = client.consumer({
    groupId,
    maxWaitTimeInMs: 250,
    minBytes: 1,
    maxBytes: 4 * 1024 * 1024,
    maxBytesPerPartition: 1024 * 1024,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5, restartOnFailure: async () => false },
  })
  let count = 0
  // A member that had to join again starts over; what was handled is not handled twice.
  const reached = new Map<string, bigint>()
  let finish: () => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  const onAbort = () => fail(asError(signal?.reason ?? new Error('aborted')))
  signal?.addEventListener('abort', onAbort, { once: true })
  consumer.on('consumer.crash', ({ payload }) => fail(payload.error))
  let over = false

  try {
    await consumer.connect()
    await consumer.subscribe({ topics: names, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      eachBatch: async ({ batch, heartbeat, isStale }) => {
        const place = `${batch.topic}/${batch.partition}`
        const target = open.get(place)
        if (over || target === undefined) return
        const from = reached.get(place) ?? 0n
        const records = batch.messages.filter(({ offset }) => BigInt(offset) >= from && BigInt(offset) < target).map(toRecord)
        try {
          if (records.length > 0)
            await handle({ topic: batch.topic, partition: batch.partition, records, heartbeat, isStale: () => over || isStale() })
        } catch (thrown) {
          over = true
          fail(asError(thrown))
          return
        }
        count += records.length
        const next = BigInt(batch.lastOffset()) + 1n
        reached.set(place, next)
        if (next < target) return
        open.delete(place)
        if (open.size === 0) finish()
      },
    })
    if (signal?.aborted) onAbort()
    await finished
    return count
  } finally {
    over = true
    signal?.removeEventListener('abort', onAbort)
    await consumer.disconnect().catch(() => undefined)
    // The broker would forget the empty group by itself after a week.
    await admin.use((connected) => connected.deleteGroups([groupId])).catch(() => undefined)
  }
}
