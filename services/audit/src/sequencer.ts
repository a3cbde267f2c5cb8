import type { ChangeId, DeliveryId, Policy } from '@heed/domain'
import { Lru } from '@heed/platform/cache'
import type { Clock } from '@heed/platform/clock'
import { asError, HeedError } from '@heed/platform/errors'
import { once } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import type { DeliveryRow } from '@heed/trail'
import type { mongo } from 'mongoose'
import type { Arrival } from './arrivals.ts'
import type { AuditStore } from './audit-store.ts'
import { planRound, type RoundPlan, writeRound } from './round.ts'

/** Another process appends now; this one has to stop. */
export class FencedError extends HeedError {
  constructor(fence: number) {
    super('audit.fenced', `fence ${fence} is outdated: another process appends to the trail`)
  }
}

/** Appends to the trail, as its only writer. */
export interface Sequencer {
  /**
   * When it resolves, every arrival has its entry, exactly one, and what follows from it stands in the projections: all of that in one transaction. Arrivals that
   * have their entry already change nothing. What is given while a transaction runs shares the next one. Rejects where nothing of it was
   * stored or that is not known; the same arrivals may then be given again.
   */
  append(arrivals: readonly Arrival[]): Promise<void>
  /** Takes no more; resolves when what was taken is done. */
  stop(): Promise<void>
}

/** What a sequencer works with. */
export interface SequencerOptions {
  readonly store: AuditStore
  readonly policy: Policy
  /** The number of this writer's term; a transaction of a lower one than the trail has seen is refused. */
  readonly fence: number
  /** Called after each commit, with the changes of which something is new. */
  readonly written: (touched: ReadonlySet<ChangeId>, entries: number) => void
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
  /** At most so many arrivals in one transaction, beyond what one caller gives at once; 2,000 unless told. */
  readonly maxRound?: number
}

interface Waiting {
  readonly arrivals: readonly Arrival[]
  resolve(): void
  reject(error: Error): void
}

const rememberedRows = 20_000
const attempts = 5

/**
 * Makes this process the writer of the term: every lower fence is refused from now on. A transaction that the writer before left open, because it was killed or
 * is cut off, is ended at once: the database by itself would keep its locks for a minute. Throws `FencedError` where a higher term has begun.
 */
async function claimTrail(store: AuditStore, fence: number, session: mongo.ClientSession): Promise<void> {
  const id = session.id?.id
  if (id === undefined) throw new HeedError('audit.no-session', 'the database gave no session')
  const before = await store.head.findOne({ _id: 'trail' })
  if (before?.session !== undefined) await store.killSession(before.session)
  const claimed = await store.head.updateOne({ _id: 'trail', fence: { $lte: fence } }, { $set: { fence, session: id } })
  if (claimed.matchedCount === 0) throw new FencedError(fence)
}

/** Begins the term of a writer. Throws `FencedError` where a later one has begun. */
export async function sequencer(options: SequencerOptions): Promise<Sequencer> {
  const { store, policy, fence, written, log, clock, metrics, maxRound = 2_000 } = options
  const appended = metrics.counter({ name: 'heed_trail_entries_total', help: 'Entries appended to the trail' })
  const durations = metrics.histogram({ name: 'heed_trail_round_seconds', help: 'How long one transaction of the trail takes' })
  const memory = new Lru<DeliveryId, DeliveryRow>(rememberedRows)
  // One session for the term: the database then knows at most one transaction of it, and the next writer can end that one.
  const session = await store.startSession()
  try {
    await claimTrail(store, fence, session)
  } catch (thrown) {
    await session.endSession()
    throw thrown
  }
  let queue: Waiting[] = []
  let working: Promise<void> | undefined
  let stopping = false
  // What was stored by an earlier writer, or by a commit whose answer was lost, may be given again: then each arrival is looked up first.
  let mayRepeat = true

  const round = async (arrivals: readonly Arrival[]): Promise<RoundPlan | undefined> => {
    try {
      session.startTransaction({ readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority', journal: true } })
      const news = mayRepeat ? await withoutKnown(store, session, arrivals) : arrivals
      if (news.length === 0) {
        await session.abortTransaction()
        return undefined
      }
      const head = await store.head.findOneAndUpdate(
        { _id: 'trail', fence },
        { $inc: { next: news.length } },
        { session, returnDocument: 'before' },
      )
      if (head === null) throw new FencedError(fence)
      const plan = await planRound(store, session, memory, policy, news, head.next, clock.now())
      await writeRound(store, session, plan)
      await session.commitTransaction()
      return plan
    } catch (thrown) {
      // where the database cannot be told now, the next transaction of this session ends this one
      if (session.inTransaction()) await session.abortTransaction().catch(() => undefined)
      throw thrown
    }
  }

  const write = async (arrivals: readonly Arrival[]): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const startedAt = performance.now()
      try {
        const plan = await round(arrivals)
        mayRepeat = false
        if (plan === undefined) return
        for (const { after } of plan.deliveries) memory.set(after._id, after)
        appended.add({}, plan.entries.length)
        durations.observe({}, (performance.now() - startedAt) / 1_000)
        written(plan.touched, plan.entries.length)
        return
      } catch (thrown) {
        const error = asError(thrown)
        memory.clear()
        const wasChecked = mayRepeat
        mayRepeat = true
        const repeated = duplicateKeyIndex(error) === 'entryId' && !wasChecked
        if (!repeated && (attempt >= attempts || !isTransient(error))) throw error
        if (!repeated) log.warn({ attempt, arrivals: arrivals.length, error }, 'trail.round-again')
      }
    }
  }

  const work = async (): Promise<void> => {
    // whatever is given in the same turn of the event loop shares the first round too
    await new Promise((resolve) => setImmediate(resolve))
    while (queue.length > 0) {
      const taken = takeRound()
      try {
        await write(distinct(taken.flatMap(({ arrivals }) => arrivals)))
        for (const { resolve } of taken) resolve()
      } catch (thrown) {
        for (const { reject } of taken) reject(asError(thrown))
      }
    }
    working = undefined
  }

  const takeRound = (): Waiting[] => {
    let arrivals = 0
    let count = 0
    for (const waiting of queue) {
      if (count > 0 && arrivals + waiting.arrivals.length > maxRound) break
      arrivals += waiting.arrivals.length
      count += 1
    }
    const taken = queue.slice(0, count)
    queue = queue.slice(count)
    return taken
  }

  return {
    append: (arrivals) => {
      if (arrivals.length === 0) return Promise.resolve()
      if (stopping) return Promise.reject(new HeedError('audit.stopping', 'the trail takes nothing more here: the service is stopping'))
      return new Promise((resolve, reject) => {
        queue.push({ arrivals, resolve, reject })
        working ??= work()
      })
    },
    stop: once(async () => {
      stopping = true
      await working
      await session.endSession()
    }),
  }
}

async function withoutKnown(store: AuditStore, session: mongo.ClientSession, arrivals: readonly Arrival[]): Promise<Arrival[]> {
  const ids = arrivals.map(({ entry }) => entry.entryId)
  const known = new Set<string>()
  for await (const row of store.entries.find({ entryId: { $in: ids } }, { session, projection: { _id: 0, entryId: 1 } }))
    known.add(row.entryId)
  return arrivals.filter(({ entry }) => !known.has(entry.entryId))
}

function distinct(arrivals: readonly Arrival[]): Arrival[] {
  const first = new Map<string, Arrival>()
  for (const arrival of arrivals) if (!first.has(arrival.entry.entryId)) first.set(arrival.entry.entryId, arrival)
  return [...first.values()]
}

function isTransient(error: Error): boolean {
  const { hasErrorLabel } = error as { hasErrorLabel?: (label: string) => boolean }
  if (hasErrorLabel === undefined) return false
  return ['TransientTransactionError', 'UnknownTransactionCommitResult'].some((label) => hasErrorLabel.call(error, label))
}
