import { createHmac } from 'node:crypto'
import type { TrailEvent } from '@heed/contracts'
import { type Disclosure, eventTypeOf, leafOf, type MadeLeaf, subjectCommitment, subjectsIn } from '@heed/contracts/trail'
import type { SubjectId } from '@heed/domain'
import { bytesOf } from './bytes.ts'
import type { EntryRow, LogStore } from './rows.ts'

/** What the commitments of one subject are made of. */
export interface SubjectSecrets {
  readonly salt: Uint8Array
  readonly seal: Uint8Array
  readonly commitment: string
}

/** The secrets of subjects, by subject id. */
export type SecretsBySubject = ReadonlyMap<string, SubjectSecrets>

/** The secrets of a subject. */
export function secretsOf(subjectId: string, salt: Uint8Array, seal: Uint8Array): SubjectSecrets {
  return { salt, seal, commitment: subjectCommitment(salt, subjectId) }
}

/** The event that an entry was made of; undefined once its facts were taken out. */
export function eventOf({ kind, facts }: Pick<EntryRow, 'kind' | 'facts'>): TrailEvent | undefined {
  // what is stored was checked by the event's schema when it came in
  return facts === undefined ? undefined : ({ type: eventTypeOf(kind), data: JSON.parse(facts) } as TrailEvent)
}

/** Every subject that the entries speak of. */
export function subjectsOf(events: Iterable<TrailEvent | undefined>): string[] {
  const ids = new Set<string>()
  for (const event of events) if (event !== undefined) for (const subjectId of subjectsIn(event)) ids.add(subjectId)
  return [...ids]
}

/** The salt of the sealed facts of the entry at this place. */
export function sealedSalt(seal: Uint8Array, sequence: number): Uint8Array {
  return createHmac('sha256', seal).update(`sealed ${sequence}`).digest()
}

/**
 * The leaf of an entry, and what stands behind its commitments. `seal` is the log's own, for entries without a subject. Undefined where a secret that it needs is not
 * there any more.
 */
export function leafOfEntry(
  row: Pick<EntryRow, '_id' | 'at'>,
  event: TrailEvent,
  secrets: SecretsBySubject,
  seal: Uint8Array,
): (MadeLeaf & { readonly disclosure: Disclosure }) | undefined {
  const made = madeLeaf(row, event, secrets, seal)
  if (made === undefined) return undefined
  const { ids, leaf, salt } = made
  return {
    ...leaf,
    disclosure: {
      subjects: ids.flatMap((subjectId) => {
        const found = secrets.get(subjectId)
        return found === undefined ? [] : [{ subjectId, salt: found.salt }]
      }),
      ...(leaf.sealed === undefined ? {} : { sealed: { text: leaf.sealed, salt: salt() } }),
    },
  }
}

/** The bytes of that leaf alone, as text. */
export function leafTextOfEntry(
  row: Pick<EntryRow, '_id' | 'at'>,
  event: TrailEvent,
  secrets: SecretsBySubject,
  seal: Uint8Array,
): string | undefined {
  return madeLeaf(row, event, secrets, seal)?.leaf.text
}

function madeLeaf({ _id: sequence, at }: Pick<EntryRow, '_id' | 'at'>, event: TrailEvent, secrets: SecretsBySubject, seal: Uint8Array) {
  const ids = subjectsIn(event)
  for (const subjectId of ids) if (!secrets.has(subjectId)) return undefined
  const [first] = ids
  // most entries have nothing to seal: it costs as much as the leaf itself
  let held: Uint8Array | undefined
  const salt = () => {
    held ??= sealedSalt((first === undefined ? undefined : secrets.get(first)?.seal) ?? seal, sequence)
    return held
  }
  const leaf = leafOf(event, at, {
    commitment: (subjectId) => {
      const found = secrets.get(subjectId)
      if (found === undefined) throw new TypeError('the leaf speaks of a subject that its event does not name')
      return found.commitment
    },
    sealedSalt: salt,
  })
  return { ids, leaf, salt }
}

/** The secrets of these subjects that are still held. */
export async function readSecrets(store: Pick<LogStore, 'subjects'>, subjectIds: readonly string[]): Promise<Map<string, SubjectSecrets>> {
  const found = new Map<string, SubjectSecrets>()
  if (subjectIds.length === 0) return found
  // whatever is no subject id is simply not found
  for await (const { _id, salt, seal } of store.subjects.find({ _id: { $in: subjectIds as SubjectId[] } }, { batchSize: 5_000 }))
    found.set(_id, secretsOf(_id, new Uint8Array(bytesOf(salt)), new Uint8Array(bytesOf(seal))))
  return found
}
