import { claimedCheckpoint, type Edge, edgeFrontier, frontierRoot, sameHash, type TrustPolicy, verifyCheckpoint } from '@heed/merkle-log'
import { type Findings, type Found, findings } from './audit-report.ts'
import type { AuditedStores } from './audit-stores.ts'
import { auditTree } from './audit-tree.ts'
import { bytesOf } from './bytes.ts'

/** What of the log is to be looked at. */
export interface LogTask {
  /** Whom to believe. */
  readonly trust: TrustPolicy
  /** Signed checkpoints that were kept from earlier, elsewhere. */
  readonly kept: readonly string[]
  /** The tree over the entries that were looked at before. */
  readonly edge: Edge
  readonly rowsAtOnce: number
  readonly maxListed: number
}

/** How far the tree is, out of how many entries, and what was found. */
export interface LogReached extends Found {
  readonly edge: Edge
  readonly size: number
  /** The tree was held against its checkpoint. */
  readonly done: boolean
}

/** Looks at the log, and tells of each step; resolves when the tree was held against its checkpoint, rejects when `signal` is aborted. */
export type LogAuditor = (task: LogTask, reached: (at: LogReached) => Promise<void>, signal: AbortSignal) => Promise<void>

/** What the log by itself needs. */
export interface LogHalf extends LogTask {
  readonly stores: AuditedStores
  readonly reached: (at: LogReached) => Promise<void>
}

/** The log by itself: its checkpoints, and the tree that its entries give. */
export async function auditLogHalf({ stores, trust, kept, rowsAtOnce, maxListed, edge: begun, reached }: LogHalf): Promise<void> {
  const { origin } = trust
  const found = findings(maxListed)
  const row = await stores.log.log.findOne({ _id: 'log' })
  const published = row?.published
  const size = published?.size ?? 0
  const statements = statementsOf(found, trust, kept, size)
  if (row === null || published === undefined) found.add('checkpoint.missing', origin, 'no checkpoint of this log is stored as published')
  else {
    const verdict = verifyCheckpoint(published.note, trust)
    if (!verdict.ok) found.add('checkpoint.signature', `the checkpoint of ${size} entries`, verdict.detail)
    const said = verdict.ok ? verdict.checkpoint : claimedCheckpoint(published.note)
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
    progress: (at) => reached({ edge: at, size, done: false, ...found.sofar() }),
  })
  if (published !== undefined && !sameHash(frontierRoot(edgeFrontier(edge)), bytesOf(published.root)))
    found.add(
      'checkpoint.root',
      `the checkpoint of ${size} entries`,
      'the entries that are stored do not give the root that was published for them',
    )
  await reached({ edge, size, done: true, ...found.sofar() })
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
