import type { Clock } from '@heed/platform/clock'

/** Wakes one sleeper: at a time, or when it is rung. A ring while nobody sleeps is kept. */
export interface Bell {
  ring(): void
  /** Resolves at the time, at a ring, or when the signal is aborted; at once where it was rung since the last sleep. */
  sleepUntil(at: number, signal: AbortSignal): Promise<void>
}

export function createBell(clock: Clock): Bell {
  let rung = false
  let wake: AbortController | undefined
  return {
    ring: () => {
      rung = true
      wake?.abort()
    },
    sleepUntil: async (at, signal) => {
      const ms = at - clock.now()
      if (!rung && ms > 0 && !signal.aborted) {
        const asleep = new AbortController()
        wake = asleep
        const stop = () => asleep.abort()
        signal.addEventListener('abort', stop, { once: true })
        await clock.sleep(ms, asleep.signal)
        signal.removeEventListener('abort', stop)
        wake = undefined
      }
      rung = false
    },
  }
}
