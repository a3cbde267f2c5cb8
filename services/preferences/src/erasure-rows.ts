import type { IdentifierKind, SubjectId } from '@heed/domain'
import type { mongo } from 'mongoose'

/** Why somebody is erased. */
export type ErasureCause = 'request' | 'known-child'

/** How far an erasure is; each stage is an act in the trail. */
export type ErasureStage = 'requested' | 'recipients-told' | 'identifiers-destroyed' | 'completed'

/** What an erasure that is not completed waits for. */
export type ErasureWait = 'opt-outs' | 'erasures' | 'copies' | 'audit-unreachable'

/** What was found when the identifiers were about to be destroyed; kept before anything is, so that a crash in the middle counts nothing twice. */
export interface Destruction {
  readonly at: Date
  readonly because: 'recipients-settled' | 'limit-passed'
  readonly openDeliveries: number
  readonly identifiers: readonly { readonly kind: IdentifierKind; readonly count: number }[]
  /** Every subject that is one person: the one that is erased and those that were merged into it. */
  readonly subjects: readonly SubjectId[]
}

/** One erasure, from the request on. What was done stands in the journal; this row says what is left to do. It names no identifier. */
export interface ErasureRow {
  readonly _id: SubjectId
  readonly cause: ErasureCause
  /** The caller's reference to how it made sure who asks. */
  readonly reference: string
  /** The caller. */
  readonly by: string
  readonly requestedAt: Date
  readonly stage: ErasureStage
  /** The version that denied everything; absent where everything was denied before. */
  readonly denial?: number
  /** The version by which recipients were told to erase. */
  readonly erasure?: number
  readonly destruction?: Destruction
  readonly waitingFor?: ErasureWait
  readonly openDeliveries?: number
  readonly completedAt?: Date
  /** When to look again whether it can go on; absent once it is completed. */
  readonly lookAt?: Date
  /** How often it was looked at in this stage without being able to go on. */
  readonly looks: number
}

/** All that is kept of an identifier that must be left alone: a keyed hash, and since when. It names no subject. */
export interface SuppressionRow {
  /** `<kind>:<keyed hash>`, or `link:<keyed hash>` for the link reference of somebody who was erased. */
  readonly _id: string
  /** Evidence of an opt-in has to be newer than this. */
  readonly since: Date
  /** Set for a child's: then no evidence is new enough. */
  readonly child?: true
}

const open = { lookAt: { $exists: true } }

/** What is due, and what is not completed. */
export const erasureIndexes: mongo.IndexDescription[] = [
  { name: 'due', key: { lookAt: 1 }, partialFilterExpression: open },
  { name: 'open', key: { requestedAt: 1, _id: 1 }, partialFilterExpression: open },
]
