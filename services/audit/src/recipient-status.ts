import { deadlineAlarm, type RecipientId, type WaitReason } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { AuditStore, RecipientRow } from './audit-store.ts'
import { type Bucket, buckets, type Count } from './tally.ts'

/** Where a recipient stands. Times are ms since the epoch. */
export interface RecipientStatus {
  readonly recipientId: RecipientId
  /** Exact, and of one moment: the buckets sum up to `requested`. */
  readonly counts: Readonly<Record<Count, number>>
  readonly paused: boolean
  readonly oldestOpenAt?: number
  /** Open deliveries past half of their time, past eighty per cent of it, and past their deadline; each in every step that it has passed. */
  readonly pastHalf: number
  readonly pastEighty: number
  readonly late: number
  readonly waiting: readonly { readonly reason: WaitReason; readonly count: number }[]
  /** Over the last thousand that came to be held. */
  readonly settleP50Ms: number
  readonly settleP99Ms: number
  /** Open deliveries found by counting rows; differs from `counts.open` only where a count is wrong. */
  readonly openRows: number
}

// What an operator's pause overrides: the vendor is not asked, whatever it would have said.
const heldBack: ReadonlySet<WaitReason> = new Set<WaitReason>([
  'waiting_turn',
  'rate_limited',
  'recipient_unavailable',
  'breaker_open',
  'auth_failed',
  'unknown_outcome',
])

/** Why an open delivery waits, seen with the pause of its recipient. */
export function waitSeen(wait: WaitReason, paused: boolean): WaitReason {
  return paused && heldBack.has(wait) ? 'paused' : wait
}

/** The stored reasons that are seen as this one. */
export function waitsBehind(reason: WaitReason, paused: boolean): WaitReason[] {
  if (!paused) return [reason]
  if (reason === 'paused') return [...heldBack, 'paused']
  return heldBack.has(reason) ? [] : [reason]
}

interface OpenSums {
  readonly _id: { readonly recipientId: RecipientId; readonly wait: WaitReason }
  readonly count: number
  readonly oldest: number
  readonly half: number
  readonly eighty: number
  readonly late: number
}

/** The least share of a deadline at which each alarm is raised, as the domain decides it. */
const steps = { half: lowestShare('half'), eighty: lowestShare('eighty'), late: lowestShare('late') }

function lowestShare(alarm: 'half' | 'eighty' | 'late'): number {
  for (let percent = 0; percent <= 100; percent += 1) if (deadlineAlarm(percent / 100) === alarm) return percent / 100
  throw new RangeError(`no share of a deadline raises ${alarm}`)
}

const settleTimesKept = 1_000

/** The status of every recipient that was ever heard of, by id. One walk over the index of open deliveries, and one of at most a thousand keys a recipient. */
export async function readRecipientStatus(store: AuditStore, now: number): Promise<RecipientStatus[]> {
  const session = await store.startSession()
  try {
    // one snapshot: the counts and the rows of one moment
    session.startTransaction({ readConcern: { level: 'snapshot' } })
    const rows = await store.recipients.find({}, { session, sort: { _id: 1 } }).toArray()
    const open = await store.deliveries.aggregate<OpenSums>(openPipeline(now), { session, hint: 'open' }).toArray()
    const statuses: RecipientStatus[] = []
    for (const row of rows) statuses.push(statusOf(row, open, await settleTimes(store, session, row._id)))
    return statuses
  } finally {
    await session.abortTransaction().catch(() => undefined)
    await session.endSession()
  }
}

function openPipeline(now: number): object[] {
  const share = {
    $cond: [
      { $gt: ['$deadlineAt', '$since'] },
      { $divide: [{ $subtract: [now, '$since'] }, { $subtract: ['$deadlineAt', '$since'] }] },
      { $cond: [{ $lt: [now, '$deadlineAt'] }, 0, 1] },
    ],
  }
  const past = (least: number) => ({ $sum: { $cond: [{ $gte: ['$share', least] }, 1, 0] } })
  return [
    { $match: { open: true } },
    { $project: { _id: 0, recipientId: 1, since: 1, wait: 1, share } },
    {
      $group: {
        _id: { recipientId: '$recipientId', wait: '$wait' },
        count: { $sum: 1 },
        oldest: { $min: '$since' },
        half: past(steps.half),
        eighty: past(steps.eighty),
        late: past(steps.late),
      },
    },
  ]
}

async function settleTimes(
  store: AuditStore,
  session: Awaited<ReturnType<AuditStore['startSession']>>,
  recipientId: RecipientId,
): Promise<number[]> {
  const rows = await store.deliveries
    .find(
      { recipientId, settleMs: { $gte: 0 } },
      {
        session,
        projection: { _id: 0, settleMs: 1 },
        sort: { recipientId: -1, settledAt: -1 },
        limit: settleTimesKept,
        hint: 'settle-times',
      },
    )
    .toArray()
  return rows.map(({ settleMs }) => settleMs ?? 0).sort((a, b) => a - b)
}

function statusOf(row: RecipientRow, open: readonly OpenSums[], settled: readonly number[]): RecipientStatus {
  const mine = open.filter(({ _id }) => _id.recipientId === row._id)
  const paused = row.control?.paused === true
  const sum = (field: 'count' | 'half' | 'eighty' | 'late') => mine.reduce((total, sums) => total + sums[field], 0)
  const waiting = new Map<WaitReason, number>()
  for (const { _id, count } of mine) {
    const reason = waitSeen(_id.wait, paused)
    waiting.set(reason, (waiting.get(reason) ?? 0) + count)
  }
  return {
    recipientId: row._id,
    counts: countsOf(row),
    paused,
    ...(mine.length === 0 ? {} : { oldestOpenAt: Math.min(...mine.map(({ oldest }) => oldest)) }),
    pastHalf: sum('half'),
    pastEighty: sum('eighty'),
    late: sum('late'),
    waiting: [...waiting].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
    settleP50Ms: quantile(settled, 0.5),
    settleP99Ms: quantile(settled, 0.99),
    openRows: sum('count'),
  }
}

function countsOf(row: RecipientRow): Record<Count, number> {
  const counts = { requested: row.requested ?? 0, needsPerson: row.needsPerson ?? 0, unrequested: row.unrequested ?? 0 }
  const inBuckets = Object.fromEntries(buckets.map((bucket) => [bucket, row[bucket] ?? 0])) as Record<Bucket, number>
  return { ...counts, ...inBuckets }
}

/** The value below which that share of the sorted values lies, itself one of them (nearest rank); 0 of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

/** How far the counts of a recipient are off: deliveries requested but in no bucket (or in two), and open ones counted but not found (or found but not counted). */
export function countGap(status: RecipientStatus): number {
  const inBuckets = buckets.reduce((sum, bucket) => sum + status.counts[bucket], 0)
  return Math.abs(status.counts.requested - inBuckets) + Math.abs(status.counts.open - status.openRows)
}

/** Answers from the last reading while that is young. Callers that ask meanwhile share one reading. */
export function cachedStatus(store: AuditStore, clock: Clock, maxAgeMs: number): () => Promise<readonly RecipientStatus[]> {
  let reading: Promise<RecipientStatus[]> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  return () => {
    const now = clock.now()
    if (reading === undefined || now - readAt >= maxAgeMs || now < readAt) {
      readAt = now
      reading = readRecipientStatus(store, now)
      reading.catch(() => {
        reading = undefined
      })
    }
    return reading
  }
}
