import type { Choice, DeliveryId, Evidence, Outcome, PurposeKey, RecipientId, SubjectId } from '@heed/domain'
import { deliveryIdOf } from '@heed/domain'
import type { mongo } from 'mongoose'
import type { BatchContext, Job } from '../contract.ts'
import { type Positions, shortest } from '../inbox/positions.ts'

/** A delivery as a batch keeps it: all that a task has but identifiers. */
export interface BatchItem {
  readonly subjectId: SubjectId
  readonly version: number
  readonly assertion: number
  readonly kind: 'preference' | 'erasure'
  readonly wanted: Readonly<Record<PurposeKey, Choice>>
  readonly changed: readonly PurposeKey[]
  readonly evidence: Readonly<Record<PurposeKey, Evidence>>
  readonly acceptedAt: number
}

/** An outcome and the items that have it. */
export interface Said {
  readonly outcome: Outcome
  readonly at: Positions
}

/** A job of a batch. */
export interface StoredJob {
  readonly id: string
  readonly note?: unknown
  readonly requestName: string
  readonly pollAfterSeconds: number
  readonly polls: number
  readonly nextPollAt: number
  readonly since: number
  readonly covers: Positions
  readonly done: boolean
  /** What it has said so far. */
  readonly said: readonly Said[]
}

/** A batch that outlives the call in which it was sent: its jobs are followed, or its sequence number is taken. */
export interface StoredBatch {
  /** The token under which it holds its rows. */
  _id: string
  recipientId: RecipientId
  /** `open`: to be sent, or sent again. `following`: sent; its jobs go on. */
  stage: 'open' | 'following'
  context: BatchContext
  size: number
  /** When something is to be done about it. */
  nextAt: number
  /** Failures in a row to send it. */
  failures: number
  /** How often it was sent as a whole because nobody acknowledged it. */
  rounds: number
  jobs: StoredJob[]
  /** What other requests of the same plan said about items that have jobs as well. */
  firm: Said[]
  /** Its items, where they are few; the others are kept in pieces beside it. */
  items?: readonly BatchItem[]
}

interface StoredItems {
  _id: string
  batchId: string
  items: readonly BatchItem[]
}

/** Batches that are under way, with their items: many of them in pieces, since a batch may hold more than one document can. */
export interface BatchStore {
  /** When open returns, the batch is durable, as it is given back. Throws a duplicate key error where a batch of this id is there already. */
  open(batch: StoredBatch, items: readonly BatchItem[]): Promise<StoredBatch>
  find(batchId: string): Promise<StoredBatch | undefined>
  items(batch: StoredBatch): Promise<readonly BatchItem[]>
  /** Batches of a recipient that are to be asked about, the earliest first. */
  due(recipientId: RecipientId, now: number, limit: number): Promise<StoredBatch[]>
  /** The sequenced batch that is to be sent before any other. */
  unsent(recipientId: RecipientId): Promise<StoredBatch | undefined>
  /** When a batch is to be asked about next. */
  nextFollowAt(recipientId: RecipientId): Promise<number | undefined>
  /** Those whose jobs have one of these ids and go on. */
  withJobs(recipientId: RecipientId, jobIds: readonly string[]): Promise<StoredBatch[]>
  update(batchId: string, change: Partial<Omit<StoredBatch, '_id'>>): Promise<void>
  /** Lets unsent batches be tried at once: the recipient works again. */
  hurry(recipientId: RecipientId): Promise<void>
  /** Forgets a batch; its rows must be settled before. */
  close(batch: StoredBatch): Promise<void>
}

const itemsPerPiece = 1_000
/** So many are kept in the batch itself: one write, and no look for them when its jobs are asked about. */
const fewItems = 100

/** The indexes of the batches. */
export async function createBatchIndexes(batches: mongo.Collection<StoredBatch>, items: mongo.Collection<StoredItems>): Promise<void> {
  await batches.createIndex({ recipientId: 1, stage: 1, nextAt: 1 })
  await batches.createIndex({ 'jobs.id': 1, recipientId: 1 }, { name: 'jobs' })
  await items.createIndex({ batchId: 1 })
}

export type BatchItemRows = mongo.Collection<StoredItems>

/** Batches in two collections. */
export function createBatchStore(batches: mongo.Collection<StoredBatch>, pieces: BatchItemRows): BatchStore {
  return {
    open: async (batch, items) => {
      if (items.length <= fewItems) {
        const whole = { ...batch, items }
        await batches.insertOne(whole)
        return whole
      }
      // The items first: a batch without all of its items must not exist. Pieces of a crash before the batch was written are replaced.
      const writes: mongo.AnyBulkWriteOperation<StoredItems>[] = []
      for (let from = 0; from < items.length; from += itemsPerPiece) {
        const _id = `${batch._id}/${from}`
        const piece = { _id, batchId: batch._id, items: items.slice(from, from + itemsPerPiece) }
        writes.push({ replaceOne: { filter: { _id }, replacement: piece, upsert: true } })
      }
      await pieces.bulkWrite(writes, { ordered: false })
      await batches.insertOne(batch)
      return batch
    },
    find: async (batchId) => (await batches.findOne({ _id: batchId })) ?? undefined,
    items: async (batch) => {
      if (batch.items !== undefined) return batch.items
      const found = await pieces.find({ batchId: batch._id }).toArray()
      const fromOf = (id: string) => Number(id.slice(id.lastIndexOf('/') + 1))
      return found.sort((a, b) => fromOf(a._id) - fromOf(b._id)).flatMap((piece) => piece.items)
    },
    due: (recipientId, now, limit) =>
      batches
        .find({ recipientId, stage: 'following', nextAt: { $lte: now } })
        .sort({ nextAt: 1 })
        .limit(limit)
        .toArray(),
    unsent: async (recipientId) =>
      (await batches.findOne({ recipientId, stage: 'open' }, { sort: { 'context.sequence': 1 } })) ?? undefined,
    nextFollowAt: async (recipientId) => {
      const [first] = await batches
        .find({ recipientId }, { projection: { nextAt: 1 } })
        .sort({ nextAt: 1 })
        .limit(1)
        .toArray()
      return first?.nextAt
    },
    withJobs: (recipientId, jobIds) =>
      batches.find({ recipientId, jobs: { $elemMatch: { id: { $in: [...jobIds] }, done: false } } }, { hint: 'jobs' }).toArray(),
    update: async (batchId, change) => {
      await batches.updateOne({ _id: batchId }, { $set: change })
    },
    hurry: async (recipientId) => {
      await batches.updateMany({ recipientId, stage: 'open' }, { $set: { nextAt: 0 } })
    },
    close: async ({ _id, items }) => {
      await batches.deleteOne({ _id })
      if (items === undefined) await pieces.deleteMany({ batchId: _id })
    },
  }
}

/** Outcomes by position, those that are alike together. */
export function groupSaid(outcomes: Iterable<readonly [number, Outcome]>, size: number): Said[] {
  const groups = new Map<string, { outcome: Outcome; at: number[] }>()
  for (const [position, outcome] of outcomes) {
    const text = JSON.stringify(outcome)
    const group = groups.get(text)
    if (group === undefined) groups.set(text, { outcome, at: [position] })
    else group.at.push(position)
  }
  return [...groups.values()].map(({ outcome, at }) => ({ outcome, at: shortest(at, size) }))
}

/** The delivery of an item. */
export function deliveryOfItem(recipientId: RecipientId, item: Pick<BatchItem, 'subjectId' | 'version'>): DeliveryId {
  return deliveryIdOf(recipientId, item.subjectId, item.version)
}

/** When a job is asked about next: twice as long after each answer that only says "not yet". */
export function nextPoll(job: Pick<Job, 'pollAfterSeconds'>, polls: number, maxPollSeconds: number): number {
  return Math.min(maxPollSeconds, Math.max(0.05, job.pollAfterSeconds) * 2 ** Math.min(polls, 30)) * 1000
}
