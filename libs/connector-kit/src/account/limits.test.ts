import { ManualClock } from '@heed/platform/clock'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allLimits, minuteLimit } from './limits.ts'

describe('a limit of a minute', () => {
  it('is kept in every window, and used up in it', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 60 }),
      async (perMinute, waits) => {
        const clock = new ManualClock(0)
        const limit = minuteLimit(perMinute, clock)
        const begun: number[] = []
        for (const wait of waits) {
          await clock.advance(wait)
          const before = clock.now()
          const at = limit.nextAt()
          const recent = begun.filter((one) => one > before - 60_000).length
          // it says now exactly when there is room, and a time at which there is
          expect(at <= before).toBe(recent < perMinute)
          expect(limit.available()).toBe(perMinute - recent)
          if (at > before) await clock.advance(at - before)
          await limit.take()
          begun.push(clock.now())
        }
        for (const start of begun) expect(begun.filter((one) => one >= start && one < start + 60_000).length).toBeLessThanOrEqual(perMinute)
      },
    )
    await fc.assert(property, { numRuns: 100 })
  })

  it('together with others is the strictest', async () => {
    const clock = new ManualClock(0)
    const limit = allLimits([minuteLimit(2, clock), minuteLimit(5, clock)], clock)
    await limit.take()
    expect(limit.available()).toBe(1)
    await limit.take()
    expect([limit.available(), limit.nextAt()]).toEqual([0, 60_000])
    expect(allLimits([], clock).available()).toBe(Number.POSITIVE_INFINITY)
  })
})
