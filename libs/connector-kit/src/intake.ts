import { createHash } from 'node:crypto'
import { decodeEvent, deliveryFromEvent, encodeEvent, type Topics } from '@heed/contracts'
import type { Delivery, RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { ConsumedBatch, ConsumedRecord, OutgoingRecord, Publisher } from '@heed/platform/kafka'
import type { Logger } from '@heed/platform/log'
import type { JobReport } from './contract.ts'
import type { Controls } from './controls.ts'

/** What reading one recipient's topics needs. */
export interface IntakeOptions {
  readonly recipientId: RecipientId
  /** Stores deliveries of this recipient, all of which are then due where they are news. */
  accept(deliveries: readonly Delivery[]): Promise<void>
  readonly controls: Controls
  /** Keeps what the recipient reported by itself. */
  reported(reports: readonly JobReport[]): Promise<void>
  readonly publisher: Publisher
  readonly topics: Topics
  readonly source: string
  readonly clock: Clock
  readonly log: Logger
}

/** Where records that cannot be read are told of. The bytes themselves stay where they are. */
function deadLetter(options: IntakeOptions, batch: ConsumedBatch, record: ConsumedRecord, reason: string): OutgoingRecord {
  const { topics, source, clock } = options
  const { topic, partition } = batch
  const bytes = record.value ?? Buffer.alloc(0)
  const key = `${topic}/${partition}/${record.offset}`
  const now = clock.now()
  const data = {
    topic,
    partition,
    offset: record.offset,
    reason: reason.slice(0, 500),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    readBy: source.slice(0, 64),
    at: now,
  }
  // the same record read twice makes the same letter
  return {
    topic: topics.deadLetters,
    ...encodeEvent('heed.record.unreadable.v1', key, data, { id: `${key}#${data.readBy}`, source, time: now }),
  }
}

/**
 * Takes in a batch of deliveries, controls or reports. When it returns, what could be read is stored and what could not is with the dead letters: the offsets may be
 * committed. It never waits for a vendor.
 */
export function intake(options: IntakeOptions): (batch: ConsumedBatch) => Promise<void> {
  const { recipientId, controls, publisher, topics, log } = options

  const takeControls = async (batch: ConsumedBatch) => {
    for (const record of batch.records) {
      if (record.value === null) continue
      const decoded = decodeEvent(record, ['heed.recipient.paused.v1', 'heed.delivery.resolved.v1'])
      // its dead letter is the trail's to write: every connector reads this topic
      if (!decoded.ok) log.warn({ recipientId, offset: record.offset, detail: decoded.reason }, 'control.unreadable')
      else if (decoded.event.type === 'heed.recipient.paused.v1' && decoded.event.data.recipientId === recipientId) {
        await controls.pausedOrResumed(decoded.event.data)
      } else if (decoded.event.type === 'heed.delivery.resolved.v1' && decoded.event.data.recipientId === recipientId) {
        await controls.resolved(decoded.event.data)
      }
    }
  }

  const takeDeliveries = async (batch: ConsumedBatch) => {
    const deliveries: Delivery[] = []
    const letters: OutgoingRecord[] = []
    for (const record of batch.records) {
      // a tombstone asks for nothing
      if (record.value === null) continue
      const decoded = decodeEvent(record, ['heed.delivery.requested.v1'])
      if (!decoded.ok) letters.push(deadLetter(options, batch, record, decoded.reason))
      else if (decoded.event.type === 'heed.delivery.requested.v1') {
        const delivery = deliveryFromEvent(decoded.event.data)
        if (delivery.recipientId === recipientId) deliveries.push(delivery)
        else letters.push(deadLetter(options, batch, record, 'the delivery is for another recipient than the topic'))
      }
    }
    if (letters.length > 0) {
      log.warn({ recipientId, records: letters.length, topic: batch.topic, partition: batch.partition }, 'record.unreadable')
      await publisher.publish(letters)
    }
    if (deliveries.length > 0) await options.accept(deliveries)
  }

  const takeReports = async (batch: ConsumedBatch) => {
    const reports: JobReport[] = []
    for (const record of batch.records) {
      if (record.value === null) continue
      const decoded = decodeEvent(record, ['heed.job.reported.v1'])
      // every recipient that reports has a reader here: one letter of one of them would be as many
      if (!decoded.ok) log.warn({ recipientId, offset: record.offset, detail: decoded.reason }, 'report.unreadable')
      else if (decoded.event.type === 'heed.job.reported.v1' && decoded.event.data.recipientId === recipientId)
        reports.push(decoded.event.data)
    }
    if (reports.length > 0) await options.reported(reports)
  }

  return (batch) => {
    if (batch.topic === topics.controls) return takeControls(batch)
    return batch.topic === topics.callbacks ? takeReports(batch) : takeDeliveries(batch)
  }
}
