import type { Choice, Evidence, PurposeKey } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { membershipOf } from './membership.ts'

const ads = 'interest-based-advertising' as PurposeKey
const social = 'social-audiences' as PurposeKey
const said: Evidence = { kind: 'form', reference: 'form-1', collectedAt: 0 }
const of = (wanted: Record<string, Choice>, evidence: Record<string, Evidence> = {}, kind: 'preference' | 'erasure' = 'preference') =>
  membershipOf({ kind, wanted, evidence })

describe('a person in an audience', () => {
  it('is taken out by any denied purpose, whatever else she granted', () => {
    expect(of({ [ads]: 'denied', [social]: 'granted' }, { [social]: said })).toBe('out')
  })

  it('is taken out by an erasure', () => {
    expect(of({ [ads]: 'granted' }, { [ads]: said }, 'erasure')).toBe('out')
  })

  it('is added where nothing is denied and she granted one purpose herself', () => {
    expect(of({ [ads]: 'granted', [social]: 'granted' }, { [social]: said })).toBe('in')
  })

  it('is not added for defaults, nor for a topic', () => {
    expect(of({ [ads]: 'granted', [social]: 'granted' })).toBe('unsaid')
    expect(of({ [ads]: 'granted', [`${ads}/cars`]: 'granted' }, { [`${ads}/cars`]: said })).toBe('unsaid')
    expect(of({})).toBe('unsaid')
  })

  it('is not taken out for a refused topic', () => {
    expect(of({ [ads]: 'granted', [`${ads}/cars`]: 'denied' }, { [ads]: said })).toBe('in')
  })
})
