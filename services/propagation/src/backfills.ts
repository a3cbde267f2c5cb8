import { randomUUID } from 'node:crypto'
import type { Topics } from '@heed/contracts'
import { deliveriesFor, findRecipient, type Policy, type RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import type { Publisher } from '@heed/platform/kafka'
import { loop, type Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import { duplicateKeyIndex, type Lease, leadership, type MongoConnection } from '@heed/platform/mongo'
import type { Acts } from './acts.ts'
import { deliveryRecord } from './records.ts'
import type { Snapshots } from './snapshots.ts'

/** A backfill as it is kept: how far it is after each page, so that a crash repeats at most one page. */
export interface BackfillRow {
  _id: string
  recipientId: RecipientId
  state: 'running' | 'stopped' | 'completed'
  /** The subject after which it goes on. */
  cursor: string
  scanned: number
  published: number
  total: number
  /** ms since the epoch; also what marks its deliveries as wanted once more. */
  startedAt: number
  endedAt?: number
  maxPerSecond: number
  by: string
  reason: string
}

/** There is a running backfill of that recipient already. */
export class BackfillRunning extends Error {
  override readonly name = 'BackfillRunning'
}

/** Backfills as operators steer them. */
export interface Backfills {
  /** When it resolves, the backfill is durable and will run, whatever crashes. Throws `BackfillRunning`. */
  start(options: { recipientId: RecipientId; maxPerSecond: number; by: string; reason: string }): Promise<BackfillRow>
  /** Undefined where there is no such backfill. It ends after the page in hand. */
  stop(id: string, by: string): Promise<BackfillRow | undefined>
  resume(id: string, by: string): Promise<BackfillRow | undefined>
  find(id: string): Promise<BackfillRow | undefined>
  /** Newest first, at most 200; of one recipient where one is given. */
  list(recipientId?: RecipientId): Promise<BackfillRow[]>
  /** Runs what is to be run, one process at a time. */
  readonly runner: Part
}

const leaseMs = 15_000

/** Backfills kept in MongoDB. */
export function backfillsIn(options: {
  readonly mongo: MongoConnection
  readonly database: string
  readonly lease: Lease
  readonly policy: Policy
  readonly topics: Topics
  readonly snapshots: Snapshots
  readonly publisher: Publisher
  readonly acts: Acts
  readonly clock: Clock
  readonly log: Logger
}): Backfills {
  const { policy, topics, snapshots, publisher, acts, clock, log } = options
  const rows = options.mongo.collection<BackfillRow>(options.database, 'backfills')
  let wake: () => void = () => undefined

  /** One page published and noted, again and again. False where somebody stopped it. */
  const runOne = async (row: BackfillRow, signal: AbortSignal): Promise<void> => {
    const recipient = findRecipient(policy, row.recipientId)
    if (recipient === undefined) {
      log.error({ backfillId: row._id, recipientId: row.recipientId }, 'backfill.recipient-unknown')
      await rows.updateOne({ _id: row._id }, { $set: { state: 'stopped' } })
      return
    }
    let { scanned, published } = row
    const only = [row.recipientId]
    for await (const page of snapshots.scan({ cursor: row.cursor, purposes: recipient.purposes })) {
      const startedAt = clock.now()
      const deliveries = page.changes.flatMap((change) => deliveriesFor(policy, change, { all: true, only, assertion: row.startedAt }))
      if (deliveries.length > 0) await publisher.publish(deliveries.map((delivery) => deliveryRecord(topics, delivery)))
      scanned += page.changes.length
      published += deliveries.length
      const total = Math.max(row.total, page.total, scanned)
      const { matchedCount } = await rows.updateOne(
        { _id: row._id, state: 'running' },
        { $set: { cursor: page.cursor, scanned, published, total } },
      )
      if (matchedCount === 0 || signal.aborted) return
      if (row.maxPerSecond > 0)
        await clock.sleep(Math.max(0, (deliveries.length / row.maxPerSecond) * 1000 - (clock.now() - startedAt)), signal)
    }
    if (signal.aborted) return
    await rows.updateOne({ _id: row._id, state: 'running' }, { $set: { state: 'completed', endedAt: clock.now() } })
    await acts.operated({
      act: 'backfill-completed',
      by: row.by,
      recipientId: row.recipientId,
      why: row.reason,
      actId: `${row._id}:completed`,
    })
    log.info({ backfillId: row._id, recipientId: row.recipientId, scanned, published }, 'backfill.completed')
  }

  const runner = leadership({
    name: 'backfills',
    lease: options.lease,
    ttlMs: leaseMs,
    clock,
    log,
    lead: async (signal) => {
      const work = loop({
        name: 'backfills',
        everyMs: 60_000,
        log,
        clock,
        run: async (stopping) => {
          const row = await rows.findOne({ state: 'running' }, { sort: { startedAt: 1 } })
          if (row === null) return 'idle'
          await runOne(row, AbortSignal.any([signal, stopping]))
          return 'again'
        },
      })
      wake = work.wake
      await new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
      wake = () => undefined
      await work.stop()
    },
  })

  const setState = async (
    id: string,
    from: BackfillRow['state'],
    to: BackfillRow['state'],
    act: 'backfill-stopped' | 'backfill-resumed',
    by: string,
  ) => {
    const row = await rows.findOneAndUpdate({ _id: id, state: from }, { $set: { state: to } }, { returnDocument: 'after' })
    if (row === null) return (await rows.findOne({ _id: id })) ?? undefined
    await acts.operated({ act, by, recipientId: row.recipientId })
    wake()
    return row
  }

  return {
    runner: {
      name: 'backfills',
      start: async () => {
        await rows.createIndex({ startedAt: -1 })
        // one running backfill for each recipient, whoever asks
        await rows.createIndex({ recipientId: 1 }, { unique: true, partialFilterExpression: { state: 'running' }, name: 'one running' })
        return runner.start()
      },
    },
    async start({ recipientId, maxPerSecond, by, reason }) {
      const row: BackfillRow = {
        _id: randomUUID(),
        recipientId,
        state: 'running',
        cursor: '',
        scanned: 0,
        published: 0,
        total: 0,
        startedAt: clock.now(),
        maxPerSecond,
        by,
        reason,
      }
      try {
        await rows.insertOne(row)
      } catch (thrown) {
        if (duplicateKeyIndex(asError(thrown)) !== undefined) throw new BackfillRunning(`a backfill of ${recipientId} is running`)
        throw thrown
      }
      await acts.operated({ act: 'backfill-started', by, recipientId, why: reason, actId: `${row._id}:started` })
      wake()
      return row
    },
    stop: (id, by) => setState(id, 'running', 'stopped', 'backfill-stopped', by),
    resume: (id, by) => setState(id, 'stopped', 'running', 'backfill-resumed', by),
    find: async (id) => (await rows.findOne({ _id: id })) ?? undefined,
    list: (recipientId) => rows.find(recipientId === undefined ? {} : { recipientId }, { sort: { startedAt: -1 }, limit: 200 }).toArray(),
  }
}
