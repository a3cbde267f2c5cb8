import { changeFromEvent, decodeEvent, encodeEvent, type Topics } from '@heed/contracts'
import { deliveriesFor, type Policy } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { ConsumedBatch, ConsumedRecord, OutgoingRecord, Publisher } from '@heed/platform/kafka'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import { deliveryRecord, source } from './records.ts'

/** What the fan-out needs. */
export interface FanOutOptions {
  readonly policy: Policy
  readonly topics: Topics
  readonly publisher: Publisher
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/**
 * Handles changes: each becomes one delivery for each recipient that the policy in force names, all of a batch published together. It resolves once all are stored,
 * so that offsets committed afterwards lose nothing; a crash in between repeats deliveries, which connectors know by their version. It keeps nothing.
 */
export function fanOut(options: FanOutOptions): (batch: ConsumedBatch) => Promise<void> {
  const { policy, topics, publisher, clock, log, metrics } = options
  const changes = metrics.counter({
    name: 'heed_propagation_changes_total',
    help: 'Changes by what came of reading them',
    labels: ['result'],
  })
  const deliveries = metrics.counter({ name: 'heed_propagation_deliveries_total', help: 'Deliveries published', labels: ['recipient'] })

  const recordsOf = (batch: ConsumedBatch, record: ConsumedRecord): OutgoingRecord[] => {
    const decoded = decodeEvent(record, ['heed.preference.changed.v1'])
    if (!decoded.ok || decoded.event.type !== 'heed.preference.changed.v1') {
      changes.add({ result: 'unreadable' })
      const reason = record.unreadable ?? (decoded.ok ? 'another type' : decoded.reason)
      const { sha256, bytes } = decoded.ok ? { sha256: '0'.repeat(64), bytes: 0 } : decoded
      log.error({ topic: batch.topic, partition: batch.partition, offset: record.offset, reason, sha256 }, 'record.unreadable')
      const at = { topic: batch.topic, partition: batch.partition, offset: record.offset }
      const key = `${at.topic}/${at.partition}/${at.offset}`
      const data = { ...at, reason, sha256, bytes, readBy: 'propagation', at: clock.now() }
      return [{ topic: topics.deadLetters, ...encodeEvent('heed.record.unreadable.v1', key, data, { id: key, source, time: data.at }) }]
    }
    changes.add({ result: 'read' })
    const change = changeFromEvent(decoded.event.data)
    return deliveriesFor(policy, change).map((delivery) => {
      deliveries.add({ recipient: delivery.recipientId })
      return deliveryRecord(topics, delivery, decoded.traceparent)
    })
  }

  return async (batch) => {
    const startedAt = performance.now()
    const records = batch.records.flatMap((record) => recordsOf(batch, record))
    if (records.length > 0) await publisher.publish(records)
    log.debug(
      { changes: batch.records.length, records: records.length, durationMs: Math.round(performance.now() - startedAt) },
      'changes.fanned-out',
    )
  }
}
