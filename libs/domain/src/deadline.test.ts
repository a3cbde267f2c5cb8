import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deadlineAlarm, deadlineAt, deadlineShare } from './index.ts'
import { aDayMs, monday } from './test-policy.ts'

const utc = { utcOffsetMinutes: 0, holidays: [] }
const at = (text: string): number => Date.parse(text)

describe('a deadline', () => {
  it('in hours elapses on every day', () => {
    expect(deadlineAt({ hours: 48 }, at('2026-11-27T18:00:00Z'), utc)).toBe(at('2026-11-29T18:00:00Z'))
    expect(deadlineAt({ hours: 0.5 }, 0, utc)).toBe(1_800_000)
  })

  it.each([
    ['the day after, until its end', 1, '2026-11-23T12:00:00Z', '2026-11-25T00:00:00Z'],
    ['also from the first moment of a day', 1, '2026-11-23T00:00:00Z', '2026-11-25T00:00:00Z'],
    ['and from its last', 1, '2026-11-23T23:59:59.999Z', '2026-11-25T00:00:00Z'],
    ['over a weekend', 1, '2026-11-27T12:00:00Z', '2026-12-01T00:00:00Z'],
    ['from within a weekend', 1, '2026-11-28T12:00:00Z', '2026-12-01T00:00:00Z'],
    ['ten of them are two weeks', 10, '2026-11-23T12:00:00Z', '2026-12-08T00:00:00Z'],
    ['over the end of a year', 2, '2026-12-31T12:00:00Z', '2027-01-05T00:00:00Z'],
    ['before 1970 as well', 1, '1969-12-26T12:00:00Z', '1969-12-30T00:00:00Z'],
  ])('in business days: %s', (_, businessDays, accepted, expected) => {
    expect(new Date(deadlineAt({ businessDays }, at(accepted), utc)).toISOString()).toBe(new Date(expected).toISOString())
  })

  it('in business days passes over holidays', () => {
    const calendar = { utcOffsetMinutes: 0, holidays: ['2026-11-26', '2026-11-27'] }
    expect(deadlineAt({ businessDays: 1 }, at('2026-11-25T12:00:00Z'), calendar)).toBe(at('2026-12-01T00:00:00Z'))
  })

  it('begins and ends its days in the offset of the policy', () => {
    const michigan = { utcOffsetMinutes: -300, holidays: [] }
    // Tuesday 03:00 UTC is Monday 22:00 in Michigan
    expect(deadlineAt({ businessDays: 1 }, at('2026-11-24T03:00:00Z'), michigan)).toBe(at('2026-11-25T05:00:00Z'))
    const auckland = { utcOffsetMinutes: 780, holidays: [] }
    // Friday 12:00 UTC is Saturday 01:00 in Auckland
    expect(deadlineAt({ businessDays: 1 }, at('2026-11-27T12:00:00Z'), auckland)).toBe(at('2026-11-30T11:00:00Z'))
  })

  it('is not made of a rule without time', () => {
    for (const rule of [
      { hours: 0 },
      { hours: Number.NaN },
      { hours: Number.POSITIVE_INFINITY },
      { businessDays: 0 },
      { businessDays: 1.5 },
    ]) {
      expect(() => deadlineAt(rule, monday, utc)).toThrow(RangeError)
    }
  })

  it('in business days lies after acceptance, ends a business day, and is later for more days and a later start', () => {
    const holidays = fc.subarray(['2026-11-26', '2026-12-25', '2027-01-01', '2026-11-28'])
    const offset = fc.integer({ min: -720, max: 840 })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 * aDayMs }),
        fc.integer({ min: 1, max: 30 }),
        holidays,
        offset,
        (ahead, days, free, minutes) => {
          const calendar = { utcOffsetMinutes: minutes, holidays: free }
          const end = deadlineAt({ businessDays: days }, monday + ahead, calendar)
          const local = new Date(end + minutes * 60_000 - 1)
          expect(end).toBeGreaterThan(monday + ahead + aDayMs * (days - 1))
          expect([0, 6]).not.toContain(local.getUTCDay())
          expect(free).not.toContain(local.toISOString().slice(0, 10))
          expect(local.toISOString().slice(11)).toBe('23:59:59.999Z')
          expect(deadlineAt({ businessDays: days + 1 }, monday + ahead, calendar)).toBeGreaterThan(end)
          expect(deadlineAt({ businessDays: days }, monday + ahead + 1, calendar)).toBeGreaterThanOrEqual(end)
        },
      ),
    )
  })
})

describe('the clock of a delivery', () => {
  const delivery = { acceptedAt: 1000, deadlineAt: 2000 }

  it('runs from 0 at acceptance to 1 at the deadline and on', () => {
    expect([500, 1000, 1500, 2000, 4000].map((now) => deadlineShare(delivery, now))).toEqual([0, 0, 0.5, 1, 3])
  })

  it('of a repeat starts when the repeat was asked for', () => {
    expect(deadlineShare({ acceptedAt: 0, assertion: 1000, deadlineAt: 2000 }, 1500)).toBe(0.5)
  })

  it('without any time is late from its deadline on', () => {
    expect(deadlineShare({ acceptedAt: 2000, deadlineAt: 2000 }, 1999)).toBe(0)
    expect(deadlineShare({ acceptedAt: 2000, deadlineAt: 2000 }, 2000)).toBe(Number.POSITIVE_INFINITY)
  })

  it('is loud at half, at eighty per cent and when late', () => {
    expect([0, 0.499, 0.5, 0.799, 0.8, 0.999, 1, 7].map(deadlineAlarm)).toEqual([
      'none',
      'none',
      'half',
      'half',
      'eighty',
      'eighty',
      'late',
      'late',
    ])
  })
})
