import { changeToEvent, encodeEvent } from '@heed/contracts'
import { type Change, changeIdOf, type HeldChoice, type PurposeKey, purposeOf, type SubjectId, subjectIdOf } from '@heed/domain'
import type { ConsumedRecord } from '@heed/platform/kafka'

/** 2026-03-01T09:30:00Z: when built changes are accepted. */
export const exampleTime = Date.UTC(2026, 2, 1, 9, 30)

/** Always the same subject for the same number; a higher number comes later in the order of ids. */
export function subject(number: number): SubjectId {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setUint32(0, number)
  return subjectIdOf(bytes)
}

/** A change that denies these purposes, of which all but the last were denied before. */
export function denial(subjectId: SubjectId, version = 1, ...purposes: string[]): Change {
  const keys = (purposes.length === 0 ? ['email-marketing'] : purposes) as PurposeKey[]
  const choices: Record<PurposeKey, HeldChoice> = {}
  for (const key of keys) choices[key] = { choice: 'denied', version, at: exampleTime }
  return {
    id: changeIdOf(subjectId, version),
    snapshot: { subjectId, version, choices },
    cause: 'choice',
    changed: keys.slice(-1).map(purposeOf),
    linked: [],
    origin: { kind: 'person', caller: 'accounts' },
    policyVersion: 'p1',
    acceptedAt: exampleTime + version * 1_000,
  }
}

/** The change as preferences publishes it. */
export function changeRecord(topic: string, change: Change) {
  const { subjectId } = change.snapshot
  const event = encodeEvent('heed.preference.changed.v1', subjectId, changeToEvent(change), {
    id: change.id,
    source: 'services/preferences',
    time: change.acceptedAt,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  })
  return { topic, ...event }
}

/** A record as it is read. */
export function consumed(
  record: { key: string; value: string; headers: Readonly<Record<string, string>> },
  offset: number,
): ConsumedRecord {
  return { key: record.key, value: Buffer.from(record.value), headers: record.headers, offset: String(offset), timestamp: exampleTime }
}
