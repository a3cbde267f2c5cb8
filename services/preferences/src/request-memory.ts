import { type ChangeId, changeIdOf, type SubjectId } from '@heed/domain'
import type { Store } from './rows.ts'

/** A request that was taken. When an intake answers with it, the change is in the journal of a majority. */
export interface Accepted {
  readonly subjectId: SubjectId
  readonly version: number
  readonly changeId: ChangeId
  readonly changed: boolean
  /** ms since the epoch. */
  readonly acceptedAt: number
}

/** A request that was carried out before: the hash of its body, and what it was answered. */
export interface Remembered {
  readonly body: string | undefined
  /** Whether the person was erased since; then nobody can tell any more whether a repeat asks for the same. */
  readonly erased: boolean
  readonly accepted: Accepted
}

/** The answer that a change row, or a request that changed nothing, stands for. */
export function acceptedOf(row: { subjectId: SubjectId; version: number; acceptedAt: Date }, changed: boolean): Accepted {
  const { subjectId, version, acceptedAt } = row
  return { subjectId, version, changeId: changeIdOf(subjectId, version), changed, acceptedAt: acceptedAt.getTime() }
}

type Asked = readonly string[]
const inOneRead = (rowIds: Asked) => ({ _id: { $in: [...rowIds] } })

/** Those of the requests that made a change, by row id, in one round trip: the change itself remembers them. */
export async function rememberedChanges(store: Pick<Store, 'changes'>, rowIds: Asked): Promise<Map<string, Remembered>> {
  const found = new Map<string, Remembered>()
  if (rowIds.length === 0) return found
  const projection = { subjectId: 1, version: 1, acceptedAt: 1, body: 1, erased: 1 }
  for (const row of await store.changes.find(inOneRead(rowIds), { projection, batchSize: 10_000 }).toArray()) {
    found.set(row._id, { body: row.body, erased: row.erased === true, accepted: acceptedOf(row, true) })
  }
  return found
}

/** Those of the requests that were carried out and changed nothing, by row id, in one round trip. */
export async function unchangedRequests(store: Pick<Store, 'requests'>, rowIds: Asked): Promise<Map<string, Remembered>> {
  const found = new Map<string, Remembered>()
  for (const { _id, body, answer } of await store.requests.find(inOneRead(rowIds), { batchSize: 10_000 }).toArray()) {
    found.set(_id, { body, erased: false, accepted: acceptedOf({ ...answer, acceptedAt: new Date(answer.acceptedAt) }, false) })
  }
  return found
}
