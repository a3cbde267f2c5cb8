import { changeFromEvent, decodeEvent, type Topics } from '@heed/contracts'
import { changeIdOf, deliveriesFor, type Policy, type RecipientId } from '@heed/domain'
import { asError } from '@heed/platform/errors'
import type { ConsumedBatch, ConsumedRecord, OutgoingRecord } from '@heed/platform/kafka'
import { deadLetterRecord, deliveryRecord } from './records.ts'

/** What a batch of changes comes to. */
export interface FannedOut {
  /** Everything to be published for the batch: deliveries in the order of the changes, and dead letters. */
  readonly records: readonly OutgoingRecord[]
  readonly changes: number
  readonly deliveries: ReadonlyMap<RecipientId, number>
  readonly unreadable: readonly { readonly offset: string; readonly reason: string; readonly error?: Error }[]
}

/**
 * The deliveries of a batch of changes: for each change one for each recipient that the policy names for it. The same batch gives the same deliveries, so a
 * crash before the offsets are committed repeats them word for word. A record that cannot be read, or that no delivery can be made of, becomes a dead letter
 * and the rest goes on. `now` is the time of reading, ms since the epoch.
 */
export function fanOut(
  policy: Policy,
  topics: Topics,
  batch: Pick<ConsumedBatch, 'topic' | 'partition' | 'records'>,
  now: number,
): FannedOut {
  const records: OutgoingRecord[] = []
  const deliveries = new Map<RecipientId, number>()
  const unreadable: FannedOut['unreadable'][number][] = []
  for (const record of batch.records) {
    // a tombstone says that a key is gone from the topic; nobody has to be told
    if (record.value === null && record.unreadable === undefined) continue
    const made = deliveriesOf(policy, topics, record)
    if (made.ok) {
      for (const { recipientId, record: delivery } of made.deliveries) {
        records.push(delivery)
        deliveries.set(recipientId, (deliveries.get(recipientId) ?? 0) + 1)
      }
    } else {
      records.push(deadLetterRecord(topics, { ...batch, record }, made.reason, now))
      unreadable.push({ offset: record.offset, reason: made.reason, ...(made.error === undefined ? {} : { error: made.error }) })
    }
  }
  return { records, changes: batch.records.length, deliveries, unreadable }
}

type Made =
  | { readonly ok: true; readonly deliveries: readonly { readonly recipientId: RecipientId; readonly record: OutgoingRecord }[] }
  | { readonly ok: false; readonly reason: string; readonly error?: Error }

function deliveriesOf(policy: Policy, topics: Topics, record: ConsumedRecord): Made {
  if (record.unreadable !== undefined) return { ok: false, reason: record.unreadable }
  const decoded = decodeEvent(record, ['heed.preference.changed.v1'])
  if (!decoded.ok) return { ok: false, reason: decoded.reason }
  if (decoded.event.type !== 'heed.preference.changed.v1') return { ok: false, reason: 'not the type that was asked for' }
  const { data } = decoded.event
  if (data.changeId !== changeIdOf(data.subjectId, data.version)) return { ok: false, reason: 'changeId contradicts subjectId and version' }
  try {
    const deliveries = deliveriesFor(policy, changeFromEvent(data)).map((delivery) => ({
      recipientId: delivery.recipientId,
      record: deliveryRecord(topics, delivery, decoded.traceparent),
    }))
    return { ok: true, deliveries }
  } catch (thrown) {
    // a fault of ours in one change must not hold up every other subject of the partition; the sweep of audit names the deliveries that are missing
    return { ok: false, reason: 'no delivery could be made of it', error: asError(thrown) }
  }
}
