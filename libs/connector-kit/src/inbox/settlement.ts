import type { DeliveryState, Outcome, WaitReason } from '@heed/domain'
import type { mongo } from 'mongoose'
import type { Expression } from './arrival-update.ts'
import { type InboxRow, lanes, type OutboxEntry, type RowLease } from './row.ts'

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
  /**
   * It is wanted once more, under an assertion of this time (ms since the epoch): set with the place in the line, so that nobody claims the row in between. What is
   * told belongs to that assertion, and `deadlineAt` is the end of its time.
   */
  readonly reassertAt?: number
  readonly deadlineAt?: number
  readonly skip?: true
  /** Nothing was tried after all: the try does not count. */
  readonly untried?: true
  /** The batch that the row now belongs to, where it is followed. */
  readonly follow?: string
  /** True where a newer wish has to wait for the job of this one. */
  readonly holds?: boolean
  /** What is published; absent where nothing was learned. */
  readonly entry?: { readonly step: string; readonly outcome: Outcome; readonly durationMs: number; readonly nextTryAt?: number }
}

/** A row as a batch holds it: which version of it was sent, and as which try. */
export interface HeldRow {
  readonly id: string
  readonly version: number
  readonly assertion: number
  readonly attempt: number
  readonly priority: 0 | 1
}

/** Rows of one batch that share a fate. */
export interface SettledRows {
  readonly rows: readonly HeldRow[]
  readonly settlement: Settlement
}

/** Rows with equal settlements together. */
export function groupByFate(settled: Iterable<readonly [HeldRow, Settlement]>): SettledRows[] {
  const groups = new Map<string, { rows: HeldRow[]; settlement: Settlement }>()
  for (const [row, settlement] of settled) {
    const fate = JSON.stringify(settlement)
    const group = groups.get(fate)
    if (group === undefined) groups.set(fate, { rows: [row], settlement })
    else group.rows.push(row)
  }
  return [...groups.values()]
}

/** What a settlement means for the row itself: what is told of it differs from row to row where the place does not. */
function forRow({ entry: _, ...settlement }: Settlement): Settlement {
  return settlement
}

/** Rows that one plain update can settle: the same version, assertion, try and lane. */
function alike(rows: readonly HeldRow[]): { row: HeldRow; ids: string[] }[] {
  const groups = new Map<string, { row: HeldRow; ids: string[] }>()
  for (const row of rows) {
    const key = `${row.version}/${row.assertion}/${row.attempt}/${row.priority}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { row, ids: [row.id] })
    else group.ids.push(row.id)
  }
  return [...groups.values()]
}

/** Where and when a settlement is written. */
export interface SettlementContext {
  readonly now: number
  /** The batch that the rows follow. Absent where they were claimed from the line: then the number of their tries guards them. */
  readonly token?: string
}

/** What is told of a row that was settled; undefined where nothing was learned. */
export function entryOf(settlement: Settlement, row: HeldRow, at: number): OutboxEntry | undefined {
  const { entry, waitReason } = settlement
  if (entry === undefined) return undefined
  const { version, attempt } = row
  const assertion = Math.max(row.assertion, settlement.reassertAt ?? 0)
  return { version, assertion, attempt, ...entry, at, ...(waitReason === undefined ? {} : { waitReason }) }
}

const leaseOf = (token: string, row: HeldRow): RowLease => ({ token, version: row.version, assertion: row.assertion, attempt: row.attempt })

/** The plain update of rows that still want what was sent. */
function currentUpdate(settlement: Settlement, row: HeldRow, context: SettlementContext): mongo.UpdateFilter<InboxRow> {
  const { now, token } = context
  const { place, follow, failures, unknown, quietUntil, part, waitReason } = settlement
  const set: Record<string, unknown> = { state: settlement.state, final: settlement.final }
  const unset: Record<string, 1> = {}
  const put = (field: string, value: unknown) => {
    if (value === undefined) unset[field] = 1
    else set[field] = value
  }
  switch (place) {
    case 'closed':
      put('lane', undefined)
      put('dueAt', undefined)
      break
    case 'queue':
      put('lane', row.priority)
      // a row that was never taken out of the line still has its old place in it
      if (settlement.dueAt !== undefined || token !== undefined) put('dueAt', settlement.dueAt ?? now)
      break
    case 'followed':
      put('lane', lanes.followed)
      put('dueAt', undefined)
      break
    case 'parked':
      put('lane', lanes.parked)
      put('dueAt', undefined)
      break
    case 'read-back':
      put('lane', lanes.readBack)
      put('dueAt', settlement.dueAt)
      break
    default:
      place satisfies never
  }
  put('waitReason', waitReason)
  put('lease', follow === undefined ? undefined : leaseOf(follow, row))
  put('part', part)
  if (unknown !== 'keep') {
    put('unknown', unknown)
    put('quietUntil', quietUntil)
  }
  if (failures === 'reset') put('failures', 0)
  if (settlement.reassertAt !== undefined && settlement.reassertAt > row.assertion) {
    put('assertion', settlement.reassertAt)
    if (settlement.deadlineAt !== undefined) put('deadlineAt', settlement.deadlineAt)
  }
  if (settlement.untried !== true && token === undefined) put('attempts', row.attempt)
  const inc = {
    ...(failures === 'count' ? { failures: 1 } : {}),
    ...(settlement.giveUp ? { giveUps: 1 } : {}),
    ...(settlement.drift ? { drifts: 1 } : {}),
    ...(settlement.skip ? { skips: 1 } : {}),
  }
  return {
    $set: set,
    $unset: unset,
    ...(Object.keys(inc).length === 0 ? {} : { $inc: inc }),
  } as mongo.UpdateFilter<InboxRow>
}

const literal = (value: unknown): Expression => ({ $literal: value })

/** The update of rows that want something newer by now: they stay due for that. Undefined where what was sent before means nothing for it. */
function overtakenUpdate(settlement: Settlement, row: HeldRow, context: SettlementContext): Expression[] | undefined {
  const { token } = context
  const { place, follow, unknown, quietUntil } = settlement
  const held = place === 'followed' && settlement.holds === true && follow !== undefined
  const quiet = unknown === true && quietUntil !== undefined ? quietUntil : undefined
  if (!held && token === undefined && quiet === undefined) return undefined
  return [
    {
      $set: {
        ...(held
          ? { lane: literal(lanes.followed), dueAt: '$$REMOVE', waitReason: 'awaiting_confirmation', lease: literal(leaseOf(follow, row)) }
          : token === undefined
            ? { dueAt: quiet === undefined ? '$dueAt' : { $max: ['$dueAt', quiet] } }
            : {
                lane: '$priority',
                dueAt: { $max: ['$queuedAt', '$quietUntil', quiet ?? 0] },
                waitReason: 'waiting_turn',
                lease: '$$REMOVE',
              }),
        ...(quiet === undefined ? {} : { unknown: true, quietUntil: literal(quiet) }),
      },
    },
  ]
}

/** The writes that settle rows: as many as there are fates, whatever the number of rows; and those for rows that went on to a newer wish meanwhile. */
export function settlementWrites(
  groups: readonly SettledRows[],
  context: SettlementContext,
): { current: mongo.AnyBulkWriteOperation<InboxRow>[]; overtaken: mongo.AnyBulkWriteOperation<InboxRow>[]; rows: number } {
  const current: mongo.AnyBulkWriteOperation<InboxRow>[] = []
  const overtaken: mongo.AnyBulkWriteOperation<InboxRow>[] = []
  let count = 0
  const settled = groups.flatMap(({ rows, settlement }) => rows.map((row) => [row, forRow(settlement)] as const))
  for (const { rows, settlement } of groupByFate(settled)) {
    for (const { row, ids } of alike(rows)) {
      count += ids.length
      const { version, assertion, attempt } = row
      // A process that lost its account without noticing finds the try counted already, or the batch gone: it changes nothing.
      const mine: mongo.Filter<InboxRow> = context.token === undefined ? { attempts: attempt - 1 } : { 'lease.token': context.token }
      current.push({
        updateMany: {
          // what a person has ended meanwhile stays ended
          filter: { _id: { $in: ids }, version, assertion, state: { $ne: 'resolved' }, ...mine },
          update: currentUpdate(settlement, row, context),
        },
      })
      const holder: mongo.Filter<InboxRow> = context.token === undefined ? {} : { 'lease.token': context.token }
      const update = overtakenUpdate(settlement, row, context)
      if (update === undefined) continue
      overtaken.push({ updateMany: { filter: { _id: { $in: ids }, $nor: [{ version, assertion }], ...holder }, update } })
    }
  }
  return { current, overtaken, rows: count }
}
