import { decodeEvent, topicsOf } from '@heed/contracts'
import { describe, expect, it } from 'vitest'
import { fanOut } from './fan-out.ts'
import { changeRecord, consumed, denial, exampleTime, subject } from './testing/changes.ts'
import { examplePolicy } from './testing/policy.ts'

const topics = topicsOf('heed')
const policy = examplePolicy()
const batchOf = (...records: Parameters<typeof consumed>[0][]) => ({
  topic: topics.preferences,
  partition: 2,
  records: records.map((record, offset) => consumed(record, offset)),
})
const of = (...changes: ReturnType<typeof denial>[]) => batchOf(...changes.map((change) => changeRecord(topics.preferences, change)))

describe('a batch of changes', () => {
  it('becomes one delivery for each recipient that the policy names, and none for those whom nobody tells', () => {
    const made = fanOut(policy, topics, of(denial(subject(1)), denial(subject(2), 1, 'analytics')), exampleTime)
    expect(made.records.map(({ topic, key }) => [topic, key])).toEqual([
      ['heed.deliveries.mailchimp.v1', subject(1)],
      ['heed.deliveries.agency.v1', subject(1)],
      ['heed.deliveries.statistics.v1', subject(2)],
      ['heed.deliveries.agency.v1', subject(2)],
    ])
    expect([...made.deliveries]).toEqual([
      ['mailchimp', 1],
      ['agency', 2],
      ['statistics', 1],
    ])
  })

  it('becomes the same records word for word when it is read again later', () => {
    const batch = of(denial(subject(1)), denial(subject(1), 2, 'email-marketing', 'analytics'))
    expect(fanOut(policy, topics, batch, exampleTime + 99_000).records).toEqual(fanOut(policy, topics, batch, exampleTime).records)
  })

  it('keeps the trace of the change', () => {
    const [delivery] = fanOut(policy, topics, of(denial(subject(1))), exampleTime).records
    expect(delivery?.headers).toMatchObject({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
  })

  it('says what the recipient must hold altogether, and what is new in it', () => {
    const change = denial(subject(1), 2, 'email-marketing', 'analytics')
    const agency = fanOut(policy, topics, of(change), exampleTime).records.find(({ topic }) => topic.includes('agency'))
    const decoded = decodeEvent({ value: Buffer.from(String(agency?.value)), headers: agency?.headers ?? {} }, [
      'heed.delivery.requested.v1',
    ])
    expect(decoded).toMatchObject({
      event: { data: { wanted: { 'email-marketing': 'denied', analytics: 'denied' }, changed: ['analytics'], assertion: 0, version: 2 } },
    })
  })

  it('turns what cannot be read into a dead letter with the hash of its bytes, and goes on', () => {
    const garbage = { key: 'k', value: '{"not": "a change"}', headers: { ce_type: 'heed.preference.changed.v1' } }
    const made = fanOut(policy, topics, batchOf(garbage, changeRecord(topics.preferences, denial(subject(1)))), exampleTime)
    expect(made.unreadable).toMatchObject([{ offset: '0' }])
    expect(made.records.map(({ topic }) => topic)).toEqual([
      topics.deadLetters,
      'heed.deliveries.mailchimp.v1',
      'heed.deliveries.agency.v1',
    ])
    expect(JSON.parse(String(made.records[0]?.value))).toMatchObject({
      topic: topics.preferences,
      partition: 2,
      offset: '0',
      // sha256 of the bytes above
      sha256: '17c96bd3ed72065bf9c38dc23b9cb6d8545d7d58ece23b9e6dbc1d83b8826adb',
      bytes: 19,
      readBy: 'propagation',
    })
  })

  it('refuses a change whose id belongs to another one', () => {
    const change = { ...denial(subject(1)), id: denial(subject(2)).id }
    expect(fanOut(policy, topics, of(change), exampleTime).unreadable).toMatchObject([
      { reason: 'changeId contradicts subjectId and version' },
    ])
  })

  it('leaves tombstones alone', () => {
    const batch = { ...batchOf(), records: [{ ...consumed({ key: 'k', value: '', headers: {} }, 0), value: null }] }
    expect(fanOut(policy, topics, batch, exampleTime)).toMatchObject({ records: [], unreadable: [] })
  })
})
