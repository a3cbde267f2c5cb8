import { emptySnapshot, type IdentifierKind, type Snapshot, type SubjectId } from '@heed/domain'
import type { Directory } from './directory.ts'
import type { PersonRef } from './door.ts'
import { unknownSubject } from './faults.ts'
import { type Journal, type Standing, snapshotOf } from './journal.ts'
import type { ChangeRow, Store } from './rows.ts'
import type { Suppression, Suppressions } from './suppressions.ts'

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

export function people(options: {
  readonly store: Store
  readonly directory: Directory
  readonly journal: Journal
  readonly suppressions: Pick<Suppressions, 'find'>
  /** What a suppressed identifier that nobody owns would begin with. */
  readonly suppressedSnapshot: (suppression: Suppression) => Snapshot
}): People {
  const { store, directory, journal, suppressions, suppressedSnapshot } = options

  /** The standing of each reference; undefined for an identifier that nobody owns. */
  const standingsOf = async (
    refs: readonly PersonRef[],
    attempt = 0,
  ): Promise<((Standing & { readonly asked: SubjectId }) | undefined)[]> => {
    const lookupIds = refs.flatMap((ref) => (ref.by === 'identifier' ? [ref.lookupId] : []))
    const owners = lookupIds.length === 0 ? undefined : await directory.find(lookupIds)
    const asked = refs.map((ref) => (ref.by === 'subject' ? ref.subjectId : owners?.get(ref.lookupId)))
    const standings = await journal.effective(asked.filter((id) => id !== undefined))
    const erased = refs.flatMap((ref, index) => {
      const id = asked[index]
      return ref.by === 'identifier' && id !== undefined && standings.get(id)?.row?.erased === true ? [ref.lookupId] : []
    })
    if (erased.length > 0 && attempt === 0) {
      // who was remembered as the owner was erased: the identifier is nobody's now, or somebody else's
      directory.forget(erased)
      return standingsOf(refs, 1)
    }
    return asked.map((id, index) => {
      const standing = id === undefined ? undefined : standings.get(id)
      if (id === undefined || standing === undefined) return undefined
      return refs[index]?.by === 'identifier' && standing.row?.erased === true ? undefined : { ...standing, asked: id }
    })
  }

  return {
    async find(refs, field) {
      const standings = await standingsOf(refs)
      const unknown = refs.flatMap((ref, index) => (ref.by === 'identifier' && standings[index] === undefined ? [ref] : []))
      const strangers = unknown.length === 0 ? undefined : await suppressions.find(unknown)
      const unseen = refs.flatMap((ref, index) => (ref.by === 'subject' && standings[index]?.row === undefined ? [ref.subjectId] : []))
      const existing = await directory.subjects(unseen)
      return refs.map((ref, index): Person => {
        const standing = standings[index]
        if (standing === undefined) {
          const suppression = ref.by === 'identifier' ? strangers?.get(ref.lookupId) : undefined
          return suppression === undefined ? stranger : { ...stranger, snapshot: suppressedSnapshot(suppression) }
        }
        const { subjectId, row, asked } = standing
        if (row === undefined && ref.by === 'subject' && !existing.has(asked)) throw unknownSubject(field(index))
        return { subjectId, row, snapshot: snapshotOf(subjectId, row), ...(subjectId === asked ? {} : { mergedFrom: asked }) }
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
