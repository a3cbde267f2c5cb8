import type { DeliveryId, RecipientId } from '@heed/domain'
import type { AuditStore, MissingRow } from './audit-store.ts'
import { owedDeliveries } from './change-row.ts'

/** How the sweep is bounded. */
export interface SweepOptions {
  readonly now: number
  /** A change is looked at once the trail has had it for so long. */
  readonly graceMs: number
  /** Changes looked at in one call. */
  readonly limit: number
  /** Whether the topics are read so far that what is not there was not requested. Asked only where something is missing. */
  readonly trust: () => Promise<boolean>
}

/**
 * Looks for deliveries that the policy names for an accepted change and that nobody has requested. Each change is looked at once, in the order of the trail; what was
 * found missing is looked at again until it is there. Resolves with what is left: changes to look at now, younger ones, or nothing.
 */
export async function sweepFanOut(
  store: AuditStore,
  options: SweepOptions,
): Promise<{ left: 'ripe' | 'young' | 'nothing'; found: number }> {
  const { now, graceMs, limit, trust } = options
  const cursor = await store.sweeps.findOne({ _id: 'fan-out' })
  const changes = await store.changes
    .find(
      { sequence: { $gte: cursor?.next ?? 0 } },
      { sort: { sequence: 1 }, limit, projection: { subjectId: 1, version: 1, owed: 1, sequence: 1, appendedAt: 1 } },
    )
    .toArray()
  const ripe = changes.filter(({ appendedAt }) => appendedAt <= now - graceMs)
  const last = ripe.at(-1)
  if (last === undefined) return { left: changes.length > 0 ? 'young' : 'nothing', found: 0 }
  const owed = ripe.flatMap(owedDeliveries)
  const missing = await notRequested(store, owed)
  if (missing.length > 0) {
    if (!(await trust())) return { left: 'young', found: 0 }
    const rows = missing.map((id): MissingRow => ({ _id: id, recipientId: recipientOf(id), foundAt: now }))
    await store.missing.bulkWrite(
      rows.map(({ _id, ...row }) => ({ updateOne: { filter: { _id }, update: { $setOnInsert: row }, upsert: true } })),
      { ordered: false },
    )
  }
  // after what was found is kept: a crash in between looks at the same changes again
  await store.sweeps.updateOne({ _id: 'fan-out' }, { $max: { next: last.sequence + 1 } }, { upsert: true })
  return { left: ripe.length === limit ? 'ripe' : ripe.length < changes.length ? 'young' : 'nothing', found: missing.length }
}

/** Drops from what is missing all that has been requested meanwhile. Resolves with how many are missing for each recipient. */
export async function recheckMissing(store: AuditStore): Promise<Map<RecipientId, number>> {
  const counts = new Map<RecipientId, number>()
  let page: MissingRow[] = []
  const check = async () => {
    const still = new Set(
      await notRequested(
        store,
        page.map(({ _id }) => _id),
      ),
    )
    const there = page.filter(({ _id }) => !still.has(_id)).map(({ _id }) => _id)
    if (there.length > 0) await store.missing.deleteMany({ _id: { $in: there } })
    for (const { _id, recipientId } of page) if (still.has(_id)) counts.set(recipientId, (counts.get(recipientId) ?? 0) + 1)
    page = []
  }
  for await (const row of store.missing.find()) {
    page.push(row)
    if (page.length === 1_000) await check()
  }
  if (page.length > 0) await check()
  return counts
}

async function notRequested(store: AuditStore, ids: readonly DeliveryId[]): Promise<DeliveryId[]> {
  if (ids.length === 0) return []
  const requested = new Set<DeliveryId>()
  const rows = store.deliveries.find({ _id: { $in: [...ids] }, request: { $exists: true } }, { projection: { _id: 1 } })
  for await (const { _id } of rows) requested.add(_id)
  return ids.filter((id) => !requested.has(id))
}

function recipientOf(id: DeliveryId): RecipientId {
  return id.slice(0, id.indexOf('/')) as RecipientId
}
