import { randomBytes } from 'node:crypto'
import type { RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { mongo } from 'mongoose'
import type { Expression } from './arrival-update.ts'
import { firstSettledLane, type InboxRow, lanes } from './row.ts'
import { type SettledRows, settlementWrites } from './settlement.ts'

/** Rows that one batch holds until they are settled. */
export interface Claim {
  readonly token: string
  readonly rows: readonly InboxRow[]
}

/** When something of a recipient is next due, ms since the epoch; absent where nothing waits. */
export interface NextDue {
  /** Something to be told. */
  readonly queue?: number
  /** A lease that nobody settled. */
  readonly lease?: number
  readonly readBack?: number
}

/** The rows of the inbox as a line in which recipients' duties wait. Every call is a fixed number of round trips, whatever the number of rows. */
export interface Line {
  /** Takes what is due, opt-outs first and then the oldest. What is taken is nobody else's until it is settled, or until the lease ends. */
  claim(recipientId: RecipientId, options: { limit: number; leaseUntil: number }): Promise<Claim>
  /** How many are due, counted no further than `limit`; and since when the first has been. */
  waiting(recipientId: RecipientId, limit: number): Promise<{ count: number; since: number | undefined }>
  /** Gives held rows their fate and their outcomes, in one write. Rows that are no longer held by this token stay as they are. */
  settle(token: string, groups: readonly SettledRows[]): Promise<void>
  /** Hands held rows over to another token without settling them. */
  handOver(token: string, ids: readonly string[], to: string, lane: number): Promise<void>
  /**
   * Makes due again what was left in flight: leases that have ended, those of one token, or all. What was sent of it has an unknown outcome. Resolves with
   * the number of rows.
   */
  recover(recipientId: RecipientId, options: { quietSeconds: number; all?: boolean; token?: string }): Promise<number>
  /** Those of the rows that a token holds, with what a judgement needs of them. */
  held(token: string, ids: readonly string[]): Promise<Map<string, { failures: number; giveUps: number; drifts: number }>>
  /** All that a recipient was ever asked to hold, some rows at a time, in the order of their subjects. */
  told(recipientId: RecipientId): AsyncIterable<readonly ToldRow[]>
  /** Puts held rows back as if they had never been taken. */
  forget(token: string, ids: readonly string[]): Promise<void>
  /** Takes rows that are to be read back; they stay settled. */
  claimReadBack(recipientId: RecipientId, limit: number): Promise<Claim>
  /** Gives open rows an assertion of now: their outcomes from here on are about a state that is asserted anew. */
  reassert(ids: readonly string[]): Promise<void>
  nextDue(recipientId: RecipientId): Promise<NextDue>
  /** Ends the waiting of rows that were put off because the recipient failed: it works again. */
  hurry(recipientId: RecipientId): Promise<void>
}

/** What a complete list needs of a row. */
export type ToldRow = Pick<InboxRow, 'recipientId' | 'subjectId' | 'version' | 'kind' | 'wanted' | 'changed' | 'evidence' | 'acceptedAt'>

const idsPerQuery = 5_000

/** A name that nothing else has. */
export const newToken = (prefix: string): string => `${prefix}-${randomBytes(12).toString('base64url')}`

/** The line over an inbox collection. */
export function createLine(rows: mongo.Collection<InboxRow>, clock: Clock): Line {
  const idsOf = async (recipientId: RecipientId, lane: number, limit: number): Promise<string[]> => {
    const found = await rows
      .find({ recipientId, lane, dueAt: { $lte: clock.now() } }, { projection: { _id: 1 } })
      .sort({ dueAt: 1 })
      .limit(limit)
      .toArray()
    return found.map(({ _id }) => _id)
  }

  const firstDue = async (recipientId: RecipientId, lane: number): Promise<number | undefined> => {
    const [row] = await rows
      .find({ recipientId, lane }, { projection: { _id: 0, dueAt: 1 } })
      .sort({ dueAt: 1 })
      .limit(1)
      .toArray()
    return row === undefined ? undefined : (row.dueAt ?? 0)
  }

  const take = async (ids: readonly string[], fromLanes: readonly number[], changes: Expression): Promise<Claim> => {
    const token = newToken('b')
    if (ids.length === 0) return { token, rows: [] }
    const lease = { token, version: '$version', assertion: '$assertion', attempt: { $add: ['$attempts', 1] } }
    await rows.updateMany({ _id: { $in: [...ids] }, lane: { $in: [...fromLanes] } }, [{ $set: { ...changes, lease } }])
    // read after the claim: between finding and claiming a newer wish may have come
    const held = await rows.find({ _id: { $in: [...ids] }, 'lease.token': token }, { batchSize: ids.length + 1 }).toArray()
    const place = new Map(ids.map((id, index) => [id, index]))
    return { token, rows: held.sort((a, b) => (place.get(a._id) ?? 0) - (place.get(b._id) ?? 0)) }
  }

  return {
    claim: async (recipientId, { limit, leaseUntil }) => {
      const [optOuts, optIns] = await Promise.all([idsOf(recipientId, lanes.optOut, limit), idsOf(recipientId, lanes.optIn, limit)])
      return take([...optOuts, ...optIns].slice(0, limit), [lanes.optOut, lanes.optIn], {
        lane: { $literal: lanes.inFlight },
        dueAt: { $literal: leaseUntil },
        attempts: { $add: ['$attempts', 1] },
      })
    },

    waiting: async (recipientId, limit) => {
      const due = { recipientId, lane: { $in: [lanes.optOut, lanes.optIn] as number[] }, dueAt: { $lte: clock.now() } }
      const [count, ...firsts] = await Promise.all([
        rows.countDocuments(due, { limit, hint: 'line' }),
        firstDue(recipientId, lanes.optOut),
        firstDue(recipientId, lanes.optIn),
      ])
      const since = Math.min(...firsts.map((at) => at ?? Number.POSITIVE_INFINITY))
      return { count, since: count === 0 ? undefined : since }
    },

    settle: async (token, groups) => {
      const writes = settlementWrites(token, groups, clock.now(), newToken('out'))
      if (writes.length > 0) await rows.bulkWrite(writes, { ordered: false })
    },

    handOver: async (token, ids, to, lane) => {
      if (ids.length === 0) return
      await rows.updateMany({ _id: { $in: [...ids] }, 'lease.token': token }, [
        { $set: { lane: { $literal: lane }, dueAt: '$$REMOVE', 'lease.token': { $literal: to } } },
      ])
    },

    recover: async (recipientId, { quietSeconds, all = false, token }) => {
      const now = clock.now()
      const quietUntil = now + quietSeconds * 1000
      const which = token === undefined ? (all ? {} : { dueAt: { $lte: now } }) : { 'lease.token': token }
      const left = { recipientId, lane: lanes.inFlight, ...which }
      const entry = {
        version: '$lease.version',
        assertion: '$lease.assertion',
        attempt: '$lease.attempt',
        step: { $literal: 'asserted' },
        outcome: { $literal: { kind: 'deferred', reason: 'unavailable.process-ended' } },
        waitReason: { $literal: 'unknown_outcome' },
        nextTryAt: { $literal: quietUntil },
        at: { $literal: now },
        durationMs: { $literal: 0 },
      }
      const result = await rows.updateMany(left, [
        {
          $set: {
            lane: '$priority',
            dueAt: quietSeconds > 0 ? { $literal: quietUntil } : '$queuedAt',
            quietUntil: { $literal: quietUntil },
            unknown: { $literal: true },
            waitReason: { $literal: 'unknown_outcome' },
            lease: '$$REMOVE',
            outbox: { $concatArrays: [{ $ifNull: ['$outbox', []] }, [entry]] },
            outboxTag: { $literal: newToken('out') },
          },
        },
      ])
      return result.modifiedCount
    },

    held: async (token, ids) => {
      const projection = { failures: 1, giveUps: 1, drifts: 1 }
      const held = new Map<string, { failures: number; giveUps: number; drifts: number }>()
      for (let from = 0; from < ids.length; from += idsPerQuery) {
        const found = await rows.find({ _id: { $in: ids.slice(from, from + idsPerQuery) }, 'lease.token': token }, { projection }).toArray()
        for (const { _id, failures, giveUps, drifts } of found) held.set(_id, { failures, giveUps, drifts })
      }
      return held
    },

    told: async function* (recipientId) {
      const projection = { recipientId: 1, subjectId: 1, version: 1, kind: 1, wanted: 1, changed: 1, evidence: 1, acceptedAt: 1 }
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

    forget: async (token, ids) => {
      for (let from = 0; from < ids.length; from += idsPerQuery) {
        await rows.updateMany({ _id: { $in: ids.slice(from, from + idsPerQuery) }, 'lease.token': token }, [
          { $set: { lane: '$priority', dueAt: '$queuedAt', lease: '$$REMOVE', attempts: { $subtract: ['$attempts', 1] } } },
        ])
      }
    },

    claimReadBack: async (recipientId, limit) =>
      take(await idsOf(recipientId, lanes.readBack, limit), [lanes.readBack], {
        // comes back by itself where the process ends
        dueAt: { $literal: clock.now() + 600_000 },
      }),

    reassert: async (ids) => {
      const now = clock.now()
      await rows.updateMany(
        { _id: { $in: [...ids] }, lane: { $lt: firstSettledLane }, assertion: { $lt: now } },
        { $set: { assertion: now } },
      )
    },

    nextDue: async (recipientId) => {
      const [optOut, optIn, lease, readBack] = await Promise.all(
        [lanes.optOut, lanes.optIn, lanes.inFlight, lanes.readBack].map((lane) => firstDue(recipientId, lane)),
      )
      const queue = optOut === undefined ? optIn : optIn === undefined ? optOut : Math.min(optOut, optIn)
      return {
        ...(queue === undefined ? {} : { queue }),
        ...(lease === undefined ? {} : { lease }),
        ...(readBack === undefined ? {} : { readBack }),
      }
    },

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
