import { randomUUID } from 'node:crypto'
import type { RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { asError, HeedError } from '@heed/platform/errors'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'
import type { Act } from './records.ts'

/** An act that has happened in the row and waits to be published. Its id makes a repeat harmless. */
export type PendingAct = Pick<Act, 'act' | 'by' | 'at'> & { readonly actId: string; readonly why?: string }

/** A backfill as it is kept. Every published page moves it on, so that a crash repeats at most one page, word for word. */
export interface BackfillRow {
  readonly _id: string
  readonly recipientId: RecipientId
  readonly state: 'running' | 'stopped' | 'completed'
  /** The subject after which it goes on. */
  readonly cursor: string
  readonly scanned: number
  readonly published: number
  /** Subjects that there are, as estimated when it began. */
  readonly total: number
  /** ms since the epoch. */
  readonly startedAt: number
  readonly endedAt?: number
  /** What its deliveries carry: when they were asked for, ms since the epoch. A resumed backfill asks anew. */
  readonly assertion: number
  /** Deliveries a second at the most; 0 for no limit of its own. */
  readonly maxPerSecond: number
  readonly by: string
  readonly reason: string
  readonly acts: readonly PendingAct[]
  /** Where a policy made it due: what it is a part of, and the policy (by its SHA-256) by which recipients were told before. Only whom the two concern is told. */
  readonly application?: { readonly id: string; readonly before: string }
}

/** There is a running backfill of that recipient already. */
export class BackfillRunning extends HeedError {
  constructor(recipientId: RecipientId) {
    super('propagation.backfill-running', `a backfill of ${recipientId} is running`)
  }
}

/** One run of a backfill, from a start or resumption to the next stop. */
export type Run = Pick<BackfillRow, '_id' | 'assertion'>

/** What somebody wants backfilled. */
export interface BackfillWish extends Pick<BackfillRow, 'recipientId' | 'maxPerSecond' | 'by' | 'reason' | 'application'> {
  /** A fresh one where absent. */
  readonly id?: string
}

/** Backfills in MongoDB. What changes a row also leaves the act of it there, in one write, until `published` says that the act is on its topic. */
export interface BackfillRows {
  ensureIndexes(): Promise<void>
  /** Durable when it resolves. With an id that is taken, the one of that id. Throws `BackfillRunning`. */
  start(wish: BackfillWish): Promise<BackfillRow>
  /** Only a running one changes. Undefined where there is none of that id. */
  stop(id: string, by: string, why?: string): Promise<BackfillRow | undefined>
  /** Only a stopped one changes. Undefined where there is none of that id. Throws `BackfillRunning`. */
  resume(id: string, by: string): Promise<BackfillRow | undefined>
  /** Only a running one changes. */
  complete(id: string): Promise<BackfillRow | undefined>
  /** Notes a published page. False where the backfill no longer runs, or was stopped and resumed since. */
  progress(run: Run, step: Pick<BackfillRow, 'cursor' | 'scanned' | 'published' | 'total'>): Promise<boolean>
  isRunning(run: Run): Promise<boolean>
  find(id: string): Promise<BackfillRow | undefined>
  /** Newest first, at most 200. */
  list(recipientId?: RecipientId): Promise<BackfillRow[]>
  /** Those that an application of a policy made, by recipient. */
  ofApplication(id: string): Promise<BackfillRow[]>
  /** Oldest first. */
  running(): Promise<BackfillRow[]>
  withActs(): Promise<BackfillRow[]>
  published(id: string, actIds: readonly string[]): Promise<void>
}

const longestList = 200
const oneRunning = 'one-running'

/** The rows of a collection. */
export function backfillRows(rows: mongo.Collection<BackfillRow>, clock: Clock): BackfillRows {
  const step = async (
    id: string,
    from: BackfillRow['state'],
    set: Partial<BackfillRow>,
    act: Omit<PendingAct, 'actId' | 'at'>,
  ): Promise<BackfillRow | undefined> => {
    const pending: PendingAct = { actId: `backfill/${id}/${randomUUID()}`, at: clock.now(), ...act }
    try {
      const changed = await rows.findOneAndUpdate(
        { _id: id, state: from },
        { $set: set, $push: { acts: pending } },
        { returnDocument: 'after' },
      )
      return changed ?? (await rows.findOne({ _id: id })) ?? undefined
    } catch (thrown) {
      if (duplicateKeyIndex(asError(thrown)) !== oneRunning) throw thrown
      const row = await rows.findOne({ _id: id })
      throw row === null ? thrown : new BackfillRunning(row.recipientId)
    }
  }

  return {
    ensureIndexes: async () => {
      await rows.createIndexes([
        { key: { startedAt: -1 }, name: 'newest' },
        // one running backfill for each recipient, whoever asks
        { key: { recipientId: 1 }, name: oneRunning, unique: true, partialFilterExpression: { state: 'running' } },
        { key: { state: 1 }, name: 'running', partialFilterExpression: { state: 'running' } },
      ])
    },
    start: async ({ id = randomUUID(), recipientId, maxPerSecond, by, reason, application }) => {
      const now = clock.now()
      const row: BackfillRow = {
        _id: id,
        recipientId,
        state: 'running',
        cursor: '',
        scanned: 0,
        published: 0,
        total: 0,
        startedAt: now,
        assertion: now,
        maxPerSecond,
        by,
        reason,
        acts: [{ actId: `backfill/${id}/started`, act: 'backfill-started', by, at: now, why: reason }],
        ...(application === undefined ? {} : { application }),
      }
      try {
        await rows.insertOne(row)
      } catch (thrown) {
        const index = duplicateKeyIndex(asError(thrown))
        const same = index === undefined ? null : await rows.findOne({ _id: id })
        if (same !== null) return same
        if (index === oneRunning) throw new BackfillRunning(recipientId)
        throw thrown
      }
      return row
    },
    stop: (id, by, why) =>
      step(id, 'running', { state: 'stopped' }, { act: 'backfill-stopped', by, ...(why === undefined ? {} : { why }) }),
    resume: (id, by) => step(id, 'stopped', { state: 'running', assertion: clock.now() }, { act: 'backfill-resumed', by }),
    complete: (id) =>
      step(id, 'running', { state: 'completed', endedAt: clock.now() }, { act: 'backfill-completed', by: 'services/propagation' }),
    progress: async ({ _id, assertion }, set) =>
      (await rows.updateOne({ _id, assertion, state: 'running' }, { $set: set })).matchedCount === 1,
    isRunning: async ({ _id, assertion }) =>
      (await rows.findOne({ _id, assertion, state: 'running' }, { projection: { _id: 1 } })) !== null,
    find: async (id) => (await rows.findOne({ _id: id })) ?? undefined,
    list: (recipientId) =>
      rows.find(recipientId === undefined ? {} : { recipientId }, { sort: { startedAt: -1 }, limit: longestList }).toArray(),
    ofApplication: (id) => rows.find({ 'application.id': id }, { sort: { recipientId: 1 } }).toArray(),
    running: () => rows.find({ state: 'running' }, { sort: { startedAt: 1 } }).toArray(),
    withActs: () => rows.find({ 'acts.0': { $exists: true } }).toArray(),
    published: async (id, actIds) => {
      await rows.updateOne({ _id: id }, { $pull: { acts: { actId: { $in: [...actIds] } } } })
    },
  }
}
