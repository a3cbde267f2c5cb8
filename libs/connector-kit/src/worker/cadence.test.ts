import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Cadence, createCadence } from './cadence.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Begins a batch whenever it may, wants the next at once, and tells when each began. */
function eager(cadence: Cadence) {
  const begunAt: number[] = []
  const beat = cadence.join(() => run())
  const run = () => {
    if (beat.mustWait()) return
    beat.spend()
    begunAt.push(performance.now())
    setTimeout(run, 60)
  }
  return { run, begunAt, stop: () => beat.stop() }
}

const beatsOf = (workers: readonly { begunAt: readonly number[] }[]) => new Set(workers.flatMap(({ begunAt }) => begunAt))

describe('a cadence', () => {
  it('lets begin at once what comes after a rest', () => {
    const cadence = createCadence(() => 0.7)
    const beats = Array.from({ length: 17 }, () => cadence.join(() => undefined))
    for (const beat of beats) {
      expect(beat.mustWait()).toBe(false)
      beat.spend()
      vi.advanceTimersByTime(10)
    }
  })

  it('has all workers begin at the same moments', () => {
    const cadence = createCadence(() => 0.7)
    const workers = Array.from({ length: 10 }, () => eager(cadence))
    for (const { run } of workers) run()
    vi.advanceTimersByTime(5_000)
    const before = workers.map(({ begunAt }) => begunAt.length)
    vi.advanceTimersByTime(5_000)
    const later = workers.map(({ begunAt }, index) => ({ begunAt: begunAt.slice(before[index]) }))
    for (const { begunAt } of later) expect(begunAt.length).toBe(later[0]?.begunAt.length)
    expect(beatsOf(later).size).toBe(later[0]?.begunAt.length)
    for (const { stop } of workers) stop()
  })

  it('lets whoever was rung begin until the next beat, once: it may have had something else in hand', () => {
    const cadence = createCadence(() => 0.7)
    const busy = eager(cadence)
    let rungAt: number | undefined
    const late = cadence.join(() => {
      rungAt ??= performance.now()
    })
    busy.run()
    vi.advanceTimersByTime(350)
    expect(late.mustWait()).toBe(true)
    vi.advanceTimersByTime(200)
    expect(performance.now() - (rungAt ?? performance.now())).toBeGreaterThan(40)
    expect(late.mustWait()).toBe(false)
    late.spend()
    expect(late.mustWait()).toBe(true)
    busy.stop()
    late.stop()
  })

  it('beats the slower the more begin and the busier the process is, and never slower than it may', () => {
    const perSecond = (count: number, busy = 0.7) => {
      const cadence = createCadence(() => busy)
      const workers = Array.from({ length: count }, () => eager(cadence))
      for (const { run } of workers) run()
      vi.advanceTimersByTime(20_000)
      for (const { stop } of workers) stop()
      return beatsOf(workers).size / 20
    }
    const [one, seventeen, hundred] = [perSecond(1), perSecond(17), perSecond(100)]
    expect(one).toBeGreaterThan(4)
    expect(seventeen).toBeLessThan(one / 1.8)
    expect(hundred).toBeGreaterThan(1)
    // a busy process makes fewer and larger batches, one with time more and smaller ones
    expect(perSecond(17, 0.95)).toBeLessThan(seventeen / 1.4)
    expect(perSecond(17, 0.3)).toBeGreaterThan(seventeen)
  })

  it('rings each that waits once, and nobody who has stopped', () => {
    const cadence = createCadence(() => 0.7)
    const [rung, silent] = [vi.fn(), vi.fn()]
    const [busy, waits, stops] = [cadence.join(() => undefined), cadence.join(rung), cadence.join(silent)]
    for (const afterMs of [0, 260]) {
      vi.advanceTimersByTime(afterMs)
      expect(busy.mustWait()).toBe(false)
      busy.spend()
    }
    // the beat after the one that followed the rest is over, and the next has not come
    vi.advanceTimersByTime(50)
    expect([waits.mustWait(), waits.mustWait(), stops.mustWait()]).toEqual([true, true, true])
    stops.stop()
    vi.advanceTimersByTime(1_000)
    expect(rung).toHaveBeenCalledTimes(1)
    expect(silent).not.toHaveBeenCalled()
  })
})
