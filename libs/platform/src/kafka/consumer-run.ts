import type kafkajs from 'kafkajs'
import { systemClock } from '../clock/index.ts'
import { asError } from '../errors/index.ts'
import { gate, once, shared } from '../lifecycle/index.ts'
import type { Client } from './client.ts'
import { rootCause } from './errors.ts'
import { nextOffset, toRecord } from './records.ts'
import type { ConsumerOptions } from './types.ts'

/** What a consumer tells of itself; kept across runs. */
export interface ConsumerState {
  paused: boolean
  joined: boolean
  /** Since when some partition has failed to be handled, without a success of that partition since. */
  failingSince: Map<string, number>
}

/** Why a run is over. A fatal crash would repeat itself on every new run. */
export type RunEnd = { kind: 'stopped' } | { kind: 'topics-changed' } | { kind: 'crashed'; error: Error; fatal: boolean }

/** One life of one kafkajs consumer object. */
export interface ConsumerRun {
  /** Resolves when it is over by itself. */
  readonly ended: Promise<RunEnd>
  /** Lets the batch in progress finish, commits it, leaves the group. Takes no longer than its limit. */
  stop(): Promise<void>
  /** Makes the client fetch, or not, as the state says. */
  applyPause(): void
  /** Commits what was handled and is not committed yet. */
  flush(): Promise<void>
}

const heartbeatMs = 3_000
const longestWaitMs = 5_000
const stopLimitMs = 15_000
const silentLimitMs = 90_000
const firstBackoffMs = 200
// A short hiccup is waited for with the records in hand; after that the partition is set aside, so that others need not wait.
const longestWaitInPlaceMs = 400
const longestBackoffMs = 15_000

// A batch that is larger than this share of what one may be is handled at once: gathering more would not make it cheaper.
const smallShare = 0.25

/** How far a partition was handled. */
interface Reached {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly commit: kafkajs.EachBatchPayload['commitOffsetsIfNecessary']
}

export function startRun(
  client: Client,
  options: ConsumerOptions,
  topics: readonly string[],
  state: ConsumerState,
  onJoin: () => void,
): ConsumerRun {
  const { groupId, handle, log, metrics, maxBatchBytes = 2 * 1024 * 1024, maxBatchRecords = 1_000, concurrency = 1 } = options
  const { sessionTimeoutMs = 10_000, gatherMs = 0, commitEveryMs = 0 } = options
  const handled = metrics?.counter({
    name: 'heed_kafka_records_handled_total',
    help: 'Records handled and committed',
    labels: ['group', 'topic'],
  })
  const failed = metrics?.counter({
    name: 'heed_kafka_handler_failures_total',
    help: 'Batches that were not handled',
    labels: ['group', 'topic'],
  })
  const failures = new Map<string, number>()
  const gathered = gate(gatherMs)
  // those that are handled together are committed together: a request for each partition would cost as much as one for all
  const commitAll = async (reached: readonly Reached[]) => {
    const last = reached.at(-1)
    if (last === undefined) return
    const byTopic = new Map<string, Reached[]>()
    for (const one of reached) byTopic.set(one.topic, [...(byTopic.get(one.topic) ?? []), one])
    const topics = [...byTopic].map(([topic, some]) => ({
      topic,
      partitions: some.map(({ partition, offset }) => ({ partition, offset })),
    }))
    await last.commit({ topics })
  }
  const commitNow = shared(commitAll)
  /** What was handled and is not committed yet, by partition. */
  const uncommitted = new Map<string, Reached>()
  let committedAt = Number.NEGATIVE_INFINITY
  /** Counts how often the group was divided anew. */
  let division = 0
  let committing: NodeJS.Timeout | undefined
  let over = false
  let lastSign = Date.now()
  let end: (end: RunEnd) => void = () => undefined
  const ended = new Promise<RunEnd>((resolve) => (end = resolve))

  const consumer = client.kafkajs.consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: Math.max(60_000, sessionTimeoutMs),
    heartbeatInterval: Math.min(heartbeatMs, sessionTimeoutMs / 3),
    minBytes: 1,
    maxBytes: maxBatchBytes,
    maxBytesPerPartition: Math.min(256 * 1024, maxBatchBytes),
    // The broker answers as soon as there is a record; this is only how long it may keep silent. Heartbeats come in between.
    maxWaitTimeInMs: Math.min(longestWaitMs, sessionTimeoutMs * 0.45),
    allowAutoTopicCreation: false,
    metadataMaxAge: 60_000,
    // Every crash ends this object; the supervisor makes a new one.
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5, restartOnFailure: async () => false },
  })

  const flush = async () => {
    clearTimeout(committing)
    committing = undefined
    const reached = [...uncommitted]
    uncommitted.clear()
    if (reached.length === 0) return
    committedAt = performance.now()
    const own = division
    try {
      await commitAll(reached.map(([, one]) => one))
    } catch (thrown) {
      // with the next, unless the partition has gone on meanwhile, or to another member
      for (const [place, one] of reached) if (own === division && !uncommitted.has(place)) uncommitted.set(place, one)
      throw thrown
    }
  }
  const flushQuietly = () =>
    flush().catch((thrown: unknown) => {
      log.debug({ groupId, error: asError(thrown) }, 'kafka.commit-failed')
      if (!over && uncommitted.size > 0) flushLater(commitEveryMs)
    })
  const flushLater = (ms: number) => {
    committing ??= setTimeout(() => void flushQuietly(), ms)
  }
  /** Commits now, or with whatever else is handled within the interval. */
  const commit = async (reached: Reached) => {
    if (commitEveryMs === 0 || over) return commitNow(reached)
    uncommitted.set(`${reached.topic}/${reached.partition}`, reached)
    const restMs = committedAt + commitEveryMs - performance.now()
    if (restMs <= 0) return flush()
    flushLater(restMs)
  }

  const sign = () => {
    lastSign = Date.now()
  }
  consumer.on('consumer.fetch', sign)
  consumer.on('consumer.heartbeat', sign)
  consumer.on('consumer.group_join', () => {
    sign()
    if (over) return
    // another member may be further by now
    division += 1
    uncommitted.clear()
    state.joined = true
    // What another member has now is no longer this one's failure.
    state.failingSince.clear()
    applyPause()
    onJoin()
  })
  consumer.on('consumer.crash', ({ payload }) => {
    // it has no group any more to commit to: the records come again
    uncommitted.clear()
    end(crash(payload.error))
  })

  const watchdog = setInterval(() => {
    if (Date.now() - lastSign > silentLimitMs)
      end({ kind: 'crashed', error: new Error('the client has been silent for too long'), fatal: false })
  }, 5_000)

  const applyPause = () => {
    if (over) return
    const list = topics.map((topic) => ({ topic }))
    try {
      if (state.paused) consumer.pause(list)
      else consumer.resume(list)
    } catch {
      // Not running yet: the state is applied when the group is joined.
    }
  }

  const eachBatch = async (payload: kafkajs.EachBatchPayload): Promise<void> => {
    const { batch, heartbeat, isRunning, isStale, pause, resolveOffset, commitOffsetsIfNecessary } = payload
    const { topic, partition, messages } = batch
    const place = `${topic}/${partition}`
    let lost: Error | undefined

    const beat = async () => {
      if (lost !== undefined || over) return
      try {
        await heartbeat()
        sign()
      } catch (thrown) {
        // The group is being divided anew. What was done may still be committed; then this member joins again.
        lost = asError(thrown)
      }
    }
    const gone = () => over || lost !== undefined || !isRunning() || isStale()
    const timer = setInterval(() => void beat(), heartbeatMs)
    try {
      for (let from = 0; from < messages.length && !gone() && !state.paused; ) {
        const slice = messages.slice(from, from + maxBatchRecords)
        const last = slice.at(-1)
        if (last === undefined) break
        try {
          if (gatherMs > 0 && slice.length < maxBatchRecords * smallShare) await gathered()
          await handle({ topic, partition, records: slice.map(toRecord), heartbeat: beat, isStale: gone })
        } catch (thrown) {
          const waitMs = noteFailure(place, topic, asError(thrown))
          if (waitMs <= longestWaitInPlaceMs) {
            await systemClock.sleep(waitMs)
            continue
          }
          retryLater(waitMs, pause)
          break
        }
        from += slice.length
        failures.delete(place)
        state.failingSince.delete(place)
        handled?.add({ group: groupId, topic }, slice.length)
        resolveOffset(last.offset)
        // The object of an abandoned run must not commit for a partition that another member has by now.
        if (isStale()) break
        const reached = from >= messages.length ? batch.lastOffset() : last.offset
        await commit({ topic, partition, offset: nextOffset(reached), commit: commitOffsetsIfNecessary })
        await beat()
      }
    } finally {
      clearInterval(timer)
    }
    if (lost !== undefined) throw lost
  }

  /** Answers with how long to wait before the next try. */
  const noteFailure = (place: string, topic: string, error: Error): number => {
    const count = (failures.get(place) ?? 0) + 1
    failures.set(place, count)
    if (!state.failingSince.has(place)) state.failingSince.set(place, Date.now())
    failed?.add({ group: groupId, topic })
    const waitMs = Math.min(firstBackoffMs * 2 ** (count - 1), longestBackoffMs)
    log.warn({ groupId, place, failures: count, waitMs, error }, 'kafka.handler-failed')
    return waitMs
  }

  /** The offset is not resolved, so a later fetch brings the same records; until then this partition rests, and the others go on. */
  const retryLater = (waitMs: number, pause: () => () => void) => {
    const resume = pause()
    setTimeout(() => {
      if (!over && !state.paused) resume()
    }, waitMs).unref()
  }

  const begin = async () => {
    await consumer.connect()
    await consumer.subscribe({ topics: [...topics], fromBeginning: true })
    if (over) return
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: concurrency, eachBatch })
  }
  const begun = begin().catch((thrown: unknown) => end(crash(asError(thrown))))

  return {
    ended,
    applyPause,
    flush,
    stop: once(async () => {
      clearInterval(watchdog)
      clearTimeout(committing)
      // A stop while the member is still joining is not noticed by the client, which then goes on: the join is waited for,
      // and where that takes too long, the stop follows it.
      const leave = begun.then(async () => {
        over = true
        await flushQuietly()
        const disconnected = consumer.disconnect()
        client.breakFetches()
        return disconnected
      })
      const left = leave.catch((thrown: unknown) => log.debug({ groupId, error: asError(thrown) }, 'kafka.consumer-leave-failed'))
      await Promise.race([left, systemClock.sleep(stopLimitMs)])
      over = true
    }),
  }
}

// What a new object would meet again: the broker refuses this client for what it is or may do.
const fatalTypes = new Set([
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'UNSUPPORTED_VERSION',
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
])

const fatalNames = new Set([
  'KafkaJSSASLAuthenticationError',
  'KafkaJSNotImplemented',
  'KafkaJSServerDoesNotSupportApiKey',
  'KafkaJSUnsupportedMagicByteInMessageSet',
])

function crash(error: Error): RunEnd {
  const cause = rootCause(error)
  const type = (cause as { type?: unknown }).type
  const fatal = fatalNames.has(cause.name) || fatalNames.has(error.name) || (typeof type === 'string' && fatalTypes.has(type))
  return { kind: 'crashed', error: cause, fatal }
}
