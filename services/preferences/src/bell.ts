/** Tells whoever listens that something has happened in this process. */
export interface Bell {
  ring(): void
  /** Calls the listener at each ring until the returned function is called. */
  listen(listener: () => void): () => void
}

export function bell(): Bell {
  const listeners = new Set<() => void>()
  return {
    ring() {
      for (const listener of [...listeners]) listener()
    },
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
