import { type Edge, EMPTY_EDGE, type TrustPolicy } from '@heed/merkle-log'
import { auditJournal } from './audit-journal.ts'
import { auditLogHalf, type LogAuditor, type LogReached } from './audit-log-half.ts'
import { auditOrigins, type OriginsAuditor, type OriginsReached } from './audit-origins.ts'
import { type AuditReport, type AuditState, type Found, findings, joined } from './audit-report.ts'
import type { AuditedStores } from './audit-stores.ts'

/** How to audit. */
export interface AuditOptions {
  readonly stores: AuditedStores
  /** Whom to believe. */
  readonly trust: TrustPolicy
  /** Signed checkpoints that were kept from earlier, elsewhere: the log must lead on from each. */
  readonly kept?: readonly string[]
  /** Where an earlier run stopped. */
  readonly from?: AuditState
  /** Called after each batch. */
  readonly progress?: (progress: AuditProgress, state: () => AuditState) => Promise<void> | void
  /** Carries both halves out at the same time, elsewhere: see `inThreads`. Without it one comes after the other, here. */
  readonly beside?: Auditors
  readonly maxListed?: number
  /** How long what differs gets to become right while a hub is running, before it is read once more, ms. */
  readonly settleMs?: number
  /** How many rows are read at a time: memory against speed. */
  readonly rowsAtOnce?: number
  readonly now?: () => number
  readonly signal?: AbortSignal
}

/** The two halves of an audit: the log by itself, and its entries against what they came from. */
export interface Auditors {
  readonly log: LogAuditor
  readonly origins: OriginsAuditor
}

/** How far an audit is: entries that are in the tree, and journal rows that were compared. */
export interface AuditProgress {
  readonly log: { readonly done: number; readonly of: number }
  readonly origins: { readonly done: number; readonly of: number }
}

/** An audit cannot go on from this state in this log. */
export class AuditStateError extends Error {
  override readonly name = 'AuditStateError'
}

/**
 * Reads the whole log again: the tree is rebuilt from its bundles and held against tiles and checkpoint, each row of an entry against its leaf, and the entries against what they came
 * from and what follows from them: the journal's changes, the deliveries and how they stand. Memory does not grow with the log. A hub may be running meanwhile: what it appends
 * after the audit began is left to the next one. Throws `AuditStateError` for a state of another log or one that this log is too short for.
 */
export async function auditLog(options: AuditOptions): Promise<AuditReport> {
  const { stores, trust, from, kept = [], maxListed = 100, settleMs = 300, rowsAtOnce = 1_024, now = Date.now } = options
  const { progress = () => undefined, beside } = options
  const { origin } = trust
  if (from !== undefined && from.origin !== origin) throw new AuditStateError(`the state is that of another log: ${from.origin}`)
  const size = (await stores.log.log.findOne({ _id: 'log' }))?.published?.size ?? 0
  if (from !== undefined && from.next > size)
    throw new AuditStateError(`the state is of ${from.next} entries, and the log has only ${size}`)
  const rows = await stores.journal.estimatedDocumentCount()
  const nothing = findings(maxListed).sofar()
  const before: Found = from ?? nothing
  let log: LogReached = { edge: from === undefined ? EMPTY_EDGE : edgeOf(from), size, done: from?.logDone ?? false, ...nothing }
  let origins: OriginsReached = { subject: from?.subject ?? '', ...nothing }

  const found = () => joined(joined(before, log, maxListed), origins, maxListed)
  const state = (): AuditState => ({
    format: 2,
    origin,
    next: log.edge.size,
    partials: log.edge.partials.map((partial) => Buffer.from(partial).toString('base64')),
    logDone: log.done,
    subject: origins.subject,
    ...found(),
  })
  const tell = async (stop: AbortSignal) => {
    options.signal?.throwIfAborted()
    stop.throwIfAborted()
    const done = before.counts.changes + origins.counts.changes
    await progress({ log: { done: log.edge.size, of: log.size }, origins: { done, of: Math.max(rows, done) } }, state)
  }
  const auditors = beside ?? {
    log: (task, reached) => auditLogHalf({ ...task, stores, reached }),
    origins: (task, reached) => auditOrigins({ ...task, stores, now, reached }),
  }
  const logHalf = async (stop: AbortSignal) => {
    if (log.done) return
    const reached = async (at: LogReached) => {
      log = at
      await tell(stop)
    }
    await auditors.log({ trust, kept, edge: log.edge, rowsAtOnce, maxListed }, reached, stop)
  }
  const originsHalf = (stop: AbortSignal) =>
    auditors.origins(
      { after: origins.subject, settleMs, rowsAtOnce, maxListed },
      async (at) => {
        origins = at
        await tell(stop)
      },
      stop,
    )
  const failed = new AbortController()
  if (beside === undefined) {
    await logHalf(failed.signal)
    await originsHalf(failed.signal)
  } else {
    // where one fails, the other ends
    const both = [logHalf, originsHalf].map((half) =>
      half(failed.signal).catch((thrown: unknown) => {
        failed.abort(thrown)
        throw thrown
      }),
    )
    await Promise.allSettled(both)
    await Promise.all(both)
  }
  const journal = findings(maxListed)
  await auditJournal({ stores, found: journal, size: log.size, rowsAtOnce })
  const all = joined(found(), journal.sofar(), maxListed)
  return { ok: all.differences === 0, origin, size: log.size, ...all }
}

function edgeOf({ next, partials }: AuditState): Edge {
  return { size: next, partials: partials.map((partial) => new Uint8Array(Buffer.from(partial, 'base64'))) }
}
