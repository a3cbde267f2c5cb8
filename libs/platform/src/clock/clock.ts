/** Where time comes from. Nothing else in the project asks the machine for it. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z. */
  now(): number
  /** Resolves after so many milliseconds, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

// setTimeout fires at once for anything longer than this.
const longestTimerMs = 2 ** 31 - 1

/** The machine's clock. A sleep keeps the process alive: whoever sleeps is to be stopped, not forgotten. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), longestTimerMs))
      signal?.addEventListener('abort', done, { once: true })
    }),
}

interface Sleeper {
  wakeAt: number
  wake(): void
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number
  readonly #sleepers = new Set<Sleeper>()

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        wakeAt: this.#now + ms,
        wake: () => {
          this.#sleepers.delete(sleeper)
          signal?.removeEventListener('abort', sleeper.wake)
          resolve()
        },
      }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', sleeper.wake, { once: true })
    })
  }

  /** Moves time forward and wakes, in order of their time, those whose sleep is over; sleeps begun meanwhile count too. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms
    for (;;) {
      let next: Sleeper | undefined
      for (const sleeper of this.#sleepers) if (next === undefined || sleeper.wakeAt < next.wakeAt) next = sleeper
      if (next === undefined || next.wakeAt > target) break
      this.#now = Math.max(this.#now, next.wakeAt)
      next.wake()
      // The one who woke may go to sleep again before time moves on.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#now = target
  }

  /** How many sleep now: a test waits for it instead of for time. */
  get sleeping(): number {
    return this.#sleepers.size
  }
}
