import type { SubjectId } from '@heed/domain'
import { Lru } from '@heed/platform/cache'
import { type ChangeRow, outboxIndex, type Store } from './rows.ts'

/** A row that this process has just stored. */
export interface Handed {
  readonly row: ChangeRow
  /** Whether the broker has every lower version of the subject, as far as the writer knows. */
  readonly inTurn: boolean
}

/**
 * What the broker does not have yet: the rows that this process has just stored, straight from memory, and whatever else the journal holds unpublished. No
 * version is given out before the broker has the one below it.
 */
export interface Outbox {
  /** Rows that became durable a moment ago, in the order of their versions. May forget any of them: the journal has them. */
  offer(rows: readonly Handed[]): void
  /** The next read will be of the journal. */
  lookAgain(): void
  /** Whether the next rows have to be read. Before that, whatever is published should be marked, or it is read for nothing. */
  mustLook(now: number): boolean
  /** What is to be published next, in an order in which it may be; empty where there is nothing. */
  next(now: number): Promise<ChangeRow[]>
  /** The broker has them, and it is stored that it does. They are not given out again. */
  published(rows: readonly ChangeRow[]): void
  /** They are marked in the journal. */
  marked(ids: readonly string[]): void
  /** Nobody will take this one: it stays in the journal and is not given out again. */
  refused(row: ChangeRow): void
  /** Something went wrong: what is in the journal counts, and nothing else. */
  reset(): void
}

const maxHanded = 20_000
const rememberedSubjects = 50_000

export function outbox(options: {
  readonly store: Pick<Store, 'changes'>
  /** At most so many rows at once. */
  readonly limit: number
  /** How soon rows of other processes are noticed. */
  readonly lookEveryMs: number
}): Outbox {
  const { store, limit, lookEveryMs } = options
  /** By row id, in the order in which they were stored. */
  const handed = new Map<string, Handed>()
  /** The newest version that the broker has, for as many subjects as are remembered. */
  const newest = new Lru<SubjectId, number>(rememberedSubjects)
  const unmarked = new Set<string>()
  const refused = new Set<string>()
  let behind = true
  let lookedAt = Number.NEGATIVE_INFINITY
  /** How far this pass through the journal has come. */
  let after: SubjectId | undefined

  /** Those of the handed rows whose turn it is. */
  const fromMemory = (): ChangeRow[] => {
    const rows: ChangeRow[] = []
    const taken = new Map<SubjectId, number>()
    for (const { row, inTurn } of handed.values()) {
      if (rows.length === limit) break
      const { subjectId, version } = row
      if (inTurn || (taken.get(subjectId) ?? newest.get(subjectId)) === version - 1) {
        rows.push(row)
        taken.set(subjectId, version)
      } else behind = true
    }
    return rows
  }

  const read = async (): Promise<ChangeRow[]> => {
    const beyond = after === undefined ? {} : { subjectId: { $gte: after } }
    const rows = await store.changes
      .find(
        { publishedAt: null, ...beyond },
        { hint: outboxIndex, sort: { subjectId: 1, version: 1 }, limit: limit + refused.size + unmarked.size, batchSize: 10_000 },
      )
      .toArray()
    return rows.filter((row) => !refused.has(row._id) && !unmarked.has(row._id)).slice(0, limit)
  }

  const fromJournal = async (now: number): Promise<ChangeRow[]> => {
    lookedAt = now
    behind = false
    let rows = await read()
    if (rows.length === 0 && after !== undefined) {
      // the far end of the outbox: what came in behind us is next
      after = undefined
      rows = await read()
    }
    if (rows.length === limit) {
      behind = true
      after = rows.at(-1)?.subjectId
    } else if (after !== undefined) {
      behind = true
      after = undefined
    }
    return rows
  }

  const mustLook = (now: number) => behind || now - lookedAt >= lookEveryMs || now < lookedAt

  return {
    offer(rows) {
      if (handed.size + rows.length > maxHanded) {
        handed.clear()
        behind = true
        return
      }
      for (const one of rows) {
        // a read of the journal may have been faster than its writer
        if (one.row.version > (newest.get(one.row.subjectId) ?? 0)) handed.set(one.row._id, one)
      }
    },
    lookAgain() {
      behind = true
    },
    mustLook,
    async next(now) {
      if (!mustLook(now)) {
        const rows = fromMemory()
        if (rows.length > 0 || !behind) return rows
      }
      return fromJournal(now)
    },
    published(rows) {
      for (const { _id, subjectId, version } of rows) {
        handed.delete(_id)
        unmarked.add(_id)
        newest.set(subjectId, version)
      }
    },
    marked(ids) {
      for (const id of ids) unmarked.delete(id)
    },
    refused(row) {
      handed.delete(row._id)
      refused.add(row._id)
    },
    reset() {
      handed.clear()
      newest.clear()
      unmarked.clear()
      behind = true
      after = undefined
    },
  }
}
