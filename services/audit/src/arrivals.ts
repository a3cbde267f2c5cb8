import { createHash } from 'node:crypto'
import { type ActType, decodeEvent, type EventData, type Topics, type TrailEvent } from '@heed/contracts'
import { changeIdOf, deliveryIdOf, type RecipientId } from '@heed/domain'
import type { ConsumedBatch, ConsumedRecord } from '@heed/platform/kafka'
import { type Entry, entryOf } from '@heed/trail'

/** Something that happened and was read from a topic, with the entry that the trail gets for it. */
export interface Arrival {
  readonly event: TrailEvent
  readonly entry: Entry
}

/** What a batch of records holds: what could be read, and the dead letters for what could not. */
export interface ReadBatch {
  readonly arrivals: readonly Arrival[]
  readonly unreadable: readonly EventData<'heed.record.unreadable.v1'>[]
}

const acts: readonly ActType[] = [
  'heed.disclosure.made.v1',
  'heed.link.made.v1',
  'heed.link.used.v1',
  'heed.identifiers.linked.v1',
  'heed.subject.erased.v1',
  'heed.suppressions.imported.v1',
  'heed.disclosure.reported.v1',
  'heed.operator.acted.v1',
  'heed.policy.loaded.v1',
  'heed.configuration.changed.v1',
  'heed.journal.counted.v1',
]

/** Matches every topic under the prefix that audit listens to, those of recipients that come later included. */
export function auditTopics(topics: Topics): RegExp {
  const fixed = [topics.preferences, topics.outcomes, topics.acts, topics.controls, topics.deadLetters]
  const escaped = fixed.map((topic) => topic.replace(/[.\\+*?[^\]$(){}=!<>|:#-]/g, '\\$&'))
  return new RegExp(`^(?:${escaped.join('|')})$|${topics.everyDelivery.source}`)
}

function acceptedOn(topics: Topics, topic: string): readonly TrailEvent['type'][] {
  switch (topic) {
    case topics.preferences:
      return ['heed.preference.changed.v1']
    case topics.outcomes:
      return ['heed.delivery.attempted.v1']
    case topics.acts:
      return acts
    case topics.controls:
      return ['heed.recipient.paused.v1', 'heed.delivery.resolved.v1']
    case topics.deadLetters:
      return ['heed.record.unreadable.v1']
    default:
      return ['heed.delivery.requested.v1']
  }
}

/** Reads the records of a batch. Never throws for what a record holds. `now` is the time of reading, ms since the epoch. */
export function readBatch(topics: Topics, batch: Pick<ConsumedBatch, 'topic' | 'partition' | 'records'>, now: number): ReadBatch {
  const accepted = acceptedOn(topics, batch.topic)
  const arrivals: Arrival[] = []
  const unreadable: EventData<'heed.record.unreadable.v1'>[] = []
  for (const record of batch.records) {
    // a tombstone says that a key is gone from a compacted topic; nothing happened
    if (record.value === null && record.unreadable === undefined) continue
    const value = record.value ?? Buffer.alloc(0)
    const read = record.unreadable ?? readRecord(record, value, accepted)
    if (typeof read === 'object') arrivals.push(read)
    else {
      unreadable.push({
        topic: batch.topic,
        partition: batch.partition,
        offset: record.offset,
        reason: read,
        sha256: createHash('sha256').update(value).digest('hex'),
        bytes: value.length,
        readBy: 'audit',
        at: now,
      })
    }
  }
  return { arrivals, unreadable }
}

function readRecord(record: ConsumedRecord, value: Buffer, accepted: readonly TrailEvent['type'][]): Arrival | string {
  const decoded = decodeEvent({ value, headers: record.headers }, accepted)
  if (!decoded.ok) return decoded.reason
  const { event } = decoded
  // not among the accepted ones
  if (event.type === 'heed.checkpoint.signed.v1' || event.type === 'heed.job.reported.v1') return `${event.type} is no entry`
  const fault = contradiction(event)
  if (fault !== undefined) return fault
  try {
    return { event, entry: entryOf(event, record.timestamp) }
  } catch (thrown) {
    if (thrown instanceof TypeError) return 'the value has no canonical form'
    throw thrown
  }
}

/** What is wrong with an event whose ids do not say the same; the schema looks at each by itself. */
function contradiction(event: TrailEvent): string | undefined {
  switch (event.type) {
    case 'heed.preference.changed.v1':
      return event.data.changeId === changeIdOf(event.data.subjectId, event.data.version)
        ? undefined
        : 'changeId contradicts subjectId and version'
    case 'heed.delivery.requested.v1':
    case 'heed.delivery.attempted.v1':
    case 'heed.delivery.resolved.v1': {
      const { deliveryId, recipientId, subjectId, version } = event.data
      return deliveryId === deliveryIdOf(recipientId as RecipientId, subjectId, version)
        ? undefined
        : 'deliveryId contradicts recipientId, subjectId and version'
    }
    default:
      return undefined
  }
}
