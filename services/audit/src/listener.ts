import { randomUUID } from 'node:crypto'
import { type EventData, encodeEvent, type Topics } from '@heed/contracts'
import type { ChangeId, Policy } from '@heed/domain'
import { type Clock, systemClock } from '@heed/platform/clock'
import { asError, HeedError } from '@heed/platform/errors'
import type { Consumer, Kafka, OutgoingRecord, Publisher } from '@heed/platform/kafka'
import { once, type Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import { type CheckResult, leadership, lease } from '@heed/platform/mongo'
import { auditTopics, readBatch } from './arrivals.ts'
import type { AuditStore } from './audit-store.ts'
import { type Forgetting, forgetting } from './forgetting.ts'
import { type LogKeeper, type LogSettings, type LogStep, logKeeper } from './log/keeper.ts'
import { sequencer } from './sequencer.ts'

/** What the listener works with. */
export interface ListenerOptions {
  readonly kafka: Kafka
  readonly store: AuditStore
  readonly topics: Topics
  readonly groupId: string
  readonly policy: Policy
  /** Called after each commit, with the changes of which something is new. */
  readonly written: (touched: ReadonlySet<ChangeId>, entries: number) => void
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
  readonly leaseMs: number
  /** How the log over the entries is kept; none is where undefined. */
  readonly logSettings: LogSettings | undefined
  readonly afterLogStep?: ((step: LogStep) => void | Promise<void>) | undefined
}

/** Reads the topics and appends to the trail while this process holds the lease; otherwise it stands by. */
export interface Listener extends Part {
  /** Whether this process is the one that appends. */
  readonly leading: boolean
  /** Records on the topics that are not in the trail yet. */
  lag(): Promise<number>
  /** Resolves when all that was on the topics at the time of the call is in the trail, whoever appended it. */
  caughtUp(): Promise<void>
  /** Resolves when every entry that was there at the time of the call is under a published checkpoint, whoever keeps the log. */
  checkpointed(): Promise<void>
  health(): CheckResult[]
}

// Batches of that many partitions wait for one transaction together; there are three for each recipient, and some sixteen more.
const partitionsAtOnce = 128
// A transaction for a few entries costs nearly as much as one for hundreds.
const gatherMs = 200
const topicRefreshMs = 10_000
const lookAgainMs = 20

/** One process at a time listens: the order of the trail is the order in which things arrive there. */
export function listener(options: ListenerOptions): Listener {
  const { kafka, store, topics, groupId, log, clock, metrics, leaseMs } = options
  const held = lease({ collection: store.leases, name: 'trail', holder: randomUUID(), ttlMs: leaseMs, clock })
  const unreadable = metrics.counter({ name: 'heed_audit_unreadable_total', help: 'Records that audit could not read' })
  let current: Consumer | undefined
  let keeper: LogKeeper | undefined
  let failure: string | undefined

  const make = (handle: Parameters<Kafka['consumer']>[0]['handle']): Consumer =>
    kafka.consumer({
      groupId,
      topics: auditTopics(topics),
      fromBeginning: true,
      concurrency: partitionsAtOnce,
      gatherMs,
      topicRefreshMs,
      handle,
      log,
      metrics,
    })
  // Never started: it only asks the broker how far the group is.
  const probe = make(() => Promise.resolve())

  const lead = async (signal: AbortSignal, fence: number): Promise<void> => {
    const stops: (() => Promise<void>)[] = []
    try {
      const publisher = kafka.publisher()
      stops.push(() => publisher.stop())
      let ownLog: LogKeeper | undefined
      const erased = forgetting({ store, logged: () => loggedEntries(ownLog), dropped: (id) => ownLog?.forgetSecretsOf(id), log, clock })
      stops.push(() => erased.stop())
      // before anything is appended: a database that is older than what was published must not grow into another log
      ownLog = await keepLog(publisher, fence, erased.clean)
      stops.push(async () => ownLog?.stop())
      const written = (touched: ReadonlySet<ChangeId>, entries: number) => {
        ownLog?.wake()
        options.written(touched, entries)
      }
      const trail = await sequencer({ store, policy: options.policy, fence, written, log, clock, metrics })
      stops.push(() => trail.stop())
      const consumer = make(async (batch) => {
        const read = readBatch(topics, batch, clock.now())
        if (read.unreadable.length > 0) {
          unreadable.add({}, read.unreadable.length)
          log.error({ topic: batch.topic, records: read.unreadable.length, reason: read.unreadable[0]?.reason }, 'record.unreadable')
          // before the offset is committed: a crash here tells it twice, and the trail takes it once
          await publisher.publish(read.unreadable.map((letter) => deadLetter(topics, letter)))
        }
        await trail.append(read.arrivals)
      })
      const running = await consumer.start()
      stops.push(() => running.stop())
      current = consumer
      keeper = ownLog
      failure = undefined
      const over = new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
      const ends = [over, ...(running.failed === undefined ? [] : [running.failed]), ...(ownLog === undefined ? [] : [ownLog.failed])]
      await Promise.race(ends)
    } finally {
      current = undefined
      keeper = undefined
      for (const stop of stops.toReversed()) await stop()
    }
  }

  /** How many entries nothing will be added to any more: those in the tree; all of them where no log is kept. */
  const loggedEntries = async (ownLog: LogKeeper | undefined): Promise<number> => {
    if (options.logSettings !== undefined) return ownLog?.size ?? 0
    return (await store.head.findOne({ _id: 'trail' }))?.next ?? 0
  }

  const keepLog = async (publisher: Publisher, fence: number, clean: Forgetting['clean']): Promise<LogKeeper | undefined> => {
    const { logSettings: settings, afterLogStep } = options
    if (settings === undefined) return undefined
    return logKeeper({
      settings,
      store,
      kafka,
      publisher,
      topics,
      fence,
      clean,
      afterStep: afterLogStep,
      log,
      clock,
      metrics,
    })
  }

  const term = async (signal: AbortSignal, fence: number): Promise<void> => {
    try {
      await lead(signal, fence)
      failure = undefined
    } catch (thrown) {
      const error = asError(thrown)
      // our own errors say what is the matter without saying about whom
      failure = error instanceof HeedError ? `${error.reason}: ${error.message}` : error.name
      throw thrown
    }
  }
  const led = leadership({ name: 'trail', lease: held, ttlMs: leaseMs, lead: term, log, clock })
  return {
    name: 'trail',
    start: async () => {
      await store.ensureIndexes()
      const running = await led.start()
      return { ...running, stop: once(() => running.stop()) }
    },
    get leading() {
      return current !== undefined
    },
    lag: () => probe.lag(),
    caughtUp: () => probe.caughtUp(),
    checkpointed: async () => {
      if (options.logSettings === undefined) return
      const target = (await store.head.findOne({ _id: 'trail' }))?.next ?? 0
      while (((await store.log.log.findOne({ _id: 'log' }))?.published?.size ?? 0) < target) {
        keeper?.wake()
        await systemClock.sleep(lookAgainMs)
      }
      await keeper?.settle()
    },
    health: () => [
      current?.health() ?? { name: 'trail', ok: failure === undefined, detail: failure ?? 'stands by' },
      ...(keeper?.problem === undefined ? [] : [{ name: 'trail files', ok: false, detail: keeper.problem }]),
    ],
  }
}

function deadLetter(topics: Topics, letter: EventData<'heed.record.unreadable.v1'>): OutgoingRecord {
  const key = `${letter.topic}/${letter.partition}/${letter.offset}`
  const event = encodeEvent('heed.record.unreadable.v1', key, letter, {
    id: `${key}/${letter.readBy}`,
    source: 'services/audit',
    time: letter.at,
  })
  return { topic: topics.deadLetters, ...event }
}
