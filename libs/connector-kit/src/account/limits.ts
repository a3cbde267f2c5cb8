import type { Clock } from '@heed/platform/clock'
import type { mongo } from 'mongoose'

/** How many requests may begin when. */
export interface Limit {
  /** When the next request may begin at the earliest, ms since the epoch; the past or now = at once. */
  nextAt(): number
  /** How many may begin now; infinite where nothing limits them. */
  available(): number
  /** How long requests that could wait for more should lie apart, so that what is left lasts until there is more again; 0 as long as there is plenty, ms. */
  spacingMs(): number
  /** Counts one that begins now. */
  take(): Promise<void>
}

/** Of what is given out at once, so much is spent freely; the rest is spread. */
const freely = 0.75

const minuteMs = 60_000
const hourMs = 3_600_000

/** At most so many in any sixty seconds. */
export function minuteLimit(perMinute: number, clock: Clock): Limit {
  const begun: number[] = []
  const forget = (now: number) => {
    while (begun.length > 0 && (begun[0] ?? 0) <= now - minuteMs) begun.shift()
  }
  return {
    nextAt: () => {
      const now = clock.now()
      forget(now)
      return begun.length < perMinute ? now : (begun[begun.length - perMinute] ?? now) + minuteMs
    },
    available: () => {
      forget(clock.now())
      return Math.max(0, perMinute - begun.length)
    },
    spacingMs: () => {
      const now = clock.now()
      forget(now)
      const [oldest] = begun
      if (oldest === undefined || begun.length < perMinute * freely) return 0
      return (oldest + minuteMs - now) / Math.max(1, perMinute - begun.length)
    },
    take: async () => {
      begun.push(clock.now())
    },
  }
}

/** The row of a day's count. `hours` maps the hour since the epoch to what began, or may have begun, in it. */
export interface DayCount {
  _id: string
  hours: Record<string, number>
}

/**
 * At most so many in any 24 hours, counted by the hour and kept in the database: a restart does not forget what is spent. Whole hours make it err on the safe
 * side. What is spent is written ahead in small lots, so that a crash can only have counted too much.
 */
export async function dayLimit(
  perDay: number,
  options: { readonly counts: mongo.Collection<DayCount>; readonly account: string; readonly clock: Clock },
): Promise<Limit> {
  const { counts, account, clock } = options
  const lot = Math.max(1, Math.min(100, Math.floor(perDay / 50)))
  const stored = await counts.findOne({ _id: account })
  const spent = new Map(Object.entries(stored?.hours ?? {}).map(([hour, count]) => [Number(hour), count]))
  let ahead = 0
  let aheadHour = 0

  const hourOf = (now: number) => Math.floor(now / hourMs)
  // 24 whole hours and the one that has begun
  const window = (hour: number) => [...spent].filter(([at]) => at > hour - 25 && at <= hour).sort(([a], [b]) => a - b)
  const left = (hour: number) => perDay - window(hour).reduce((sum, [, count]) => sum + count, 0) + (aheadHour === hour ? ahead : 0)

  return {
    available: () => Math.max(0, left(hourOf(clock.now()))),
    nextAt: () => {
      const now = clock.now()
      let missing = 1 - left(hourOf(now))
      if (missing <= 0) return now
      for (const [hour, used] of window(hourOf(now))) {
        missing -= used
        if (missing <= 0) return (hour + 25) * hourMs
      }
      return now + hourMs
    },
    spacingMs: () => {
      const now = clock.now()
      const hour = hourOf(now)
      const [oldest] = window(hour)
      const remaining = left(hour)
      if (oldest === undefined || perDay - remaining < perDay * freely) return 0
      return ((oldest[0] + 25) * hourMs - now) / Math.max(1, remaining)
    },
    take: async () => {
      const hour = hourOf(clock.now())
      if (aheadHour !== hour) {
        // what was written ahead in another hour stays counted there
        aheadHour = hour
        ahead = 0
      }
      if (ahead === 0) {
        const more = Math.max(1, Math.min(lot, left(hour)))
        for (const old of [...spent.keys()]) if (old <= hour - 25) spent.delete(old)
        spent.set(hour, (spent.get(hour) ?? 0) + more)
        await counts.replaceOne({ _id: account }, { hours: Object.fromEntries(spent) }, { upsert: true })
        ahead = more
      }
      ahead -= 1
    },
  }
}

/** All of several limits at once. */
export function allLimits(limits: readonly Limit[], clock: Clock): Limit {
  return {
    nextAt: () => Math.max(clock.now(), ...limits.map((limit) => limit.nextAt())),
    available: () => Math.min(Number.POSITIVE_INFINITY, ...limits.map((limit) => limit.available())),
    spacingMs: () => Math.max(0, ...limits.map((limit) => limit.spacingMs())),
    take: async () => {
      for (const limit of limits) await limit.take()
    },
  }
}
