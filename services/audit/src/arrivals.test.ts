import { type EventType, encodeEvent, topicsOf } from '@heed/contracts'
import type { ConsumedRecord } from '@heed/platform/kafka'
import { describe, expect, it } from 'vitest'
import { auditTopics, readBatch } from './arrivals.ts'
import { accepted, exampleTime, recipient, requested, subject } from './testing/events.ts'

const topics = topicsOf('heed.it')
const duty = { recipientId: recipient('mailchimp'), subjectId: subject(1), version: 1 }

function record(type: EventType, data: object, offset = 0): ConsumedRecord {
  const { key, value, headers } = encodeEvent(type, 'k', data as never, { id: 'i', source: 'services/example', time: exampleTime })
  return { key, value: Buffer.from(value), headers, offset: String(offset), timestamp: exampleTime + 7 }
}

const read = (topic: string, ...records: ConsumedRecord[]) => readBatch(topics, { topic, partition: 1, records }, exampleTime + 99)

describe('the topics that audit listens to', () => {
  it('are all of its prefix, recipients that come later included, and none of another', () => {
    const pattern = auditTopics(topics)
    for (const topic of [topics.preferences, topics.outcomes, topics.acts, topics.controls, topics.deadLetters]) {
      expect([topic, pattern.test(topic)]).toEqual([topic, true])
    }
    expect(pattern.test(topics.deliveries(recipient('a-new-one')))).toBe(true)
    for (const topic of ['heedxit.preferences.v1', 'other.heed.it.preferences.v1', 'heed.it.preferences.v1.copy', 'heed.it.things.v1']) {
      expect([topic, pattern.test(topic)]).toEqual([topic, false])
    }
  })
})

describe('a batch', () => {
  it('gives each event with its entry; a request is dated by its publication', () => {
    const { arrivals } = read(topics.deliveries(duty.recipientId), record('heed.delivery.requested.v1', requested(duty).data))
    expect(arrivals.map(({ entry }) => [entry.kind, entry.at])).toEqual([['delivery-requested', exampleTime + 7]])
  })

  it('gives a dead letter for what stands on the wrong topic, contradicts itself, has no text, or came in a batch that could not be decoded', () => {
    const change = accepted(subject(1), 1).data
    const half = { deliveryId: `mailchimp/${subject(1)}/1`, ...duty, by: 'x', why: 'half a pair: \ud800', at: exampleTime }
    const undecodable: ConsumedRecord = {
      key: null,
      value: Buffer.from('abc'),
      headers: {},
      offset: '9',
      timestamp: 0,
      unreadable: 'compression zstd',
    }
    const letters = [
      ...read(topics.outcomes, record('heed.preference.changed.v1', change)).unreadable,
      ...read(topics.preferences, record('heed.preference.changed.v1', { ...change, version: 2 })).unreadable,
      ...read(topics.controls, record('heed.delivery.resolved.v1', { ...half, version: 2 })).unreadable,
      ...read(topics.controls, record('heed.delivery.resolved.v1', half)).unreadable,
      ...read(topics.acts, undecodable).unreadable,
    ]
    expect(letters.map(({ reason }) => reason)).toEqual([
      'the type heed.preference.changed.v1 is not expected on this topic',
      'changeId contradicts subjectId and version',
      'deliveryId contradicts recipientId, subjectId and version',
      'the value has no canonical form',
      'compression zstd',
    ])
    expect(letters.at(-1)).toMatchObject({
      topic: topics.acts,
      partition: 1,
      offset: '9',
      bytes: 3,
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      readBy: 'audit',
    })
  })

  it('goes on after a record that it cannot read, and leaves tombstones alone', () => {
    const tombstone: ConsumedRecord = { key: 'k', value: null, headers: {}, offset: '1', timestamp: 0 }
    const garbage: ConsumedRecord = {
      key: 'k',
      value: Buffer.from('{'),
      headers: { ce_type: 'heed.preference.changed.v1' },
      offset: '2',
      timestamp: 0,
    }
    const { arrivals, unreadable } = read(
      topics.preferences,
      tombstone,
      garbage,
      record('heed.preference.changed.v1', accepted(subject(1), 1).data),
    )
    expect([arrivals.length, unreadable.length]).toEqual([1, 1])
  })
})
