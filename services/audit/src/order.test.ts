import type { TrailEvent } from '@heed/contracts'
import type { DeliveryId } from '@heed/domain'
import { type DeliveryRow, never, supersede } from '@heed/trail'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldDeliveries } from './round.ts'
import { type Bucket, bucketOf, buckets, type Delta, tally } from './tally.ts'
import { arrival, toldAnyhow, whatHappened } from './testing/events.ts'

/** What the rows and counts come to when the events are told in rounds of that size. */
function told(events: readonly TrailEvent[], roundSize: number) {
  const rows = new Map<DeliveryId, DeliveryRow>()
  const counts = new Map<string, Delta>()
  for (let from = 0; from < events.length; from += roundSize) {
    const folded = foldDeliveries(events.slice(from, from + roundSize).map(arrival), rows)
    const all = supersede([...new Map([...rows, ...folded]).values()])
    for (const [recipientId, delta] of tally(all.map((after) => ({ before: rows.get(after._id), after })))) {
      const sum = counts.get(recipientId) ?? {}
      for (const [name, by] of Object.entries(delta) as [keyof Delta, number][]) sum[name] = (sum[name] ?? 0) + by
      counts.set(recipientId, sum)
    }
    for (const row of all) rows.set(row._id, row)
  }
  return { rows: Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1))), counts }
}

const twoTellings = whatHappened.chain((events) =>
  fc.record({ one: fc.constant(events), other: toldAnyhow(events), roundSize: fc.integer({ min: 1, max: 12 }) }),
)

describe('what is known of deliveries', () => {
  it('does not depend on order, repetition, or on what arrives together', () => {
    fc.assert(
      fc.property(twoTellings, ({ one, other, roundSize }) => {
        expect(told(other, roundSize).rows).toEqual(told(one, 1).rows)
      }),
      { numRuns: 150 },
    )
  })

  it('counts each requested delivery exactly once, whatever came before', () => {
    fc.assert(
      fc.property(twoTellings, ({ other, roundSize }) => {
        const { rows, counts } = told(other, roundSize)
        for (const [recipientId, count] of counts) {
          const mine = Object.values(rows).filter((row) => row.recipientId === recipientId && row.request !== undefined)
          const held = (name: keyof Delta) => count[name] ?? 0
          expect(held('requested')).toBe(mine.length)
          expect(buckets.reduce((sum, bucket) => sum + held(bucket), 0)).toBe(mine.length)
          for (const bucket of buckets)
            expect([bucket, held(bucket)]).toEqual([bucket, mine.filter((row) => bucketOf(row) === bucket).length])
        }
      }),
      { numRuns: 100 },
    )
  })

  it('leaves nothing open below a version that has ended', () => {
    fc.assert(
      fc.property(whatHappened, (events) => {
        const rows = Object.values(told(events, 3).rows)
        for (const row of rows.filter(({ open }) => open)) {
          expect(rows.filter((mate) => mate.pair === row.pair && mate.version > row.version && mate.firstEndedAt < never)).toEqual([])
        }
      }),
      { numRuns: 100 },
    )
  })

  it('never lets a delivery that the recipient holds count as superseded', () => {
    fc.assert(
      fc.property(whatHappened, (events) => {
        for (const row of Object.values(told(events, 2).rows)) {
          if (row.own === 'confirmed' || row.own === 'verified') expect<Bucket[]>(['confirmed', 'verified']).toContain(bucketOf(row))
        }
      }),
    )
  })
})
