import type { DeliveryState, Outcome, WaitReason } from '@heed/domain'
import type { mongo } from 'mongoose'
import type { Expression } from './arrival-update.ts'
import { type InboxRow, lanes } from './row.ts'

/** What becomes of a row after its batch. The same value for all rows of one fate, so that they are settled by one update. */
export interface Settlement {
  readonly state: DeliveryState
  readonly final: boolean
  /** `queue`: it is due again; `dueAt` absent = at its old place in line. */
  readonly place: 'closed' | 'queue' | 'followed' | 'parked' | 'read-back'
  readonly dueAt?: number
  readonly waitReason?: WaitReason
  readonly failures: 'reset' | 'count' | 'keep'
  /** Whether a try may have been applied without an answer; `keep` where this one says nothing about it. */
  readonly unknown: boolean | 'keep'
  /** Nothing is asserted about this subject before. */
  readonly quietUntil?: number
  /** Sent together with its own part only. */
  readonly part?: string
  readonly giveUp?: true
  readonly drift?: true
  readonly skip?: true
  /** Nothing was tried after all: the try is taken back. */
  readonly untried?: true
  /** The batch that the row now belongs to, where it is followed. */
  readonly follow?: string
  /** True where a newer wish has to wait for the job of this one. */
  readonly holds?: boolean
  /** What is published; absent where nothing was learned. */
  readonly entry?: { readonly step: string; readonly outcome: Outcome; readonly durationMs: number; readonly nextTryAt?: number }
}

/** Rows of one batch that share a fate. */
export interface SettledRows {
  readonly ids: readonly string[]
  readonly settlement: Settlement
}

const literal = (value: unknown): Expression => ({ $literal: value })

function laneOf(place: Settlement['place']): Expression | string {
  switch (place) {
    case 'closed':
      return '$$REMOVE'
    case 'queue':
      return '$priority'
    case 'followed':
      return literal(lanes.followed)
    case 'parked':
      return literal(lanes.parked)
    case 'read-back':
      return literal(lanes.readBack)
    default:
      return place satisfies never
  }
}

/**
 * The update that settles rows which a batch holds. The outcome belongs to the version that was sent. Where a newer one arrived meanwhile, the row itself stays
 * due for that, and only the outcome is kept.
 */
export function settlementUpdate(settlement: Settlement, now: number, tag: string): Expression[] {
  const { entry, place, follow, quietUntil } = settlement
  const current = { $and: [{ $eq: ['$version', '$lease.version'] }, { $eq: ['$assertion', '$lease.assertion'] }] }
  const held = place === 'followed' && settlement.holds === true
  const ifCurrent = (then: unknown, otherwise: unknown) => ({ $cond: [current, then, otherwise] })
  const plus = (field: string) => ifCurrent({ $add: [field, 1] }, field)

  const oldPlace = quietUntil === undefined ? '$queuedAt' : { $max: ['$queuedAt', quietUntil] }
  const dueAt = settlement.dueAt === undefined ? (place === 'queue' ? oldPlace : '$$REMOVE') : literal(settlement.dueAt)
  const waitReason = settlement.waitReason === undefined ? '$$REMOVE' : literal(settlement.waitReason)
  const lease = follow === undefined ? '$$REMOVE' : { $mergeObjects: ['$lease', { token: literal(follow) }] }

  const published = entry && {
    version: '$lease.version',
    assertion: '$lease.assertion',
    attempt: '$lease.attempt',
    step: literal(entry.step),
    outcome: literal(entry.outcome),
    at: literal(now),
    durationMs: literal(entry.durationMs),
    waitReason: ifCurrent(waitReason, '$$REMOVE'),
    nextTryAt: ifCurrent(entry.nextTryAt === undefined ? '$$REMOVE' : literal(entry.nextTryAt), '$$REMOVE'),
  }

  return [
    {
      $set: {
        state: ifCurrent(literal(settlement.state), '$state'),
        final: ifCurrent(literal(settlement.final), '$final'),
        lane: held ? laneOf('followed') : ifCurrent(laneOf(place), '$priority'),
        dueAt: held ? '$$REMOVE' : ifCurrent(dueAt, oldPlace),
        waitReason: held ? literal('awaiting_confirmation') : ifCurrent(waitReason, literal('waiting_turn')),
        lease: held ? lease : ifCurrent(lease, '$$REMOVE'),
        part: ifCurrent(settlement.part === undefined ? '$$REMOVE' : literal(settlement.part), '$$REMOVE'),
        ...(settlement.failures === 'keep' ? {} : { failures: settlement.failures === 'reset' ? literal(0) : plus('$failures') }),
        ...(settlement.unknown === 'keep'
          ? {}
          : { unknown: literal(settlement.unknown), quietUntil: quietUntil === undefined ? '$$REMOVE' : literal(quietUntil) }),
        ...(settlement.giveUp ? { giveUps: plus('$giveUps') } : {}),
        ...(settlement.drift ? { drifts: plus('$drifts') } : {}),
        ...(settlement.skip ? { skips: plus('$skips') } : {}),
        ...(settlement.untried ? { attempts: ifCurrent({ $subtract: ['$attempts', 1] }, '$attempts') } : {}),
        ...(published === undefined
          ? {}
          : { outbox: { $concatArrays: [{ $ifNull: ['$outbox', []] }, [published]] }, outboxTag: literal(tag) }),
      },
    },
  ]
}

/** The writes that settle a batch: one for each fate, whatever the number of rows. */
export function settlementWrites(
  token: string,
  groups: readonly SettledRows[],
  now: number,
  tag: string,
): mongo.AnyBulkWriteOperation<InboxRow>[] {
  return groups
    .filter(({ ids }) => ids.length > 0)
    .map(({ ids, settlement }) => ({
      updateMany: { filter: { _id: { $in: [...ids] }, 'lease.token': token }, update: settlementUpdate(settlement, now, tag) },
    }))
}

/** Rows with equal settlements together. */
export function groupByFate(settled: Iterable<readonly [string, Settlement]>): SettledRows[] {
  const groups = new Map<string, { ids: string[]; settlement: Settlement }>()
  for (const [id, settlement] of settled) {
    const fate = JSON.stringify(settlement)
    const group = groups.get(fate)
    if (group === undefined) groups.set(fate, { ids: [id], settlement })
    else group.ids.push(id)
  }
  return [...groups.values()]
}
