import { randomBytes } from 'node:crypto'
import type { RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { mongo } from 'mongoose'
import { type InboxRow, lanes, rowIdOf } from './row.ts'
import { type HeldRow, type SettledRows, settlementWrites } from './settlement.ts'

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
  /** Takes rows that are to be read back; they stay settled. */
  claimReadBack(recipientId: RecipientId, limit: number): Promise<Claim>
  /** Ends a claim. */
  release(claim: Claim): void
  /** How many unclaimed rows are due, counted no further than `limit`; and since when the first has been. */
  waiting(recipientId: RecipientId, limit: number): Promise<{ count: number; since: number | undefined }>
  /**
   * Gives rows their fate and their outcomes, in one write. `token` names the batch where the rows follow one. A row that has gone on to a newer wish stays due
   * for it, and a row that is no longer this process's stays as it is.
   */
  settle(groups: readonly SettledRows[], token?: string): Promise<void>
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

  /** The first unclaimed rows of a lane. Claimed ones are still in it, so as many more are looked at. */
  const dueRows = async (recipientId: RecipientId, lane: number, limit: number): Promise<InboxRow[]> => {
    const found = await rows
      .find({ recipientId, lane, dueAt: { $lte: clock.now() } }, { batchSize: limit + claimed.size + 1 })
      .sort({ dueAt: 1 })
      .limit(limit + claimed.size)
      .toArray()
    return found.filter(({ _id }) => !claimed.has(_id)).slice(0, limit)
  }

  const take = (found: readonly InboxRow[]): Claim => {
    for (const { _id } of found) claimed.add(_id)
    return { token: newToken('b'), rows: found }
  }

  const firstDue = async (recipientId: RecipientId, lane: number): Promise<number | undefined> => {
    const found = await rows
      .find({ recipientId, lane }, { projection: { dueAt: 1 } })
      .sort({ dueAt: 1 })
      .limit(1 + claimed.size)
      .toArray()
    const first = found.find(({ _id }) => !claimed.has(_id))
    return first === undefined ? undefined : (first.dueAt ?? 0)
  }

  return {
    claim: async (recipientId, limit) => {
      const optOuts = await dueRows(recipientId, lanes.optOut, limit)
      const optIns = optOuts.length < limit ? await dueRows(recipientId, lanes.optIn, limit - optOuts.length) : []
      return take([...optOuts, ...optIns])
    },

    claimReadBack: async (recipientId, limit) => take(await dueRows(recipientId, lanes.readBack, limit)),

    release: (claim) => {
      for (const { _id } of claim.rows) claimed.delete(_id)
    },

    waiting: async (recipientId, limit) => {
      const found = await rows
        .find(
          { recipientId, lane: { $in: [lanes.optOut, lanes.optIn] as number[] }, dueAt: { $lte: clock.now() } },
          { projection: { dueAt: 1 }, hint: 'line' },
        )
        .limit(limit + claimed.size)
        .toArray()
      const unclaimed = found.filter(({ _id }) => !claimed.has(_id)).slice(0, limit)
      const since = unclaimed.reduce<number | undefined>((first, { dueAt = 0 }) => Math.min(first ?? dueAt, dueAt), undefined)
      return { count: unclaimed.length, since }
    },

    settle: async (groups, token) => {
      const context = { now: clock.now(), tag: newToken('out'), ...(token === undefined ? {} : { token }) }
      const { current, overtaken, rows: count } = settlementWrites(groups, context)
      if (current.length === 0) return
      const { matchedCount } = await rows.bulkWrite(current, { ordered: false })
      if (matchedCount < count) await rows.bulkWrite(overtaken, { ordered: false })
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
      const inLine = { lane: { $in: [lanes.optOut, lanes.optIn] as number[] } }
      const writes: mongo.AnyBulkWriteOperation<InboxRow>[] = []
      for (const [version, ids] of byVersion) {
        for (let from = 0; from < ids.length; from += idsPerQuery) {
          writes.push({
            updateMany: { filter: { _id: { $in: ids.slice(from, from + idsPerQuery) }, version, ...inLine }, update: [{ $set: follow }] },
          })
        }
      }
      if (writes.length > 0) await rows.bulkWrite(writes, { ordered: false })
    },

    followed: async (token, ids) => {
      const projection = { failures: 1, giveUps: 1, lease: 1, priority: 1 }
      const followed = new Map<string, FollowedRow>()
      for (let from = 0; from < ids.length; from += idsPerQuery) {
        const found = await rows.find({ _id: { $in: ids.slice(from, from + idsPerQuery) }, 'lease.token': token }, { projection }).toArray()
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
        .find({ _id: { $gte: `${recipientId}/`, $lt: `${recipientId}0` } }, { projection, batchSize: idsPerQuery })
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

    nextDue: async (recipientId) => {
      const [optOut, optIn] = await Promise.all([firstDue(recipientId, lanes.optOut), firstDue(recipientId, lanes.optIn)])
      return optOut === undefined ? optIn : optIn === undefined ? optOut : Math.min(optOut, optIn)
    },

    nextReadBack: (recipientId) => firstDue(recipientId, lanes.readBack),

    hurry: async (recipientId) => {
      const putOff = {
        recipientId,
        lane: { $in: [lanes.optOut, lanes.optIn] as number[] },
        dueAt: { $gt: clock.now() },
        waitReason: { $in: ['recipient_unavailable', 'breaker_open', 'auth_failed'] as InboxRow['waitReason'][] },
      }
      await rows.updateMany(putOff as mongo.Filter<InboxRow>, [{ $set: { dueAt: { $max: ['$queuedAt', '$quietUntil'] } } }])
    },
  }
}
