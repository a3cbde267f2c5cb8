import { type BatchContext, type FeedFile, type FeedFileSettings, feedFile, type Task } from '@heed/connector-kit'
import type { DeliveryId } from '@heed/domain'
import { eventsOf, type FeedEvent } from './events.ts'
import type { WordingSettings } from './settings.ts'

/** A row of a feed file: an event, and whose it is. */
export interface FeedRow {
  readonly event: FeedEvent
  readonly deliveryId: DeliveryId
}

const columns = [
  'type',
  'identity_type',
  'identity_format',
  'hash_profile',
  'identity_value',
  'purpose',
  'channel',
  'topic',
  'sequence',
  'series',
  'effective_at',
  'event_id',
] as const

const grants = (type: FeedEvent['type']): boolean => type === 'preference.opt_in' || type === 'preference.topic_opt_in'

/** What a task says in a file. A full file says only who is out: whoever is not in it is not. */
export function feedRowsOf(task: Task, settings: WordingSettings, extent: BatchContext['extent']): FeedRow[] {
  return eventsOf(task, settings)
    .filter(({ type }) => extent === 'delta' || !grants(type))
    .map((event) => ({ event, deliveryId: task.deliveryId }))
}

const keyOf = ({ identity, scope }: FeedEvent): string =>
  JSON.stringify([identity.identity_value, identity.identity_type, identity.hash_profile, scope?.purpose, scope?.channel, scope?.topic])

/** Sorted by identity, so that the order reveals nothing; one row for each identity and scope, and of two that differ the refusal. */
export function arranged(rows: readonly FeedRow[]): FeedRow[] {
  const kept = new Map<string, FeedRow>()
  for (const row of rows) {
    const key = keyOf(row.event)
    const known = kept.get(key)
    if (known === undefined || (grants(known.event.type) && !grants(row.event.type))) kept.set(key, row)
  }
  return [...kept.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, row]) => row)
}

/** The file of a batch and its rows, in their order in the file. The same tasks and batch give the same bytes. */
export function rowsFile(
  tasks: readonly Task[],
  settings: WordingSettings & FeedFileSettings,
  batch: BatchContext,
): { readonly file: FeedFile; readonly rows: readonly FeedRow[] } {
  const rows = arranged(tasks.flatMap((task) => feedRowsOf(task, settings, batch.extent)))
  const records = rows.map(({ event: { type, identity, scope, sequence, series, effectiveAt, id } }) => [
    type,
    identity.identity_type,
    identity.identity_format,
    identity.hash_profile ?? '',
    identity.identity_value,
    scope?.purpose ?? '',
    scope?.channel ?? '',
    scope?.topic ?? '',
    String(sequence),
    series,
    new Date(effectiveAt).toISOString(),
    id,
  ])
  const { sender, list, regulation } = settings
  const manifest = regulation === null ? {} : { regulation }
  return { file: feedFile({ sender, list, batch, columns, records, manifest }), rows }
}
