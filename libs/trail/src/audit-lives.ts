import type { SubjectId } from '@heed/domain'
import { type AuditedStores, type JournalRow, lenient } from './audit-stores.ts'
import type { DeliveryRow } from './delivery-row.ts'
import { type Pages, pagesOf } from './pages.ts'
import type { EntryRow } from './rows.ts'

/** Everything about one subject. */
export interface Life {
  readonly subjectId: SubjectId
  readonly entries: readonly EntryRow[]
  readonly changes: readonly JournalRow[]
  readonly deliveries: readonly DeliveryRow[]
}

/** Entries that tell of changes and deliveries. */
const told = ['change-accepted', 'delivery-requested', 'delivery-attempted', 'delivery-resolved'] as const

/**
 * Every subject behind this one that any of the three speaks of, in the order of the ids, some at a time. Memory holds so many rows of each, and the whole life of a subject
 * that has more.
 */
export async function* livesAfter(stores: AuditedStores, after: string, rowsAtOnce: number): AsyncGenerator<Life[], undefined> {
  const about = { subjectId: { $gt: after as SubjectId } }
  const entries = column(
    pagesOf(stores.log.entries, { filter: { ...about, kind: { $in: [...told] } }, sort: { subjectId: 1, _id: 1 }, rowsAtOnce }),
  )
  const changes = column(pagesOf(stores.journal, { filter: about, sort: { subjectId: 1, version: -1 }, rowsAtOnce }))
  const deliveries = column(pagesOf(stores.deliveries, { filter: about, sort: { subjectId: 1, version: 1, recipientId: 1 }, rowsAtOnce }))
  const columns = [entries, changes, deliveries]
  try {
    for (;;) {
      // what was read about the last subject of a column may go on; what stands below the lowest of these is whole
      const open = columns.filter(({ done }) => !done)
      const horizon = least(open.map(({ last }) => last ?? ''))
      const lives: Life[] = []
      for (;;) {
        const subjectId = least(columns.flatMap(({ head }) => head ?? []))
        if (subjectId === undefined || (horizon !== undefined && subjectId >= horizon)) break
        lives.push({
          subjectId,
          entries: entries.take(subjectId),
          changes: changes.take(subjectId),
          deliveries: deliveries.take(subjectId),
        })
      }
      if (lives.length > 0) yield lives
      if (open.length === 0) return undefined
      await Promise.all(open.filter(({ last }) => (last ?? '') === horizon).map((one) => one.more()))
    }
  } finally {
    await Promise.all(columns.map((one) => one.close()))
  }
}

function least<Id extends string>(ids: readonly Id[]): Id | undefined {
  let found: Id | undefined
  for (const id of ids) if (found === undefined || id < found) found = id
  return found
}

/** The rows of a collection in the order of subject ids, as far as they were read. */
interface Column<Row> {
  readonly done: boolean
  /** The first subject that was not taken yet, and the last one that was read. */
  readonly head: SubjectId | undefined
  readonly last: SubjectId | undefined
  take(subjectId: SubjectId): Row[]
  more(): Promise<void>
  close(): Promise<void>
}

function column<Row extends { readonly subjectId?: SubjectId }>(pages: Pages<Row>): Column<Row> {
  let rows: Row[] = []
  let at = 0
  let isDone = false
  let last: SubjectId | undefined
  const read = (): Promise<Row[] | undefined> => {
    const coming = pages.next()
    coming.catch(() => undefined)
    return coming
  }
  let coming = read()
  return {
    get done() {
      return isDone
    },
    get head() {
      return rows[at]?.subjectId
    },
    get last() {
      return last
    },
    take: (subjectId) => {
      const begin = at
      while (rows[at]?.subjectId === subjectId) at += 1
      return rows.slice(begin, at)
    },
    more: async () => {
      const batch = await coming
      if (batch === undefined) {
        isDone = true
        return
      }
      // the next one is on its way while this one is looked at
      coming = read()
      rows = at === rows.length ? batch : [...rows.slice(at), ...batch]
      at = 0
      last = batch.at(-1)?.subjectId ?? last
    },
    close: async () => {
      await Promise.allSettled([coming])
      await pages.close()
    },
  }
}

/** These subjects as they stand now, read in the order in which their rows come to be, last first: whatever a row follows from is there. */
export async function livesOf(stores: AuditedStores, subjectIds: readonly SubjectId[]): Promise<Life[]> {
  const about = { subjectId: { $in: [...subjectIds] } }
  const deliveries = await stores.deliveries.find(about, lenient).toArray()
  const entries = await stores.log.entries.find({ ...about, kind: { $in: [...told] } }, { sort: { _id: 1 }, ...lenient }).toArray()
  const changes = await stores.journal.find(about, lenient).toArray()
  const [byDelivery, byEntry, byChange] = [bySubject(deliveries), bySubject(entries), bySubject(changes)]
  return subjectIds.map((subjectId) => ({
    subjectId,
    entries: byEntry.get(subjectId) ?? [],
    changes: byChange.get(subjectId) ?? [],
    deliveries: byDelivery.get(subjectId) ?? [],
  }))
}

function bySubject<Row extends { readonly subjectId?: SubjectId }>(rows: readonly Row[]): Map<SubjectId, Row[]> {
  const found = new Map<SubjectId, Row[]>()
  for (const row of rows) {
    if (row.subjectId === undefined) continue
    const mine = found.get(row.subjectId)
    if (mine === undefined) found.set(row.subjectId, [row])
    else mine.push(row)
  }
  return found
}
