import { randomBytes } from 'node:crypto'
import type { Delivery, RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { mongo } from 'mongoose'
import { type ArrivalRules, arrivalUpdate, insertedRow, lateUpdate } from './arrival-update.ts'
import { type Effect, effectOf, foldArrivals, type KnownRow } from './fold.ts'
import { firstSettledLane, type InboxRow, priorityOf, rowIdOf } from './row.ts'

/** What a batch of deliveries came to. */
export interface Accepted {
  /** Rows whose wanted state is new. */
  readonly wanted: number
  /** Deliveries that were overtaken: rows have outcomes to publish. */
  readonly superseded: number
  /** Subjects about which nothing was new. */
  readonly repeated: number
  /** Rows that were not there before, as they are stored. */
  readonly added: readonly InboxRow[]
}

/** What each recipient must come to hold, one row for each subject. */
export interface Inbox {
  /**
   * When accept returns, the wanted states are stored, durable, and due. Any order and any repetition of the same deliveries ends in the same rows; a repeat
   * of what a row knows writes nothing. The deliveries may be of several recipients: one round trip serves them all where most are about subjects whom their
   * recipients have never heard of, as was so the last time; two to three otherwise.
   */
  accept(deliveries: readonly Delivery[]): Promise<ReadonlyMap<RecipientId, Accepted>>
}

/** The indexes that every query of the kit uses. */
export async function createInboxIndexes(rows: mongo.Collection<InboxRow>): Promise<void> {
  await rows.createIndexes([
    // settled rows are not in it
    { key: { recipientId: 1, lane: 1, dueAt: 1 }, name: 'line', partialFilterExpression: { lane: { $exists: true } } },
    { key: { outboxTag: 1 }, name: 'outbox', partialFilterExpression: { outboxTag: { $exists: true } } },
  ])
}

const isDuplicate = (error: unknown): boolean => (error as { code?: unknown }).code === 11_000

/** An inbox in a collection. `newerMayOvertake` says for each recipient whether a newer wish may be told while an older one's job is followed. */
export function createInbox(
  rows: mongo.Collection<InboxRow>,
  options: { readonly clock: Clock; newerMayOvertake(recipientId: RecipientId): boolean },
): Inbox {
  const known = async (ids: readonly string[]): Promise<Map<string, KnownRow>> => {
    const projection = { version: 1, assertion: 1, past: 1, changed: 1, kind: 1, wanted: 1, lane: 1 }
    const found = await rows.find({ _id: { $in: [...ids] } }, { projection, batchSize: ids.length + 1 }).toArray()
    return new Map(found.map((row) => [row._id, { ...row, open: (row.lane ?? firstSettledLane) < firstSettledLane }]))
  }

  /** Whether most of what came last was about subjects without a row. */
  let mostlyNew = true

  const accept = async (deliveries: readonly Delivery[]): Promise<ReadonlyMap<RecipientId, Accepted>> => {
    const arrivals = [...byRecipient(deliveries)].flatMap(([recipientId, own]) =>
      [...foldArrivals(own)].map(([subjectId, arrival]) => ({ id: rowIdOf(recipientId, subjectId), recipientId, arrival })),
    )
    const tallies = new Map<RecipientId, Tally>()
    const tag = `in-${randomBytes(9).toString('base64url')}`
    const now = options.clock.now()
    const rulesOf = (recipientId: RecipientId): ArrivalRules => ({ newerMayOvertake: options.newerMayOvertake(recipientId), now, tag })
    let left = arrivals
    // What is inserted without a look turns out to be there at the most once; what another consumer inserts meanwhile is known the next time.
    for (let round = 0; left.length > 0; round += 1) {
      const guessed = round === 0 && mostlyNew
      const stored = guessed ? new Map<string, KnownRow>() : await known(left.map(({ id }) => id))
      const works = left.map(({ id, recipientId, arrival }): Work => {
        const row = stored.get(id)
        return { id, recipientId, row, effect: effectOf(row, arrival) }
      })
      const writes = works.flatMap((work) => writeOf(work, rulesOf(work.recipientId)))
      const again = await write(writes)
      if (round === 0) mostlyNew = (guessed ? again.size : stored.size) * 2 < left.length
      if (again.size > 0 && round > 3) throw new Error('rows are inserted by somebody else again and again')
      for (const work of works) if (!again.has(work.id)) count(tallyOf(tallies, work.recipientId), work)
      for (const operation of writes) {
        if (!('insertOne' in operation)) continue
        const row = operation.insertOne.document as InboxRow
        if (!again.has(row._id)) tallyOf(tallies, row.recipientId).added.push(row)
      }
      left = left.filter(({ id }) => again.has(id))
    }
    return tallies
  }

  /** Writes, and names the rows that somebody else had inserted meanwhile. */
  const write = async (writes: readonly mongo.AnyBulkWriteOperation<InboxRow>[]): Promise<Set<string>> => {
    if (writes.length === 0) return new Set()
    try {
      await rows.bulkWrite([...writes], { ordered: false })
      return new Set()
    } catch (thrown) {
      if (!(thrown instanceof mongo.MongoBulkWriteError)) throw thrown
      const errors = Array.isArray(thrown.writeErrors) ? thrown.writeErrors : [thrown.writeErrors]
      if (errors.length === 0 || !errors.every(isDuplicate)) throw thrown
      return new Set(
        errors.flatMap(({ index }) => {
          const operation = writes[index]
          return operation !== undefined && 'insertOne' in operation ? [String(operation.insertOne.document._id)] : []
        }),
      )
    }
  }

  return { accept }
}

interface Tally extends Accepted {
  wanted: number
  superseded: number
  repeated: number
  readonly added: InboxRow[]
}

function tallyOf(tallies: Map<RecipientId, Tally>, recipientId: RecipientId): Tally {
  const known = tallies.get(recipientId)
  if (known !== undefined) return known
  const tally: Tally = { wanted: 0, superseded: 0, repeated: 0, added: [] }
  tallies.set(recipientId, tally)
  return tally
}

interface Work {
  readonly id: string
  readonly recipientId: RecipientId
  readonly row: KnownRow | undefined
  readonly effect: Effect
}

function byRecipient(deliveries: readonly Delivery[]): Map<RecipientId, Delivery[]> {
  const sorted = new Map<RecipientId, Delivery[]>()
  for (const delivery of deliveries) {
    const own = sorted.get(delivery.recipientId)
    if (own === undefined) sorted.set(delivery.recipientId, [delivery])
    else own.push(delivery)
  }
  return sorted
}

function count(tally: Tally, { effect, row }: Work): void {
  if (effect.kind === 'none') tally.repeated += 1
  else tally.superseded += effect.older.length
  if (effect.kind !== 'wanted') return
  tally.wanted += 1
  if (row?.open === true && row.version < effect.delivery.version) tally.superseded += 1
}

function writeOf({ id, row, effect }: Work, rules: ArrivalRules): mongo.AnyBulkWriteOperation<InboxRow>[] {
  switch (effect.kind) {
    case 'none':
      return []
    case 'wanted':
      if (row === undefined) return [{ insertOne: { document: insertedRow(effect.delivery, effect.older, rules) } }]
      return [{ updateOne: { filter: { _id: id }, update: arrivalUpdate(effect.delivery, effect.older, rules) } }]
    case 'late': {
      if (row === undefined) return []
      // the wanted state stays; only what it differs in, and so how urgent it is, may be new
      const priority = priorityOf({ ...row, changed: effect.changed })
      return [{ updateOne: { filter: { _id: id }, update: lateUpdate(effect.older, effect.changed, priority, rules) } }]
    }
    default:
      return effect satisfies never
  }
}
