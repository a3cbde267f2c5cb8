import { deliveryToEvent, encodeEvent, type Topics } from '@heed/contracts'
import type { Delivery } from '@heed/domain'
import type { OutgoingRecord } from '@heed/platform/kafka'

/** What this service calls itself in events. */
export const source = 'services/propagation'

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
