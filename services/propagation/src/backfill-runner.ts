import type { Topics } from '@heed/contracts'
import { type Change, deliveriesFor, findRecipient, mustBeToldAnew, type Policy } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import type { Publisher } from '@heed/platform/kafka'
import { loop, type Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import { type Lease, leadership } from '@heed/platform/mongo'
import type { BackfillRow, BackfillRows } from './backfill-rows.ts'
import type { PolicyStore } from './policy-store.ts'
import { actRecord, deliveryRecord } from './records.ts'
import type { Snapshots } from './snapshots.ts'

/** What the runner works with. */
export interface BackfillRunnerOptions {
  readonly rows: BackfillRows
  readonly lease: Lease
  readonly leaseMs: number
  readonly policy: Policy
  readonly policies: PolicyStore
  readonly topics: Topics
  readonly snapshots: Snapshots
  readonly publisher: Publisher
  readonly clock: Clock
  readonly log: Logger
}

/** Runs what is to be run, in one process at a time. */
export interface BackfillRunner extends Part {
  /** Looks at once whether something has been started, stopped or resumed. */
  wake(): void
}

// What another process was asked for is seen within this time.
const lookEveryMs = 5_000
const firstBackoffMs = 200
const longestBackoffMs = 30_000

/** The pieces in which a page is published, none with more changes than may go out in a second. */
export function pieces<T>(items: readonly T[], maxPerSecond: number): T[][] {
  const size = maxPerSecond > 0 ? maxPerSecond : Math.max(1, items.length)
  const cut: T[][] = []
  for (let from = 0; from < items.length; from += size) cut.push(items.slice(from, from + size))
  return cut
}

/** How long to rest after so many deliveries that took so long, so that no more than so many go out a second. ms. */
export function restMs(deliveries: number, maxPerSecond: number, tookMs: number): number {
  return maxPerSecond > 0 ? Math.max(0, (deliveries / maxPerSecond) * 1_000 - tookMs) : 0
}

/**
 * Carries out running backfills, all at once, each a page at a time: published, then noted. One that was running when its process died goes on in the next.
 * A backfill that cannot go on for now (preferences or the broker is away) is tried again after a growing rest.
 */
export function backfillRunner(options: BackfillRunnerOptions): BackfillRunner {
  const { rows, policy, policies, topics, snapshots, publisher, clock, log } = options
  let wake: () => void = () => undefined

  /** Publishes and notes one piece. False where the backfill no longer runs. */
  const publishPiece = async (
    row: BackfillRow,
    changes: readonly Change[],
    concerns: (change: Change) => boolean,
    done: Progress,
    cursor: string,
  ): Promise<number | undefined> => {
    const deliveries = changes
      .filter(concerns)
      .flatMap((change) => deliveriesFor(policy, change, { all: true, only: [row.recipientId], assertion: row.assertion }))
    // somebody may have stopped it during the rest
    if (!(await rows.isRunning(row))) return undefined
    if (deliveries.length > 0) await publisher.publish(deliveries.map((delivery) => deliveryRecord(topics, delivery)))
    done.scanned += changes.length
    done.published += deliveries.length
    done.total = Math.max(done.total, done.scanned)
    return (await rows.progress(row, { ...done, cursor })) ? deliveries.length : undefined
  }

  /** Of whom this backfill is: of everybody, or of those whom the change of the policy concerns. */
  const concernOf = async (row: BackfillRow): Promise<(change: Change) => boolean> => {
    if (row.application === undefined) return () => true
    const before = await policies.find(row.application.before)
    // by what recipients were told before is not known any more: telling everybody again is harmless, leaving somebody out is not
    if (before === undefined) return () => true
    return ({ snapshot }) => mustBeToldAnew(before.policy, policy, row.recipientId, snapshot)
  }

  /** Resolves when the backfill has ended, was stopped, or the signal is aborted. */
  const run = async (row: BackfillRow, signal: AbortSignal): Promise<void> => {
    const recipient = findRecipient(policy, row.recipientId)
    if (recipient === undefined) {
      log.error({ backfillId: row._id, recipientId: row.recipientId }, 'backfill.recipient-unknown')
      await rows.stop(row._id, 'services/propagation', 'the policy in force does not name this recipient')
      return
    }
    const concerns = await concernOf(row)
    const done: Progress = { scanned: row.scanned, published: row.published, total: row.total }
    for await (const page of snapshots.scan({ cursor: row.cursor, purposes: recipient.purposes, signal })) {
      done.total = Math.max(done.total, page.total)
      done.scanned += page.unreadable.length
      for (const reason of page.unreadable)
        log.error({ backfillId: row._id, recipientId: row.recipientId, reason }, 'backfill.snapshot-unreadable')
      const cut = pieces(page.changes, row.maxPerSecond)
      // a page without a subject that concerns the recipient still moves the cursor
      if (cut.length === 0) cut.push([])
      for (const [index, piece] of cut.entries()) {
        if (signal.aborted) return
        const startedAt = clock.now()
        const last = index === cut.length - 1 ? undefined : piece.at(-1)
        const published = await publishPiece(row, piece, concerns, done, last?.snapshot.subjectId ?? page.cursor)
        if (published === undefined) return
        await clock.sleep(restMs(published, row.maxPerSecond, clock.now() - startedAt), signal)
      }
    }
    if (signal.aborted) return
    const completed = await rows.complete(row._id)
    if (completed?.state === 'completed') {
      log.info(
        { backfillId: row._id, recipientId: row.recipientId, ...done, durationMs: clock.now() - row.startedAt },
        'backfill.completed',
      )
    }
  }

  const flushActs = async (): Promise<void> => {
    for (const { _id, recipientId, acts } of await rows.withActs()) {
      await publisher.publish(acts.map((act) => actRecord(topics, { ...act, recipientId })))
      // after it is on the topic: a crash in between says it twice under one id
      await rows.published(
        _id,
        acts.map(({ actId }) => actId),
      )
    }
  }

  const lead = async (term: AbortSignal): Promise<void> => {
    const active = new Map<string, { task: Promise<void>; stop: AbortController }>()
    const resting = new Map<string, { failures: number; until: number }>()

    const begin = (row: BackfillRow) => {
      const stop = new AbortController()
      const task = run(row, AbortSignal.any([term, stop.signal]))
        .then(() => {
          resting.delete(row._id)
        })
        .catch((thrown: unknown) => {
          if (term.aborted || stop.signal.aborted) return
          const failures = (resting.get(row._id)?.failures ?? 0) + 1
          const waitMs = Math.min(firstBackoffMs * 2 ** (failures - 1), longestBackoffMs)
          resting.set(row._id, { failures, until: clock.now() + waitMs })
          log.warn({ backfillId: row._id, failures, waitMs, error: asError(thrown) }, 'backfill.interrupted')
          void clock.sleep(waitMs, term).then(() => work.wake())
        })
        .finally(() => {
          active.delete(row._id)
          // its acts are to be published, or it was resumed while it ended
          work.wake()
        })
      active.set(row._id, { task, stop })
    }

    const work = loop({
      name: 'backfills',
      everyMs: lookEveryMs,
      log,
      clock,
      run: async () => {
        await flushActs()
        const running = await rows.running()
        const ids = new Set(running.map(({ _id }) => _id))
        for (const [id, { stop }] of active) if (!ids.has(id)) stop.abort()
        for (const row of running) {
          if (!active.has(row._id) && (resting.get(row._id)?.until ?? 0) <= clock.now() && !term.aborted) begin(row)
        }
        return 'idle'
      },
    })
    wake = work.wake
    await new Promise<void>((resolve) => {
      if (term.aborted) resolve()
      else term.addEventListener('abort', () => resolve(), { once: true })
    })
    wake = () => undefined
    await Promise.all([...active.values()].map(({ task }) => task))
    await work.stop()
  }

  const led = leadership({ name: 'backfills', lease: options.lease, ttlMs: options.leaseMs, lead, log, clock })
  return {
    name: 'backfills',
    start: async () => {
      await rows.ensureIndexes()
      return led.start()
    },
    wake: () => wake(),
  }
}

interface Progress {
  scanned: number
  published: number
  total: number
}
