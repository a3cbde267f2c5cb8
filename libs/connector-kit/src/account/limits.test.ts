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

  it('lets what could wait for more lie so far apart, near its end, that nothing waits for an empty minute', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 20, max: 200 }),
      fc.integer({ min: 50, max: 3_000 }),
      async (perMinute, everyMs) => {
        const clock = new ManualClock(0)
        const limit = minuteLimit(perMinute, clock)
        let begunAt = Number.NEGATIVE_INFINITY
        let longestMs = 0
        while (clock.now() < 300_000) {
          await clock.advance(Math.max(everyMs, begunAt + limit.spacingMs() - clock.now()))
          await clock.advance(Math.max(0, limit.nextAt() - clock.now()))
          if (begunAt >= 0) longestMs = Math.max(longestMs, clock.now() - begunAt)
          begunAt = clock.now()
          await limit.take()
        }
        expect(longestMs).toBeLessThanOrEqual(everyMs + (60_000 / Math.floor(perMinute * 0.25)) * 1.5)
      },
    )
    await fc.assert(property, { numRuns: 60 })
    expect(minuteLimit(10, new ManualClock(0)).spacingMs()).toBe(0)
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
