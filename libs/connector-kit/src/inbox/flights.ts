import type { RecipientId } from '@heed/domain'
import type { mongo } from 'mongoose'
import type { Expression } from './arrival-update.ts'
import { firstSettledLane, type InboxRow } from './row.ts'
import type { HeldRow } from './settlement.ts'

/**
 * What is about to be sent, kept for the case that this process ends before it is settled. One record for a batch, whatever its size: that it works on a row
 * is known to nobody else, because only the process that holds an account works on its rows at all.
 */
export interface Flight {
  readonly _id: string
  readonly recipientId: RecipientId
  readonly rows: readonly HeldRow[]
}

/** The records of what is in flight. */
export interface Flights {
  /** When begin returns, the record is durable: send then. */
  begin(flight: Flight): Promise<void>
  /** Everything of it is settled. */
  end(token: string): Promise<void>
  /**
   * Takes over what ended without being settled: one flight, or all of a recipient. Its rows have an unknown outcome, are quiet for so long, and are then due
   * again. Resolves with the number of rows.
   */
  recover(recipientId: RecipientId, options: { readonly quietSeconds: number; readonly token?: string }): Promise<number>
}

const literal = (value: unknown): Expression => ({ $literal: value })

/** Rows that still want what was sent, and whose try was never counted: it is counted now, as one that nobody knows the end of. */
function lostUpdate(attempt: number, now: number, quietUntil: number, tag: string): Expression[] {
  const entry = {
    version: '$version',
    assertion: '$assertion',
    attempt: literal(attempt),
    step: 'asserted',
    outcome: literal({ kind: 'deferred', reason: 'unavailable.process-ended' }),
    waitReason: 'unknown_outcome',
    nextTryAt: literal(quietUntil),
    at: literal(now),
    durationMs: literal(0),
  }
  return [
    {
      $set: {
        attempts: literal(attempt),
        dueAt: { $max: ['$dueAt', quietUntil] },
        quietUntil: literal(quietUntil),
        unknown: literal(true),
        waitReason: 'unknown_outcome',
        outbox: { $concatArrays: [{ $ifNull: ['$outbox', []] }, [entry]] },
        outboxTag: literal(tag),
      },
    },
  ]
}

/** Flights in a collection beside the rows. `newTag` marks what a write puts into outboxes. */
export function createFlights(
  flights: mongo.Collection<Flight>,
  rows: mongo.Collection<InboxRow>,
  options: { now(): number; newTag(): string },
): Flights {
  const takeOver = async (flight: Flight, quietSeconds: number): Promise<number> => {
    const now = options.now()
    const quietUntil = now + quietSeconds * 1000
    const tag = options.newTag()
    const open = { lane: { $lt: firstSettledLane } }
    const byTry = new Map<string, { row: HeldRow; ids: string[] }>()
    for (const row of flight.rows) {
      const key = `${row.version}/${row.assertion}/${row.attempt}`
      const group = byTry.get(key)
      if (group === undefined) byTry.set(key, { row, ids: [row.id] })
      else group.ids.push(row.id)
    }
    const writes: mongo.AnyBulkWriteOperation<InboxRow>[] = []
    for (const { row, ids } of byTry.values()) {
      const { version, assertion, attempt } = row
      const sent = { _id: { $in: ids }, version, assertion, attempts: attempt - 1, ...open }
      writes.push({ updateMany: { filter: sent, update: lostUpdate(attempt, now, quietUntil, tag) } })
      // a newer wish waits as long: what was sent for the older one may still be applied
      if (quietSeconds === 0) continue
      const newer = { _id: { $in: ids }, $nor: [{ version, assertion }], ...open }
      const waits = { $max: { dueAt: quietUntil, quietUntil }, $set: { unknown: true } }
      writes.push({ updateMany: { filter: newer, update: waits } })
    }
    const result = await rows.bulkWrite(writes, { ordered: false })
    await flights.deleteOne({ _id: flight._id })
    return result.modifiedCount
  }

  return {
    begin: async (flight) => {
      await flights.insertOne(flight)
    },
    end: async (token) => {
      // left behind by a crash it does no harm: its rows are settled, and taking it over changes none of them
      await flights.deleteOne({ _id: token }, { writeConcern: { w: 1 } })
    },
    recover: async (recipientId, { quietSeconds, token }) => {
      let count = 0
      for (const flight of await flights.find({ recipientId, ...(token === undefined ? {} : { _id: token }) }).toArray()) {
        count += await takeOver(flight, quietSeconds)
      }
      return count
    },
  }
}
