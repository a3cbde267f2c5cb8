import type { EntryKind } from '@heed/contracts/trail'
import type { RecipientId, SubjectId } from '@heed/domain'
import type { MongoConnection } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'

/**
 * An entry of the trail as it is stored. `_id` is its sequence: 0, 1, 2 … without gap, in the one total order. Rows are inserted and never changed, but for one
 * thing: once the subject was erased, who it was and the facts are taken out, and what the log says of it stays.
 */
export interface EntryRow {
  readonly _id: number
  readonly entryId: string
  readonly kind: EntryKind
  readonly at: number
  readonly subjectId?: SubjectId
  readonly recipientId?: RecipientId
  readonly version?: number
  /** The event's own data as canonical JSON. Absent once the subject was erased. */
  readonly facts?: string
}

/** The secrets behind one subject's commitments. The row is destroyed with the erasure of the subject. */
export interface SubjectRow {
  readonly _id: SubjectId
  /** Handed out with proofs: with it the commitment to the subject can be computed. */
  readonly salt: mongo.Binary
  /** Never handed out: the salts of sealed facts are made from it, one for each entry. */
  readonly seal: mongo.Binary
}

/** A tile of the log (C2SP tlog-tiles): `_id` is `<level>/<index>`. It only grows, up to 256 hashes. */
export interface TileRow {
  readonly _id: string
  readonly width: number
  readonly hashes: mongo.Binary
  /** The term of the writer. */
  readonly fence: number
}

/** A bundle of up to 256 entries of the log, as it is served (C2SP tlog-tiles): `_id` is its index. */
export interface BundleRow {
  readonly _id: number
  readonly width: number
  readonly entries: mongo.Binary
  readonly fence: number
}

/** A checkpoint that was signed and published. */
export interface SignedCheckpoint {
  readonly size: number
  readonly root: mongo.Binary
  /** The signed note, without cosignatures. */
  readonly note: string
  readonly at: Date
}

/** The one row `log`: the tree as it was fixed last, and what was said of it. */
export interface LogRow {
  readonly _id: 'log'
  readonly origin: string
  /** The term of the writer; a write of a lower one matches nothing. */
  readonly fence: number
  /** The tree. It is written here, on condition of what stood here before, before anything of it is signed. */
  readonly size: number
  readonly root: mongo.Binary
  /** Never handed out: the salts of sealed facts of entries without a subject are made from it. */
  readonly seal: mongo.Binary
  /** The newest checkpoint that everybody may see: on the topic before it stands here. */
  readonly published?: SignedCheckpoint
  /** Places of entries whose subject was erased before they came: they are cleaned once they are in the tree. */
  readonly clean?: readonly number[]
}

/** A checkpoint of the past: `_id` is its size. */
export interface CheckpointRow extends Omit<SignedCheckpoint, 'size'> {
  readonly _id: number
}

/** A cosignature of a witness: `_id` is `<size>/<key name>+<key id>`. */
export interface CosignatureRow {
  readonly _id: string
  readonly size: number
  /** The signature line, without its newline. */
  readonly line: string
  /** When the witness says that it cosigned. */
  readonly at: Date
}

/** What the log is kept in, beside the entries. */
export interface LogStore {
  readonly entries: mongo.Collection<EntryRow>
  readonly subjects: mongo.Collection<SubjectRow>
  readonly tiles: mongo.Collection<TileRow>
  readonly bundles: mongo.Collection<BundleRow>
  readonly log: mongo.Collection<LogRow>
  readonly checkpoints: mongo.Collection<CheckpointRow>
  readonly cosignatures: mongo.Collection<CosignatureRow>
}

/** The database of audit. */
export const auditDatabase = (databasePrefix: string): string => `${databasePrefix}_audit`

/** The collections of the log in `<prefix>_audit`. */
export function logStore(connection: Pick<MongoConnection, 'collection'>, databasePrefix: string): LogStore {
  const name = auditDatabase(databasePrefix)
  return {
    entries: connection.collection<EntryRow>(name, 'entries'),
    subjects: connection.collection<SubjectRow>(name, 'subjects'),
    tiles: connection.collection<TileRow>(name, 'tiles'),
    bundles: connection.collection<BundleRow>(name, 'bundles'),
    log: connection.collection<LogRow>(name, 'log'),
    checkpoints: connection.collection<CheckpointRow>(name, 'checkpoints'),
    cosignatures: connection.collection<CosignatureRow>(name, 'cosignatures'),
  }
}

// Notes of the past are on the topic for ever; here they stay for whoever asks for a proof against one that is not old.
const checkpointSeconds = 30 * 24 * 60 * 60

/** Makes the indexes that are not there; harmless where they are. */
export async function ensureLogIndexes(store: LogStore): Promise<void> {
  await store.checkpoints.createIndexes([{ key: { at: 1 }, name: 'age', expireAfterSeconds: checkpointSeconds }])
  await store.cosignatures.createIndexes([
    { key: { size: -1 }, name: 'size' },
    { key: { at: 1 }, name: 'age', expireAfterSeconds: checkpointSeconds },
  ])
}
