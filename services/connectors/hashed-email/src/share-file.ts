import { createHash } from 'node:crypto'
import { type BatchContext, type FeedFile, feedFile, type Task } from '@heed/connector-kit'
import type { DeliveryId, PurposeKey } from '@heed/domain'
import type { FileSettings } from './settings.ts'

/** One row: suppress a hash in a scope, or no longer. */
export interface Row {
  readonly op: 'add' | 'remove'
  readonly hash: string
  readonly scope: string
  readonly effectiveAt: number
  readonly deliveryId: DeliveryId
}

const columns = ['op', 'hash_profile', 'hash', 'scope', 'effective_at', 'event_id'] as const

/** What a task says to the partner: a denial suppresses, a consent given anew lifts it; a default says nothing. `delta` rows only where something was chosen; `full` rows only suppress. */
export function rowsOf(task: Task, profile: string, extent: BatchContext['extent']): Row[] {
  const hashes = task.identifiers.filter(({ kind, form }) => kind === 'email' && form === profile).map(({ value }) => value)
  const keys = Object.keys(task.wanted) as PurposeKey[]
  const scopes = keys.flatMap((key): { op: Row['op']; scope: string }[] => {
    const scope = keys.length === 1 ? 'all' : key.replaceAll('/', '.')
    if (task.kind === 'erasure' || task.wanted[key] === 'denied') return [{ op: 'add', scope }]
    return extent === 'delta' && task.evidence[key] !== undefined ? [{ op: 'remove', scope }] : []
  })
  return hashes.flatMap((hash) =>
    scopes.map(({ op, scope }) => ({ op, hash, scope, effectiveAt: task.acceptedAt, deliveryId: task.deliveryId })),
  )
}

/** Sorted by hash byte by byte, so that the order reveals nothing; one row for each hash and scope, and of two that differ the suppression. */
export function arranged(rows: readonly Row[]): Row[] {
  const kept = new Map<string, Row>()
  for (const row of rows) {
    const key = `${row.hash},${row.scope}`
    const known = kept.get(key)
    if (known === undefined || (known.op === 'remove' && row.op === 'add')) kept.set(key, row)
  }
  return [...kept.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, row]) => row)
}

/** The file of a batch and its rows, in their order in the file. The same rows and batch give the same bytes. Throws `RangeError` past the last sequence number. */
export function shareFile(
  tasks: readonly Task[],
  settings: FileSettings,
  batch: BatchContext,
): { readonly file: FeedFile; readonly rows: readonly Row[] } {
  const { sender, list, hashProfile } = settings
  const rows = arranged(tasks.flatMap((task) => rowsOf(task, hashProfile, batch.extent)))
  const records = rows.map(({ op, hash, scope, effectiveAt, deliveryId }) => [
    op,
    hashProfile,
    hash,
    scope,
    new Date(effectiveAt).toISOString(),
    eventIdOf(deliveryId),
  ])
  return { file: feedFile({ sender, list, batch, columns, records, manifest: { hash_profile: hashProfile } }), rows }
}

/** A name for the event that tells the partner nothing else: the same for the same delivery, and not to be traced back to a subject id. */
function eventIdOf(deliveryId: DeliveryId): string {
  return `evt_${createHash('sha256').update(deliveryId).digest('hex').slice(0, 32)}`
}
