import type { RecipientId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { loop, type Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import type { AuditStore } from './audit-store.ts'
import { alarmSteps, alarmsNow, pastStep, type Said } from './deadline-alarms.ts'
import { recheckMissing, sweepFanOut } from './fan-out-sweep.ts'
import type { OwnerOf } from './messages.ts'
import { countGap, readRecipientStatus } from './recipient-status.ts'
import { buckets } from './tally.ts'

/** What the watch works with. */
export interface DutyWatchOptions {
  readonly store: AuditStore
  /** The role that is told of a recipient's alarms, where the policy gives it to a person. */
  readonly ownerOf: OwnerOf
  /** Whether this process appends to the trail; the others keep silent. */
  readonly leading: () => boolean
  /** Records that are not in the trail yet. */
  readonly lag: () => Promise<number>
  /** How many entries this process has appended since it started. */
  readonly appended: () => number
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
  readonly everyMs: number
  readonly graceMs: number
}

// With more than that unread, what looks missing is most likely only unread.
const tolerableLag = 1_000
const sweepLimit = 1_000
// A look over very many open deliveries takes at most a twentieth of the time.
const cheapLookMs = 500
const restFactor = 20

/**
 * Looks at every recipient now and then: figures for the metrics, alarms for deadlines, and accepted changes whose deliveries nobody requested. A reading that
 * takes long is followed by a longer rest.
 */
export function dutyWatch(options: DutyWatchOptions): Part {
  const { store, ownerOf, leading, lag, appended, log, clock, metrics, everyMs, graceMs } = options
  const deliveries = metrics.gauge({
    name: 'heed_deliveries',
    help: 'Requested deliveries by where they stand',
    labels: ['recipient', 'state'],
  })
  const gap = metrics.gauge({
    name: 'heed_conservation_gap',
    help: 'Deliveries that the policy names and nobody requested, and counts that do not add up; 0 when all is well',
    labels: ['recipient'],
  })
  const due = metrics.gauge({
    name: 'heed_deliveries_due',
    help: 'Open deliveries past a step of their deadline',
    labels: ['recipient', 'step'],
  })
  const oldest = metrics.gauge({ name: 'heed_oldest_open_seconds', help: 'Age of the oldest open delivery', labels: ['recipient'] })
  const unrequested = metrics.gauge({
    name: 'heed_deliveries_unrequested',
    help: 'Deliveries with an outcome and no request',
    labels: ['recipient'],
  })
  let said: Said = new Map()
  let missing: ReadonlyMap<RecipientId, number> = new Map()
  let restUntil = Number.NEGATIVE_INFINITY
  // Once all has ended and nothing new is heard, the next look would see the same.
  let quietSince: number | undefined

  const look = async (): Promise<number> => {
    const now = clock.now()
    // never from a cache: what is quiet now is not looked at again
    const statuses = await readRecipientStatus(store, now)
    for (const one of statuses) {
      const { recipientId: recipient } = one
      for (const bucket of buckets) deliveries.set({ recipient, state: bucket }, one.counts[bucket])
      for (const step of alarmSteps) due.set({ recipient, step }, pastStep(one, step))
      oldest.set({ recipient }, one.oldestOpenAt === undefined ? 0 : Math.max(0, now - one.oldestOpenAt) / 1_000)
      unrequested.set({ recipient }, one.counts.unrequested)
      const off = countGap(one)
      if (off > 0) log.error({ recipientId: recipient, off, counts: one.counts, openRows: one.openRows }, 'conservation.broken')
      gap.set({ recipient }, off + (missing.get(recipient) ?? 0))
    }
    // a recipient of which nothing was ever requested has no status
    for (const [recipient, count] of missing)
      if (!statuses.some(({ recipientId }) => recipientId === recipient)) gap.set({ recipient }, count)
    const news = alarmsNow(said, statuses, now)
    said = news.said
    for (const { recipientId, step, count, oldestOpenAt } of news.alarms) {
      const ownerRole = ownerOf(recipientId)
      const fields = {
        recipientId,
        ...(ownerRole === undefined ? {} : { ownerRole }),
        step,
        count,
        ...(oldestOpenAt === undefined ? {} : { oldestOpenAt: new Date(oldestOpenAt).toISOString() }),
      }
      if (count === 0) log.info(fields, 'deadline.clear')
      else if (step === 'late') log.error(fields, 'deadline.passed')
      else log.warn(fields, 'deadline.near')
    }
    return statuses.reduce((open, one) => open + one.openRows, 0)
  }

  /** Resolves with whether every change was looked at. */
  const sweep = async (signal: AbortSignal): Promise<boolean> => {
    const trust = async () => (await lag()) <= tolerableLag
    for (;;) {
      const swept = await sweepFanOut(store, { now: clock.now(), graceMs, limit: sweepLimit, trust })
      if (swept.found > 0) log.error({ missing: swept.found }, 'fan-out.missing')
      if (swept.left === 'ripe' && !signal.aborted) continue
      missing = await recheckMissing(store)
      return swept.left === 'nothing'
    }
  }

  return {
    name: 'duty-watch',
    start: async () =>
      loop({
        name: 'duty-watch',
        everyMs,
        log,
        clock,
        run: async (signal) => {
          if (!leading() || performance.now() < restUntil || quietSince === appended()) return 'idle'
          const heard = appended()
          const swept = await sweep(signal)
          // by a clock that nobody sets: a machine that was asleep for a day must not rest for twenty
          const startedAt = performance.now()
          const open = await look()
          quietSince = swept && open === 0 && missing.size === 0 ? heard : undefined
          const tookMs = performance.now() - startedAt
          restUntil = tookMs < cheapLookMs ? Number.NEGATIVE_INFINITY : performance.now() + restFactor * tookMs
          return 'idle'
        },
      }),
  }
}
