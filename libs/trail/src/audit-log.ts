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
import { auditOrigins } from './audit-origins.ts'
import { type AuditReport, type AuditState, type Findings, findings } from './audit-report.ts'
import type { AuditedStores } from './audit-stores.ts'
import { auditTree } from './audit-tree.ts'
import { bytesOf } from './bytes.ts'

/** How to audit. */
export interface AuditOptions {
  readonly stores: AuditedStores
  /** Whom to believe. */
  readonly trust: TrustPolicy
  /** Signed checkpoints that were kept from earlier, elsewhere: the log must lead on from each. */
  readonly kept?: readonly string[]
  /** Where an earlier run stopped. */
  readonly from?: AuditState
  /** Called after each batch, with where the audit is; `of` is the number of entries, or of journal rows in the second half. */
  readonly progress?: (part: 'log' | 'origins', done: number, of: number, state: () => AuditState) => Promise<void> | void
  readonly maxListed?: number
  /** How long what differs gets to become right while a hub is running, before it is read once more, ms. */
  readonly settleMs?: number
  /** How many rows are read at a time: memory against speed. */
  readonly rowsAtOnce?: number
  readonly now?: () => number
  readonly signal?: AbortSignal
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
  const { progress = () => undefined } = options
  const { origin } = trust
  if (from !== undefined && from.origin !== origin) throw new AuditStateError(`the state is that of another log: ${from.origin}`)
  const found = findings(from, maxListed)
  const row = await stores.log.log.findOne({ _id: 'log' })
  const published = row?.published
  const size = published?.size ?? 0
  if (from !== undefined && from.next > size)
    throw new AuditStateError(`the state is of ${from.next} entries, and the log has only ${size}`)
  let edge: Edge = from === undefined ? EMPTY_EDGE : edgeOf(from)
  let subject = from?.subject

  const state = (): AuditState => ({
    format: 1,
    origin,
    next: edge.size,
    partials: edge.partials.map((partial) => Buffer.from(partial).toString('base64')),
    ...(subject === undefined ? {} : { subject }),
    counts: { ...found.counts },
    differences: found.differences(),
    listed: [...found.listed()],
  })

  if (subject === undefined) {
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
    edge = await auditTree({
      stores,
      found,
      edge,
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
      progress: async (reachedEdge) => {
        edge = reachedEdge
        options.signal?.throwIfAborted()
        await progress('log', edge.size, size, state)
      },
    })
    if (published !== undefined && !sameHash(frontierRoot(edgeFrontier(edge)), bytesOf(published.root)))
      found.add(
        'checkpoint.root',
        `the checkpoint of ${size} entries`,
        'the entries that are stored do not give the root that was published for them',
      )
    subject = ''
  }
  const rows = await stores.journal.estimatedDocumentCount()
  await auditOrigins({
    stores,
    found,
    after: subject,
    settleMs,
    rowsAtOnce,
    now,
    progress: async (reachedSubject) => {
      subject = reachedSubject
      options.signal?.throwIfAborted()
      await progress('origins', found.counts.changes, rows, state)
    },
  })
  await auditJournal({ stores, found, size, rowsAtOnce })
  return { ok: found.differences() === 0, origin, size, counts: found.counts, differences: found.differences(), listed: found.listed() }
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
