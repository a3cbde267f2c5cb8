import { randomBytes } from 'node:crypto'
import type { RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { mongo } from 'mongoose'
import type { Verdict } from './flights.ts'
import { type InboxRow, lanes, rowIdOf } from './row.ts'
import { type HeldRow, settlementWrites } from './settlement.ts'

/** Rows that one batch works on. */
export interface Claim {
  readonly token: string
  readonly rows: readonly InboxRow[]
}

/** What a complete list needs of a row. */
export type ToldRow = Pick<
  InboxRow,
  'recipientId' | 'subjectId' | 'version' | 'assertion' | 'kind' | 'wanted' | 'changed' | 'evidence' | 'acceptedAt'
>

/** A row that follows a batch, with what a judgement needs of it. */
export interface FollowedRow extends HeldRow {
  readonly failures: number
  readonly giveUps: number
}

/**
 * The rows of the inbox as a line in which recipients' duties wait. Every call is a fixed number of round trips, whatever the number of rows.
 * What is claimed is nobody else's until it is released: known in this process alone, because one process works for an account at a time.
 */
export interface Line {
  /** Takes what is due, opt-outs first and then the oldest. Writes nothing. */
  claim(recipientId: RecipientId, limit: number): Promise<Claim>
  /** Takes these rows, which were due when they were stored a moment ago. Without a round trip. */
  take(rows: readonly InboxRow[]): Claim
  /** Takes rows that are to be read back; they stay settled. */
  claimReadBack(recipientId: RecipientId, limit: number): Promise<Claim>
  /** Ends a claim. */
  release(claim: Claim): void
  /** How many unclaimed rows are due, counted no further than `limit`; and since when the first has been. */
  waiting(recipientId: RecipientId, limit: number): Promise<{ count: number; since: number | undefined }>
  /**
   * Gives rows their fate, in one write. A row that has gone on to a newer wish stays due for it, and one that is no longer this process's, or has been given this
   * fate before, stays as it is. The verdict is recorded before: what of this a crash takes back is repeated by whoever takes the record over.
   */
  settle(verdict: Verdict): Promise<void>
  /** Lets rows follow a batch: those that are in the line at the version that it holds. Again changes nothing. */
  adopt(recipientId: RecipientId, token: string, items: readonly Pick<InboxRow, 'subjectId' | 'version'>[]): Promise<void>
  /** Those of the rows that follow a batch. */
  followed(token: string, ids: readonly string[]): Promise<Map<string, FollowedRow>>
  /** All that a recipient was ever asked to hold, some rows at a time, in the order of their subjects. */
  told(recipientId: RecipientId): AsyncIterable<readonly ToldRow[]>
  /** When the next unclaimed row is to be told, ms since the epoch; undefined where none waits. */
  nextDue(recipientId: RecipientId): Promise<number | undefined>
  /** When the next row is to be read back. */
  nextReadBack(recipientId: RecipientId): Promise<number | undefined>
  /** Ends the waiting of rows that were put off because the recipient failed: it works again. */
  hurry(recipientId: RecipientId): Promise<void>
}

const idsPerQuery = 5_000
/** The lanes of what is to be told, in the order in which it is. */
const inLine: number[] = [lanes.optOut, lanes.optIn]

// What these rows become is recorded elsewhere before, and read here as it was written last: waiting for the disk would only make it later.
const soon = { w: 1 } as const
const newest = { readConcern: { level: 'local' } } as const

/** Opt-outs first, and then the oldest: the order in which rows stand in the line. */
const inTurn = (one: InboxRow, other: InboxRow): number => (one.lane ?? 0) - (other.lane ?? 0) || (one.dueAt ?? 0) - (other.dueAt ?? 0)

/** A name that nothing else has. */
export const newToken = (prefix: string): string => `${prefix}-${randomBytes(12).toString('base64url')}`

/** A claimed row as its batch holds it: this is its next try. */
export const heldRow = (row: InboxRow): HeldRow => ({
  id: row._id,
  version: row.version,
  assertion: row.assertion,
  attempt: row.attempts + 1,
  priority: row.priority,
})

/** The line over an inbox collection. */
export function createLine(rows: mongo.Collection<InboxRow>, clock: Clock): Line {
  const claimed = new Set<string>()
  // What was released while a look was on its way may be in its answer as it stood before it was settled.
  const looks = new Set<Set<string>>()
  const look = async <Row extends { readonly _id: string }>(find: () => Promise<Row[]>): Promise<Row[]> => {
    const released = new Set<string>()
    looks.add(released)
    try {
      return (await find()).filter(({ _id }) => !claimed.has(_id) && !released.has(_id))
    } finally {
      looks.delete(released)
    }
  }

  /** The first unclaimed rows of some lanes, lane by lane. Claimed ones are still in them, so as many more are looked at. */
  const dueRows = async (recipientId: RecipientId, from: readonly number[], limit: number): Promise<InboxRow[]> => {
    const found = await look(() =>
      rows
        .find(
          { recipientId, lane: { $in: [...from] }, dueAt: { $lte: clock.now() } },
          { batchSize: limit + claimed.size + 1, hint: 'line', ...newest },
        )
        .sort({ lane: 1, dueAt: 1 })
        .limit(limit + claimed.size)
        .toArray(),
    )
    return found.slice(0, limit)
  }

  const take = (found: readonly InboxRow[]): Claim => {
    for (const { _id } of found) claimed.add(_id)
    return { token: newToken('b'), rows: found }
  }

  const firstDue = async (recipientId: RecipientId, from: readonly number[]): Promise<number | undefined> => {
    const [first] = await look(() =>
      rows
        .find({ recipientId, lane: { $in: [...from] } }, { projection: { dueAt: 1 }, hint: 'line', ...newest })
        .sort({ dueAt: 1 })
        .limit(1 + claimed.size)
        .toArray(),
    )
    return first === undefined ? undefined : (first.dueAt ?? 0)
  }

  return {
    claim: async (recipientId, limit) => take(await dueRows(recipientId, inLine, limit)),

    take: (rows) => take(rows.filter(({ _id }) => !claimed.has(_id)).toSorted(inTurn)),

    claimReadBack: async (recipientId, limit) => take(await dueRows(recipientId, [lanes.readBack], limit)),

    release: (claim) => {
      for (const { _id } of claim.rows) {
        claimed.delete(_id)
        for (const released of looks) released.add(_id)
      }
    },

    waiting: async (recipientId, limit) => {
      const found = await look(() =>
        rows
          .find({ recipientId, lane: { $in: inLine }, dueAt: { $lte: clock.now() } }, { projection: { dueAt: 1 }, hint: 'line', ...newest })
          .limit(limit + claimed.size)
          .toArray(),
      )
      const unclaimed = found.slice(0, limit)
      const since = unclaimed.reduce<number | undefined>((first, { dueAt = 0 }) => Math.min(first ?? dueAt, dueAt), undefined)
      return { count: unclaimed.length, since }
    },

    settle: async ({ at, token, groups }) => {
      const { current, overtaken, rows: count } = settlementWrites(groups, { now: at, ...(token === undefined ? {} : { token }) })
      if (current.length === 0) return
      const { matchedCount } = await rows.bulkWrite(current, { ordered: false, writeConcern: soon })
      if (matchedCount < count && overtaken.length > 0) await rows.bulkWrite(overtaken, { ordered: false, writeConcern: soon })
    },

    adopt: async (recipientId, token, items) => {
      const byVersion = new Map<number, string[]>()
      for (const { subjectId, version } of items) {
        const ids = byVersion.get(version)
        if (ids === undefined) byVersion.set(version, [rowIdOf(recipientId, subjectId)])
        else ids.push(rowIdOf(recipientId, subjectId))
      }
      const attempt = { $add: ['$attempts', 1] }
      const lease = { token: { $literal: token }, version: '$version', assertion: '$assertion', attempt }
      const follow = { lane: { $literal: lanes.followed }, dueAt: '$$REMOVE', attempts: attempt, lease }
      const waits = { lane: { $in: inLine } }
      const writes: mongo.AnyBulkWriteOperation<InboxRow>[] = []
      for (const [version, ids] of byVersion) {
        for (let from = 0; from < ids.length; from += idsPerQuery) {
          writes.push({
            updateMany: { filter: { _id: { $in: ids.slice(from, from + idsPerQuery) }, version, ...waits }, update: [{ $set: follow }] },
          })
        }
      }
      if (writes.length > 0) await rows.bulkWrite(writes, { ordered: false, writeConcern: soon })
    },

    followed: async (token, ids) => {
      const projection = { failures: 1, giveUps: 1, lease: 1, priority: 1 }
      const followed = new Map<string, FollowedRow>()
      for (let from = 0; from < ids.length; from += idsPerQuery) {
        const found = await rows
          .find({ _id: { $in: ids.slice(from, from + idsPerQuery) }, 'lease.token': token }, { projection, ...newest })
          .toArray()
        for (const { _id, failures, giveUps, priority, lease } of found) {
          if (lease === undefined) continue
          const { version, assertion, attempt } = lease
          followed.set(_id, { id: _id, version, assertion, attempt, priority, failures, giveUps })
        }
      }
      return followed
    },

    told: async function* (recipientId) {
      const projection = {
        recipientId: 1,
        subjectId: 1,
        version: 1,
        assertion: 1,
        kind: 1,
        wanted: 1,
        changed: 1,
        evidence: 1,
        acceptedAt: 1,
      }
      const cursor = rows
        .find({ _id: { $gte: `${recipientId}/`, $lt: `${recipientId}0` } }, { projection, batchSize: idsPerQuery, ...newest })
        .sort({ _id: 1 })
      let some: InboxRow[] = []
      for await (const row of cursor) {
        some.push(row)
        if (some.length < idsPerQuery) continue
        yield some
        some = []
      }
      if (some.length > 0) yield some
    },

    nextDue: (recipientId) => firstDue(recipientId, inLine),

    nextReadBack: (recipientId) => firstDue(recipientId, [lanes.readBack]),

    hurry: async (recipientId) => {
      const putOff = {
        recipientId,
        lane: { $in: inLine },
        dueAt: { $gt: clock.now() },
        waitReason: { $in: ['recipient_unavailable', 'breaker_open', 'auth_failed'] as InboxRow['waitReason'][] },
      }
      await rows.updateMany(putOff as mongo.Filter<InboxRow>, [{ $set: { dueAt: { $max: ['$queuedAt', '$quietUntil'] } } }])
    },
  }
}
