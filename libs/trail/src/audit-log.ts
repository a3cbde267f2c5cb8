import {
  type Edge,
  EMPTY_EDGE,
  edgeFrontier,
  frontierRoot,
  MerkleLogError,
  parseCheckpoint,
  parseNote,
  sameHash,
  type TrustPolicy,
  verifyCheckpoint,
} from '@heed/merkle-log'
import { auditJournal } from './audit-journal.ts'
import { auditOrigins, type OriginsAuditor, type OriginsReached } from './audit-origins.ts'
import { type AuditReport, type AuditState, type Findings, findings, joined } from './audit-report.ts'
import type { AuditedStores } from './audit-stores.ts'
import { auditTree } from './audit-tree.ts'
import { bytesOf } from './bytes.ts'
import type { LogRow } from './rows.ts'

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
  /** Compares with the origins beside this thread, while the tree is rebuilt here: see `originsInThread`. Without it one comes after the other. */
  readonly beside?: OriginsAuditor
  readonly maxListed?: number
  /** How long what differs gets to become right while a hub is running, before it is read once more, ms. */
  readonly settleMs?: number
  /** How many rows are read at a time: memory against speed. */
  readonly rowsAtOnce?: number
  readonly now?: () => number
  readonly signal?: AbortSignal
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
  const { stores, trust, from, kept = [], maxListed = 100, settleMs = 300, rowsAtOnce = 512, now = Date.now } = options
  const { progress = () => undefined, beside } = options
  const { origin } = trust
  if (from !== undefined && from.origin !== origin) throw new AuditStateError(`the state is that of another log: ${from.origin}`)
  const found = findings(from, maxListed)
  const row = await stores.log.log.findOne({ _id: 'log' })
  const published = row?.published
  const size = published?.size ?? 0
  if (from !== undefined && from.next > size)
    throw new AuditStateError(`the state is of ${from.next} entries, and the log has only ${size}`)
  const rows = await stores.journal.estimatedDocumentCount()
  let edge: Edge = from === undefined ? EMPTY_EDGE : edgeOf(from)
  let logDone = from?.logDone ?? false
  let origins: OriginsReached = { subject: from?.subject ?? '', ...findings(undefined, maxListed).sofar() }

  const state = (): AuditState => ({
    format: 2,
    origin,
    next: edge.size,
    partials: edge.partials.map((partial) => Buffer.from(partial).toString('base64')),
    logDone,
    subject: origins.subject,
    ...joined(found.sofar(), origins, maxListed),
  })
  const tell = async (stop: AbortSignal) => {
    options.signal?.throwIfAborted()
    stop.throwIfAborted()
    const done = found.counts.changes + origins.counts.changes
    await progress({ log: { done: edge.size, of: size }, origins: { done, of: Math.max(rows, done) } }, state)
  }

  const log = async (stop: AbortSignal) => {
    if (logDone) return
    await auditLogHalf({
      stores,
      trust,
      kept,
      found,
      row,
      rowsAtOnce,
      edge,
      reached: async (at) => {
        edge = at
        await tell(stop)
      },
    })
    logDone = true
  }
  const here: OriginsAuditor = (task, reached) => auditOrigins({ ...task, stores, now, reached })
  const compare = (stop: AbortSignal) =>
    (beside ?? here)(
      { after: origins.subject, settleMs, rowsAtOnce, maxListed },
      async (at) => {
        origins = at
        await tell(stop)
      },
      stop,
    )
  const failed = new AbortController()
  if (beside === undefined) {
    await log(failed.signal)
    await compare(failed.signal)
  } else {
    // where one fails, the other ends
    const both = [log, compare].map((half) =>
      half(failed.signal).catch((thrown: unknown) => {
        failed.abort(thrown)
        throw thrown
      }),
    )
    await Promise.allSettled(both)
    await Promise.all(both)
  }
  await auditJournal({ stores, found, size, rowsAtOnce })
  const all = joined(found.sofar(), origins, maxListed)
  return { ok: all.differences === 0, origin, size, ...all }
}

interface LogHalf extends Pick<AuditOptions, 'stores' | 'trust'> {
  readonly kept: readonly string[]
  readonly found: Findings
  readonly row: LogRow | null
  readonly rowsAtOnce: number
  readonly edge: Edge
  readonly reached: (edge: Edge) => Promise<void>
}

/** The log by itself: its checkpoints, and the tree that its entries give. */
async function auditLogHalf({ stores, trust, kept, found, row, rowsAtOnce, edge: begun, reached }: LogHalf): Promise<void> {
  const { origin } = trust
  const published = row?.published
  const size = published?.size ?? 0
  const statements = statementsOf(found, trust, kept, size)
  if (row === null || published === undefined) found.add('checkpoint.missing', origin, 'no checkpoint of this log is stored as published')
  else {
    const verdict = verifyCheckpoint(published.note, trust)
    if (!verdict.ok) found.add('checkpoint.signature', `the checkpoint of ${size} entries`, verdict.detail)
    const said = verdict.ok ? verdict.checkpoint : saidOf(published.note)
    if (said !== undefined && (said.size !== size || !sameHash(said.rootHash, bytesOf(published.root))))
      found.add(
        'log.row',
        `the checkpoint of ${size} entries`,
        `the row log says another size or root than the note beside it, which is of ${said.size} entries`,
      )
    if (row.size < size) found.add('log.truncated', origin, `the tree has ${row.size} entries, and a checkpoint of ${size} was published`)
    if (row.size === size && !sameHash(bytesOf(row.root), bytesOf(published.root)))
      found.add('log.row', origin, 'the root that was fixed is not the root that was published for the same size')
  }
  const next = (await stores.head.findOne({ _id: 'trail' }))?.next ?? 0
  if (next < size)
    found.add('log.truncated', origin, `the trail goes on with entry ${next}, and a checkpoint of ${size} entries was published`)
  const edge = await auditTree({
    stores,
    found,
    edge: begun,
    size,
    rowsAtOnce,
    stops: statements.map((statement) => statement.size),
    reached: (at, root) => {
      for (const statement of statements)
        if (statement.size === at && !sameHash(statement.rootHash, root))
          found.add(
            'checkpoint.kept',
            `the checkpoint of ${at} entries`,
            'the log does not begin with the entries that were signed then: it was rewritten or forked',
          )
    },
    progress: reached,
  })
  if (published !== undefined && !sameHash(frontierRoot(edgeFrontier(edge)), bytesOf(published.root)))
    found.add(
      'checkpoint.root',
      `the checkpoint of ${size} entries`,
      'the entries that are stored do not give the root that was published for them',
    )
}

function edgeOf({ next, partials }: AuditState): Edge {
  return { size: next, partials: partials.map((partial) => new Uint8Array(Buffer.from(partial, 'base64'))) }
}

interface Statement {
  readonly size: number
  readonly rootHash: Uint8Array
}

function statementsOf(found: Findings, trust: TrustPolicy, kept: readonly string[], size: number): Statement[] {
  return kept.flatMap((note): Statement[] => {
    const verdict = verifyCheckpoint(note, trust)
    if (!verdict.ok) {
      found.add('checkpoint.signature', 'a checkpoint that was kept', verdict.detail)
      return []
    }
    const { checkpoint } = verdict
    if (checkpoint.size <= size) return [checkpoint]
    found.add(
      'checkpoint.rolled-back',
      `the checkpoint of ${checkpoint.size} entries`,
      `it was signed, and the log has only ${size} entries: it was cut off, or rolled back`,
    )
    return []
  })
}

/** What a note says that nobody vouches for. */
function saidOf(note: string): Statement | undefined {
  try {
    return parseCheckpoint(parseNote(note).text)
  } catch (thrown) {
    if (thrown instanceof MerkleLogError) return undefined
    throw thrown
  }
}
