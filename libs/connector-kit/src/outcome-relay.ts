import { EventContractError, type EventData, encodeEvent, type Topics } from '@heed/contracts'
import { deliveryIdOf, type RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { OutgoingRecord, Publisher } from '@heed/platform/kafka'
import { type Loop, loop } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { mongo } from 'mongoose'
import type { WorkEvents } from './events.ts'
import type { Flights, Verdict } from './inbox/flights.ts'
import { type InboxRow, type OutboxEntry, subjectOfRow } from './inbox/row.ts'
import { entryOf } from './inbox/settlement.ts'
import type { Outcomes } from './outcomes.ts'
import type { Probe } from './worker/recipient.ts'

type OutboxRow = Pick<InboxRow, '_id' | 'recipientId' | 'subjectId' | 'outbox' | 'outboxTag'>

/** The event of an outcome. The same entry always has the same outcome id, so that a repeat is seen. */
export function outcomeEvent(
  row: Pick<InboxRow, 'recipientId' | 'subjectId'>,
  entry: OutboxEntry,
): EventData<'heed.delivery.attempted.v1'> {
  const { version, assertion, attempt, step, outcome, waitReason, nextTryAt, at, durationMs } = entry
  const deliveryId = deliveryIdOf(row.recipientId, row.subjectId, version)
  return {
    deliveryId,
    recipientId: row.recipientId,
    subjectId: row.subjectId,
    version,
    assertion,
    outcomeId: `${deliveryId}#${assertion}.${attempt}.${step}`,
    attempt,
    outcome,
    ...(waitReason === undefined ? {} : { waitReason }),
    ...(nextTryAt === undefined ? {} : { nextTryAt: Math.round(nextTryAt) }),
    at,
    durationMs: Math.max(0, durationMs),
  }
}

/** What the relay needs. */
export interface RelayOptions {
  readonly rows: mongo.Collection<InboxRow>
  readonly flights: Flights
  readonly publisher: Publisher
  readonly topics: Topics
  readonly source: string
  readonly clock: Clock
  readonly log: Logger
  readonly events: WorkEvents
  readonly probe: Probe
  /** How long it waits before it looks by itself: 30 s unless told. */
  readonly sweepMs?: number
  /** So many outcomes are kept in memory while the broker is away; beyond it, one is read from its record when its turn comes. 50,000 unless told. */
  readonly mostHeld?: number
}

/** The relay of one kind of connector in this process. */
export type OutcomeRelay = Outcomes & Pick<Loop, 'settle' | 'stop'>

const perTurn = 1_000
// Gathered for a moment: outcomes of many small batches leave together.
const gatherMs = 200

interface Waiting {
  readonly recipientId: RecipientId
  /** Undefined: to be read from the record. */
  verdicts: Verdict[] | undefined
  count: number
  closed: boolean
  /** Something came into the record since it was read. */
  stale: boolean
}

const sizeOf = (verdict: Verdict): number => verdict.groups.reduce((sum, { rows }) => sum + rows.length, 0)

/**
 * Tells what was decided, then drops its records. What a crash leaves is told again after it, under the same outcome ids. Rows that have outcomes in outboxes of
 * their own (what was overtaken before it was told, what a person ended) are looked for when something says that there are some, and now and then.
 */
export function outcomeRelay(options: RelayOptions): OutcomeRelay {
  const { rows, flights, publisher, topics, source, log, events, probe, clock, sweepMs = 30_000, mostHeld = 50_000 } = options
  const waiting = new Map<string, Waiting>()
  let held = 0
  let rowsToRead = true
  let sweptAt = Number.NEGATIVE_INFINITY

  /** An outcome that breaks its own contract is a fault of ours: it is logged, and holds nobody else up. */
  const recordOf = (row: Pick<InboxRow, 'recipientId' | 'subjectId'>, entry: OutboxEntry): OutgoingRecord[] => {
    const data = outcomeEvent(row, entry)
    try {
      const record = encodeEvent('heed.delivery.attempted.v1', row.subjectId, data, { id: data.outcomeId, source, time: entry.at })
      return [{ topic: topics.outcomes, ...record }]
    } catch (thrown) {
      if (!(thrown instanceof EventContractError)) throw thrown
      // its message names fields, never values
      log.error({ deliveryId: data.deliveryId, outcome: entry.outcome.kind, detail: thrown.message }, 'outcome.unpublishable')
      return []
    }
  }

  const recordsOf = (recipientId: RecipientId, { at, groups }: Verdict): OutgoingRecord[] =>
    groups.flatMap(({ rows: settled, settlement }) =>
      settled.flatMap((row) => {
        const entry = entryOf(settlement, row, at)
        return entry === undefined ? [] : recordOf({ recipientId, subjectId: subjectOfRow(row.id) }, entry)
      }),
    )

  const publish = async (records: readonly OutgoingRecord[]) => {
    if (records.length === 0) return
    await publisher.publish(records)
    await probe('published')
    events.outcomesPublished(records.length)
  }

  const tellRows = async (): Promise<boolean> => {
    const projection = { recipientId: 1, subjectId: 1, outbox: 1, outboxTag: 1 }
    const found: OutboxRow[] = await rows
      .find({ outboxTag: { $exists: true } }, { projection, hint: 'outbox', batchSize: perTurn + 1 })
      .limit(perTurn)
      .toArray()
    if (found.length === 0) return false
    await publish(found.flatMap((row) => (row.outbox ?? []).flatMap((entry) => recordOf(row, entry))))
    const byTag = new Map<string, string[]>()
    for (const { _id, outboxTag = '' } of found) {
      const ids = byTag.get(outboxTag)
      if (ids === undefined) byTag.set(outboxTag, [_id])
      else ids.push(_id)
    }
    // guarded by the tag: what came in while these were published has another one
    const writes = [...byTag].map(([tag, ids]) => ({
      updateMany: { filter: { _id: { $in: ids }, outboxTag: tag }, update: { $unset: { outbox: 1 as const, outboxTag: 1 as const } } },
    }))
    await rows.bulkWrite(writes, { ordered: false })
    return found.length === perTurn
  }

  const tellRecords = async (): Promise<boolean> => {
    const turn: { id: string; one: Waiting; told: readonly Verdict[] }[] = []
    const records: OutgoingRecord[] = []
    for (const [id, one] of waiting) {
      if (records.length >= perTurn) break
      one.stale = false
      // as they are now: one that comes in while these are published is told in the next turn
      const told = one.verdicts === undefined ? ((await flights.read(id))?.verdicts ?? []) : [...one.verdicts]
      if (told.length === 0 && !one.closed) continue
      for (const verdict of told) records.push(...recordsOf(one.recipientId, verdict))
      turn.push({ id, one, told })
    }
    if (turn.length === 0) return false
    await publish(records)
    const done: string[] = []
    for (const { id, one, told } of turn) {
      // replaced while it was published: the new one is told as well
      if (waiting.get(id) !== one) continue
      // what came in meanwhile is in the record only: the next turn reads it again
      if (one.stale) continue
      const left = one.verdicts?.filter((verdict) => !told.includes(verdict)) ?? []
      held -= one.count
      one.verdicts = left
      one.count = left.reduce((sum, verdict) => sum + sizeOf(verdict), 0)
      held += one.count
      if (!one.closed || left.length > 0) continue
      waiting.delete(id)
      done.push(id)
    }
    await flights.forget(done)
    return [...waiting.values()].some(({ closed, count, verdicts }) => closed || count > 0 || verdicts === undefined)
  }

  const run = async (): Promise<'again' | 'idle'> => {
    let more = false
    if (rowsToRead || clock.now() - sweptAt >= sweepMs) {
      rowsToRead = false
      sweptAt = clock.now()
      try {
        more = await tellRows()
      } catch (thrown) {
        rowsToRead = true
        throw thrown
      }
      rowsToRead ||= more
    }
    return (await tellRecords()) || more ? 'again' : 'idle'
  }
  const running = loop({ name: 'outcomes', everyMs: sweepMs, run, log, clock })

  let gathering: NodeJS.Timeout | undefined
  const wake = () => {
    gathering ??= setTimeout(() => {
      gathering = undefined
      running.wake()
    }, gatherMs).unref()
  }

  const letGo = (one: Waiting) => {
    held -= one.count
    one.count = 0
    one.verdicts = undefined
  }

  return {
    post: ({ record, recipientId, verdict }) => {
      let one = waiting.get(record)
      if (one === undefined) {
        one = { recipientId, verdicts: [], count: 0, closed: false, stale: false }
        waiting.set(record, one)
      }
      if (one.verdicts === undefined) one.stale = true
      else {
        const size = sizeOf(verdict)
        one.verdicts.push(verdict)
        one.count += size
        held += size
        if (held > mostHeld) letGo(one)
      }
      wake()
    },
    close: (record, recipientId) => {
      const one = waiting.get(record) ?? { recipientId, verdicts: [], count: 0, closed: true, stale: false }
      one.closed = true
      waiting.set(record, one)
      wake()
    },
    replace: (record, recipientId, verdicts) => {
      const before = waiting.get(record)
      if (before !== undefined) letGo(before)
      const one: Waiting = {
        recipientId,
        verdicts: [...verdicts],
        count: verdicts.reduce((sum, verdict) => sum + sizeOf(verdict), 0),
        closed: true,
        stale: false,
      }
      held += one.count
      waiting.set(record, one)
      if (held > mostHeld) letGo(one)
      wake()
    },
    rowsWritten: () => {
      rowsToRead = true
      wake()
    },
    settle: () => {
      rowsToRead = true
      return running.settle()
    },
    stop: () => {
      clearTimeout(gathering)
      return running.stop()
    },
  }
}
