import { describe, expect, it } from 'vitest'
import { dailyQuota, slidingQuota } from './quota.ts'

describe('a sliding window', () => {
  it('gives each use back one window later', () => {
    let at = 1_000_000_000
    const quota = slidingQuota(
      () => at,
      60_000,
      () => 2,
    )
    expect([quota.take(), quota.take(), quota.take()]).toEqual([true, true, false])
    at += 30_000
    expect(quota.left()).toBe(0)
    at += 31_000
    expect(quota.take()).toBe(true)
    expect(quota.used()).toBe(1)
  })
  it('says when all will be left again', () => {
    let at = 1_000_000_000
    const quota = slidingQuota(
      () => at,
      60_000,
      () => 2,
    )
    expect(quota.resetsInMs()).toBe(0)
    quota.take()
    at += quota.resetsInMs()
    expect(quota.left()).toBe(2)
  })
})

describe('a day', () => {
  it.each([
    ['America/Los_Angeles', '2026-11-24T07:59:00Z', '2026-11-24T08:01:00Z'],
    ['America/Los_Angeles', '2026-07-24T06:59:00Z', '2026-07-24T07:01:00Z'],
    ['UTC', '2026-11-23T23:59:00Z', '2026-11-24T00:01:00Z'],
  ])('ends at midnight in %s', (timeZone, before, after) => {
    let at = Date.parse(before)
    const quota = dailyQuota(
      () => at,
      timeZone,
      () => 1,
    )
    expect([quota.take(), quota.take()]).toEqual([true, false])
    expect(quota.resetsInMs()).toBeLessThanOrEqual(2 * 60_000)
    at = Date.parse(after)
    expect(quota.take()).toBe(true)
  })
})
