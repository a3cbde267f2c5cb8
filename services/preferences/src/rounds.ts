import type { Clock } from '@heed/platform/clock'

/** Work that is done in rounds, each of which takes whatever has gathered. */
export interface Rounds {
  /** There may be something to do. */
  poke(): void
}

export interface RoundsOptions {
  /** How many pieces could be taken now. */
  readonly ready: () => number
  /** Takes pieces and begins with them at once; `done` never rejects. */
  readonly begin: () => { readonly size: number; readonly done: Promise<void> }
  /** Rounds at the same time. */
  readonly most: number
  /** So many pieces are worth a round of their own while another one is under way. */
  readonly worthOne: number
  readonly clock: Clock
}

// of the time that a round takes, so much is waited for company
const gatherShare = 0.25
const longestGatherMs = 5
// who has not come back after this long is not waited for
const forgottenAfterMs = 50

/**
 * Begins rounds. Most of what a round costs, a round costs however small it is: while one is under way the next gathers, and whoever was answered together is
 * given a moment to come back together. Somebody who comes alone never waits: the last round was a round of one.
 */
export function rounds(options: RoundsOptions): Rounds {
  const { ready, begin, most, worthOne, clock } = options
  let running = 0
  let expected = 1
  let tookMs = 0
  let endedAt = 0
  let gathering: AbortController | undefined

  const start = () => {
    gathering?.abort()
    gathering = undefined
    const startedAt = clock.now()
    const { size, done } = begin()
    running += 1
    void done.then(() => {
      running -= 1
      endedAt = clock.now()
      tookMs = endedAt - startedAt
      expected = size
      poke()
    })
  }

  const poke = () => {
    for (;;) {
      const waiting = ready()
      if (waiting === 0 || running >= most) return
      if (running > 0) {
        if (waiting < worthOne) return
      } else if (waiting < expected && clock.now() - endedAt < forgottenAfterMs) {
        gather()
        return
      }
      start()
    }
  }

  const gather = () => {
    if (gathering !== undefined) return
    const nap = new AbortController()
    gathering = nap
    void clock.sleep(Math.min(tookMs * gatherShare, longestGatherMs), nap.signal).then(() => {
      if (nap.signal.aborted) return
      gathering = undefined
      expected = 1
      poke()
    })
  }

  return { poke }
}
