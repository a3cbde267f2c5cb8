import type { mongo } from 'mongoose'
import { lenient } from './audit-stores.ts'

/** Which rows, in which order, and how many in one answer. */
export interface PageQuery<Row> {
  readonly filter: mongo.Filter<Row>
  readonly sort: Readonly<Record<string, 1 | -1>>
  readonly rowsAtOnce: number
}

/** Rows of a query, an answer of the database at a time. */
export interface Pages<Row> {
  /** The next of them; undefined where there are no more. */
  next(): Promise<Row[] | undefined>
  close(): Promise<void>
}

interface Answer<Row> {
  readonly cursor: { readonly id: unknown; readonly firstBatch?: Row[]; readonly nextBatch?: Row[] }
}

const isOver = (id: unknown) => Number(id) === 0

/**
 * Reads rows a whole answer at a time, of what a majority has. The driver's cursor makes an object of each document before it reads it, which takes more than twice the
 * processor time. A read that fails is not tried again.
 */
export function pagesOf<Row extends mongo.Document>(rows: mongo.Collection<Row>, query: PageQuery<Row>): Pages<Row> {
  const { db, collectionName } = rows
  // the next answer is only given to the session that asked for the first
  const session = db.client.startSession()
  const { filter, sort, rowsAtOnce } = query
  const ask = async (command: mongo.Document) => (await db.command(command, { session, ...lenient })) as Answer<Row>
  let id: unknown
  let begun = false
  return {
    next: async () => {
      if (begun && isOver(id)) return undefined
      const { cursor } = await ask(
        begun
          ? { getMore: id, collection: collectionName, batchSize: rowsAtOnce }
          : {
              find: collectionName,
              filter,
              sort,
              batchSize: rowsAtOnce,
              allowDiskUse: true,
              readConcern: { level: 'majority' },
            },
      )
      begun = true
      id = cursor.id
      const found = cursor.firstBatch ?? cursor.nextBatch ?? []
      return found.length === 0 && isOver(id) ? undefined : found
    },
    close: async () => {
      try {
        if (begun && !isOver(id)) await ask({ killCursors: collectionName, cursors: [id] })
      } finally {
        await session.endSession()
      }
    },
  }
}

/** All rows of a query that are at most `rowsAtOnce`. */
export async function pageOf<Row extends mongo.Document>(rows: mongo.Collection<Row>, query: PageQuery<Row>): Promise<Row[]> {
  // one more than there can be: the database then sees that it has given all
  const pages = pagesOf(rows, { ...query, rowsAtOnce: query.rowsAtOnce + 1 })
  try {
    const found: Row[] = []
    for (let page = await pages.next(); page !== undefined; page = await pages.next()) found.push(...page)
    return found
  } finally {
    await pages.close()
  }
}
