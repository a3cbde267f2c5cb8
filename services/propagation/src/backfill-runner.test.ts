import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pieces, restMs } from './backfill-runner.ts'

describe('the pace of a backfill', () => {
  it('never exceeds the limit over any whole second, and loses nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 3_000 }), (items, limit, tookMs) => {
        const cut = pieces(items, limit)
        expect(cut.flat()).toEqual(items)
        for (const piece of cut) {
          expect(piece.length).toBeLessThanOrEqual(limit)
          // time of publishing and rest together give each delivery its share of a second
          expect(tookMs + restMs(piece.length, limit, tookMs)).toBeGreaterThanOrEqual((piece.length / limit) * 1_000)
        }
      }),
    )
  })

  it('has no rest and whole pages without a limit', () => {
    expect(pieces([1, 2, 3], 0)).toEqual([[1, 2, 3]])
    expect(restMs(1_000, 0, 5)).toBe(0)
  })
})
