import type { Bar, ChangeCause, HeldChoice, IdentifierKind, Origin, PurposeKey, SubjectId } from '@heed/domain'
import type { LeaseRow, MongoConnection } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'
import type { ActRow } from './acts.ts'
import { type ErasureRow, erasureIndexes, type SuppressionRow } from './erasure-rows.ts'

/** A data key as it is stored: which key-encryption key wrapped it, and the wrapped bytes. */
export interface StoredDataKey {
  readonly kek: string
  readonly sealed: mongo.Binary | Uint8Array
}

/** One person or device. Says nothing about who it is. */
export interface SubjectRow {
  readonly _id: SubjectId
  /** 32 hex digits that an unsubscribe link carries instead of the subject id. */
  readonly linkRef: string
  /** Absent once the subject was erased: nothing that was sealed under it can be read again. */
  readonly dataKey?: StoredDataKey
  /** Of two subjects that turn out to be one person the older one stays: it never changes, so two merges can never form a circle. */
  readonly createdAt: Date
  /** When the data key was destroyed. */
  readonly erasedAt?: Date
}

/** One identifier. The row never moves to another subject: a merge is read off the journal. */
export interface IdentifierRow {
  /** `<kind>:<keyed hash>`: whoever stores it first owns the identifier. */
  readonly _id: string
  readonly subjectId: SubjectId
  readonly kind: IdentifierKind
  /** The value, sealed under the subject's data key. */
  readonly sealed: mongo.Binary | Uint8Array
  readonly linkedAt: Date
  /** Present until the recipients of a held choice were told of it, or none is held. */
  readonly unannounced?: true
}

/** One accepted change: snapshot, history and outbox in one row. */
export interface ChangeRow {
  /** `<caller>:<request id>` of the request that made it, so that a request makes one change at most; the change id where no request stands for it alone. */
  readonly _id: string
  readonly subjectId: SubjectId
  readonly version: number
  readonly cause: ChangeCause
  readonly choices: Readonly<Record<PurposeKey, HeldChoice>>
  readonly changed: readonly PurposeKey[]
  readonly linked: readonly IdentifierKind[]
  readonly origin: Origin
  readonly policyVersion: string
  readonly acceptedAt: Date
  /** Null until the broker has it: the rows with null are the outbox. */
  readonly publishedAt: Date | null
  /** Hash of the request's body, where a request made the change. */
  readonly body?: string
  readonly mergedInto?: SubjectId
  /** Subjects that were merged into this one, theirs included. Each version carries them on. */
  readonly absorbs?: readonly SubjectId[]
  /** Set on the versions of an erasure, and on all that come after a suppression of a child. */
  readonly barred?: Bar
  /** Set on every version of an erased subject: what is left is a row without a person, and who asks for the identifier asks for somebody new. */
  readonly erased?: true
  /** Absorbed by this version, and perhaps not yet closed: a sweep finishes what a crash left. */
  readonly closing?: SubjectId
}

/** A request that made no change row of its own: what it was answered, so that a repeat gets the same. */
export interface RequestRow {
  /** `<caller>:<request id>` */
  readonly _id: string
  readonly body: string
  readonly at: Date
  readonly answer: StoredAnswer
}

/** An answer that can be given again. */
export interface StoredAnswer {
  readonly subjectId: SubjectId
  readonly version: number
  readonly acceptedAt: number
  readonly changeId?: string
  readonly added?: number
  readonly merged?: readonly SubjectId[]
}

/** Which changes were published together, in the order of publication. The number of the batch is its place in the order of all. */
export interface BatchRow {
  readonly _id: number
  /** `_id`s of change rows. */
  readonly ids: readonly string[]
  readonly at: Date
  /** When this batch was stored, the rows of every batch up to this number were marked. Where it is missing: of every batch before this one. */
  readonly markedThrough?: number
}

/** The newest count of the journal that was told to the trail. */
export interface CountRow {
  readonly _id: 'journal'
  /** The number of the last batch that is counted. */
  readonly position: number
  readonly changes: number
  readonly sha256: string
  readonly at: Date
}

/** Proof that a key is the one that sealed what is stored. */
export interface KeyCheckRow {
  /** `kek:<id>`, or `lookup`. */
  readonly _id: string
  readonly check: mongo.Binary | Uint8Array
  /** Set once no data key is wrapped by it any more. */
  readonly retiredAt?: Date
}

/** All collections of this room. */
export interface Store {
  readonly changes: mongo.Collection<ChangeRow>
  readonly subjects: mongo.Collection<SubjectRow>
  readonly identifiers: mongo.Collection<IdentifierRow>
  readonly requests: mongo.Collection<RequestRow>
  readonly batches: mongo.Collection<BatchRow>
  readonly acts: mongo.Collection<ActRow>
  readonly counts: mongo.Collection<CountRow>
  readonly keyChecks: mongo.Collection<KeyCheckRow>
  readonly erasures: mongo.Collection<ErasureRow>
  readonly suppressions: mongo.Collection<SuppressionRow>
  readonly leases: mongo.Collection<LeaseRow>
}

/** The collections of `<prefix>_preferences`. */
export function openStore(mongo: Pick<MongoConnection, 'collection'>, prefix: string): Store {
  const database = `${prefix}_preferences`
  return {
    changes: mongo.collection(database, 'changes'),
    subjects: mongo.collection(database, 'subjects'),
    identifiers: mongo.collection(database, 'identifiers'),
    requests: mongo.collection(database, 'requests'),
    batches: mongo.collection(database, 'batches'),
    acts: mongo.collection(database, 'acts'),
    counts: mongo.collection(database, 'counts'),
    keyChecks: mongo.collection(database, 'keyChecks'),
    erasures: mongo.collection(database, 'erasures'),
    suppressions: mongo.collection(database, 'suppressions'),
    leases: mongo.collection(database, 'leases'),
  }
}

/** The index that gives order and compare-and-set: its name tells a lost race from a repeated request. */
export const subjectVersionIndex = 'subject_version'
/** The rows that the broker does not have yet. */
export const outboxIndex = 'outbox'

const daySeconds = 24 * 60 * 60

/** Makes the indexes that are missing. Safe to call from several processes at once. */
export async function ensureIndexes(store: Store): Promise<void> {
  const unpublished = { publishedAt: null }
  await Promise.all([
    store.changes.createIndexes([
      { name: subjectVersionIndex, key: { subjectId: 1, version: -1 }, unique: true },
      { name: outboxIndex, key: { subjectId: 1, version: 1 }, partialFilterExpression: unpublished },
      { name: 'closing', key: { closing: 1 }, partialFilterExpression: { closing: { $exists: true } } },
    ]),
    store.subjects.createIndexes([{ name: 'link_ref', key: { linkRef: 1 }, unique: true }]),
    store.identifiers.createIndexes([
      { name: 'subject', key: { subjectId: 1 } },
      { name: 'unannounced', key: { linkedAt: 1 }, partialFilterExpression: { unannounced: true } },
    ]),
    // a caller that repeats a request after a month means a new one
    store.requests.createIndexes([{ name: 'age', key: { at: 1 }, expireAfterSeconds: 30 * daySeconds }]),
    store.erasures.createIndexes(erasureIndexes),
    store.acts.createIndexes([
      { name: outboxIndex, key: { at: 1 }, partialFilterExpression: unpublished },
      // the trail keeps them; null does not age
      { name: 'age', key: { publishedAt: 1 }, expireAfterSeconds: 30 * daySeconds },
    ]),
  ])
}
