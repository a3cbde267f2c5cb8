import { type Delivery, newest, type PurposeKey, type SubjectId, supersedes } from '@heed/domain'
import { type InboxRow, type OutboxEntry, pastLimit } from './row.ts'

/** All that arrived about one subject in one batch. */
export interface Arrival {
  readonly newest: Delivery
  /** Everything that arrived, the newest among it. */
  readonly all: readonly Delivery[]
}

/** Gathers deliveries of one recipient by subject, in the order of first mention. */
export function foldArrivals(deliveries: readonly Delivery[]): Map<SubjectId, Arrival> {
  const arrivals = new Map<SubjectId, Arrival>()
  for (const delivery of deliveries) {
    const known = arrivals.get(delivery.subjectId)
    arrivals.set(delivery.subjectId, { newest: newest(known?.newest, delivery), all: [...(known?.all ?? []), delivery] })
  }
  return arrivals
}

/** Keys that changed over several versions. A repeat names none and means all, so it makes the whole empty. */
export function mergeChanged(a: readonly PurposeKey[], b: readonly PurposeKey[]): PurposeKey[] {
  if (a.length === 0 || b.length === 0) return []
  return [...new Set([...a, ...b])].sort()
}

/** What is known of a row before a batch is written. */
export type KnownRow = Pick<InboxRow, 'version' | 'assertion' | 'past' | 'changed' | 'kind' | 'wanted'> & { readonly open: boolean }

/** What an arrival means for a row, as far as can be told before writing. */
export type Effect =
  /** Nothing new: a repeat. */
  | { readonly kind: 'none' }
  /** The wanted state of the row becomes `delivery`, where the row has not gone further meanwhile; `older` were overtaken before they were ever seen. */
  | { readonly kind: 'wanted'; readonly delivery: Delivery; readonly older: readonly Delivery[] }
  /** Only versions below the row's, which nobody had seen: they are recorded as superseded. `changed` is what the row's state now differs in. */
  | { readonly kind: 'late'; readonly older: readonly Delivery[]; readonly changed: readonly PurposeKey[] }

function wasSeen(row: KnownRow | undefined, version: number): boolean {
  if (row === undefined) return false
  const oldest = row.past[0]
  // What is older than all that the row remembers was seen: it remembers the newest, and versions come in order but for repeats.
  return version === row.version || row.past.includes(version) || (row.past.length >= pastLimit && oldest !== undefined && version < oldest)
}

/** Decides what an arrival means. The same arrival twice means nothing the second time. */
export function effectOf(row: KnownRow | undefined, arrival: Arrival): Effect {
  const isNewer = row === undefined || supersedes(arrival.newest, row)
  const top = isNewer ? arrival.newest.version : row.version
  const older = new Map<number, Delivery>()
  for (const delivery of arrival.all) {
    if (delivery.version < top && !wasSeen(row, delivery.version))
      older.set(delivery.version, newest(older.get(delivery.version), delivery))
  }
  const unseen = [...older.values()]
  const unsettled = row?.open === true ? [row.changed] : []
  // the newest and what it overtook differ from the last settled state in all of their keys together
  const changes = [...unsettled, ...unseen.map((delivery) => delivery.changed)]
  if (isNewer) {
    const changed = changes.reduce<readonly PurposeKey[]>(mergeChanged, arrival.newest.changed)
    return { kind: 'wanted', delivery: { ...arrival.newest, changed }, older: unseen }
  }
  if (unseen.length === 0) return { kind: 'none' }
  const changed = row.open ? changes.reduce<readonly PurposeKey[]>(mergeChanged, row.changed) : row.changed
  return { kind: 'late', older: unseen, changed }
}

/** The outcome of a delivery that a newer one overtook. The same one however often it is made. */
export function supersededEntry(older: { readonly version: number; readonly assertion: number }, by: number, at: number): OutboxEntry {
  return {
    version: older.version,
    assertion: older.assertion,
    attempt: 0,
    step: 'superseded',
    outcome: { kind: 'superseded', by },
    at,
    durationMs: 0,
  }
}
