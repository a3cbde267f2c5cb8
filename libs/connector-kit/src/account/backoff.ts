import type { Descriptor } from '../contract.ts'

const firstSeconds = 2
const longestSeconds = 300

/**
 * How long to leave a failing recipient alone after its `failures`-th failure in a row (1, 2 …), in ms. Full jitter below a doubling bound unless the descriptor
 * has a schedule of its own, which is jittered by a fifth. `random` is in [0, 1).
 */
export function backoffMs(descriptor: Pick<Descriptor, 'retry'>, failures: number, random: number): number {
  const step = Math.max(1, failures)
  const schedule = descriptor.retry?.scheduleSeconds
  if (schedule !== undefined && schedule.length > 0) {
    const seconds = schedule[Math.min(step, schedule.length) - 1] ?? longestSeconds
    return Math.round(seconds * 1000 * (0.8 + 0.4 * random))
  }
  // never quite nothing: a jitter near zero would make the first retry a second shot at the same moment
  const bound = Math.min(longestSeconds, firstSeconds * 2 ** Math.min(step - 1, 20)) * 1000
  return Math.max(250, Math.round(bound * random))
}

/** How long a recipient whose credentials or set-up are refused is left alone before it is tried again, in ms. */
export function recheckMs(failures: number): number {
  return Math.min(15 * 60_000, 60_000 * 2 ** Math.min(Math.max(0, failures - 1), 10))
}
