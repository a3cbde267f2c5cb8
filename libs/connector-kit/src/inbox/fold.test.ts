import type { PurposeKey } from '@heed/domain'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aDelivery, marketing, subject } from '../testing.fixture.ts'
import { effectOf, foldArrivals, type KnownRow, mergeChanged } from './fold.ts'

const offers = 'email-marketing/offers' as PurposeKey
const known = (version: number, more: Partial<KnownRow> = {}): KnownRow => ({
  version,
  assertion: 0,
  past: [],
  changed: [marketing],
  kind: 'preference',
  wanted: {},
  open: true,
  ...more,
})
const arrivalOf = (...versions: number[]) => {
  const arrival = foldArrivals(versions.map((version) => aDelivery('ada', version))).get(subject('ada'))
  if (arrival === undefined) throw new Error('nothing arrived')
  return arrival
}

describe('what arrives about one subject', () => {
  it('is folded to the newest', () => {
    expect(arrivalOf(1, 3, 2).newest.version).toBe(3)
    expect(foldArrivals([aDelivery('ada', 1), aDelivery('bob', 1)]).size).toBe(2)
  })

  it('is wanted when nobody was known, and says which versions it overtook', () => {
    expect(effectOf(undefined, arrivalOf(2, 1))).toMatchObject({ kind: 'wanted', delivery: { version: 2 }, older: [{ version: 1 }] })
  })

  it('means nothing when it is a repeat', () => {
    expect(effectOf(known(3, { past: [1, 2] }), arrivalOf(1, 2, 3))).toEqual({ kind: 'none' })
  })

  it('is late when only a lower version is new', () => {
    expect(effectOf(known(3, { past: [1] }), arrivalOf(1, 2))).toMatchObject({ kind: 'late', older: [{ version: 2 }] })
  })

  it('is wanted again when the same version is asked for later', () => {
    const [arrival] = foldArrivals([aDelivery('ada', 3, 'denied', { assertion: 99, changed: [] })]).values()
    if (arrival === undefined) throw new Error('nothing arrived')
    expect(effectOf(known(3), arrival)).toMatchObject({ kind: 'wanted', delivery: { assertion: 99, changed: [] }, older: [] })
    expect(effectOf(known(3, { assertion: 99 }), arrival)).toEqual({ kind: 'none' })
  })

  it('keeps what was never told: keys of an overtaken version count as changed', () => {
    const [arrival] = foldArrivals([aDelivery('ada', 2, 'denied', { changed: [offers] })]).values()
    if (arrival === undefined) throw new Error('nothing arrived')
    expect(effectOf(known(1), arrival)).toMatchObject({ delivery: { changed: [marketing, offers] } })
    expect(effectOf(known(1, { open: false }), arrival)).toMatchObject({ delivery: { changed: [offers] } })
  })

  it('takes versions below all that a row remembers for seen', () => {
    const past = Array.from({ length: 64 }, (_, index) => index + 10)
    expect(effectOf(known(80, { past }), arrivalOf(3))).toEqual({ kind: 'none' })
  })
})

describe('changed keys', () => {
  const keys = fc.subarray([marketing, offers, 'analytics' as PurposeKey])
  it('merge alike in any order and grouping, and a repeat makes them all', () => {
    fc.assert(
      fc.property(keys, keys, keys, (a, b, c) => {
        expect(mergeChanged(a, b)).toEqual(mergeChanged(b, a))
        expect(mergeChanged(mergeChanged(a, b), c)).toEqual(mergeChanged(a, mergeChanged(b, c)))
        expect(mergeChanged(a, [])).toEqual([])
      }),
    )
  })
})
