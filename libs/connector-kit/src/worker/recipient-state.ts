import type { RecipientId, SubjectId } from '@heed/domain'
import type { mongo } from 'mongoose'

/** How far the refusals of a recipient have been told again. */
export interface ReassertRound {
  readonly startedAt: number
  /** How many rows there were, when they were counted last; and how many of them have had their turn. */
  readonly total: number
  readonly countedAt: number
  readonly seen: number
  /** The subject that had its turn last. */
  readonly after?: SubjectId
  readonly ended?: true
}

/** When a recipient's rows were sampled last, and where the next sample begins. */
export interface SampleMark {
  readonly at: number
  readonly after?: SubjectId
}

/** What is kept about a recipient beside its rows. */
export interface RecipientState {
  _id: RecipientId
  paused?: { by: string; at: number } | null
  /** The newest resume or pause that was heeded, ms since the epoch. */
  steeredAt?: number
  /** The number of the newest sequenced batch. */
  sequence?: number
  /** When the newest batch was opened, and the newest full one. */
  lastBatchAt?: number
  lastFullAt?: number
  needsFull?: boolean
  reassert?: ReassertRound
  sample?: SampleMark
}

/** The states of recipients. */
export interface RecipientStates {
  get(recipientId: RecipientId): Promise<RecipientState>
  /** Pauses or resumes; an order older than the newest changes nothing. Says whether it was heeded. */
  steer(recipientId: RecipientId, order: { paused: boolean; by: string; at: number }): Promise<boolean>
  /** A sequenced batch was opened. */
  opened(recipientId: RecipientId, batch: { sequence: number; at: number; full: boolean }): Promise<void>
  requestFull(recipientId: RecipientId): Promise<void>
  /** When keepUp resolves, it is durable how far the recipient has been looked after. */
  keepUp(recipientId: RecipientId, marks: { readonly reassert?: ReassertRound; readonly sample?: SampleMark }): Promise<void>
}

/** The states in a collection. */
export function recipientStates(collection: mongo.Collection<RecipientState>): RecipientStates {
  return {
    get: async (recipientId) => (await collection.findOne({ _id: recipientId })) ?? { _id: recipientId },
    steer: async (recipientId, { paused, by, at }) => {
      const result = await collection.updateOne(
        { _id: recipientId },
        [
          {
            $set: {
              paused: { $cond: [{ $gte: [at, { $ifNull: ['$steeredAt', 0] }] }, paused ? { by: { $literal: by }, at } : null, '$paused'] },
              steeredAt: { $max: [at, '$steeredAt'] },
            },
          },
        ],
        { upsert: true },
      )
      return result.modifiedCount + result.upsertedCount > 0
    },
    opened: async (recipientId, { sequence, at, full }) => {
      await collection.updateOne(
        { _id: recipientId },
        { $max: { sequence, lastBatchAt: at, ...(full ? { lastFullAt: at } : {}) }, ...(full ? { $set: { needsFull: false } } : {}) },
        { upsert: true },
      )
    },
    requestFull: async (recipientId) => {
      await collection.updateOne({ _id: recipientId }, { $set: { needsFull: true } }, { upsert: true })
    },
    keepUp: async (recipientId, marks) => {
      await collection.updateOne({ _id: recipientId }, { $set: marks }, { upsert: true })
    },
  }
}
