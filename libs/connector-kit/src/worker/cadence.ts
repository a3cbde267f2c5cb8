/** A worker's part in a cadence. */
export interface Beat {
  /** Whether what is small has to wait for the next beat; it rings then. */
  mustWait(): boolean
  /** A batch begins now. */
  spend(): void
  /** Rings no more. */
  stop(): void
}

/**
 * When the workers of a process begin batches that are not whole: together, a few times a second, and the less often the more of them begin. Together, because those who serve
 * the same change then share what it costs: the look for its identifiers, the wait for the disk, the commits. What comes after a rest begins at once.
 */
export interface Cadence {
  join(ring: () => void): Beat
}

// A batch costs some ten round trips however small it is: on one small machine seventeen recipients may begin two batches a second each, and one alone six.
const betweenMs = 150
const forEachMs = 18
const atMostMs = 600
/** So long a beat lasts: what was rung for needs a moment to begin. */
const openMs = 40
/** After a rest of so long a change is told at once, to each recipient as it arrives there. */
const restMs = 500
const firstOpenMs = 250

/** A cadence of its own. By the machine's clock: it is no time that a turned clock could bring. */
export function createCadence(): Cadence {
  const waiting = new Set<() => void>()
  let openUntil = Number.NEGATIVE_INFINITY
  let nextAt = Number.NEGATIVE_INFINITY
  let openedAt = Number.NEGATIVE_INFINITY
  let begun = 0
  let timer: NodeJS.Timeout | undefined

  const open = (now: number) => {
    const rested = now - nextAt >= restMs
    openedAt = now
    openUntil = now + (rested ? firstOpenMs : openMs)
    begun = 0
    nextAt = Math.max(openUntil, now + betweenMs)
  }
  const strike = () => {
    timer = undefined
    // batches that began since the timer was set may have put the beat off
    const leftMs = nextAt - performance.now()
    if (leftMs > 0) return arm(leftMs)
    open(performance.now())
    const rung = [...waiting]
    waiting.clear()
    for (const ring of rung) ring()
  }
  const arm = (ms: number) => {
    timer ??= setTimeout(strike, Math.ceil(ms))
  }

  return {
    join: (ring) => ({
      mustWait: () => {
        const now = performance.now()
        if (now < openUntil) return false
        if (now >= nextAt && waiting.size === 0) {
          open(now)
          return false
        }
        waiting.add(ring)
        arm(Math.max(0, nextAt - now))
        return true
      },
      spend: () => {
        begun += 1
        nextAt = Math.max(openUntil, openedAt + Math.min(atMostMs, betweenMs + begun * forEachMs))
      },
      stop: () => {
        waiting.delete(ring)
        if (waiting.size > 0) return
        clearTimeout(timer)
        timer = undefined
      },
    }),
  }
}
