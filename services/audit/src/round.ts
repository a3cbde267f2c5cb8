import type { ChangeId, DeliveryId, Policy, RecipientId } from '@heed/domain'
import { changeIdOf } from '@heed/domain'
import { type DeliveryRow, foldOutcome, foldRequest, foldResolved, never, newDeliveryRow, supersede } from '@heed/trail'
import type { mongo } from 'mongoose'
import type { Arrival } from './arrivals.ts'
import type { AuditStore, EntryRow, RecipientControl } from './audit-store.ts'
import { type ChangeRow, changeRowOf } from './change-row.ts'
import { type Delta, tally } from './tally.ts'

/** Rows by id as the writer knows them to be stored, so that it need not read back what it has just written. */
export interface RowMemory {
  get(id: DeliveryId): DeliveryRow | undefined
}

/** What a round will change, computed before anything of it is written. */
export interface RoundPlan {
  readonly entries: readonly EntryRow[]
  readonly changes: readonly ChangeRow[]
  /** Rows that are stored anew, each with what stood there before. */
  readonly deliveries: readonly { readonly before: DeliveryRow | undefined; readonly after: DeliveryRow }[]
  readonly counts: ReadonlyMap<RecipientId, Delta>
  readonly controls: ReadonlyMap<RecipientId, RecipientControl>
  /** The changes of which something is new: whoever watches them is told. */
  readonly touched: ReadonlySet<ChangeId>
}

/** The rows after the events that name them, in the order of arrival. `stored` holds what was there before. */
export function foldDeliveries(arrivals: readonly Arrival[], stored: ReadonlyMap<DeliveryId, DeliveryRow>): Map<DeliveryId, DeliveryRow> {
  const rows = new Map<DeliveryId, DeliveryRow>()
  for (const { event } of arrivals) {
    switch (event.type) {
      case 'heed.delivery.requested.v1':
      case 'heed.delivery.attempted.v1':
      case 'heed.delivery.resolved.v1': {
        const { deliveryId, recipientId, subjectId, version } = event.data
        const row = rows.get(deliveryId) ?? stored.get(deliveryId) ?? newDeliveryRow(recipientId, subjectId, version)
        if (event.type === 'heed.delivery.requested.v1') rows.set(deliveryId, foldRequest(row, event.data))
        else if (event.type === 'heed.delivery.attempted.v1') rows.set(deliveryId, foldOutcome(row, event.data))
        else rows.set(deliveryId, foldResolved(row, event.data))
        break
      }
      default:
        break
    }
  }
  return rows
}

/** The newest word about holding a recipient back; of two of one moment the one that holds back. */
export function newerControl(held: RecipientControl | undefined, arriving: RecipientControl): RecipientControl {
  if (held === undefined || arriving.at > held.at) return arriving
  return arriving.at === held.at && arriving.paused && !held.paused ? arriving : held
}

/** The ids of the deliveries that the arrivals name. */
export function namedDeliveries(arrivals: readonly Arrival[]): DeliveryId[] {
  const ids = new Set<DeliveryId>()
  for (const { event } of arrivals)
    if ('deliveryId' in event.data && isAboutDelivery(event.type)) ids.add(event.data.deliveryId as DeliveryId)
  return [...ids]
}

function isAboutDelivery(type: Arrival['event']['type']): boolean {
  return type === 'heed.delivery.requested.v1' || type === 'heed.delivery.attempted.v1' || type === 'heed.delivery.resolved.v1'
}

/**
 * Computes what the arrivals change, reading what it has to within the session. None of them may have an entry yet, and no two may have the same.
 * `first` is the sequence of the first, `now` the time of the writer's clock.
 */
export async function planRound(
  store: AuditStore,
  session: mongo.ClientSession,
  memory: RowMemory,
  policy: Policy,
  arrivals: readonly Arrival[],
  first: number,
  now: number,
): Promise<RoundPlan> {
  const entries = arrivals.map(({ entry }, index): EntryRow => ({ _id: first + index, ...entry }))
  const changes = arrivals.flatMap(({ event }, index) =>
    event.type === 'heed.preference.changed.v1' ? [changeRowOf(policy, event.data, first + index, now)] : [],
  )
  const stored = await storedRows(store, session, memory, namedDeliveries(arrivals))
  const folded = foldDeliveries(arrivals, stored)
  const mates = [...(await openBelow(store, session, stored, folded)), ...(await endedAbove(store, session, stored, folded))]
  for (const mate of mates) if (!folded.has(mate._id)) stored.set(mate._id, mate)
  const known = [...folded.values(), ...mates.filter(({ _id }) => !folded.has(_id))]
  const deliveries = supersede(distinct(known))
    .map((after) => ({ before: stored.get(after._id), after }))
    .filter(({ before, after }) => before !== after)
  return {
    entries,
    changes,
    deliveries,
    counts: tally(deliveries),
    controls: await newControls(store, session, arrivals),
    touched: new Set([...changes.map(({ _id }) => _id), ...deliveries.map(({ after }) => changeIdOf(after.subjectId, after.version))]),
  }
}

async function storedRows(
  store: AuditStore,
  session: mongo.ClientSession,
  memory: RowMemory,
  ids: readonly DeliveryId[],
): Promise<Map<DeliveryId, DeliveryRow>> {
  const rows = new Map<DeliveryId, DeliveryRow>()
  const unknown: DeliveryId[] = []
  for (const id of ids) {
    const row = memory.get(id)
    if (row === undefined) unknown.push(id)
    else rows.set(id, row)
  }
  if (unknown.length > 0) {
    for (const row of await store.deliveries.find({ _id: { $in: unknown } }, { session }).toArray()) rows.set(row._id, row)
  }
  return rows
}

/** The stored rows that stand open below a version whose first end is new, or earlier than was known. */
async function openBelow(
  store: AuditStore,
  session: mongo.ClientSession,
  stored: ReadonlyMap<DeliveryId, DeliveryRow>,
  folded: ReadonlyMap<DeliveryId, DeliveryRow>,
): Promise<DeliveryRow[]> {
  const pairs = new Set<string>()
  let earliest = never
  for (const row of folded.values()) {
    // there is no version below the first
    if (row.version === 1 || row.firstEndedAt >= (stored.get(row._id)?.firstEndedAt ?? never)) continue
    pairs.add(row.pair)
    earliest = Math.min(earliest, row.firstEndedAt)
  }
  if (pairs.size === 0) return []
  // the index alone says which: nearly always those that this round has in hand
  const candidates = await store.deliveries
    .find(
      { ownOpen: true, pair: { $in: [...pairs] }, supersededAt: { $gt: earliest } },
      { session, projection: { _id: 1 }, hint: 'supersession' },
    )
    .toArray()
  const others = candidates.map(({ _id }) => _id).filter((id) => !folded.has(id))
  return others.length === 0 ? [] : store.deliveries.find({ _id: { $in: others } }, { session }).toArray()
}

/** The stored rows that have ended above a version that is open and was not before. */
async function endedAbove(
  store: AuditStore,
  session: mongo.ClientSession,
  stored: ReadonlyMap<DeliveryId, DeliveryRow>,
  folded: ReadonlyMap<DeliveryId, DeliveryRow>,
): Promise<DeliveryRow[]> {
  const opened = [...folded.values()].filter((row) => row.ownOpen && stored.get(row._id)?.ownOpen !== true)
  if (opened.length === 0) return []
  const lowest = new Map<string, number>()
  for (const { subjectId, version } of opened) lowest.set(subjectId, Math.min(version, lowest.get(subjectId) ?? never))
  // one step through the index for each subject: nearly always there is nothing above
  const tops = await store.deliveries
    .aggregate<{ _id: string; version: number }>(
      [
        { $match: { subjectId: { $in: [...lowest.keys()] } } },
        { $sort: { subjectId: -1, version: -1, recipientId: -1 } },
        { $group: { _id: '$subjectId', version: { $first: '$version' } } },
      ],
      { session },
    )
    .toArray()
  const suspects = tops.filter(({ _id, version }) => version > (lowest.get(_id) ?? never)).map(({ _id }) => _id)
  if (suspects.length === 0) return []
  const recipients = [...new Set(opened.map(({ recipientId }) => recipientId))]
  const above = Math.min(...suspects.map((subjectId) => lowest.get(subjectId) ?? never))
  const pairs = new Set(opened.map(({ pair }) => pair))
  const rows = await store.deliveries
    .find(
      {
        subjectId: { $in: suspects as DeliveryRow['subjectId'][] },
        version: { $gt: above },
        recipientId: { $in: recipients },
        firstEndedAt: { $lt: never },
      },
      { session },
    )
    .toArray()
  return rows.filter(({ pair }) => pairs.has(pair))
}

async function newControls(
  store: AuditStore,
  session: mongo.ClientSession,
  arrivals: readonly Arrival[],
): Promise<Map<RecipientId, RecipientControl>> {
  const controls = new Map<RecipientId, RecipientControl>()
  for (const { event } of arrivals) {
    if (event.type !== 'heed.recipient.paused.v1') continue
    const { recipientId, paused, by, reason, at } = event.data
    controls.set(recipientId, newerControl(controls.get(recipientId), { paused, by, reason, at }))
  }
  if (controls.size === 0) return controls
  for (const { _id, control } of await store.recipients.find({ _id: { $in: [...controls.keys()] } }, { session }).toArray()) {
    const arriving = controls.get(_id)
    if (control !== undefined && arriving !== undefined) controls.set(_id, newerControl(control, arriving))
  }
  return controls
}

function distinct(rows: readonly DeliveryRow[]): DeliveryRow[] {
  return [...new Map(rows.map((row) => [row._id, row])).values()]
}

/** Writes a planned round within the session. */
export async function writeRound(store: AuditStore, session: mongo.ClientSession, plan: RoundPlan): Promise<void> {
  if (plan.entries.length > 0) await store.entries.insertMany([...plan.entries], { session, ordered: true })
  if (plan.changes.length > 0) await store.changes.insertMany([...plan.changes], { session, ordered: true })
  const replaced = plan.deliveries.flatMap(({ before }) => (before === undefined ? [] : [before._id]))
  // Out and in again, within one transaction: half the time of as many replacements, which the server carries out one by one.
  if (replaced.length > 0) await store.deliveries.deleteMany({ _id: { $in: replaced } }, { session })
  if (plan.deliveries.length > 0)
    await store.deliveries.insertMany(
      plan.deliveries.map(({ after }) => after),
      { session, ordered: true },
    )
  const updates = [...new Set([...plan.counts.keys(), ...plan.controls.keys()])].map((recipientId) => {
    const control = plan.controls.get(recipientId)
    const delta = plan.counts.get(recipientId)
    return {
      updateOne: {
        filter: { _id: recipientId },
        update: { ...(delta === undefined ? {} : { $inc: delta }), ...(control === undefined ? {} : { $set: { control } }) },
        upsert: true,
      },
    }
  })
  if (updates.length > 0) await store.recipients.bulkWrite(updates, { session, ordered: true })
}
