import { readdirSync, readFileSync } from 'node:fs'
import { decodeEvent, type EventType, encodeEvent, eventSchemas } from '@heed/contracts'
import { describe, expect, it } from 'vitest'

const folder = new URL('./samples/', import.meta.url)
const samples = readdirSync(folder).map((file) => {
  const sample = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { key: string; value: string; headers: Record<string, string> }
  return { file, sample, record: { value: Buffer.from(sample.value), headers: sample.headers } }
})
const types = Object.keys(eventSchemas) as EventType[]

describe('the oldest sample of every event', () => {
  it('is kept for each type', () => {
    expect(samples.map(({ sample }) => sample.headers.ce_type).sort()).toEqual([...types].sort())
  })

  it.each(samples)('still decodes, and is written the same again: $file', ({ sample, record }) => {
    const decoded = decodeEvent(record, types)
    if (!decoded.ok) throw new Error(decoded.reason)
    const { type, data } = decoded.event
    const envelope = { id: decoded.id, source: 'services/example', time: Date.parse(sample.headers.ce_time ?? '') }
    expect(JSON.parse(encodeEvent(type, sample.key, data as never, envelope).value)).toEqual(JSON.parse(sample.value))
  })

  it.each(samples)('still decodes when a newer writer has added a field: $file', ({ sample }) => {
    const value = Buffer.from(JSON.stringify({ ...JSON.parse(sample.value), addedLater: { anything: 1 } }))
    expect(decodeEvent({ value, headers: sample.headers }, types)).toMatchObject({ ok: true })
  })
})

describe('a record that cannot be read', () => {
  const headers = { ce_type: 'heed.delivery.attempted.v1', ce_id: '1' }
  const read = (value: Buffer | null, more: Record<string, string> = {}) =>
    decodeEvent({ value, headers: { ...headers, ...more } }, ['heed.delivery.attempted.v1'])

  it.each([
    ['no JSON', Buffer.from('{'), {}, 'the value is not JSON in UTF-8'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x7b]), {}, 'the value is not JSON in UTF-8'],
    ['no value', null, {}, 'the record has no value'],
    [
      'a type of the future',
      Buffer.from('{}'),
      { ce_type: 'heed.delivery.attempted.v2' },
      'the type heed.delivery.attempted.v2 is not expected on this topic',
    ],
  ])('is named with a reason and the hash of its bytes: %s', (_, value, more, reason) => {
    expect(read(value, more)).toMatchObject({
      ok: false,
      reason,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      bytes: value?.length ?? 0,
    })
  })

  it('names the fields and never their values', () => {
    const decoded = read(Buffer.from(JSON.stringify({ deliveryId: 'ada@example.org', 'bob@example.org': 1 })))
    expect(decoded.ok).toBe(false)
    expect(JSON.stringify(decoded)).not.toContain('@')
    expect(JSON.stringify(decoded)).toContain('deliveryId')
  })
})

describe('what leaves', () => {
  it('never breaks its own schema', () => {
    expect(() =>
      encodeEvent('heed.link.made.v1', 'k', { actId: 'a', at: 1, by: 'x', subjectId: 'ada@example.org', purpose: 'p' } as never, {
        id: '1',
        source: 's',
        time: 1,
      }),
    ).toThrow(/heed\.link\.made\.v1 breaks its schema at subjectId/)
  })

  it('has no free text of a caller beside reasons given by staff', () => {
    const free = /"(?:why|reason|by)"/
    for (const { sample } of samples) expect(sample.value.replace(new RegExp(free, 'g'), '')).not.toMatch(/@/)
  })
})
