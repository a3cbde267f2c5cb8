import { describe, expect, it } from 'vitest'
import { changedKeys, effectiveChoice, effectiveChoices, emptySnapshot, evidenceFor, heldChoice } from './index.ts'
import { aDayMs, ada, after, evidenceAt, key, monday, policy } from './test-policy.ts'

describe('the effective choice', () => {
  it('is the policy’s default where nothing was chosen', () => {
    const nothing = emptySnapshot(ada)
    expect(effectiveChoice(policy, nothing, key('mail'))).toBe('granted')
    expect(effectiveChoice(policy, nothing, key('mail/news'))).toBe('granted')
    expect(effectiveChoice(policy, nothing, key('profiling'))).toBe('denied')
    expect(effectiveChoice(policy, nothing, key('profiling/deep'))).toBe('denied')
  })

  it('of each topic is denied under a denied purpose', () => {
    const snapshot = after(['+mail/news'], ['-mail'])
    expect(effectiveChoice(policy, snapshot, key('mail/news'))).toBe('denied')
    expect(effectiveChoice(policy, snapshot, key('mail/offers'))).toBe('denied')
  })

  it('of a denied topic leaves the purpose and its other topics alone', () => {
    const snapshot = after(['-mail/news'])
    expect(effectiveChoices(policy, snapshot, [key('mail'), key('ads')])).toEqual({
      mail: 'granted',
      'mail/news': 'denied',
      ads: 'granted',
    })
  })

  it('of what cannot be refused is granted, even where an older policy let it be denied', () => {
    const held = { ...emptySnapshot(ada), choices: { [key('receipts')]: { choice: 'denied' as const, version: 1, at: 1 } } }
    expect(effectiveChoice(policy, held, key('receipts'))).toBe('granted')
  })

  it('of what the policy does not know is denied', () => {
    expect(effectiveChoice(policy, emptySnapshot(ada), key('unheard'))).toBe('denied')
    expect(effectiveChoice(policy, emptySnapshot(ada), key('mail/unheard'))).toBe('denied')
  })

  it('is not read from what every object inherits', () => {
    expect(heldChoice(emptySnapshot(ada), key('constructor'))).toBeUndefined()
  })
})

describe('what a granted key stands on', () => {
  it('is the newer of its own evidence and its purpose’s, and nothing for a default or a denial', () => {
    const snapshot = after(['+mail/news', '-ads'], ['+mail'])
    expect(evidenceFor(policy, snapshot, key('mail/news'))).toEqual(evidenceAt(monday - aDayMs + 999))
    expect(evidenceFor(policy, snapshot, key('mail/offers'))).toEqual(evidenceAt(monday - aDayMs + 999))
    expect(evidenceFor(policy, snapshot, key('ads'))).toBeUndefined()
    expect(evidenceFor(policy, emptySnapshot(ada), key('mail'))).toBeUndefined()
  })
})

describe('what changed between two snapshots', () => {
  it('is told by key, sorted', () => {
    expect(changedKeys(after(['-mail']), after(['-ads', '-mail'], ['+mail']))).toEqual(['ads', 'mail'])
    expect(changedKeys(after(['-mail']), after(['-mail']))).toEqual([])
  })
})
