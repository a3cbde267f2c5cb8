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
  readonly accepted: Accepted
}

/** The answer that a change row, or a request that changed nothing, stands for. */
export function acceptedOf(row: { subjectId: SubjectId; version: number; acceptedAt: Date }, changed: boolean): Accepted {
  const { subjectId, version, acceptedAt } = row
  return { subjectId, version, changeId: changeIdOf(subjectId, version), changed, acceptedAt: acceptedAt.getTime() }
}

/** Those of the requests that were carried out before, by row id, in one round trip: the change itself remembers the one, `requests` those that changed nothing. */
export async function rememberedRequests(
  store: Pick<Store, 'changes' | 'requests'>,
  rowIds: readonly string[],
): Promise<Map<string, Remembered>> {
  const asked = { _id: { $in: [...rowIds] } }
  const projection = { subjectId: 1, version: 1, acceptedAt: 1, body: 1 }
  const [changed, unchanged] = await Promise.all([
    store.changes.find(asked, { projection, batchSize: 10_000 }).toArray(),
    store.requests.find(asked, { batchSize: 10_000 }).toArray(),
  ])
  const found = new Map<string, Remembered>()
  for (const row of changed) found.set(row._id, { body: row.body, accepted: acceptedOf(row, true) })
  for (const { _id, body, answer } of unchanged) {
    found.set(_id, { body, accepted: acceptedOf({ ...answer, acceptedAt: new Date(answer.acceptedAt) }, false) })
  }
  return found
}
