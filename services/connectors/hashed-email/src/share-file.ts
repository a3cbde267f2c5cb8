import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { BatchContext, Task } from '@heed/connector-kit'
import type { DeliveryId, PurposeKey } from '@heed/domain'
import { stringify } from 'csv-stringify/sync'
import type { HashedEmailSettings } from './settings.ts'

/** One row: suppress a hash in a scope, or no longer. */
export interface Row {
  readonly op: 'add' | 'remove'
  readonly hash: string
  readonly scope: string
  readonly effectiveAt: number
  readonly deliveryId: DeliveryId
}

/** A file of the share, and the manifest that makes it visible. */
export interface ShareFile {
  readonly name: string
  readonly content: Uint8Array
  readonly manifest: Uint8Array
  readonly sha256: string
  readonly rows: readonly Row[]
}

/** How many files a sequence can count: six digits stand in a name. */
const lastSequence = 999_999
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

/** The file of a batch. The same rows and batch give the same bytes: a file that is sent again is the same file. Throws `RangeError` past the last sequence number. */
export function shareFile(tasks: readonly Task[], settings: HashedEmailSettings, batch: BatchContext): ShareFile {
  if (batch.sequence > lastSequence) throw new RangeError(`a share has at most ${lastSequence} files: agree on a new list name`)
  const rows = arranged(tasks.flatMap((task) => rowsOf(task, settings.hashProfile, batch.extent)))
  const createdAt = new Date(batch.openedAt).toISOString()
  const stamp = `${createdAt.slice(0, 19).replaceAll(/[-:]/g, '')}Z`
  const name = `${settings.sender}_${settings.list}_${batch.extent}_${stamp}_${String(batch.sequence).padStart(6, '0')}.csv.gz`
  const csv = stringify(
    rows.map((row) => [
      row.op,
      settings.hashProfile,
      row.hash,
      row.scope,
      new Date(row.effectiveAt).toISOString(),
      eventIdOf(row.deliveryId),
    ]),
    { header: true, columns: [...columns], record_delimiter: 'unix' },
  )
  const content = gzipSync(csv)
  const sha256 = createHash('sha256').update(content).digest('hex')
  const manifest = Buffer.from(
    JSON.stringify({
      file: name,
      kind: batch.extent,
      seq: batch.sequence,
      rows: rows.length,
      bytes: content.length,
      sha256,
      hash_profile: settings.hashProfile,
      created_at: createdAt,
      previous_seq: batch.sequence > 1 ? batch.sequence - 1 : null,
    }),
  )
  return { name, content, manifest, sha256, rows }
}

/** A name for the event that tells the partner nothing else: the same for the same delivery, and not to be traced back to a subject id. */
function eventIdOf(deliveryId: DeliveryId): string {
  return `evt_${createHash('sha256').update(deliveryId).digest('hex').slice(0, 32)}`
}
