import type { Delivery } from './delivery.ts'
import type { BusinessCalendar, DeadlineRule } from './policy.ts'

const hourMs = 3_600_000
const dayMs = 86_400_000
const minuteMs = 60_000

// A day is counted in whole days since the epoch, in the calendar's own offset; day 0 was a Thursday.
function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7
}

// The holidays as counted days. A calendar never changes once it is made, and a deadline is asked for at every delivery.
const holidaysOf = new WeakMap<BusinessCalendar, ReadonlySet<number>>()

function holidayDays(calendar: BusinessCalendar): ReadonlySet<number> {
  const known = holidaysOf.get(calendar)
  if (known !== undefined) return known
  const days = new Set(calendar.holidays.map((day) => Date.parse(`${day}T00:00:00Z`) / dayMs))
  holidaysOf.set(calendar, days)
  return days
}

/**
 * The moment at which the wanted state must hold at the latest, ms since the epoch.
 * Hours elapse on every day. Business days are counted after the day of acceptance, in the calendar's offset, and the last one is allowed whole: the deadline
 * is the midnight that ends it. Throws `RangeError` for a rule that is not a positive number (hours) or a positive whole number (business days).
 */
export function deadlineAt(rule: DeadlineRule, acceptedAt: number, calendar: BusinessCalendar): number {
  if ('hours' in rule) {
    if (!(rule.hours > 0) || !Number.isFinite(rule.hours)) throw new RangeError('a deadline needs a positive number of hours')
    return acceptedAt + Math.round(rule.hours * hourMs)
  }
  if (!Number.isSafeInteger(rule.businessDays) || rule.businessDays < 1)
    throw new RangeError('a deadline needs a positive whole number of business days')
  const offsetMs = calendar.utcOffsetMinutes * minuteMs
  const holidays = holidayDays(calendar)
  let day = Math.floor((acceptedAt + offsetMs) / dayMs)
  for (let left = rule.businessDays; left > 0; ) {
    day += 1
    const weekday = weekdayOf(day)
    if (weekday !== 0 && weekday !== 6 && !holidays.has(day)) left -= 1
  }
  return (day + 1) * dayMs - offsetMs
}

/** The part of a delivery that its clock depends on. */
export type Clocked = Pick<Delivery, 'acceptedAt' | 'deadlineAt'> & Partial<Pick<Delivery, 'assertion'>>

/** How much of its time a delivery has used at `now`: 0 at the start, 1 at the deadline, more when late. A repeat's clock starts when it was asked for. */
export function deadlineShare(delivery: Clocked, now: number): number {
  const start = Math.max(delivery.acceptedAt, delivery.assertion ?? 0)
  const span = delivery.deadlineAt - start
  if (span <= 0) return now < delivery.deadlineAt ? 0 : Number.POSITIVE_INFINITY
  return Math.max(0, (now - start) / span)
}

/** How loud an open delivery's clock is. */
export type DeadlineAlarm = 'none' | 'half' | 'eighty' | 'late'

/** The alarm that belongs to a share of the deadline: from 50 %, from 80 %, and from the deadline on. */
export function deadlineAlarm(share: number): DeadlineAlarm {
  if (share >= 1) return 'late'
  if (share >= 0.8) return 'eighty'
  return share >= 0.5 ? 'half' : 'none'
}
