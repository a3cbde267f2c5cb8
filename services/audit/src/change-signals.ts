import type { ChangeId } from '@heed/domain'

/** Wakes those who wait for news about a change, within this process. */
export class ChangeSignals {
  readonly #waiting = new Map<ChangeId, Set<() => void>>()

  /** Says that something is new about these changes. */
  tell(touched: Iterable<ChangeId>): void {
    if (this.#waiting.size === 0) return
    for (const changeId of touched) {
      const wakes = this.#waiting.get(changeId)
      if (wakes !== undefined) for (const wake of wakes) wake()
    }
  }

  /** Listens for news about a change from now on. */
  listen(changeId: ChangeId): ChangeListener {
    let news = false
    let resume: (() => void) | undefined
    const wake = () => {
      news = true
      resume?.()
    }
    const wakes = this.#waiting.get(changeId) ?? new Set()
    wakes.add(wake)
    this.#waiting.set(changeId, wakes)
    return {
      next: async (timeoutMs, signal) => {
        if (!news && !signal.aborted) {
          await new Promise<void>((resolve) => {
            const done = () => {
              clearTimeout(timer)
              signal.removeEventListener('abort', done)
              resolve()
            }
            resume = done
            const timer = setTimeout(done, timeoutMs)
            signal.addEventListener('abort', done, { once: true })
          })
          resume = undefined
        }
        news = false
      },
      stop: () => {
        wakes.delete(wake)
        if (wakes.size === 0 && this.#waiting.get(changeId) === wakes) this.#waiting.delete(changeId)
      },
    }
  }
}

/** Waits for news about one change. */
export interface ChangeListener {
  /** Resolves when there is news since the last call, when the time has passed, or when the signal is aborted. */
  next(timeoutMs: number, signal: AbortSignal): Promise<void>
  stop(): void
}
