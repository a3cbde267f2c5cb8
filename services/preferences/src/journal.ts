import { type Change, changeIdOf, emptySnapshot, type Snapshot, type SubjectId } from '@heed/domain'
import { HeedError } from '@heed/platform/errors'
import { type ChangeRow, type Store, subjectVersionIndex } from './rows.ts'

/** What the journal adds to a change beside what the domain knows. */
export interface RowExtras {
  /** `<caller>:<request id>`; the change id where it is absent. */
  readonly rowId?: string
  readonly body?: string
  readonly absorbs?: readonly SubjectId[] | undefined
  readonly closing?: SubjectId
}

/** The row of a change, not published yet. */
export function rowOf(change: Change, extras: RowExtras): ChangeRow {
  const { snapshot } = change
  return {
    _id: extras.rowId ?? change.id,
    subjectId: snapshot.subjectId,
    version: snapshot.version,
    cause: change.cause,
    choices: snapshot.choices,
    changed: change.changed,
    linked: change.linked,
    origin: change.origin,
    policyVersion: change.policyVersion,
    acceptedAt: new Date(change.acceptedAt),
    publishedAt: null,
    ...(extras.body === undefined ? {} : { body: extras.body }),
    ...(snapshot.mergedInto === undefined ? {} : { mergedInto: snapshot.mergedInto }),
    ...(snapshot.barred === undefined ? {} : { barred: snapshot.barred }),
    ...(extras.absorbs === undefined || extras.absorbs.length === 0 ? {} : { absorbs: extras.absorbs }),
    ...(extras.closing === undefined ? {} : { closing: extras.closing }),
  }
}

/** The snapshot that a row holds; version 0 where a subject has no row yet. */
export function snapshotOf(subjectId: SubjectId, row: ChangeRow | undefined): Snapshot {
  if (row === undefined) return emptySnapshot(subjectId)
  const { version, choices, mergedInto, barred } = row
  return {
    subjectId,
    version,
    choices,
    ...(mergedInto === undefined ? {} : { mergedInto }),
    ...(barred === undefined ? {} : { barred }),
  }
}

/** The change that a row stands for. */
export function changeOf(row: ChangeRow): Change {
  return {
    id: changeIdOf(row.subjectId, row.version),
    snapshot: snapshotOf(row.subjectId, row),
    cause: row.cause,
    changed: row.changed,
    linked: row.linked,
    origin: row.origin,
    policyVersion: row.policyVersion,
    acceptedAt: row.acceptedAt.getTime(),
  }
}

/** Whether a refused insert lost the race for a version (and not one for a request id). */
export function lostVersion(duplicateKey: string): boolean {
  return duplicateKey === subjectVersionIndex
}

const longestChain = 64

/** Merges point from a subject to an older one, so that a chain has an end; one that has none was written by nobody of this room. */
export class MergeChainError extends HeedError {
  constructor(subjectId: SubjectId) {
    super('journal.endless-merge', `the merges of ${subjectId} have no end`)
  }
}

/** Reads of the journal. What was acknowledged before the call is seen. */
export interface Journal {
  /** The newest row of each subject that has one. */
  newest(subjectIds: readonly SubjectId[]): Promise<Map<SubjectId, ChangeRow>>
  /**
   * The subject that each id stands for now, with its newest row: itself, or the one that it was merged into at last. A subject without a row is there with
   * `row` undefined; whether it exists is another question.
   */
  effective(subjectIds: readonly SubjectId[]): Promise<Map<SubjectId, Standing>>
}

/** A subject as it stands now. */
export interface Standing {
  readonly subjectId: SubjectId
  readonly row: ChangeRow | undefined
}

/** The journal of a store, or of anything that can read the newest rows. */
export function journal(newest: Journal['newest']): Journal {
  return {
    newest,
    async effective(subjectIds) {
      const standings = new Map<SubjectId, Standing>()
      let rows = await newest(subjectIds)
      // which of the ids asked for wait for the end of their chain, by the subject that is to be read next
      let open = new Map<SubjectId, SubjectId[]>()
      const settle = (asked: SubjectId, subjectId: SubjectId) => {
        const row = rows.get(subjectId)
        if (row?.mergedInto === undefined) {
          standings.set(asked, { subjectId, row })
          return
        }
        const waiting = open.get(row.mergedInto)
        if (waiting === undefined) open.set(row.mergedInto, [asked])
        else waiting.push(asked)
      }
      for (const subjectId of subjectIds) settle(subjectId, subjectId)
      for (let hops = 0; open.size > 0; hops += 1) {
        const before = open
        open = new Map()
        const [first] = before.keys()
        if (hops === longestChain && first !== undefined) throw new MergeChainError(first)
        rows = await newest([...before.keys()])
        for (const [target, asked] of before) for (const one of asked) settle(one, target)
      }
      return standings
    },
  }
}

/** The newest rows, in one round trip. The sort and the first row of each group are one jump per subject in the index, however long a history is. */
export async function readNewest(store: Pick<Store, 'changes'>, subjectIds: readonly SubjectId[]): Promise<Map<SubjectId, ChangeRow>> {
  const newest = new Map<SubjectId, ChangeRow>()
  if (subjectIds.length === 0) return newest
  if (subjectIds.length === 1) {
    const row = await store.changes.findOne({ subjectId: { $in: [...subjectIds] } }, { sort: { version: -1 }, hint: subjectVersionIndex })
    if (row !== null) newest.set(row.subjectId, row)
    return newest
  }
  const groups = store.changes.aggregate<{ row: ChangeRow }>(
    [
      { $match: { subjectId: { $in: [...new Set(subjectIds)] } } },
      { $sort: { subjectId: 1, version: -1 } },
      { $group: { _id: '$subjectId', row: { $first: '$$ROOT' } } },
    ],
    { hint: subjectVersionIndex, batchSize: 10_000 },
  )
  // as an array: an iterator costs a promise for each row
  for (const { row } of await groups.toArray()) newest.set(row.subjectId, row)
  return newest
}
