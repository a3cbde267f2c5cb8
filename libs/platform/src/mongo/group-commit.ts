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
/** What became of one row of many; an error of the network leaves it unknown whether the row is stored. */
export type InsertOutcome = InsertResult | Error

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
  /** Rows of one caller, with one result for each, in their order. They need not land in the same insert. Rejects where one of them does. */
  insertAll(rows: readonly Row[]): Promise<InsertResult[]>
  /** The same for a caller that has to know about each row: rejects only where none was taken. */
  insertEach(rows: readonly Row[]): Promise<InsertOutcome[]>
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
  settle(outcome: InsertOutcome): void
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
      for (const { settle } of batch) settle('inserted')
    } catch (thrown) {
      answerEach(batch, asError(thrown))
    }
  }

  const answerEach = (batch: Waiting<Row>[], error: Error) => {
    const rowErrors = rowErrorsOf(error)
    if (rowErrors === undefined) {
      log.warn({ collection: collection.collectionName, rows: batch.length, error }, 'group-commit.failed')
      for (const { settle } of batch) settle(error)
      return
    }
    const byIndex = new Map(rowErrors.map((rowError) => [rowError.index, rowError]))
    for (const [index, { settle }] of batch.entries()) {
      const rowError = byIndex.get(index)
      const duplicateKey = duplicateKeyIndex(rowError)
      if (rowError === undefined) settle('inserted')
      else if (duplicateKey !== undefined) settle({ duplicateKey })
      else settle(new InsertRefusedError(collection.collectionName, rowError.code))
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

  const refuseUnlessRoom = (rows: number) => {
    if (stopping)
      throw new HeedError('mongo.group-commit-stopped', `${collection.collectionName} takes no more rows: the service is stopping`)
    if (waiting.length + underWay + rows > maxQueue) throw new QueueFullError(collection.collectionName)
  }

  const insertEach = async (rows: readonly Row[]): Promise<InsertOutcome[]> => {
    refuseUnlessRoom(rows.length)
    if (rows.length === 0) return []
    const outcomes: InsertOutcome[] = []
    let open = rows.length
    const all = new Promise<InsertOutcome[]>((resolve) => {
      for (const [index, row] of rows.entries()) {
        const settle = (outcome: InsertOutcome) => {
          outcomes[index] = outcome
          open -= 1
          if (open === 0) resolve(outcomes)
        }
        waiting.push({ row, settle })
      }
    })
    planPump()
    return all
  }

  const results = (outcomes: readonly InsertOutcome[]): InsertResult[] =>
    outcomes.map((outcome) => {
      if (outcome instanceof Error) throw outcome
      return outcome
    })

  return {
    insert: async (row) => {
      const [result] = results(await insertEach([row]))
      return result ?? 'inserted'
    },
    insertAll: async (rows) => results(await insertEach(rows)),
    insertEach,
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
