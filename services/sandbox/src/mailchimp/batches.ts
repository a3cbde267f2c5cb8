import type { HttpReply } from '../frame/http-play.ts'
import type { Fact, Store } from '../frame/store.ts'
import type { Stage } from '../frame/vendor.ts'
import { type OperationResult, packResults } from './batch-archive.ts'
import { isRecord } from './member-changes.ts'
import { type FieldError, invalidResource, type Problem, problems } from './problems.ts'
import { timestamp } from './view.ts'

type BatchStatus = 'pending' | 'preprocessing' | 'started' | 'finalizing' | 'finished'

interface Operation {
  readonly method: string
  /** Path and query, from `/lists` on. */
  readonly path: string
  readonly operationId: string
  readonly body: string
}

interface Batch {
  readonly id: string
  readonly status: BatchStatus
  readonly submittedAt: number
  readonly completedAt?: number
  readonly total: number
  /** What is still to do; empty once it is done. */
  readonly operations: readonly Operation[]
  readonly finished: number
  readonly errored: number
  /** The packed results, base64: a small fraction of their size unpacked. */
  readonly archive?: string
}

/** The asynchronous side of the API: batches of operations, their progress and their results. */
export interface Batches {
  submit(body: unknown): { batch: Record<string, unknown>; items: number } | { problem: Problem }
  /** The batch as the API shows it; each look at a finished one hands out a fresh link to its results. */
  show(id: string, origin: string): Record<string, unknown> | undefined
  remove(id: string): boolean
  /** The archive behind a link, `expired` after ten minutes, `undefined` for a link that was never given. */
  results(token: string): Buffer | 'expired' | undefined
  /** How many are not finished. */
  pendingCount(): number
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const MOST_PENDING = 500
const LINK_LIVES_MS = 10 * 60_000
const RESULTS_LIVE_MS = 7 * 24 * 3_600_000
// so many operations run before other requests get their turn
const SLICE = 250
const NEXT: Readonly<Record<BatchStatus, BatchStatus>> = {
  pending: 'preprocessing',
  preprocessing: 'started',
  started: 'finalizing',
  finalizing: 'finished',
  finished: 'finished',
}

/** No batches yet. `execute` answers one operation as if it were a request; `stageMs` is how long each stage takes. */
export function createBatches(
  stage: Stage,
  store: () => Store,
  execute: (method: string, path: string, body: string) => HttpReply | Promise<HttpReply>,
  stageMs: () => number,
): Batches {
  const batches = new Map<string, Batch>()
  const links = new Map<string, { batchId: string; expiresAt: number }>()

  const keep = (batch: Batch): void => {
    batches.set(batch.id, batch)
    // the stages between are not worth the disk: after a kill the batch starts over, and asserts the same states again
    if (batch.status === 'pending' || batch.status === 'finished') store().put('batch', batch.id, batch)
  }
  const proceed = ({ id }: Batch): void => {
    stage.clock.after(stageMs(), async () => {
      const batch = batches.get(id)
      if (batch === undefined || batch.status === 'finished') return
      const done = batch.status === 'started' ? await run(batch) : {}
      if (!batches.has(id)) return
      const status = NEXT[batch.status]
      const next: Batch = { ...batch, ...done, status, ...(status === 'finished' ? { completedAt: stage.clock.now() } : {}) }
      keep(next)
      if (next.status !== 'finished') proceed(next)
    })
  }
  const run = async ({ id, operations }: Batch): Promise<Pick<Batch, 'operations' | 'finished' | 'errored' | 'archive'>> => {
    const results: OperationResult[] = []
    for (const { method, path, body, operationId } of stage.random.shuffled(operations)) {
      const reply = await execute(method, path, body)
      results.push({ status_code: reply.status, operation_id: operationId, response: reply.body?.toString() ?? '' })
      if (results.length % SLICE === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const archive = await packResults(results, (index) => `${id}-${index}`)
    const errored = results.filter(({ status_code }) => status_code >= 400).length
    return { operations: [], finished: results.length, errored, archive: archive.toString('base64') }
  }
  const alive = (id: string): Batch | undefined => {
    const batch = batches.get(id)
    if (batch?.completedAt === undefined || stage.clock.now() <= batch.completedAt + RESULTS_LIVE_MS) return batch
    batches.delete(id)
    store().remove('batch', id)
    return undefined
  }
  const link = (id: string, origin: string): string => {
    const token = stage.random.hex(40)
    links.set(token, { batchId: id, expiresAt: stage.clock.now() + LINK_LIVES_MS })
    return `${origin}/batch-results/${token}/${id}-response.tar.gz`
  }
  const pendingCount = (): number => [...batches.values()].filter(({ status }) => status !== 'finished').length

  return {
    submit(body) {
      const read = readOperations(body)
      if ('errors' in read) return { problem: invalidResource(read.errors) }
      if (pendingCount() >= MOST_PENDING) return { problem: problems.tooManyBatches }
      const batch: Batch = {
        id: stage.random.hex(10),
        status: 'pending',
        submittedAt: stage.clock.now(),
        total: read.operations.length,
        operations: read.operations,
        finished: 0,
        errored: 0,
      }
      keep(batch)
      proceed(batch)
      return { batch: view(batch, ''), items: batch.total }
    },
    show(id, origin) {
      const batch = alive(id)
      return batch && view(batch, batch.status === 'finished' ? link(id, origin) : '')
    },
    remove(id) {
      if (alive(id) === undefined) return false
      store().remove('batch', id)
      return batches.delete(id)
    },
    results(token) {
      const found = links.get(token)
      if (found === undefined) return undefined
      const batch = alive(found.batchId)
      if (batch === undefined || stage.clock.now() > found.expiresAt) return 'expired'
      return Buffer.from(batch.archive ?? '', 'base64')
    },
    pendingCount,
    *facts() {
      for (const batch of batches.values()) yield ['batch', batch.id, batch]
    },
    restore([kind, id, value]) {
      if (kind !== 'batch') return false
      const batch = value as Batch
      batches.set(id, batch)
      if (batch.status !== 'finished') proceed(batch)
      return true
    },
    clear() {
      for (const [kind, id] of this.facts()) store().remove(kind, id)
      batches.clear()
      links.clear()
    },
  }
}

function view(batch: Batch, responseBodyUrl: string): Record<string, unknown> {
  return {
    id: batch.id,
    status: batch.status,
    total_operations: batch.total,
    finished_operations: batch.finished,
    errored_operations: batch.errored,
    submitted_at: timestamp(batch.submittedAt),
    completed_at: batch.completedAt === undefined ? '' : timestamp(batch.completedAt),
    response_body_url: responseBodyUrl,
  }
}

function readOperations(body: unknown): { operations: Operation[] } | { errors: FieldError[] } {
  if (!isRecord(body) || !Array.isArray(body.operations) || body.operations.length === 0) {
    return { errors: [{ field: 'operations', message: 'Schema describes array with at least one item' }] }
  }
  const errors: FieldError[] = []
  const operations: Operation[] = []
  body.operations.forEach((given: unknown, index) => {
    const wrong = (field: string, message: string): void => {
      errors.push({ field: `operations.item:${index}.${field}`, message })
    }
    const operation = isRecord(given) ? given : {}
    const { method, path, operation_id: operationId = '', body: text = '', params = {} } = operation
    if (typeof method !== 'string' || !METHODS.includes(method)) wrong('method', `Value must be one of: ${METHODS.join(', ')}`)
    if (typeof path !== 'string' || !path.startsWith('/')) wrong('path', 'Schema describes a path that starts with /')
    if (typeof operationId !== 'string') wrong('operation_id', 'Schema describes string')
    if (typeof text !== 'string') wrong('body', 'Schema describes string, object found instead')
    if (!isRecord(params)) wrong('params', 'Schema describes object')
    const query = new URLSearchParams(
      Object.entries(isRecord(params) ? params : {}).map(([name, value]): [string, string] => [name, String(value)]),
    ).toString()
    operations.push({
      method: String(method),
      path: query === '' ? String(path) : `${String(path)}${String(path).includes('?') ? '&' : '?'}${query}`,
      operationId: String(operationId),
      body: String(text),
    })
  })
  return errors.length > 0 ? { errors } : { operations }
}
