import type { DeliveryId, RecipientId, SubjectId } from '@heed/domain'
import type { LeaseRow, MongoConnection } from '@heed/platform/mongo'
import type { DeliveryRow } from '@heed/trail'
import { auditDatabase, type EntryRow, ensureLogIndexes, type LogStore, logStore } from '@heed/trail'
import type { mongo } from 'mongoose'
import type { ChangeRow } from './change-row.ts'
import type { ForgottenRow } from './log/subject-secrets.ts'
import type { Count } from './tally.ts'

/** Whether a recipient is held back, by the newest word of an operator. */
export interface RecipientControl {
  readonly paused: boolean
  readonly by: string
  readonly reason: string
  readonly at: number
}

/** The exact counts of one recipient, changed in the same transaction as the deliveries that they count. */
export type RecipientRow = { readonly _id: RecipientId; readonly control?: RecipientControl } & { readonly [Name in Count]?: number }

/** The one row `trail`: which sequence comes next, and who may append. */
export interface HeadRow {
  readonly _id: 'trail'
  readonly next: number
  readonly fence: number
  /** The database session of the writer of that term. */
  readonly session?: mongo.Binary
}

/** How far a sweep has come: everything before this sequence was looked at. */
export interface SweepRow {
  readonly _id: 'fan-out' | 'erasures'
  readonly next: number
}

/** A delivery that the policy names and that nobody has requested, found by the sweep. */
export interface MissingRow {
  readonly _id: DeliveryId
  readonly recipientId: RecipientId
  readonly foundAt: number
}

/** A subject that was erased, and of whom something may still be here. */
export interface ForgettingRow {
  readonly _id: SubjectId
  readonly since: Date
}

/** A report that was given out, counted, and not published yet or published. */
export interface ReportRow {
  /** `<caller>:<request id>`: one request is counted once. */
  readonly _id: string
  readonly subjectId: SubjectId
  /** The calendar year (UTC) that it counts for, and which one of that year it is. */
  readonly year: number
  readonly ordinal: number
  readonly at: Date
  readonly by: string
  readonly reference: string
  /** The year whose hand-overs it told; absent where it told all. */
  readonly ofYear?: number
  readonly recipients: number
  /** Null until the broker has the act. */
  readonly publishedAt: Date | null
}

export type { EntryRow } from '@heed/trail'

/** The collections of the audit database. */
export interface AuditStore {
  readonly entries: mongo.Collection<EntryRow>
  readonly changes: mongo.Collection<ChangeRow>
  readonly deliveries: mongo.Collection<DeliveryRow>
  readonly recipients: mongo.Collection<RecipientRow>
  readonly head: mongo.Collection<HeadRow>
  readonly sweeps: mongo.Collection<SweepRow>
  readonly missing: mongo.Collection<MissingRow>
  readonly leases: mongo.Collection<LeaseRow>
  readonly forgotten: mongo.Collection<ForgottenRow>
  readonly forgetting: mongo.Collection<ForgettingRow>
  readonly reports: mongo.Collection<ReportRow>
  readonly log: LogStore
  startSession(): Promise<mongo.ClientSession>
  /** Ends a session of any process, with the transaction that it may have open. A database user may end its own sessions without further rights. */
  killSession(id: mongo.Binary): Promise<void>
  /** Makes collections and indexes that are not there; harmless where they are. */
  ensureIndexes(): Promise<void>
}

/** The audit database `<prefix>_audit`. */
export function auditStore(connection: MongoConnection, databasePrefix: string): AuditStore {
  const name = auditDatabase(databasePrefix)
  const log = logStore(connection, databasePrefix)
  const database = connection.database(name)
  const { entries } = log
  const changes = connection.collection<ChangeRow>(name, 'changes')
  const deliveries = connection.collection<DeliveryRow>(name, 'deliveries')
  const head = connection.collection<HeadRow>(name, 'head')
  const reports = connection.collection<ReportRow>(name, 'reports')
  return {
    entries,
    changes,
    deliveries,
    head,
    recipients: connection.collection<RecipientRow>(name, 'recipients'),
    sweeps: connection.collection<SweepRow>(name, 'sweeps'),
    missing: connection.collection<MissingRow>(name, 'missing'),
    leases: connection.collection<LeaseRow>(name, 'leases'),
    forgotten: connection.collection<ForgottenRow>(name, 'forgotten'),
    forgetting: connection.collection<ForgettingRow>(name, 'forgetting'),
    reports,
    log,
    startSession: () => database.startSession(),
    killSession: async (id) => {
      await database
        .getClient()
        .db('admin')
        .command({ killSessions: [{ id }] })
    },
    ensureIndexes: async () => {
      await entries.createIndexes([
        { key: { entryId: 1 }, name: 'entryId', unique: true },
        { key: { kind: 1, _id: 1 }, name: 'erasures', partialFilterExpression: { kind: 'subject-erased' } },
        { key: { kind: 1, version: 1, _id: 1 }, name: 'policies', partialFilterExpression: { kind: 'policy-loaded' } },
        { key: { kind: 1, _id: 1 }, name: 'journals', partialFilterExpression: { kind: 'journal-counted' } },
        { key: { subjectId: 1, _id: 1 }, name: 'timeline', partialFilterExpression: { subjectId: { $exists: true } } },
      ])
      await changes.createIndexes([
        { key: { sequence: 1 }, name: 'sequence' },
        { key: { mergedInto: 1, subjectId: 1 }, name: 'merged', partialFilterExpression: { mergedInto: { $exists: true } } },
        { key: { subjectId: 1 }, name: 'merged-from', partialFilterExpression: { mergedInto: { $exists: true } } },
      ])
      await reports.createIndexes([
        { key: { subjectId: 1, year: 1, ordinal: 1 }, name: 'year', unique: true },
        { key: { publishedAt: 1 }, name: 'outbox', partialFilterExpression: { publishedAt: null } },
      ])
      await deliveries.createIndexes([
        { key: { subjectId: 1, version: 1, recipientId: 1 }, name: 'change' },
        // what an end of a higher version may still supersede: leaves the index with the delivery's own end
        { key: { ownOpen: 1, pair: 1, supersededAt: 1, _id: 1 }, name: 'supersession', partialFilterExpression: { ownOpen: true } },
        // covers totals, ages and reasons of what is open (the key `open` is there because a filter on it would need the row otherwise), and lists it by age
        {
          key: { open: 1, recipientId: 1, since: 1, _id: 1, deadlineAt: 1, wait: 1 },
          name: 'open',
          partialFilterExpression: { open: true },
        },
        // covers the newest settle times
        {
          key: { recipientId: 1, settledAt: 1, settleMs: 1 },
          name: 'settle-times',
          partialFilterExpression: { settleMs: { $gte: 0 } },
        },
      ])
      await ensureLogIndexes(log)
      await head.updateOne({ _id: 'trail' }, { $setOnInsert: { next: 0, fence: 0 } }, { upsert: true })
      // a collection that is missing would be made inside a transaction, which takes a lock that others then wait for
      const known = new Set((await database.listCollections()).map((collection) => collection.name))
      if (!known.has('recipients')) await database.createCollection('recipients').catch(ignoreExisting)
    },
  }
}

function ignoreExisting(thrown: unknown): void {
  // NamespaceExists: another process was faster
  if ((thrown as { code?: unknown }).code !== 48) throw thrown
}
