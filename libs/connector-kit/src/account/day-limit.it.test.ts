import { ManualClock } from '@heed/platform/clock'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRows, startTime, type TestRows } from '../testing.fixture.ts'
import { type DayCount, dayLimit } from './limits.ts'

let opened: TestRows
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())

describe('a limit of a day', () => {
  it('spreads what is left of it once three quarters are spent, and gives all back when the day is over', async () => {
    const clock = new ManualClock(startTime)
    const counts = opened.connection.collection<DayCount>(opened.database, 'dayCounts')
    const limit = await dayLimit(100, { counts, account: 'spread', clock })
    for (let spent = 0; spent < 74; spent += 1) await limit.take()
    expect(limit.spacingMs()).toBe(0)
    for (let spent = 74; spent < 80; spent += 1) await limit.take()
    const hours = limit.spacingMs() / 3_600_000
    // twenty are left for 24 to 25 hours
    expect(hours).toBeGreaterThanOrEqual(24 / 20)
    expect(hours).toBeLessThanOrEqual(25 / 20)
    await clock.advance(26 * 3_600_000)
    expect([limit.spacingMs(), limit.available()]).toEqual([0, 100])
  })
})
