import type { RecipientId } from '@heed/domain'
import type { DeliveryRow } from '@heed/trail'

/** Where each requested delivery is counted, exactly once. `accepted` are those of which the vendor will never say more. */
export const buckets = ['open', 'accepted', 'confirmed', 'verified', 'superseded', 'notApplicable', 'resolved'] as const

/** One of `buckets`. */
export type Bucket = (typeof buckets)[number]

/** What a recipient's counts are made of: the buckets sum up to `requested`; `needsPerson` is a part of `open`; `unrequested` have outcomes and no request yet. */
export type Count = Bucket | 'requested' | 'needsPerson' | 'unrequested'

/** How counts change. */
export type Delta = Partial<Record<Count, number>>

/** The bucket of a requested delivery. */
export function bucketOf(row: Pick<DeliveryRow, 'state' | 'settled'>): Bucket {
  if (!row.settled) return 'open'
  switch (row.state) {
    case 'accepted':
    case 'confirmed':
    case 'verified':
    case 'superseded':
    case 'resolved':
      return row.state
    case 'not_applicable':
      return 'notApplicable'
    case 'pending':
    case 'needs_person':
      return 'open'
    default:
      return row.state satisfies never
  }
}

function countsOf(row: DeliveryRow): Count[] {
  if (row.request === undefined) return ['unrequested']
  const bucket = bucketOf(row)
  return row.open && row.state === 'needs_person' ? ['requested', bucket, 'needsPerson'] : ['requested', bucket]
}

/** How the counts of each recipient change when these rows become those. `before` is undefined for a row that was not there. */
export function tally(steps: Iterable<{ readonly before: DeliveryRow | undefined; readonly after: DeliveryRow }>): Map<RecipientId, Delta> {
  const deltas = new Map<RecipientId, Delta>()
  const add = (recipientId: RecipientId, count: Count, by: number) => {
    const delta = deltas.get(recipientId) ?? {}
    delta[count] = (delta[count] ?? 0) + by
    deltas.set(recipientId, delta)
  }
  for (const { before, after } of steps) {
    if (before !== undefined) for (const count of countsOf(before)) add(before.recipientId, count, -1)
    for (const count of countsOf(after)) add(after.recipientId, count, 1)
  }
  for (const [recipientId, delta] of deltas) {
    for (const [count, by] of Object.entries(delta) as [Count, number][]) if (by === 0) delete delta[count]
    if (Object.keys(delta).length === 0) deltas.delete(recipientId)
  }
  return deltas
}
