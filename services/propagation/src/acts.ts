import { createHash, randomUUID } from 'node:crypto'
import { type EventData, encodeEvent, type Topics } from '@heed/contracts'
import type { DeliveryId, Policy, RecipientId, SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { Publisher } from '@heed/platform/kafka'
import { source } from './records.ts'

type Operated = EventData<'heed.operator.acted.v1'>

/** What operators do, told to connectors and to the trail. Each resolves once it is stored by the broker. */
export interface Acts {
  /** For the trail alone. */
  operated(act: {
    act: Operated['act']
    by: string
    recipientId?: RecipientId
    subjectId?: SubjectId
    deliveryId?: DeliveryId
    why?: string
    actId?: string
  }): Promise<void>
  /** Connectors hold back, or go on with, everything for a recipient. */
  paused(recipientId: RecipientId, paused: boolean, by: string, reason: string): Promise<void>
  /** A named person ends a delivery. */
  resolved(
    delivery: { deliveryId: DeliveryId; recipientId: RecipientId; subjectId: SubjectId; version: number },
    by: string,
    why: string,
  ): Promise<void>
  /** This service serves a policy from now on; the same policy loaded again is the same act. */
  policyLoaded(policy: Policy, fileBytes: Uint8Array): Promise<void>
}

/** Acts on the topics `acts` and `controls`. */
export function actsOn(topics: Topics, publisher: Publisher, clock: Clock): Acts {
  const acts: Acts = {
    async operated({ act, by, why, actId = randomUUID(), ...about }) {
      const at = clock.now()
      const key = about.subjectId ?? about.recipientId ?? about.deliveryId ?? actId
      const data: Operated = { actId, at, by, act, ...about, ...(why === undefined ? {} : { why }) }
      await publisher.publish([
        { topic: topics.acts, ...encodeEvent('heed.operator.acted.v1', key, data, { id: actId, source, time: at }) },
      ])
    },
    async paused(recipientId, paused, by, reason) {
      const at = clock.now()
      const id = randomUUID()
      const data = { recipientId, paused, by, reason, at }
      await publisher.publish([
        { topic: topics.controls, ...encodeEvent('heed.recipient.paused.v1', recipientId, data, { id, source, time: at }) },
      ])
      await acts.operated({ act: paused ? 'recipient-paused' : 'recipient-resumed', by, recipientId, why: reason, actId: id })
    },
    async resolved({ deliveryId, recipientId, subjectId, version }, by, why) {
      const at = clock.now()
      const id = randomUUID()
      const data = { deliveryId, recipientId, subjectId, version, by, why, at }
      await publisher.publish([
        { topic: topics.controls, ...encodeEvent('heed.delivery.resolved.v1', deliveryId, data, { id, source, time: at }) },
      ])
      await acts.operated({ act: 'delivery-resolved', by, deliveryId, subjectId, recipientId, why, actId: id })
    },
    async policyLoaded(policy, fileBytes) {
      const at = clock.now()
      const sha256 = createHash('sha256').update(fileBytes).digest('hex')
      const actId = `policy:${policy.id}:${policy.version}:${sha256.slice(0, 16)}`
      const data = { actId, at, by: 'propagation', policyId: policy.id, policyVersion: policy.version, sha256, service: 'propagation' }
      await publisher.publish([
        { topic: topics.acts, ...encodeEvent('heed.policy.loaded.v1', policy.id, data, { id: actId, source, time: at }) },
      ])
    },
  }
  return acts
}
