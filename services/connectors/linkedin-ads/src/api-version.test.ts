import { describe, expect, it } from 'vitest'
import { versionEndsAt, watchVersion } from './api-version.ts'

describe('a version of the API', () => {
  it('lives for twelve months', () => {
    expect(versionEndsAt('202607')).toBe(Date.UTC(2027, 6, 1))
    expect(versionEndsAt('202612')).toBe(Date.UTC(2027, 11, 1))
  })

  it('raises an alarm once a day from two months before its end', () => {
    let now = Date.UTC(2027, 3, 30, 23)
    const alarms: number[] = []
    const check = watchVersion(
      '202607',
      () => now,
      (endsAt) => alarms.push(endsAt),
    )
    const at = (time: number) => {
      now = time
      check()
      return alarms.length
    }
    expect(at(Date.UTC(2027, 3, 30, 23))).toBe(0)
    expect(at(Date.UTC(2027, 4, 1))).toBe(1)
    expect(at(Date.UTC(2027, 4, 1, 23))).toBe(1)
    expect(at(Date.UTC(2027, 4, 2))).toBe(2)
    expect(alarms[0]).toBe(Date.UTC(2027, 6, 1))
  })

  it('of the first months is alarmed about in the year before', () => {
    const alarms: number[] = []
    watchVersion(
      '202601',
      () => Date.UTC(2026, 10, 1),
      (endsAt) => alarms.push(endsAt),
    )()
    watchVersion(
      '202602',
      () => Date.UTC(2026, 10, 1),
      (endsAt) => alarms.push(endsAt),
    )()
    expect(alarms).toEqual([Date.UTC(2027, 0, 1)])
  })
})
