import type { RecipientId } from '@heed/domain'
import type { RecipientStatus } from './recipient-status.ts'

/** The steps at which an open delivery raises an alarm, from quiet to loud. */
export const alarmSteps = ['half', 'eighty', 'late'] as const

/** One of `alarmSteps`. */
export type AlarmStep = (typeof alarmSteps)[number]

/** What is to be said about the deadlines of one recipient. */
export interface Alarm {
  readonly recipientId: RecipientId
  readonly step: AlarmStep
  /** How many open deliveries are past this step; 0 once the step is clear again. */
  readonly count: number
  readonly oldestOpenAt?: number
}

/** What was said last about each recipient and step, and when (ms since the epoch). */
export type Said = ReadonlyMap<string, { readonly count: number; readonly at: number }>

const againAfterMs = 60 * 60_000

/** How many open deliveries of a recipient are past a step. */
export function pastStep(status: RecipientStatus, step: AlarmStep): number {
  switch (step) {
    case 'half':
      return status.pastHalf
    case 'eighty':
      return status.pastEighty
    case 'late':
      return status.late
    default:
      return step satisfies never
  }
}

/**
 * What is to be said now: once when a recipient enters a step, once an hour while it stays there with more deliveries than said, and once when it is clear again.
 * A flood of late deliveries is one line.
 */
export function alarmsNow(said: Said, statuses: readonly RecipientStatus[], now: number): { alarms: Alarm[]; said: Said } {
  const alarms: Alarm[] = []
  const next = new Map(said)
  for (const status of statuses) {
    for (const step of alarmSteps) {
      const key = `${status.recipientId}/${step}`
      const count = pastStep(status, step)
      const before = said.get(key)
      const entered = count > 0 && before === undefined
      const grown = before !== undefined && count > before.count && now - before.at >= againAfterMs
      const cleared = count === 0 && before !== undefined
      if (!entered && !grown && !cleared) continue
      if (cleared) next.delete(key)
      else next.set(key, { count, at: now })
      const { recipientId, oldestOpenAt } = status
      alarms.push({ recipientId, step, count, ...(oldestOpenAt === undefined ? {} : { oldestOpenAt }) })
    }
  }
  return { alarms, said: next }
}
