import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Change, Snapshot } from './index.ts'
import {
  decideDenial,
  decideErasure,
  decideMerge,
  decideSuppressed,
  effectiveChoice,
  emptySnapshot,
  everyRefusal,
  findPurpose,
  heldChoice,
  heldKeys,
  mayUse,
} from './index.ts'
import { aDayMs, ada, after, bob, decide, evidenceAt, key, monday, person, policy, wishes } from './test-policy.ts'

const denial = (current: Snapshot, now = monday): Change => {
  const change = decideDenial({ policy, current, origin: person, now })
  if (change === undefined) throw new Error('nothing was left to deny')
  return change
}
const erasure = (current: Snapshot, now = monday): Change => decideErasure({ policy, current, origin: person, now })

describe('the denial that begins an erasure', () => {
  it('denies everything that can be refused, and every topic that was granted by name', () => {
    const change = denial(after(['+mail', '+mail/news', '-ads']))
    expect(change).toMatchObject({
      cause: 'choice',
      changed: ['mail', 'mail/news', 'profiling'],
      snapshot: { version: 2, barred: 'erasure' },
    })
    expect(Object.values(change.snapshot.choices).map(({ choice }) => choice)).toEqual(['denied', 'denied', 'denied', 'denied'])
  })

  it('leaves no evidence in the snapshot', () => {
    expect(JSON.stringify(denial(after(['+mail', '+ads'])).snapshot)).not.toContain('evidence')
  })

  it('is not needed where all of it was denied before', () => {
    expect(decideDenial({ policy, current: after(['-mail', '-ads', '-profiling']), origin: person, now: monday })).toBeUndefined()
  })

  it('of a merged subject, or of one that is being erased, is a fault of the caller', () => {
    const merged = decideMerge({
      policy,
      into: after(['-ads']),
      from: { ...after(['-mail']), subjectId: bob },
      linked: [],
      origin: person,
      now: monday,
    })
    expect(() => denial(merged.from.snapshot)).toThrow(RangeError)
    expect(() => denial(denial(after(['-mail'])).snapshot)).toThrow(RangeError)
    expect(() => erasure(merged.from.snapshot)).toThrow(RangeError)
  })
})

describe('the erasure', () => {
  it('is a version of its own, even where nothing is left to deny', () => {
    const denied = denial(emptySnapshot(ada))
    expect(erasure(denied.snapshot)).toMatchObject({
      cause: 'erasure',
      changed: [],
      snapshot: { version: 2, choices: denied.snapshot.choices },
    })
  })

  it('denies what a newer policy has brought meanwhile', () => {
    const { barred: _, ...open } = after(['-mail', '-ads'])
    expect(erasure(open).changed).toEqual(['profiling'])
  })
})

describe('a subject under erasure', () => {
  const current = denial(after(['+mail'])).snapshot

  it('takes no grant, with whatever evidence', () => {
    const decision = decide(['+mail'], { current, evidence: evidenceAt(monday + 1), now: monday + 2 })
    expect(decision).toMatchObject({ kind: 'refused', violations: [{ field: 'choices[0]', code: 'being-erased' }] })
  })

  it('takes no identifier', () => {
    expect(decide([], { current, linked: ['email'] })).toMatchObject({
      kind: 'refused',
      violations: [{ field: 'subject', code: 'being-erased' }],
    })
  })

  it('gets no new version that would overtake what recipients are asked to erase', () => {
    const keys = ['mail', 'mail/news', 'mail/offers', 'ads', 'profiling', 'profiling/deep']
    const wish = fc.tuple(fc.constantFrom('+', '-'), fc.constantFrom(...keys)).map(([sign, name]) => sign + name)
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 5 }), fc.integer({ min: -aDayMs, max: aDayMs }), (texts, ago) => {
        expect(decide(texts, { current, evidence: evidenceAt(monday - ago) }).kind).not.toBe('changed')
      }),
    )
  })

  it('may be used for nothing that can be refused, not even by what a later policy grants by default', () => {
    const bare: Snapshot = { ...current, choices: {} }
    for (const { key: purpose } of everyRefusal(policy)) expect(effectiveChoice(policy, bare, purpose)).toBe('denied')
    expect(mayUse(policy, bare, { purpose: key('mail') })).toMatchObject({ allowed: false, reason: 'denied' })
    expect(mayUse(policy, bare, { purpose: key('receipts') })).toMatchObject({ allowed: true, reason: 'cannot_be_refused' })
  })

  it('cannot be merged', () => {
    const rest = { policy, linked: [], origin: person, now: monday }
    expect(() => decideMerge({ ...rest, into: current, from: { ...after(['-ads']), subjectId: bob } })).toThrow(RangeError)
    expect(() => decideMerge({ ...rest, into: { ...after(['-ads']), subjectId: bob }, from: current })).toThrow(RangeError)
  })
})

describe('a subject whose identifier is suppressed', () => {
  const since = monday - 10 * aDayMs
  const { snapshot: current, ...change } = decideSuppressed({ policy, subjectId: ada, since, origin: person, now: monday })

  it('begins with everything denied, held since the suppression', () => {
    expect(change).toMatchObject({
      id: `${ada}/1`,
      changed: everyRefusal(policy)
        .map(({ key: purpose }) => purpose)
        .sort(),
      acceptedAt: monday,
    })
    for (const purpose of heldKeys(current)) expect(heldChoice(current, purpose)).toEqual({ choice: 'denied', version: 1, at: since })
  })

  it('is granted nothing by an import, by no evidence, or by evidence from before', () => {
    expect(decide(['+mail'], { current, origin: { kind: 'import', caller: 'crm' }, evidence: evidenceAt(monday - 1) }).kind).toBe('refused')
    expect(decide(['+mail'], { current }).kind).toBe('refused')
    expect(decide(['+mail'], { current, evidence: evidenceAt(since) })).toMatchObject({ violations: [{ code: 'evidence-not-newer' }] })
  })

  it('is granted what the person asks for anew', () => {
    expect(decide(['+mail'], { current, evidence: evidenceAt(since + 1) })).toMatchObject({
      kind: 'changed',
      change: { changed: ['mail'] },
    })
  })

  it('of a child is granted nothing, and may still be linked and merged, which bars the whole', () => {
    const child = decideSuppressed({ policy, subjectId: ada, since, barred: 'known-child', origin: person, now: monday }).snapshot
    expect(decide(['+mail'], { current: child, evidence: evidenceAt(monday - 1) })).toMatchObject({ violations: [{ code: 'known-child' }] })
    expect(decide([], { current: child, linked: ['phone'] })).toMatchObject({
      kind: 'changed',
      change: { snapshot: { barred: 'known-child' } },
    })
    const { into } = decideMerge({
      policy,
      into: { ...after(['+mail']), subjectId: bob },
      from: child,
      linked: [],
      origin: person,
      now: monday,
    })
    expect(into.snapshot).toMatchObject({ barred: 'known-child', choices: { mail: { choice: 'denied' } } })
  })
})

it('what is denied is what can be refused, whatever was chosen before', () => {
  const refusable = everyRefusal(policy).map(({ key: purpose }) => purpose)
  for (const texts of [[], ['+mail', '-mail/news'], ['-ads'], ['+profiling', '+profiling/deep']]) {
    const current = texts.length === 0 ? emptySnapshot(ada) : after(texts)
    const { snapshot } = denial(current)
    expect(refusable.every((purpose) => snapshot.choices[purpose]?.choice === 'denied')).toBe(true)
    expect(heldKeys(snapshot).every((held) => findPurpose(policy, held)?.refusable)).toBe(true)
    expect(wishes(...texts).every(({ key: asked }) => snapshot.choices[asked]?.choice === 'denied')).toBe(true)
  }
})
