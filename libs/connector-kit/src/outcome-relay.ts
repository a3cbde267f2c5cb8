import { EventContractError, type EventData, encodeEvent, type Topics } from '@heed/contracts'
import { deliveryIdOf } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { OutgoingRecord, Publisher } from '@heed/platform/kafka'
import { type Loop, loop } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { mongo } from 'mongoose'
import type { WorkEvents } from './events.ts'
import type { InboxRow, OutboxEntry } from './inbox/row.ts'
import type { Probe } from './worker/recipient.ts'

type OutboxRow = Pick<InboxRow, '_id' | 'recipientId' | 'subjectId' | 'outbox' | 'outboxTag'>

/** The event of an outcome. The same entry always has the same outcome id, so that a repeat is seen. */
export function outcomeEvent(
  row: Pick<InboxRow, 'recipientId' | 'subjectId'>,
  entry: OutboxEntry,
): EventData<'heed.delivery.attempted.v1'> {
  const { version, assertion, attempt, step, outcome, waitReason, nextTryAt, at, durationMs } = entry
  const deliveryId = deliveryIdOf(row.recipientId, row.subjectId, version)
  return {
    deliveryId,
    recipientId: row.recipientId,
    subjectId: row.subjectId,
    version,
    assertion,
    outcomeId: `${deliveryId}#${assertion}.${attempt}.${step}`,
    attempt,
    outcome,
    ...(waitReason === undefined ? {} : { waitReason }),
    ...(nextTryAt === undefined ? {} : { nextTryAt: Math.round(nextTryAt) }),
    at,
    durationMs: Math.max(0, durationMs),
  }
}

/** The records of a row's outbox. An outcome that breaks its own contract is a fault of ours: it is logged, and holds nobody else up. */
function recordsOf(row: OutboxRow, topic: string, source: string, log: Logger): OutgoingRecord[] {
  return (row.outbox ?? []).flatMap((entry) => {
    const data = outcomeEvent(row, entry)
    try {
      const record = encodeEvent('heed.delivery.attempted.v1', row.subjectId, data, { id: data.outcomeId, source, time: entry.at })
      return [{ topic, ...record }]
    } catch (thrown) {
      if (!(thrown instanceof EventContractError)) throw thrown
      // its message names fields, never values
      log.error({ deliveryId: data.deliveryId, outcome: entry.outcome.kind, detail: thrown.message }, 'outcome.unpublishable')
      return []
    }
  })
}

/** What the relay needs. */
export interface RelayOptions {
  readonly rows: mongo.Collection<InboxRow>
  readonly publisher: Publisher
  readonly topics: Topics
  readonly source: string
  readonly clock: Clock
  readonly log: Logger
  readonly events: WorkEvents
  readonly probe: Probe
  /** How long it waits before it looks by itself: 30 s unless told. */
  readonly sweepMs?: number
}

const rowsPerTurn = 1_000

/**
 * Publishes what rows have in their outboxes, then clears it. What a crash leaves behind is published again after it, under the same outcome ids; what comes
 * into an outbox meanwhile stays for the next turn.
 */
export function outcomeRelay(options: RelayOptions): Loop {
  const { rows, publisher, topics, source, log, events, probe, clock, sweepMs = 30_000 } = options
  const run = async (): Promise<'again' | 'idle'> => {
    const projection = { recipientId: 1, subjectId: 1, outbox: 1, outboxTag: 1 }
    const found: OutboxRow[] = await rows
      .find({ outboxTag: { $exists: true } }, { projection, hint: 'outbox', batchSize: rowsPerTurn + 1 })
      .limit(rowsPerTurn)
      .toArray()
    if (found.length === 0) return 'idle'
    const records = found.flatMap((row) => recordsOf(row, topics.outcomes, source, log))
    await publisher.publish(records)
    await probe('published')
    const byTag = new Map<string, string[]>()
    for (const { _id, outboxTag = '' } of found) {
      const ids = byTag.get(outboxTag)
      if (ids === undefined) byTag.set(outboxTag, [_id])
      else ids.push(_id)
    }
    // guarded by the tag: what came in while these were published has another one
    const writes = [...byTag].map(([tag, ids]) => ({
      updateMany: { filter: { _id: { $in: ids }, outboxTag: tag }, update: { $unset: { outbox: 1 as const, outboxTag: 1 as const } } },
    }))
    await rows.bulkWrite(writes, { ordered: false })
    events.outcomesPublished(records.length)
    return found.length === rowsPerTurn ? 'again' : 'idle'
  }
  return loop({ name: 'outcomes', everyMs: sweepMs, run, log, clock })
}
