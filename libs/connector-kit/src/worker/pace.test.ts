import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPace } from './pace.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** How often something happens that is always wanted and rung for. */
function happens(everyMs: number, atOnce: number, forMs: number): number {
  let times = 0
  const pace = createPace(everyMs, atOnce, () => run())
  const run = () => {
    while (!pace.mustWait()) {
      pace.spend()
      times += 1
    }
  }
  run()
  vi.advanceTimersByTime(forMs)
  pace.stop()
  return times
}

describe('a pace', () => {
  it('has some in hand, and then goes on evenly', () => {
    expect(happens(200, 3, 0)).toBe(3)
    expect(happens(200, 3, 1_000)).toBe(8)
    expect(happens(250, 1, 1_000)).toBe(5)
  })

  it('has no more in hand after a long rest than at the beginning', () => {
    const ring = vi.fn()
    const pace = createPace(100, 2, ring)
    vi.advanceTimersByTime(60_000)
    const spent = [1, 2, 3].filter(() => {
      if (pace.mustWait()) return false
      pace.spend()
      return true
    })
    expect(spent).toHaveLength(2)
    vi.advanceTimersByTime(100)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(pace.mustWait()).toBe(false)
    pace.stop()
  })

  it('waits no longer for what happened without having waited', () => {
    const pace = createPace(100, 2, () => undefined)
    for (let times = 0; times < 10; times += 1) pace.spend()
    expect(pace.mustWait()).toBe(true)
    vi.advanceTimersByTime(100)
    expect(pace.mustWait()).toBe(false)
    pace.stop()
  })

  it('rings nobody once it is stopped', () => {
    const ring = vi.fn()
    const pace = createPace(100, 1, ring)
    pace.spend()
    expect(pace.mustWait()).toBe(true)
    pace.stop()
    vi.advanceTimersByTime(1_000)
    expect(ring).not.toHaveBeenCalled()
  })
})
