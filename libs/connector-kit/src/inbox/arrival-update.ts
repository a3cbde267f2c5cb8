import type { Delivery } from '@heed/domain'
import type { mongo } from 'mongoose'
import { supersededEntry } from './fold.ts'
import { firstSettledLane, type InboxRow, lanes, newRow, pastLimit } from './row.ts'

/** Aggregation expressions are nested documents without a type of their own. */
export type Expression = mongo.Document

const literal = (value: unknown): Expression => ({ $literal: value })

/** What the recipient's jobs mean for newer versions. */
export interface ArrivalRules {
  /** Whether a newer wish may be told while an older one's job is still followed. */
  readonly newerMayOvertake: boolean
  readonly now: number
  /** Marks what this write put into outboxes. */
  readonly tag: string
}

/**
 * The update of a row for an arrival. All conditions are judged on the row as it is when the update runs, so that a settlement between reading and writing is
 * not undone, and a row that has gone further stays.
 */
export function arrivalUpdate(delivery: Delivery, older: readonly Delivery[], rules: ArrivalRules): Expression[] {
  const { now, tag, newerMayOvertake } = rules
  const fresh = newRow(delivery, [], now)
  const supersedesRow = {
    $or: [{ $lt: ['$version', fresh.version] }, { $and: [{ $eq: ['$version', fresh.version] }, { $lt: ['$assertion', fresh.assertion] }] }],
  }
  const isOpen = { $lt: [{ $ifNull: ['$lane', firstSettledLane] }, firstSettledLane] }
  const heldLanes: number[] = newerMayOvertake ? [] : [lanes.followed]
  const held = { $in: [{ $ifNull: ['$lane', -1] }, heldLanes] }

  const newOutbox = {
    $concatArrays: [
      { $ifNull: ['$outbox', []] },
      {
        $cond: [
          { $and: [isOpen, { $lt: ['$version', fresh.version] }] },
          [
            {
              version: '$version',
              assertion: '$assertion',
              attempt: literal(0),
              step: 'superseded',
              outcome: { kind: 'superseded', by: literal(fresh.version) },
              at: literal(now),
              durationMs: literal(0),
            },
          ],
          [],
        ],
      },
      unseen(older, fresh.version, now),
    ],
  }

  const { past: _, lane, dueAt, waitReason, unknown, ...plain } = fresh
  const asWanted = {
    ...Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, literal(value)])),
    // A row that follows a job becomes due when that has ended. (One that is in flight is due at once, and is not claimed before it has landed.)
    lane: { $cond: [held, '$lane', literal(lane)] },
    dueAt: { $cond: [held, '$dueAt', { $max: [literal(dueAt), '$quietUntil'] }] },
    waitReason: { $cond: [held, { $ifNull: ['$waitReason', literal(waitReason)] }, literal(waitReason)] },
    lease: { $cond: [held, '$lease', '$$REMOVE'] },
    unknown: { $ifNull: ['$unknown', literal(unknown)] },
    quietUntil: { $ifNull: ['$quietUntil', '$$REMOVE'] },
    past: pastWith(older, ['$version'], fresh.version),
    outbox: newOutbox,
    outboxTag: outboxTag(newOutbox, tag),
  }
  // the row went further between reading and writing: then this version is one of those that came too late
  const late = [...older, delivery]
  const lateOutbox = { $concatArrays: [{ $ifNull: ['$outbox', []] }, unseen(late, '$version', now)] }
  const asBefore = {
    $mergeObjects: ['$$ROOT', { past: pastWith(late, [], '$version'), outbox: lateOutbox, outboxTag: outboxTag(lateOutbox, tag) }],
  }
  return [{ $replaceWith: { $cond: [supersedesRow, asWanted, asBefore] } }, dropEmptyOutbox]
}

/** The update for versions that came after a newer one. */
export function lateUpdate(older: readonly Delivery[], changed: readonly string[], priority: 0 | 1, rules: ArrivalRules): Expression[] {
  const { now, tag } = rules
  const outbox = { $concatArrays: [{ $ifNull: ['$outbox', []] }, unseen(older, '$version', now)] }
  const waits = { $in: [{ $ifNull: ['$lane', -1] }, [lanes.optOut, lanes.optIn]] }
  return [
    {
      $set: {
        past: pastWith(older, [], '$version'),
        outbox,
        outboxTag: outboxTag(outbox, tag),
        changed: literal(changed),
        priority: literal(priority),
        lane: { $cond: [waits, literal(priority), { $ifNull: ['$lane', '$$REMOVE'] }] },
      },
    },
    dropEmptyOutbox,
  ]
}

// An empty outbox is none: its tag would keep the row in the relay's index.
const dropEmptyOutbox: Expression = {
  $set: {
    outbox: { $cond: [{ $gt: [{ $size: { $ifNull: ['$outbox', []] } }, 0] }, '$outbox', '$$REMOVE'] },
    outboxTag: { $cond: [{ $gt: [{ $size: { $ifNull: ['$outbox', []] } }, 0] }, '$outboxTag', '$$REMOVE'] },
  },
}

const outboxTag = (outbox: Expression, tag: string): Expression => ({
  $cond: [{ $gt: [{ $size: outbox }, { $size: { $ifNull: ['$outbox', []] } }] }, tag, { $ifNull: ['$outboxTag', '$$REMOVE'] }],
})

/** Superseded outcomes of versions that the row has not seen yet. `by` is the version that overtook them. */
function unseen(older: readonly Delivery[], by: number | string, now: number): Expression {
  if (older.length === 0) return literal([])
  return {
    $map: {
      input: {
        $filter: {
          input: literal(older.map((delivery) => supersededEntry(delivery, 0, now))),
          as: 'older',
          cond: {
            $and: [{ $lt: ['$$older.version', by] }, { $not: [{ $in: ['$$older.version', { $concatArrays: ['$past', ['$version']] }] }] }],
          },
        },
      },
      as: 'older',
      in: { $mergeObjects: ['$$older', { outcome: { kind: 'superseded', by } }] },
    },
  }
}

function pastWith(older: readonly Delivery[], more: readonly string[], top: number | string): Expression {
  const versions = { $setUnion: ['$past', literal(older.map(({ version }) => version)), [...more]] }
  const below = { $filter: { input: versions, as: 'version', cond: { $lt: ['$$version', top] } } }
  return { $slice: [{ $sortArray: { input: below, sortBy: 1 } }, -pastLimit] }
}

/** A new row, with the outcomes of what it overtook before anybody saw it. */
export function insertedRow(delivery: Delivery, older: readonly Delivery[], rules: ArrivalRules): InboxRow {
  const row = newRow(
    delivery,
    older.map(({ version }) => version),
    rules.now,
  )
  if (older.length === 0) return row
  return { ...row, outbox: older.map((one) => supersededEntry(one, delivery.version, rules.now)), outboxTag: rules.tag }
}
