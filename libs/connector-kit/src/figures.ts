import { type DeadlineAlarm, type RecipientId, type WaitReason, waitReasons } from '@heed/domain'
import { type Clock, systemClock } from '@heed/platform/clock'
import { type Loop, loop } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import type { mongo } from 'mongoose'
import { type InboxRow, lanes } from './inbox/row.ts'

/** What is open for a recipient, by why it waits and by how much of its time is used. */
export interface OpenFigures {
  readonly open: number
  readonly byReason: Readonly<Record<WaitReason, number>>
  readonly byAlarm: Readonly<Record<DeadlineAlarm, number>>
  /** Since when the oldest open delivery has been asked for, ms since the epoch. */
  readonly oldestAt: number | undefined
}

const openLanes = [lanes.optOut, lanes.optIn, lanes.followed, lanes.parked] as number[]
const alarms: readonly DeadlineAlarm[] = ['none', 'half', 'eighty', 'late']

/** Why a row really waits: what holds the recipient as a whole back goes before what the row itself last met. */
export function effectiveReason(rowReason: WaitReason | undefined, recipientReason: WaitReason | undefined): WaitReason {
  const own = rowReason ?? 'waiting_turn'
  if (recipientReason === undefined) return own
  return own === 'needs_person' || own === 'awaiting_confirmation' || own === 'unknown_outcome' ? own : recipientReason
}

/** Counts the open rows of recipients, in one query. Reads each of them in the database, none into this process. */
export async function openFigures(
  rows: mongo.Collection<InboxRow>,
  recipients: readonly RecipientId[],
  now: number,
): Promise<Map<RecipientId, OpenFigures>> {
  const start = { $max: ['$acceptedAt', '$assertion'] }
  const span = { $subtract: ['$deadlineAt', start] }
  // the same shares as the domain's `deadlineShare` and `deadlineAlarm`
  const used = (share: number) => ({ $gte: [{ $subtract: [now, start] }, { $multiply: [span, share] }] })
  const running = { $cond: [used(0.8), 'eighty', { $cond: [used(0.5), 'half', 'none'] }] }
  const alarm = { $cond: [{ $gte: [now, '$deadlineAt'] }, 'late', { $cond: [{ $lte: [span, 0] }, 'none', running] }] }
  const groups = await rows
    .aggregate<Group>(
      [
        { $match: { recipientId: { $in: [...recipients] }, lane: { $in: openLanes } } },
        { $group: { _id: { recipientId: '$recipientId', reason: '$waitReason', alarm }, count: { $sum: 1 }, oldestAt: { $min: start } } },
      ],
      { hint: 'line' },
    )
    .toArray()
  return new Map(recipients.map((id) => [id, figuresOf(groups.filter(({ _id }) => _id.recipientId === id))]))
}

interface Group {
  readonly _id: { readonly recipientId: RecipientId; readonly reason?: WaitReason; readonly alarm: DeadlineAlarm }
  readonly count: number
  readonly oldestAt: number
}

function figuresOf(groups: readonly Group[]): OpenFigures {
  const byReason = Object.fromEntries(waitReasons.map((reason) => [reason, 0])) as Record<WaitReason, number>
  const byAlarm = Object.fromEntries(alarms.map((one) => [one, 0])) as Record<DeadlineAlarm, number>
  let open = 0
  let oldestAt: number | undefined
  for (const group of groups) {
    open += group.count
    byReason[group._id.reason ?? 'waiting_turn'] += group.count
    byAlarm[group._id.alarm] += group.count
    oldestAt = Math.min(oldestAt ?? group.oldestAt, group.oldestAt)
  }
  return { open, byReason, byAlarm, oldestAt }
}

/** What the watch needs. */
export interface WatchOptions {
  readonly rows: mongo.Collection<InboxRow>
  readonly recipients: readonly RecipientId[]
  /** Why a recipient as a whole waits, where it does. */
  recipientReason(recipientId: RecipientId): WaitReason | undefined
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

// Counting a million open rows takes a second of the database: it is done so seldom that it takes a fiftieth of its time.
const shareOfTime = 50
const everyMs = 10_000
const remindMs = 60 * 60_000

/**
 * Keeps the figures of what is open, and raises an alarm in the log when deliveries pass 50 %, 80 % or all of their time: when there are more of them than
 * before, and every hour while there are any. Silence would look like success.
 */
export function watchOpen(options: WatchOptions): Loop {
  const { rows, recipients, recipientReason, clock, log, metrics } = options
  const open = metrics.gauge({ name: 'heed_deliveries_open', help: 'Open deliveries by why they wait', labels: ['recipient', 'reason'] })
  const oldest = metrics.gauge({ name: 'heed_delivery_oldest_seconds', help: 'Age of the oldest open delivery', labels: ['recipient'] })
  const deadline = metrics.gauge({
    name: 'heed_delivery_deadline_passed',
    help: 'Open deliveries that have used half, four fifths, or all of their time',
    labels: ['recipient', 'share'],
  })
  const told = new Map<string, { count: number; at: number }>()
  let nextAt = 0

  const raise = (recipientId: RecipientId, share: DeadlineAlarm, count: number, now: number) => {
    deadline.set({ recipient: recipientId, share }, count)
    const key = `${recipientId} ${share}`
    const before = told.get(key)
    if (count > 0 && (before === undefined || count > before.count || now - before.at >= remindMs)) {
      log[share === 'half' ? 'warn' : 'error']({ recipientId, share, deliveries: count }, 'deadline.alarm')
      told.set(key, { count, at: now })
    } else if (count === 0) told.delete(key)
    else if (before !== undefined && count < before.count) told.set(key, { count, at: before.at })
  }

  const show = (recipientId: RecipientId, figures: OpenFigures, now: number) => {
    const byReason = Object.fromEntries(waitReasons.map((reason) => [reason, 0])) as Record<WaitReason, number>
    for (const reason of waitReasons) byReason[effectiveReason(reason, recipientReason(recipientId))] += figures.byReason[reason]
    for (const reason of waitReasons) open.set({ recipient: recipientId, reason }, byReason[reason])
    oldest.set({ recipient: recipientId }, figures.oldestAt === undefined ? 0 : Math.max(0, (now - figures.oldestAt) / 1000))
    for (const share of alarms) if (share !== 'none') raise(recipientId, share, figures.byAlarm[share], now)
  }

  const run = async (): Promise<'idle'> => {
    const startedAt = performance.now()
    if (startedAt < nextAt) return 'idle'
    const now = clock.now()
    for (const [recipientId, figures] of await openFigures(rows, recipients, now)) show(recipientId, figures, now)
    const tookMs = performance.now() - startedAt
    nextAt = startedAt + Math.max(everyMs, tookMs * shareOfTime) - 1_000
    return 'idle'
  }
  return loop({ name: 'open-figures', everyMs, run, log, clock: systemClock })
}
