import type { UnexpectedExit } from './server.ts'

/** Keeps what ended unexpectedly, for listeners that come before or after. */
export interface ExitBoard {
  report(exit: UnexpectedExit): void
  listen(listener: (exit: UnexpectedExit) => void): void
  /** Nothing is reported any more: a standing stack that was used lives, and may end, without those who used it. */
  close(): void
}

/** An empty board. */
export function exitBoard(log: (line: string) => void): ExitBoard {
  const happened: UnexpectedExit[] = []
  const listeners: ((exit: UnexpectedExit) => void)[] = []
  let closed = false
  return {
    report(exit) {
      if (closed) return
      log(exit.message)
      happened.push(exit)
      for (const listener of listeners) listener(exit)
    },
    listen(listener) {
      listeners.push(listener)
      for (const exit of happened) listener(exit)
    },
    close() {
      closed = true
    },
  }
}
