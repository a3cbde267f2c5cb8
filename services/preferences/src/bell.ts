/** Wakes whoever waits for something to happen in this process. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, or when the signal is aborted. */
  next(signal: AbortSignal): Promise<void>
}

export function bell(): Bell {
  let waiting = new Set<() => void>()
  return {
    ring() {
      const woken = waiting
      waiting = new Set()
      for (const wake of woken) wake()
    },
    next: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const wake = () => {
          waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        waiting.add(wake)
        signal.addEventListener('abort', wake, { once: true })
      }),
  }
}
