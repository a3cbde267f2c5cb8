import { emptySnapshot, type IdentifierKind, type Snapshot, type SubjectId } from '@heed/domain'
import type { Directory } from './directory.ts'
import type { PersonRef } from './door.ts'
import { unknownSubject } from './faults.ts'
import { type Journal, snapshotOf } from './journal.ts'
import type { ChangeRow, Store } from './rows.ts'

/** A person as Heed knows it now. */
export interface Person {
  /** The subject that stands for the person now; undefined for an identifier that nobody owns. */
  readonly subjectId: SubjectId | undefined
  /** Set where the subject that was asked for has been merged. */
  readonly mergedFrom?: SubjectId
  readonly row: ChangeRow | undefined
  /** What is held; nothing at version 0 for somebody who is not known. */
  readonly snapshot: Snapshot
}

/** Reads about persons. Creates nobody. */
export interface People {
  /**
   * Each person in the order of the references, in two round trips for all of them.
   * @throws GrpcFault NOT_FOUND for a subject id that Heed has not given out, naming `field(index)`. An identifier that nobody owns is no fault.
   */
  find(refs: readonly PersonRef[], field: (index: number) => string): Promise<Person[]>
  /** How many identifiers of each kind a person has. */
  kinds(person: Person): Promise<Map<IdentifierKind, number>>
}

// a stranger has chosen nothing; no subject id is made up for that
const stranger: Person = { subjectId: undefined, row: undefined, snapshot: emptySnapshot('' as SubjectId) }

export function people(options: { readonly store: Store; readonly directory: Directory; readonly journal: Journal }): People {
  const { store, directory, journal } = options
  return {
    async find(refs, field) {
      const lookupIds = refs.flatMap((ref) => (ref.by === 'identifier' ? [ref.lookupId] : []))
      const owners = lookupIds.length === 0 ? undefined : await directory.find(lookupIds)
      const asked = refs.map((ref) => (ref.by === 'subject' ? ref.subjectId : owners?.get(ref.lookupId)))
      const standings = await journal.effective(asked.filter((id) => id !== undefined))
      const unseen = refs.flatMap((ref) => (ref.by === 'subject' && standings.get(ref.subjectId)?.row === undefined ? [ref.subjectId] : []))
      const existing = await directory.subjects(unseen)
      return asked.map((id, index): Person => {
        const standing = id === undefined ? undefined : standings.get(id)
        if (id === undefined || standing === undefined) return stranger
        const { subjectId, row } = standing
        if (row === undefined && refs[index]?.by === 'subject' && !existing.has(id)) throw unknownSubject(field(index))
        return { subjectId, row, snapshot: snapshotOf(subjectId, row), ...(subjectId === id ? {} : { mergedFrom: id }) }
      })
    },
    async kinds({ subjectId, row }) {
      const counts = new Map<IdentifierKind, number>()
      if (subjectId === undefined) return counts
      const owners = [subjectId, ...(row?.absorbs ?? [])]
      for await (const { kind } of store.identifiers.find({ subjectId: { $in: owners } }, { projection: { kind: 1, _id: 0 } })) {
        counts.set(kind, (counts.get(kind) ?? 0) + 1)
      }
      return counts
    },
  }
}
