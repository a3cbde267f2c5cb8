import { randomUUID } from 'node:crypto'
import { systemClock } from '../clock/index.ts'
import { asError, HeedError } from '../errors/index.ts'
import type { AdminConnection } from './admin.ts'
import type { Client, MakeClient } from './client.ts'
import { kafkaErrorText } from './errors.ts'
import { matchingTopics, partitionRanges } from './offsets.ts'
import { toRecord } from './records.ts'
import type { ReplayOptions } from './types.ts'

const mostFailures = 6

/** What is still to be read, kept across the runs that a broken connection may make necessary. */
interface Progress {
  /** `topic/partition` → the offset to stop before; absent when reached. */
  open: Map<string, bigint>
  /** `topic/partition` → the next offset to hand over. A member that had to join again starts over; nothing is handled twice. */
  reached: Map<string, bigint>
  count: number
}

/** The broker, not the handler, ended a run; another one may go on. */
class RunBroken extends HeedError {
  constructor(cause: Error) {
    super('kafka.replay-broken', `the replay was interrupted: ${kafkaErrorText(cause)}`, { cause })
  }
}

/** kafkajs has no reader without a group, so one is made for the purpose and deleted afterwards; it commits nothing. */
export async function replay(makeClient: MakeClient, admin: AdminConnection, options: ReplayOptions): Promise<number> {
  const names = await admin.use((connected) => matchingTopics(connected, options.topics))
  if (names.length === 0) return 0
  const ranges = await admin.use((connected) => partitionRanges(connected, names))
  const unread = ranges.filter(({ low, high }) => high > low)
  if (unread.length === 0) return 0
  const progress: Progress = {
    open: new Map(unread.map(({ topic, partition, high }) => [`${topic}/${partition}`, high])),
    reached: new Map(unread.map(({ topic, partition, low, high }) => [`${topic}/${partition}`, firstOffset(low, high, options.from)])),
    count: 0,
  }
  const groupId = `heed.replay.${randomUUID()}`
  try {
    for (let failures = 0; progress.open.size > 0; ) {
      const before = progress.count
      try {
        await run(makeClient(), groupId, names, progress, options)
      } catch (thrown) {
        if (!(thrown instanceof RunBroken)) throw thrown
        // A broker that has just started refuses groups for a moment.
        failures = progress.count > before ? 1 : failures + 1
        if (failures >= mostFailures) throw thrown
        await systemClock.sleep(200 * 2 ** failures, options.signal)
      }
    }
  } finally {
    // The broker would forget the empty group by itself after a week.
    await admin.use((connected) => connected.deleteGroups([groupId])).catch(() => undefined)
  }
  return progress.count
}

function firstOffset(low: bigint, high: bigint, from: ReplayOptions['from']): bigint {
  const first = from === 'start' ? low : high - BigInt(from.last)
  return first < low ? low : first
}

async function run(client: Client, groupId: string, topics: string[], progress: Progress, options: ReplayOptions): Promise<void> {
  const { handle, signal } = options
  const { open, reached } = progress
  const consumer = client.kafkajs.consumer({
    groupId,
    sessionTimeout: 10_000,
    maxWaitTimeInMs: 250,
    minBytes: 1,
    maxBytes: 4 * 1024 * 1024,
    maxBytesPerPartition: 1024 * 1024,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5, restartOnFailure: async () => false },
  })
  let over = false
  let finish: () => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  finished.catch(() => undefined)
  const onAbort = () => fail(asError(signal?.reason))
  signal?.addEventListener('abort', onAbort, { once: true })
  consumer.on('consumer.crash', ({ payload }) => fail(new RunBroken(payload.error)))

  const begin = async () => {
    await consumer.connect()
    await consumer.subscribe({ topics, fromBeginning: true })
    const started = consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      eachBatch: async ({ batch, heartbeat, isStale }) => {
        const place = `${batch.topic}/${batch.partition}`
        const target = open.get(place)
        if (over || target === undefined) return
        const from = reached.get(place) ?? 0n
        const records = batch.messages.filter(({ offset }) => BigInt(offset) >= from && BigInt(offset) < target).map(toRecord)
        try {
          const { topic, partition } = batch
          if (records.length > 0) await handle({ topic, partition, records, heartbeat, isStale: () => over || isStale() })
        } catch (thrown) {
          over = true
          fail(asError(thrown))
          return
        }
        progress.count += records.length
        const next = BigInt(batch.lastOffset()) + 1n
        // what was fetched before the jump to the first wanted record does not count
        if (next < from) return
        reached.set(place, next)
        if (next < target) return
        open.delete(place)
        if (open.size === 0) finish()
      },
    })
    if (options.from !== 'start') for (const [place, offset] of reached) jump(place, offset)
    await started
  }
  // kafkajs takes a jump once `run` was called, and makes it when the partition is assigned
  const jump = (place: string, offset: bigint) => {
    const slash = place.lastIndexOf('/')
    consumer.seek({ topic: place.slice(0, slash), partition: Number(place.slice(slash + 1)), offset: String(offset) })
  }

  try {
    if (signal?.aborted) onAbort()
    else begin().catch((thrown: unknown) => fail(new RunBroken(asError(thrown))))
    await finished
  } finally {
    over = true
    signal?.removeEventListener('abort', onAbort)
    const disconnected = consumer.disconnect().catch(() => undefined)
    client.breakFetches()
    await Promise.race([disconnected, systemClock.sleep(10_000)])
  }
}
