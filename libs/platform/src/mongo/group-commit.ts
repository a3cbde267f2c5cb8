import type { mongo } from 'mongoose'
import { asError, HeedError } from '../errors/index.ts'
import { once } from '../lifecycle/index.ts'
import type { Logger } from '../log/index.ts'
import { duplicateKeyIndex } from './errors.ts'

/** The row is not stored: another one holds the same key of this unique index. */
export interface DuplicateKey {
  duplicateKey: string
}

export type InsertResult = 'inserted' | DuplicateKey

/** More rows wait than the queue may hold. The row is not stored; the caller may try again later. */
export class QueueFullError extends HeedError {
  constructor(collection: string) {
    super('mongo.queue-full', `more rows wait for ${collection} than may`)
  }
}

/** The database refused this row for a reason that is no duplicate key. */
export class InsertRefusedError extends HeedError {
  readonly code: number

  constructor(collection: string, code: number) {
    super('mongo.insert-refused', `${collection} refused the row (code ${code})`)
    this.code = code
  }
}

export interface GroupCommit<Row> {
  /**
   * Stores the row together with whatever else arrives meanwhile. When it resolves with `inserted`, the row is durable (with
   * the write concern of the connection). When it rejects with a network error the outcome is unknown.
   */
  insert(row: Row): Promise<InsertResult>
  /** Rows of one caller, with one result for each, in their order. They need not land in the same insert. */
  insertAll(rows: readonly Row[]): Promise<InsertResult[]>
  /** Rows that wait or are under way. */
  readonly queued: number
  /** Takes no more rows and resolves when all that were taken are answered. */
  stop(): Promise<void>
}

export interface GroupCommitOptions<Row extends mongo.Document> {
  collection: mongo.Collection<Row>
  /** At most so many rows in one insert. */
  maxBatch: number
  /** At most so many rows waiting; what comes above is refused with `QueueFullError`. */
  maxQueue: number
  log: Logger
  /** Inserts under way at the same time; 1 unless told. More raise throughput and cost order between batches, of which there is none to begin with. */
  concurrency?: number
}

interface Waiting<Row> {
  row: Row
  resolve(result: InsertResult): void
  reject(error: Error): void
}

interface RowError {
  index: number
  code: number
  errmsg?: string
}

/**
 * Collects the rows that arrive while the last insert runs and writes them as one unordered `insertMany`: one wait for the
 * journal is shared by all of them. Rows of one batch are stored in no particular order.
 */
export function groupCommit<Row extends mongo.Document>(options: GroupCommitOptions<Row>): GroupCommit<Row> {
  const { collection, maxBatch, maxQueue, log, concurrency = 1 } = options
  let waiting: Waiting<Row>[] = []
  let running = 0
  let underWay = 0
  let stopping = false
  let drained: (() => void) | undefined

  const write = async (batch: Waiting<Row>[]) => {
    try {
      await collection.insertMany(batch.map(({ row }) => row) as mongo.OptionalUnlessRequiredId<Row>[], { ordered: false })
      for (const { resolve } of batch) resolve('inserted')
    } catch (thrown) {
      answerEach(batch, asError(thrown))
    }
  }

  const answerEach = (batch: Waiting<Row>[], error: Error) => {
    const rowErrors = rowErrorsOf(error)
    if (rowErrors === undefined) {
      log.warn({ collection: collection.collectionName, rows: batch.length, error }, 'group-commit.failed')
      for (const { reject } of batch) reject(error)
      return
    }
    const byIndex = new Map(rowErrors.map((rowError) => [rowError.index, rowError]))
    for (const [index, { resolve, reject }] of batch.entries()) {
      const rowError = byIndex.get(index)
      const duplicateKey = duplicateKeyIndex(rowError)
      if (rowError === undefined) resolve('inserted')
      else if (duplicateKey !== undefined) resolve({ duplicateKey })
      else reject(new InsertRefusedError(collection.collectionName, rowError.code))
    }
  }

  const pump = () => {
    while (running < concurrency && waiting.length > 0) {
      const batch = waiting.length <= maxBatch ? waiting : waiting.slice(0, maxBatch)
      waiting = batch === waiting ? [] : waiting.slice(maxBatch)
      running += 1
      underWay += batch.length
      void write(batch).finally(() => {
        running -= 1
        underWay -= batch.length
        pump()
        if (running === 0) drained?.()
      })
    }
  }

  let pumpPlanned = false
  // Whatever arrives in the same turn of the event loop shares the first insert too.
  const planPump = () => {
    if (pumpPlanned || running >= concurrency) return
    pumpPlanned = true
    setImmediate(() => {
      pumpPlanned = false
      pump()
    })
  }

  const take = (row: Row): Promise<InsertResult> =>
    new Promise((resolve, reject) => {
      waiting.push({ row, resolve, reject })
    })

  const refuseUnlessRoom = (rows: number) => {
    if (stopping)
      throw new HeedError('mongo.group-commit-stopped', `${collection.collectionName} takes no more rows: the service is stopping`)
    if (waiting.length + underWay + rows > maxQueue) throw new QueueFullError(collection.collectionName)
  }

  return {
    insert: async (row) => {
      refuseUnlessRoom(1)
      const result = take(row)
      planPump()
      return result
    },
    insertAll: async (rows) => {
      refuseUnlessRoom(rows.length)
      const results = rows.map(take)
      planPump()
      return Promise.all(results)
    },
    get queued() {
      return waiting.length + underWay
    },
    stop: once(async () => {
      stopping = true
      pump()
      if (running > 0) await new Promise<void>((resolve) => (drained = resolve))
    }),
  }
}

/**
 * The rows that were refused one by one, or undefined when the error concerns the whole batch. A write concern that was not
 * met concerns all: the rows may be stored and still be lost.
 */
function rowErrorsOf(error: Error): RowError[] | undefined {
  if (error.name !== 'MongoBulkWriteError') return undefined
  const { writeErrors, result } = error as { writeErrors?: unknown; result?: { getWriteConcernError?(): unknown } }
  if (result?.getWriteConcernError?.() !== undefined) return undefined
  const list: unknown[] = Array.isArray(writeErrors) ? writeErrors : writeErrors === undefined ? [] : [writeErrors]
  if (list.length === 0) return undefined
  return list.map((entry) => {
    const { index, code, errmsg } = entry as { index: number; code: number; errmsg?: string }
    return { index, code, ...(errmsg === undefined ? {} : { errmsg }) }
  })
}
