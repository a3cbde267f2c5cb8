import type { HttpAnswer } from '@heed/connector-kit'

const firstWaitMs = 60_000
const dailyAfterMs = 15 * 60_000
const dayMs = 86_400_000

/** A run of 429 answers: since when, and until when nothing is sent for it. */
export interface Refusals {
  readonly since: number
  readonly waitMs: number
  readonly until: number
}

/**
 * What follows from one more 429 at `now` (ms since the epoch). LinkedIn says neither how long to wait nor which of its limits is spent: a minute, doubled each
 * time; and after a quarter of an hour it must be the daily one, which is renewed at 00:00 UTC.
 * https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/rate-limits
 */
export function refusedAgain(before: Refusals | undefined, now: number): Refusals {
  const fresh = { since: now, waitMs: firstWaitMs, until: now + firstWaitMs }
  if (before === undefined) return fresh
  // requests that were under way together are refused together
  if (now < before.until) return before
  // after midnight, or long after the last wait, it is another limit
  if (before.waitMs === 0 || now - before.until > dailyAfterMs) return fresh
  if (now - before.since >= dailyAfterMs) return { since: before.since, waitMs: 0, until: (Math.floor(now / dayMs) + 1) * dayMs }
  return { since: before.since, waitMs: before.waitMs * 2, until: now + before.waitMs * 2 }
}

/** Gives each 429 the `retry-after` that LinkedIn leaves out. A restart begins with a minute again. */
export function waitAfterRefusals(now: () => number): (answer: HttpAnswer) => HttpAnswer {
  let refusals: Refusals | undefined
  return (answer) => {
    if (answer.status !== 429) {
      refusals = undefined
      return answer
    }
    const at = now()
    refusals = refusedAgain(refusals, at)
    if (answer.headers['retry-after'] !== undefined) return answer
    return { ...answer, headers: { ...answer.headers, 'retry-after': String(Math.ceil((refusals.until - at) / 1000)) } }
  }
}
