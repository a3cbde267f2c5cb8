import type { SubjectId } from '@heed/domain'
import type { Lru } from '@heed/platform/cache'
import type { Directory } from './directory.ts'
import type { Head } from './intake-work.ts'
import type { Journal, Standing } from './journal.ts'
import { type Remembered, rememberedChanges, unchangedRequests } from './request-memory.ts'
import type { ChangeRow, Store } from './rows.ts'

/** What requests are decided on. */
export interface Findings {
  /** What is held by each subject. */
  readonly standings: ReadonlyMap<SubjectId, Standing>
  /** Ids that a caller named and nobody has. */
  readonly unknown: ReadonlySet<SubjectId>
  /** What a request was answered before. A request that is not certain and made a change is not found: its insert will fail. */
  before(rowId: string): Remembered | undefined
}

/**
 * Looks up what requests are decided on. A request that is not certain takes what is remembered of its subject, which may be older than what is stored; one
 * that is certain takes what is read after this call.
 */
export function intakeLookup(options: {
  readonly store: Pick<Store, 'changes' | 'requests'>
  readonly directory: Pick<Directory, 'subjects'>
  readonly journal: Pick<Journal, 'effective'>
  /** Newest rows as this process wrote or read them; what is read here is added. */
  readonly rows: Lru<SubjectId, ChangeRow>
}): (heads: readonly Head[]) => Promise<Findings> {
  const { store, directory, journal, rows } = options
  return async (heads) => {
    const standings = new Map<SubjectId, Standing>()
    const asked: SubjectId[] = []
    for (const [subjectId, { certain, fresh }] of heads) {
      const row = certain ? undefined : rows.get(subjectId)
      // a merged subject is followed to the one that is left
      if (row !== undefined && row.mergedInto === undefined) standings.set(subjectId, { subjectId, row })
      else if (fresh && !certain) standings.set(subjectId, { subjectId, row: undefined })
      else asked.push(subjectId)
    }
    const rowIds = heads.map(([, { item }]) => item.rowId)
    const certain = heads.flatMap(([, { item, certain }]) => (certain ? [item.rowId] : []))
    const [read, unchanged, changed] = await Promise.all([
      asked.length === 0 ? undefined : journal.effective(asked),
      unchangedRequests(store, rowIds),
      rememberedChanges(store, certain),
    ])
    for (const [subjectId, standing] of read ?? []) {
      standings.set(subjectId, standing)
      if (standing.row !== undefined && mayBeRemembered(standing.row)) rows.set(standing.subjectId, standing.row)
    }
    const named = heads.filter(([subjectId, { item }]) => item.ref.by === 'subject' && standings.get(subjectId)?.row === undefined)
    const ids = named.map(([subjectId]) => subjectId)
    const existing = await directory.subjects(ids)
    return {
      standings,
      unknown: new Set(ids.filter((id) => !existing.has(id))),
      before: (rowId) => changed.get(rowId) ?? unchanged.get(rowId),
    }
  }
}

/** Whether a decision may stand on the row later: not on one of an erasure, which changes where it stands. */
export function mayBeRemembered(row: ChangeRow): boolean {
  return row.barred === undefined
}
