import { changeToEvent } from '@heed/contracts'
import { type PurposeKey, purposeOf, type SubjectId } from '@heed/domain'
import { changeOf, type Journal } from './journal.ts'
import type { ChangeRow, Store } from './rows.ts'

/** One page of a scan. */
export interface SnapshotPage {
  readonly rows: readonly ChangeRow[]
  /** The subject id after which the next page begins. */
  readonly cursor: string
}

const pageSize = 500

/**
 * The newest row of every subject that has one and was neither merged nor erased, in the order of subject ids, a page at a time. A subject whose id lies behind the cursor
 * when it first appears is not seen: whoever scans also follows what is published from before the scan began.
 */
export async function* scanSnapshots(options: {
  readonly store: Store
  readonly journal: Journal
  readonly cursor: string
  /** Only rows that hold a choice for one of these purposes; all where it is empty. */
  readonly purposes: readonly PurposeKey[]
  readonly signal: AbortSignal
}): AsyncGenerator<SnapshotPage> {
  const { store, journal, purposes, signal } = options
  let { cursor } = options
  const wanted = new Set(purposes.map(purposeOf))
  while (!signal.aborted) {
    const ids = await store.subjects
      .find({ _id: { $gt: cursor as SubjectId } }, { projection: { _id: 1 }, sort: { _id: 1 }, limit: pageSize, batchSize: pageSize })
      .map(({ _id }) => _id)
      .toArray()
    const last = ids.at(-1)
    if (last === undefined) return
    const newest = await journal.newest(ids)
    const rows: ChangeRow[] = []
    for (const id of ids) {
      const row = newest.get(id)
      if (row !== undefined && row.mergedInto === undefined && row.erased === undefined && holds(row, wanted)) rows.push(row)
    }
    cursor = last
    yield { rows, cursor }
    if (ids.length < pageSize) return
  }
}

function holds(row: ChangeRow, purposes: ReadonlySet<PurposeKey>): boolean {
  return purposes.size === 0 || (Object.keys(row.choices) as PurposeKey[]).some((key) => purposes.has(purposeOf(key)))
}

/** A row as a scan hands it out: what the topic carries. */
export function snapshotRecord(row: ChangeRow): { subjectId: string; version: number; eventJson: string } {
  return { subjectId: row.subjectId, version: row.version, eventJson: JSON.stringify(changeToEvent(changeOf(row))) }
}
