import type { Clock } from '@heed/platform/clock'

/** The machine's clock, which a test can turn forward: whoever sleeps wakes as soon as the turned time is over. It never goes back. */
export class TurnedClock implements Clock {
  #ahead = 0
  readonly #sleepers = new Set<() => void>()

  now(): number {
    return Date.now() + this.#ahead
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const until = this.now() + ms
    while (this.now() < until && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', wake)
          this.#sleepers.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, Math.min(until - this.now(), 2 ** 31 - 1))
        signal?.addEventListener('abort', wake, { once: true })
        this.#sleepers.add(wake)
      })
    }
  }

  /** Turns the clock forward. */
  turn(ms: number): void {
    this.#ahead += ms
    for (const wake of [...this.#sleepers]) wake()
  }
}
