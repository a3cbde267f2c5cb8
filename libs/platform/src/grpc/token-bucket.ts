/** So many calls a second on average, and so many at once after a rest. Time is passed in. */
export class TokenBucket {
  readonly #ratePerSecond: number
  readonly #burst: number
  #tokens: number
  #filledAt: number

  constructor(ratePerSecond: number, burst: number, now: number) {
    this.#ratePerSecond = ratePerSecond
    this.#burst = burst
    this.#tokens = burst
    this.#filledAt = now
  }

  /** Takes a token: 0 when there was one, else the seconds until there is. */
  take(now: number): number {
    // A clock that was set back gives nothing and takes nothing.
    const elapsedSeconds = Math.max(0, now - this.#filledAt) / 1000
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsedSeconds * this.#ratePerSecond)
    this.#filledAt = now
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      return 0
    }
    return (1 - this.#tokens) / this.#ratePerSecond
  }
}
