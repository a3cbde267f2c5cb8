/** What a timer of the sandbox does when it is due; `advance` waits for it. */
export type TimerTask = () => void | Promise<void>

/**
 * The time of the sandbox: real time plus what was added by turning it forward. It never goes back.
 * Everything that a vendor dates, paces, expires or retries runs on it; how long a request takes does not.
 */
export interface Clock {
  /** Milliseconds since the epoch, as the vendors see it. */
  now(): number
  /** Runs the task once, `delayMs` from now on this clock, and returns a function that calls it off. */
  after(delayMs: number, task: TimerTask): () => void
  /** Turns the clock forward. Tasks that become due run in order, each at its own moment, and are waited for. */
  advance(seconds: number): Promise<void>
  /** How far the clock is ahead of real time, in seconds. */
  aheadSeconds(): number
  /** Drops all timers; later ones are not taken. */
  stop(): void
}

interface Timer {
  readonly dueAt: number
  readonly task: TimerTask
}

// setTimeout takes a signed 32-bit number of milliseconds; a longer wait is armed again when this one ends
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** A clock that starts at real time; a task that throws is handed to `onError` and stops nothing else. */
export function createClock(onError: (error: unknown) => void): Clock {
  let offsetMs = 0
  let timers: Timer[] = []
  let handle: NodeJS.Timeout | undefined
  let stopped = false
  let turning: Promise<void> = Promise.resolve()

  const now = (): number => Date.now() + offsetMs

  const perform = async (timer: Timer): Promise<void> => {
    try {
      await timer.task()
    } catch (error) {
      onError(error)
    }
  }

  const arm = (): void => {
    clearTimeout(handle)
    handle = undefined
    const first = timers[0]
    if (stopped || first === undefined) return
    handle = setTimeout(runDue, Math.min(Math.max(0, first.dueAt - now()), LONGEST_TIMEOUT_MS))
  }

  const runDue = (): void => {
    for (let first = timers[0]; first !== undefined && first.dueAt <= now(); first = timers[0]) {
      timers.shift()
      void perform(first)
    }
    arm()
  }

  const insert = (timer: Timer): void => {
    let at = timers.length
    for (let before = timers[at - 1]; before !== undefined && before.dueAt > timer.dueAt; before = timers[at - 1]) at -= 1
    timers.splice(at, 0, timer)
    if (at === 0) arm()
  }

  const turn = async (seconds: number): Promise<void> => {
    const target = now() + seconds * 1000
    for (let first = timers[0]; !stopped && first !== undefined && first.dueAt <= target; first = timers[0]) {
      timers.shift()
      // the task sees the moment at which it was due, so that what it schedules next is dated from there
      offsetMs += Math.max(0, first.dueAt - now())
      await perform(first)
    }
    offsetMs += Math.max(0, target - now())
    arm()
  }

  return {
    now,
    after(delayMs, task) {
      const timer: Timer = { dueAt: now() + Math.max(0, delayMs), task }
      if (!stopped) insert(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    advance(seconds) {
      if (!Number.isFinite(seconds) || seconds < 0) return Promise.reject(new RangeError('the clock turns forward only'))
      turning = turning.then(() => turn(seconds))
      return turning
    },
    aheadSeconds: () => Math.round(offsetMs / 1000),
    stop() {
      stopped = true
      clearTimeout(handle)
      timers = []
    },
  }
}
