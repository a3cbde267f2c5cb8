import { createHash, randomUUID } from 'node:crypto'
import { deliveryToEvent, type EventData, encodeEvent, type Topics } from '@heed/contracts'
import type { Delivery, DeliveryId, Policy, RecipientId, SubjectId } from '@heed/domain'
import type { ConsumedRecord, OutgoingRecord } from '@heed/platform/kafka'

/** What this service calls itself in events. */
export const source = 'services/propagation'

type Operated = EventData<'heed.operator.acted.v1'>

/** Something that an operator did. */
export interface Act {
  readonly act: Operated['act']
  /** The caller that asked for it. */
  readonly by: string
  /** ms since the epoch. */
  readonly at: number
  readonly recipientId?: RecipientId
  readonly subjectId?: SubjectId
  readonly deliveryId?: DeliveryId
  readonly why?: string
  /** The same act published twice has the same id; made up where absent. */
  readonly actId?: string
}

/** The record of a delivery, on its recipient's topic. Publishing it twice says the same thing twice. */
export function deliveryRecord(topics: Topics, delivery: Delivery, traceparent?: string): OutgoingRecord {
  return {
    topic: topics.deliveries(delivery.recipientId),
    ...encodeEvent('heed.delivery.requested.v1', delivery.subjectId, deliveryToEvent(delivery), {
      id: delivery.assertion === 0 ? delivery.id : `${delivery.id}#${delivery.assertion}`,
      source,
      time: Math.max(delivery.acceptedAt, delivery.assertion),
      ...(traceparent === undefined ? {} : { traceparent }),
    }),
  }
}

/** The record of an act, for the trail. */
export function actRecord(topics: Topics, { actId = randomUUID(), ...act }: Act): OutgoingRecord {
  const key = act.subjectId ?? act.recipientId ?? actId
  return { topic: topics.acts, ...encodeEvent('heed.operator.acted.v1', key, { actId, ...act }, { id: actId, source, time: act.at }) }
}

/** The record that tells connectors to hold back everything for a recipient, or to go on. */
export function pausedRecord(topics: Topics, control: EventData<'heed.recipient.paused.v1'>): OutgoingRecord {
  const id = `${control.recipientId}@${control.at}`
  return {
    topic: topics.controls,
    ...encodeEvent('heed.recipient.paused.v1', control.recipientId, control, { id, source, time: control.at }),
  }
}

/** The record that ends a delivery by the word of a named person. */
export function resolvedRecord(topics: Topics, control: EventData<'heed.delivery.resolved.v1'>): OutgoingRecord {
  const id = `${control.deliveryId}@${control.at}`
  return {
    topic: topics.controls,
    ...encodeEvent('heed.delivery.resolved.v1', control.deliveryId, control, { id, source, time: control.at }),
  }
}

/** The record that says which policy this process serves from now on. Each start is an act of its own: a policy may come back. */
export function policyLoadedRecord(topics: Topics, policy: Policy, sha256: string, at: number): OutgoingRecord {
  const actId = `policy-loaded/propagation/${randomUUID()}`
  const data = { actId, at, by: 'propagation', policyId: policy.id, policyVersion: policy.version, sha256, service: 'propagation' }
  return { topic: topics.acts, ...encodeEvent('heed.policy.loaded.v1', policy.id, data, { id: actId, source, time: at }) }
}

/** The dead letter of a record that could not be read: where it stands and what its bytes hash to, never the bytes. */
export function deadLetterRecord(
  topics: Topics,
  place: { readonly topic: string; readonly partition: number; readonly record: ConsumedRecord },
  reason: string,
  at: number,
): OutgoingRecord {
  const { topic, partition, record } = place
  const value = record.value ?? Buffer.alloc(0)
  const key = `${topic}/${partition}/${record.offset}`
  const data: EventData<'heed.record.unreadable.v1'> = {
    topic,
    partition,
    offset: record.offset,
    reason,
    sha256: createHash('sha256').update(value).digest('hex'),
    bytes: value.length,
    readBy: 'propagation',
    at,
  }
  return {
    topic: topics.deadLetters,
    ...encodeEvent('heed.record.unreadable.v1', key, data, { id: `${key}/propagation`, source, time: at }),
  }
}
