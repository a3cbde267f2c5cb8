import { type TopicPlan, type Topics, topicPlans, type WireRecord } from '@heed/contracts'
import type { Clock } from '@heed/platform/clock'
import type { Kafka, OutgoingRecord, Publisher } from '@heed/platform/kafka'
import { type Loop, loop, type Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import { leadership, lease } from '@heed/platform/mongo'
import { type ActRow, recordCount, recordsOf } from './acts.ts'
import type { Bell } from './bell.ts'
import { type Handed, type Outbox, outbox } from './outbox.ts'
import { maxBatch, publishChanges, type RelayStep } from './relay-changes.ts'
import { outboxIndex, type Store } from './rows.ts'

export interface RelayOptions {
  readonly store: Store
  readonly kafka: Pick<Kafka, 'publisher' | 'ensureTopics'>
  readonly topics: Topics
  /** Unique for this process and run. */
  readonly holder: string
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Rung whenever a batch was published and stored. */
  readonly published: Bell
  /** More work of the leader: swept now and then while this process leads. */
  readonly sweeps?: readonly { readonly name: string; readonly everyMs: number; run(signal: AbortSignal): Promise<'again' | 'idle'> }[]
  readonly leaseMs?: number
  readonly afterStep?: (step: RelayStep) => void | Promise<void>
}

/** Publishes what the journal holds and the broker does not. */
export interface Relay extends Part {
  /** These changes became durable a moment ago. Cheap; where another process leads, that one will find them. */
  offer(rows: readonly Handed[]): void
  /** There are changes to publish that were not offered. */
  wake(): void
  /** There are acts to publish: soon, with those that come meanwhile. */
  wakeActs(): void
  /** Resolves when everything that was in the outbox is published and marked, where this process leads; when it comes to lead, where it does not yet. */
  settle(): Promise<void>
}

const maxActs = 1_000
const maxActRecords = 5_000
/** How soon changes of other processes are noticed, and acts. */
const sweepMs = 500
const actsSweepMs = 2_000
/** Nobody waits for an act to stand in the trail, and a look for one costs as much as a look for all of a moment. */
const actsGatherMs = 250

const onTopic = (topic: string, wire: WireRecord): OutgoingRecord => ({ topic, ...wire })

/**
 * One process at a time leads, by lease. It takes from the outbox what is in turn, so that no version is seen before the one below it; publishes in one request;
 * stores which rows went together; and marks them. A crash after any of these repeats it and loses nothing. The number of a stored batch is the fence: a leader
 * that was replaced without noticing finds its number taken.
 */
export function relay(options: RelayOptions): Relay {
  const {
    store,
    kafka,
    topics,
    holder,
    clock,
    log,
    metrics,
    published,
    sweeps = [],
    leaseMs = 5_000,
    afterStep = () => undefined,
  } = options
  const relayed = metrics.counter({
    name: 'heed_preferences_published_total',
    help: 'Records that the broker acknowledged',
    labels: ['topic'],
  })
  metrics.gauge({
    name: 'heed_preferences_outbox_rows',
    help: 'Changes that wait for the broker, at most 10,000',
    // a figure that cannot be had must not cost the others
    collect: () => store.changes.countDocuments({ publishedAt: null }, { hint: outboxIndex, limit: 10_000 }).catch(() => Number.NaN),
  })
  const mine = lease({ collection: store.leases, name: 'relay', holder, ttlMs: leaseMs, clock })
  let loops: Loop[] = []
  let changesLoop: Loop | undefined
  let actsLoop: Loop | undefined
  let actsTimer: NodeJS.Timeout | undefined
  let waiting: Outbox | undefined
  let leading: (() => void)[] = []

  const publishActs = (publisher: Publisher) => async (): Promise<'again' | 'idle'> => {
    if (!mine.isHeld()) return 'idle'
    const rows: ActRow[] = []
    let records = 0
    let all = true
    for await (const row of store.acts.find({ publishedAt: null }, { hint: outboxIndex, sort: { at: 1 }, limit: maxActs, batchSize: 20 })) {
      // an act may stand for ten thousand records
      all = rows.length === 0 || records + recordCount(row) <= maxActRecords
      if (!all) break
      rows.push(row)
      records += recordCount(row)
    }
    if (rows.length === 0) return 'idle'
    await publisher.publish(rows.flatMap((row) => recordsOf(row).map((wire) => onTopic(topics.acts, wire))))
    await store.acts.updateMany({ _id: { $in: rows.map((row) => row._id) } }, { $set: { publishedAt: new Date(clock.now()) } })
    relayed.add({ topic: 'acts' }, records)
    return all && rows.length < maxActs ? 'idle' : 'again'
  }

  const lead = async (signal: AbortSignal) => {
    // a full minute: while the broker is away the publisher goes on trying, and intake goes on
    const publisher = kafka.publisher({ deliveryTimeoutMs: 60_000, maxQueue: 50_000 })
    let ready: Promise<void> | undefined
    const withTopics = (run: () => Promise<'again' | 'idle'>) => async (): Promise<'again' | 'idle'> => {
      ready ??= kafka.ensureTopics(ownTopics(topics))
      await ready.catch((thrown: unknown) => {
        // asked again with the next run
        ready = undefined
        throw thrown
      })
      return run()
    }
    const common = { log, clock }
    const own = outbox({ store, limit: maxBatch, lookEveryMs: sweepMs })
    const publishNext = publishChanges({
      store,
      outbox: own,
      publisher,
      topic: topics.preferences,
      leads: () => mine.isHeld(),
      signal,
      clock,
      log,
      published: (rows) => {
        published.ring()
        relayed.add({ topic: 'preferences' }, rows)
      },
      afterStep,
    })
    waiting = own
    changesLoop = loop({ ...common, name: 'relay.changes', everyMs: sweepMs, run: withTopics(publishNext) })
    actsLoop = loop({ ...common, name: 'relay.acts', everyMs: actsSweepMs, run: withTopics(publishActs(publisher)) })
    loops = [changesLoop, actsLoop, ...sweeps.map((sweep) => loop({ ...common, ...sweep }))]
    for (const tell of leading) tell()
    leading = []
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    // the publisher first: a loop may wait for a broker that is away
    const stopped = loops.map((one) => one.stop())
    await publisher.stop()
    await Promise.all(stopped)
    clearTimeout(actsTimer)
    actsTimer = undefined
    loops = []
    changesLoop = undefined
    actsLoop = undefined
    waiting = undefined
  }

  const part = leadership({ name: 'relay', lease: mine, ttlMs: leaseMs, lead, log, clock })
  return {
    name: part.name,
    start: part.start,
    offer(rows) {
      waiting?.offer(rows)
      changesLoop?.wake()
    },
    wake() {
      waiting?.lookAgain()
      changesLoop?.wake()
    },
    wakeActs() {
      actsTimer ??= setTimeout(() => {
        actsTimer = undefined
        actsLoop?.wake()
      }, actsGatherMs)
    },
    async settle() {
      if (loops.length === 0) await new Promise<void>((resolve) => leading.push(resolve))
      waiting?.lookAgain()
      await Promise.all(loops.map((one) => one.settle()))
      // what the sweeps put into the outbox
      await Promise.all([changesLoop?.settle(), actsLoop?.settle()])
    },
  }
}

/** The topics that this room writes, as they are created where they are missing. */
export function ownTopics(topics: Topics): TopicPlan[] {
  return topicPlans(topics, []).filter(({ name }) => name === topics.preferences || name === topics.acts)
}
