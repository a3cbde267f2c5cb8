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
 * When the workers of a process begin batches that are not whole: together, a few times a second, and the less often the more of them begin and the busier the process is.
 * Together, because those who serve the same change then share what it costs: the look for its identifiers, the wait for the disk, the commits. What comes after a rest
 * begins at once.
 */
export interface Cadence {
  join(ring: () => void): Beat
}

// A batch costs some ten round trips however small it is: on one small machine that is not busy seventeen recipients begin two batches a second each, and one alone six.
const betweenMs = 150
const atMostMs = 900
/** By so much each batch that begins puts off the next beat. */
const forEachMs = { least: 15, most: 45, first: 18 } as const
/** A process that is busier makes larger batches until it is not; one that has time makes smaller ones. Between them it leaves things as they are. */
const busyShare = { tooMuch: 0.8, little: 0.65 } as const
const slower = 1.15
const faster = 0.93
/** So long a beat lasts for those who did not wait for it. */
const openMs = 40
/** After a rest of so long a change is told at once, to each recipient as it arrives there. */
const restMs = 500
const firstOpenMs = 250

interface Member {
  readonly ring: () => void
  /** The beat for which it was rung, until it has begun a batch. */
  rungFor: number | undefined
}

/** How busy the event loop has been since it was asked the last time, from 0 to 1. What it waits for a core counts as well. */
function loopBusy(): () => number {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
}

/** A cadence of its own. By the machine's clock: it is no time that a turned clock could bring. `busy` says how busy the process was since the last call, from 0 to 1. */
export function createCadence(busy: () => number = loopBusy()): Cadence {
  const waiting = new Set<Member>()
  let openUntil = Number.NEGATIVE_INFINITY
  let nextAt = Number.NEGATIVE_INFINITY
  let openedAt = Number.NEGATIVE_INFINITY
  let begun = 0
  let beats = 0
  let eachMs: number = forEachMs.first
  let timer: NodeJS.Timeout | undefined

  const open = (now: number) => {
    const rested = now - nextAt >= restMs
    beats += 1
    const share = busy()
    if (share > busyShare.tooMuch) eachMs = Math.min(forEachMs.most, eachMs * slower)
    else if (share < busyShare.little) eachMs = Math.max(forEachMs.least, eachMs * faster)
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
    for (const member of rung) {
      member.rungFor = beats
      member.ring()
    }
  }
  const arm = (ms: number) => {
    timer ??= setTimeout(strike, Math.ceil(ms))
  }

  return {
    join: (ring) => {
      const self: Member = { ring, rungFor: undefined }
      return {
        mustWait: () => {
          const now = performance.now()
          // whoever was rung may have had something else in hand
          if (now < openUntil || self.rungFor === beats) return false
          if (now >= nextAt && waiting.size === 0) {
            open(now)
            return false
          }
          waiting.add(self)
          arm(Math.max(0, nextAt - now))
          return true
        },
        spend: () => {
          self.rungFor = undefined
          begun += 1
          nextAt = Math.max(openUntil, openedAt + Math.min(atMostMs, betweenMs + begun * eachMs))
        },
        stop: () => {
          waiting.delete(self)
          if (waiting.size > 0) return
          clearTimeout(timer)
          timer = undefined
        },
      }
    },
  }
}
