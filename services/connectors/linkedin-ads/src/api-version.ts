const alarmMonths = 2
const repeatMs = 86_400_000

/**
 * When a version may end at the earliest, ms since the epoch: a version lives for at least twelve months, here counted from the first day of its month.
 * https://learn.microsoft.com/en-us/linkedin/marketing/versioning
 */
export function versionEndsAt(version: string): number {
  return Date.UTC(Number(version.slice(0, 4)) + 1, Number(version.slice(4)) - 1, 1)
}

/** Calls `alarm` once a day from two months before a version may end. */
export function watchVersion(version: string, now: () => number, alarm: (endsAt: number) => void): () => void {
  const endsAt = versionEndsAt(version)
  const from = new Date(endsAt)
  from.setUTCMonth(from.getUTCMonth() - alarmMonths)
  let next = from.getTime()
  return () => {
    const at = now()
    if (at < next) return
    next = at + repeatMs
    alarm(endsAt)
  }
}
