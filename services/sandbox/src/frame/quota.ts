/** How often something may be done in a while, on the sandbox's clock. */
export interface Quota {
  /** Counts one; `false` when none is left, and then nothing is counted. */
  take(): boolean
  used(): number
  left(): number
  /** Milliseconds until all is left again, if nothing more is taken. */
  resetsInMs(): number
  clear(): void
}

const SLICES = 60

/** A window that slides: each use is given back one window later, to within a sixtieth of it. The limit may change at any time. */
export function slidingQuota(now: () => number, windowMs: number, limit: () => number): Quota {
  const sliceMs = windowMs / SLICES
  let slices: { readonly slice: number; count: number }[] = []
  let count = 0

  const expire = (): void => {
    const oldest = Math.floor(now() / sliceMs) - SLICES
    for (let first = slices[0]; first !== undefined && first.slice <= oldest; first = slices[0]) {
      count -= first.count
      slices.shift()
    }
  }
  return {
    take() {
      expire()
      if (count >= limit()) return false
      count += 1
      const slice = Math.floor(now() / sliceMs)
      const last = slices.at(-1)
      if (last?.slice === slice) last.count += 1
      else slices.push({ slice, count: 1 })
      return true
    },
    used() {
      expire()
      return count
    },
    left() {
      expire()
      return Math.max(0, limit() - count)
    },
    resetsInMs() {
      expire()
      const last = slices.at(-1)
      return last === undefined ? 0 : Math.max(0, (last.slice + SLICES + 1) * sliceMs - now())
    },
    clear() {
      slices = []
      count = 0
    },
  }
}

/** What may be done in a calendar day of a time zone, e.g. `America/Los_Angeles`; it starts anew at midnight there. */
export function dailyQuota(now: () => number, timeZone: string, limit: () => number): Quota {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  let day = ''
  let count = 0

  const turnDay = (): void => {
    const today = format.format(now())
    if (today === day) return
    day = today
    count = 0
  }
  return {
    take() {
      turnDay()
      if (count >= limit()) return false
      count += 1
      return true
    },
    used() {
      turnDay()
      return count
    },
    left() {
      turnDay()
      return Math.max(0, limit() - count)
    },
    resetsInMs() {
      turnDay()
      const at = now()
      // a day has 23 to 25 hours where clocks change, so midnight is looked for, to within a minute
      let [before, after] = [at, at + 25 * 3_600_000]
      while (after - before > 60_000) {
        const middle = (before + after) / 2
        if (format.format(middle) === day) before = middle
        else after = middle
      }
      return after - at
    },
    clear() {
      count = 0
    },
  }
}
