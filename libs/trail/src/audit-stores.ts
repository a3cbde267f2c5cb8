import type { Change, Snapshot, SubjectId } from '@heed/domain'
import type { MongoConnection } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'
import type { DeliveryRow } from './delivery-row.ts'
import { auditDatabase, type LogStore, logStore } from './rows.ts'

/** What an audit reads of an accepted change in the journal of preferences. */
export interface JournalRow extends Omit<Change, 'id' | 'snapshot' | 'acceptedAt'>, Pick<Snapshot, 'subjectId' | 'version' | 'choices'> {
  readonly _id: string
  readonly mergedInto?: SubjectId
  readonly acceptedAt: Date
  /** Null until the broker has it. */
  readonly publishedAt: Date | null
  /** Set once the subject was erased: evidence and references are gone. */
  readonly erased?: true
}

/** All that an audit reads. It writes nothing. */
export interface AuditedStores {
  readonly log: LogStore
  readonly deliveries: mongo.Collection<DeliveryRow>
  readonly head: mongo.Collection<{ readonly _id: 'trail'; readonly next: number }>
  readonly forgotten: mongo.Collection<{ readonly _id: string }>
  readonly forgetting: mongo.Collection<{ readonly _id: SubjectId }>
  /** The journal of preferences. */
  readonly journal: mongo.Collection<JournalRow>
  /** Which of its changes were published together, by the number of the batch. */
  readonly batches: mongo.Collection<{ readonly _id: number; readonly ids: readonly string[] }>
}

/** The stores of one hub, by the prefix of its databases. */
export function auditedStores(connection: Pick<MongoConnection, 'collection'>, databasePrefix: string): AuditedStores {
  const name = auditDatabase(databasePrefix)
  return {
    log: logStore(connection, databasePrefix),
    deliveries: connection.collection(name, 'deliveries'),
    head: connection.collection(name, 'head'),
    forgotten: connection.collection(name, 'forgotten'),
    forgetting: connection.collection(name, 'forgetting'),
    journal: connection.collection(`${databasePrefix}_preferences`, 'changes'),
    batches: connection.collection(`${databasePrefix}_preferences`, 'batches'),
  }
}

/** How an audit reads rows: bytes that are no UTF-8 come out as other text, which then differs, instead of as an error that would end the audit at the first of them. */
export const lenient = { enableUtf8Validation: false } as const
