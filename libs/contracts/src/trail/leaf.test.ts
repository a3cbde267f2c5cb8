import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeEvent } from '../envelope.ts'
import { type EventType, eventSchemas, type TrailEvent } from '../events.ts'
import { sealedCommitment, subjectCommitment } from './commitment.ts'
import { checkDisclosure, type Disclosure } from './disclosure.ts'
import { entryKindOf, eventTypeOf } from './entry-kinds.ts'
import { entryKinds, MAX_LEAF_BYTES, parseLeaf } from './leaf.ts'
import { leafOf, subjectsIn } from './leaf-of.ts'

const salt = (text: string) => createHash('sha256').update(text).digest()
const sealedSalt = () => salt('sealed')
const commitment = (subjectId: string) => subjectCommitment(salt(subjectId), subjectId)
const made = (event: TrailEvent) => leafOf(event, 1_772_357_400_000, { commitment, sealedSalt })
const disclosed = (event: TrailEvent): Disclosure => {
  const { sealed } = made(event)
  return {
    subjects: subjectsIn(event).map((subjectId) => ({ subjectId, salt: salt(subjectId) })),
    ...(sealed === undefined ? {} : { sealed: { text: sealed, salt: sealedSalt() } }),
  }
}

/** The oldest sample of every event that becomes an entry. */
const folder = new URL('../../../../tests/contracts/samples/', import.meta.url)
const events = readdirSync(folder).flatMap((file): TrailEvent[] => {
  const { value, headers } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { value: string; headers: Record<string, string> }
  const decoded = decodeEvent({ value: Buffer.from(value), headers }, Object.keys(eventSchemas) as EventType[])
  if (!decoded.ok) throw new Error(`${file}: ${decoded.reason}`)
  const { event } = decoded
  return event.type === 'heed.checkpoint.signed.v1' || event.type === 'heed.job.reported.v1' ? [] : [event]
})

const subjectId = 's-00000000000000000000000040'

/** The same with what came to be told since. */
const fuller = events.flatMap((event): TrailEvent[] => {
  switch (event.type) {
    case 'heed.disclosure.made.v1':
      return [{ ...event, data: { ...event.data, handedTo: { role: 'advertising-operations', person: 'g.hopper' } } }]
    case 'heed.delivery.resolved.v1':
      return [{ ...event, data: { ...event.data, evidence: 'ticket:4711' } }]
    case 'heed.journal.counted.v1':
      return [{ ...event, data: { ...event.data, sha256: 'ab'.repeat(32) } }]
    default:
      return []
  }
})
const attempt: TrailEvent = {
  type: 'heed.delivery.attempted.v1',
  data: {
    deliveryId: `mailchimp/${subjectId}/3`,
    recipientId: 'mailchimp',
    subjectId,
    version: 3,
    assertion: 0,
    outcomeId: `mailchimp/${subjectId}/3#0.1.1`,
    attempt: 1,
    outcome: { kind: 'accepted', final: false, receipt: 'batch-4711' },
    at: 1_772_357_400_000,
    durationMs: 12,
  },
} as TrailEvent

describe('the leaf of an event', () => {
  it('is pinned: another encoding would be another tree', () => {
    expect(made(attempt).text).toBe(
      `{"at":1772357400000,"by":"connector","format":1,"kind":"delivery-attempted","recipient":"mailchimp",` +
        `"sealed":"${sealedCommitment(sealedSalt(), '{"receipt":"batch-4711"}')}","subject":"${commitment(subjectId)}","version":3,` +
        `"what":{"assertion":0,"attempt":1,"durationMs":12,"outcome":{"final":false,"kind":"accepted"},"step":"0.1.1"}}`,
    )
    const all = events.map((event) => made(event).text).sort()
    expect(createHash('sha256').update(all.join('\n')).digest('hex')).toMatchInlineSnapshot(
      `"6e2af5fa0df697a11dd381bc5a95757121eb208e5db73ee1bc67c929fc881a29"`,
    )
  })

  it.each(events)('says whom it is about only as a commitment, in no field and no id: $type', (event) => {
    const { text } = made(event)
    for (const id of subjectsIn(event)) expect(text).not.toContain(id)
    expect(text).not.toMatch(/s-[0-9a-hjkmnp-tv-z]{26}/)
  })

  it.each(events)('holds no free text and no reference of anybody: $type', (event) => {
    const { text } = made(event)
    const free: string[] = []
    const walk = (value: unknown, key: string) => {
      if (typeof value === 'string' && ['why', 'reference', 'receipt', 'tokenFingerprint'].includes(key)) free.push(value)
      else if (typeof value === 'object' && value !== null) for (const [name, inner] of Object.entries(value)) walk(inner, name)
    }
    walk(event.data, '')
    if (event.type === 'heed.delivery.resolved.v1') free.push(event.data.by)
    if (event.type === 'heed.recipient.paused.v1') free.push(event.data.reason)
    for (const words of free) expect(text).not.toContain(words)
    // not lost: it stands under the commitment
    if (free.length > 0) for (const words of free) expect(made(event).sealed).toContain(words)
  })

  it.each(events)('can be read back, and only as it was written: $type', (event) => {
    const { text, leaf } = made(event)
    expect(parseLeaf(text)).toEqual(JSON.parse(JSON.stringify(leaf)))
    expect(parseLeaf(` ${text}`)).toBeUndefined()
    expect(parseLeaf(text.replace('"format":1', '"format":2'))).toBeUndefined()
    expect(parseLeaf(text.replace('"format":1', '"extra":1,"format":1'))).toBeUndefined()
  })

  it.each(events)('is bound to what is disclosed, and to nothing else: $type', (event) => {
    const { leaf } = made(event)
    const disclosure = disclosed(event)
    expect(checkDisclosure(leaf, disclosure)).toEqual({ ok: true })
    const other = 's-00000000000000000000000080'
    expect(checkDisclosure(leaf, { subjects: [{ subjectId: other, salt: salt(subjectId) }] }).ok).toBe(false)
    for (const { subjectId } of disclosure.subjects)
      expect(checkDisclosure(leaf, { subjects: [{ subjectId, salt: salt('another') }] }).ok).toBe(false)
    expect(checkDisclosure(leaf, { subjects: [], sealed: { text: '{}', salt: sealedSalt() } }).ok).toBe(false)
    expect(checkDisclosure(leaf, { subjects: [{ subjectId: other, salt: Buffer.alloc(3) }] }).ok).toBe(false)
    expect(checkDisclosure(leaf, { subjects: [] })).toEqual({ ok: true })
  })

  it.each([...events, ...fuller])('changes with every fact but those that follow from the rest: $type', (event) => {
    // made of the other parts; when it was told stands in the leaf by itself
    const followed = new Set(['actId', 'changeId', 'deliveryId', 'outcomeId', 'at', 'acceptedAt'])
    const before = made(event).text
    const unbound: string[] = []
    const walk = (value: unknown, path: readonly (string | number)[]) => {
      const name = path.at(-1)
      if (typeof value === 'object' && value !== null)
        for (const [key, inner] of Object.entries(value)) walk(inner, [...path, Array.isArray(value) ? Number(key) : key])
      else if (typeof name !== 'string' || !followed.has(name)) {
        const changed = structuredClone(event)
        const holder = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], changed.data)
        const other = typeof value === 'boolean' ? !value : typeof value === 'number' ? value + 1 : `${String(value)}0`
        ;(holder as Record<string | number, unknown>)[name ?? ''] = other
        if (made(changed).text === before) unbound.push(path.join('.'))
      }
    }
    walk(event.data, [])
    expect(unbound).toEqual([])
  })

  it('has a kind that tells the type of its event again', () => {
    for (const event of events) expect(eventTypeOf(entryKindOf(event))).toBe(event.type)
    expect(new Set(entryKinds.map(eventTypeOf)).size).toBe(entryKinds.length - 1)
  })

  it('keeps facts that no bundle can carry under its commitment', () => {
    const settings = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`key-${index}`, 'x'.repeat(2_000)]))
    const data = { actId: 'a', at: 1, by: 'services/audit', service: 'services/audit', settings }
    const { text, sealed } = made({ type: 'heed.configuration.changed.v1', data })
    expect(Buffer.byteLength(text)).toBeLessThan(MAX_LEAF_BYTES)
    expect(sealed).toContain('key-59')
  })
})

describe('what is no leaf', () => {
  it.each(['', '{}', '[]', 'null', '1', '{', '{"format":1}', '\ud800', '{"__proto__":{},"format":1}'])('is not read: %j', (text) => {
    expect(parseLeaf(text)).toBeUndefined()
  })
})
