import type { Clock } from '../clock/index.ts'
import { asError } from '../errors/index.ts'
import type { Logger } from '../log/index.ts'
import { once, type RunningPart } from './parts.ts'

/** Work that is looked for again and again, and at once when someone says that there is some. */
export interface Loop extends RunningPart {
  /** Runs soon, without waiting for the interval. A wake during a run causes one more run after it. */
  wake(): void
  /** Resolves after a run that began later than this call has answered `idle`, or when the loop is stopped. */
  settle(): Promise<void>
}

export interface LoopOptions {
  name: string
  /** How long an idle loop waits before it looks again. */
  everyMs: number
  /** One piece of work. `again` asks for the next at once. A throw is logged and tried again after a back-off. */
  run(signal: AbortSignal): Promise<'again' | 'idle'>
  log: Logger
  clock: Clock
}

const firstBackoffMs = 100
const longestBackoffMs = 10_000

/** Starts the loop at once. `stop` aborts the signal of the run in progress and waits for it. */
export function loop(options: LoopOptions): Loop {
  const { name, everyMs, run, log, clock } = options
  const stopping = new AbortController()
  let nap = new AbortController()
  let woken = false
  let failures = 0
  let runsBegun = 0
  let settlers: { after: number; resolve(): void }[] = []

  const rest = async (ms: number) => {
    // A stop or a wake during the run came before there was a nap to end.
    if (woken || stopping.signal.aborted) return
    nap = new AbortController()
    await clock.sleep(ms, nap.signal)
  }

  const spin = async () => {
    while (!stopping.signal.aborted) {
      woken = false
      const runNumber = ++runsBegun
      try {
        const outcome = await run(stopping.signal)
        failures = 0
        if (outcome === 'again') continue
        settlers = settlers.filter(({ after, resolve }) => {
          if (runNumber <= after) return true
          resolve()
          return false
        })
        await rest(everyMs)
      } catch (thrown) {
        if (stopping.signal.aborted) break
        failures += 1
        const waitMs = Math.min(firstBackoffMs * 2 ** (failures - 1), longestBackoffMs)
        log.warn({ loop: name, failures, waitMs, error: asError(thrown) }, 'loop.failed')
        // A wake does not shorten a back-off: what failed would only fail faster.
        nap = new AbortController()
        await clock.sleep(waitMs, stopping.signal)
      }
    }
    for (const { resolve } of settlers) resolve()
    settlers = []
  }
  const ended = spin()

  const wake = () => {
    woken = true
    nap.abort()
  }

  return {
    wake,
    settle: () => {
      if (stopping.signal.aborted) return ended
      const settled = new Promise<void>((resolve) => settlers.push({ after: runsBegun, resolve }))
      wake()
      return settled
    },
    stop: once(async () => {
      stopping.abort()
      nap.abort()
      await ended
    }),
  }
}
