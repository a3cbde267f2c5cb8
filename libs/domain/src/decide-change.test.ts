import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChangeInput, Choice, HeldChoice, OriginKind, Snapshot } from './index.ts'
import {
  decideChange,
  decideMerge,
  effectiveChoice,
  emptySnapshot,
  everyRefusal,
  heldChoice,
  heldKeys,
  isReference,
  mayGrant,
  mergeSnapshots,
  purposeOf,
} from './index.ts'
import { aDayMs, ada, after, bob, decide, evidenceAt, key, monday, person, policy, wishes } from './test-policy.ts'

const fresh = { evidence: evidenceAt(monday - 1000) }

function codes(decision: ReturnType<typeof decide>): string[] {
  return decision.kind === 'refused' ? decision.violations.map(({ code }) => code) : [decision.kind]
}

describe('an opt-out', () => {
  it('of a new subject makes version 1, which holds it and says where it came from', () => {
    expect(decide(['-mail'])).toEqual({
      kind: 'changed',
      change: {
        id: `${ada}/1`,
        snapshot: { subjectId: ada, version: 1, choices: { mail: { choice: 'denied', version: 1, at: monday } } },
        cause: 'choice',
        changed: ['mail'],
        linked: [],
        origin: person,
        policyVersion: '1',
        acceptedAt: monday,
      },
    })
  })

  it('that is held already makes no new version', () => {
    const current = after(['-mail'])
    expect(decide(['-mail'], { current })).toEqual({ kind: 'unchanged', snapshot: current })
    expect(decide([], { current })).toEqual({ kind: 'unchanged', snapshot: current })
  })

  it('needs no evidence and may come from anywhere', () => {
    const kinds: OriginKind[] = [
      'person',
      'one-click',
      'preference-page',
      'mailto',
      'internal-service',
      'vendor',
      'import',
      'operator',
      'unknown',
    ]
    for (const kind of kinds) expect(decide(['-mail'], { origin: { kind, caller: 'x' } }).kind).toBe('changed')
  })

  it('wins over an opt-in of the same request, in either order', () => {
    for (const texts of [
      ['-mail', '+mail'],
      ['+mail', '-mail'],
    ]) {
      const decision = decide(texts, fresh)
      expect(decision.kind === 'changed' && decision.change.snapshot.choices[key('mail')]?.choice).toBe('denied')
    }
  })

  it('of a purpose that cannot be refused is refused, and says by which clause', () => {
    expect(decide(['-mail', '-receipts'])).toEqual({
      kind: 'refused',
      violations: [{ field: 'choices[1]', code: 'not-refusable', message: expect.stringContaining('clause 5') }],
    })
    expect(codes(decide(['+receipts'], fresh))).toEqual(['not-refusable'])
  })

  it('of something that the policy does not know is refused, without repeating what was sent', () => {
    const decision = decide(['-ada-lovelace', '-mail/unheard', '-constructor'])
    expect(codes(decision)).toEqual(['unknown-purpose', 'unknown-purpose', 'unknown-purpose'])
    expect(JSON.stringify(decision)).not.toContain('lovelace')
  })

  it('of everything leaves out only what cannot be refused', () => {
    expect(everyRefusal(policy).map(({ key }) => key)).toEqual(['mail', 'ads', 'profiling'])
    expect(decideChange({ policy, current: emptySnapshot(ada), requested: everyRefusal(policy), origin: person, now: monday }).kind).toBe(
      'changed',
    )
  })
})

describe('an opt-in', () => {
  it('with fresh evidence replaces an older denial, and the snapshot holds what it stands on', () => {
    const decision = decide(['+mail'], { current: after(['-mail']), ...fresh })
    expect(decision.kind === 'changed' && decision.change.snapshot).toEqual({
      subjectId: ada,
      version: 2,
      choices: { mail: { choice: 'granted', version: 2, at: monday, evidence: fresh.evidence } },
    })
  })

  it.each<[why: string, rest: Partial<ChangeInput>, expected: string]>([
    ['without evidence', {}, 'evidence-missing'],
    ['with evidence as old as the denial', { evidence: evidenceAt(monday - aDayMs) }, 'evidence-not-newer'],
    ['with evidence older than the denial', { evidence: evidenceAt(monday - 2 * aDayMs) }, 'evidence-not-newer'],
    ['with evidence from ahead of now', { evidence: evidenceAt(monday + 5 * 60_000 + 1) }, 'evidence-in-future'],
    ['with evidence at no time', { evidence: evidenceAt(Number.NaN) }, 'evidence-in-future'],
    ['with an address as reference', { evidence: { ...fresh.evidence, reference: 'ada@example.org' } }, 'malformed-reference'],
    ['from an import', { ...fresh, origin: { kind: 'import', caller: 'x' } }, 'origin-cannot-grant'],
    ['from a vendor', { ...fresh, origin: { kind: 'vendor', caller: 'x' } }, 'origin-cannot-grant'],
    ['from an unknown origin', { ...fresh, origin: { kind: 'unknown', caller: 'x' } }, 'origin-cannot-grant'],
  ])('%s is refused', (_, rest, expected) => {
    expect(codes(decide(['+mail'], { current: after(['-mail']), ...rest }))).toContain(expected)
  })

  it('takes a clock that is up to five minutes ahead', () => {
    expect(decide(['+mail'], { current: after(['-mail']), evidence: evidenceAt(monday + 5 * 60_000) }).kind).toBe('changed')
  })

  it('with evidence older than the policy allows is refused, also where nothing was denied', () => {
    expect(codes(decide(['+mail'], { evidence: evidenceAt(monday - 30 * aDayMs - 1) }))).toEqual(['evidence-too-old'])
    expect(decide(['+mail'], { evidence: evidenceAt(monday - 30 * aDayMs) }).kind).toBe('changed')
  })

  it('to a topic of a denied purpose is refused, unless the purpose is granted with it', () => {
    const current = after(['-mail'])
    expect(codes(decide(['+mail/news'], { current, ...fresh }))).toEqual(['purpose-denied'])
    expect(codes(decide(['+mail/news', '-mail'], fresh))).toEqual(['purpose-denied'])
    expect(decide(['+mail/news', '+mail'], { current, ...fresh }).kind).toBe('changed')
  })

  it('to a topic of a purpose that is denied by default is refused as well', () => {
    expect(codes(decide(['+profiling/deep'], fresh))).toEqual(['purpose-denied'])
    expect(decide(['+profiling/deep', '+profiling'], fresh).kind).toBe('changed')
  })

  it('to a purpose does not revive a topic that was denied by name', () => {
    const current = after(['-mail/news'], ['-mail'])
    const decision = decide(['+mail'], { current, ...fresh })
    if (decision.kind !== 'changed') throw new Error(decision.kind)
    expect(effectiveChoice(policy, decision.change.snapshot, key('mail/news'))).toBe('denied')
    expect(effectiveChoice(policy, decision.change.snapshot, key('mail/offers'))).toBe('granted')
    const both = decide(['+mail', '+mail/news'], { current, ...fresh })
    expect(both.kind === 'changed' && both.change.changed).toEqual(['mail', 'mail/news'])
  })

  it('that fails takes the whole request with it: nothing is half done', () => {
    expect(decide(['-ads', '+mail']).kind).toBe('refused')
  })
})

describe('a request', () => {
  it('to a merged subject is refused', () => {
    expect(codes(decide(['-mail'], { current: { ...emptySnapshot(ada), mergedInto: bob } }))).toEqual(['subject-merged'])
  })

  it('with an origin reference that could hold personal data is refused', () => {
    expect(codes(decide(['-mail'], { origin: { ...person, reference: 'ada@example.org' } }))).toEqual(['malformed-reference'])
    expect(decide(['-mail'], { origin: { ...person, reference: 'crm:4711.a_b-c' } }).kind).toBe('changed')
    expect(isReference('')).toBe(false)
    expect(isReference('a'.repeat(129))).toBe(false)
    expect(isReference('a\n')).toBe(false)
  })

  it('says every fault at once', () => {
    const decision = decide(['-receipts', '-unheard', '+mail'], { origin: { kind: 'import', caller: 'x' } })
    expect(codes(decision).sort()).toEqual(['evidence-missing', 'not-refusable', 'origin-cannot-grant', 'unknown-purpose'])
  })
})

describe('identifiers that come in', () => {
  it('make a new version where any choice is held, so that the opt-out follows them', () => {
    const decision = decide([], { current: after(['-mail']), linked: ['phone', 'email', 'email'] })
    expect(decision.kind === 'changed' && decision.change).toMatchObject({
      cause: 'identifiers-linked',
      changed: [],
      linked: ['email', 'phone'],
    })
  })

  it('make none where nothing was chosen yet', () => {
    expect(decide([], { linked: ['email'] }).kind).toBe('unchanged')
  })

  it('come with the choice that brings them', () => {
    const decision = decide(['-mail'], { linked: ['email'] })
    expect(decision.kind === 'changed' && decision.change).toMatchObject({ cause: 'choice', changed: ['mail'], linked: ['email'] })
  })
})

describe('a merge', () => {
  const mine = after(['-mail'])
  const theirs: Snapshot = { ...after(['+mail', '-ads']), subjectId: bob }

  it('is the union of both, where denied wins, and the other points at it for good', () => {
    const { into, from } = decideMerge({ policy, into: mine, from: theirs, linked: ['email'], origin: person, now: monday })
    expect(into).toMatchObject({ id: `${ada}/2`, cause: 'merged', changed: ['ads'], linked: ['email'] })
    expect(into.snapshot.choices).toMatchObject({
      mail: { choice: 'denied', version: 1 },
      ads: { choice: 'denied', version: 2, at: monday },
    })
    expect(from).toMatchObject({
      id: `${bob}/2`,
      cause: 'merged',
      changed: [],
      snapshot: { version: 2, mergedInto: ada, choices: theirs.choices },
    })
  })

  it('of a subject with itself, or of one that was merged before, is a fault of the caller', () => {
    const rest = { policy, linked: [], origin: person, now: monday }
    expect(() => decideMerge({ ...rest, into: mine, from: mine })).toThrow(RangeError)
    expect(() => decideMerge({ ...rest, into: mine, from: { ...theirs, mergedInto: ada } })).toThrow(RangeError)
  })

  it('holds the later of two denials, so that no evidence slips in between', () => {
    const held = (choice: Choice, at: number): HeldChoice => ({ choice, version: 1, at })
    const one: Snapshot = { subjectId: ada, version: 1, choices: { [key('mail')]: held('denied', 10) } }
    const two: Snapshot = { subjectId: bob, version: 1, choices: { [key('mail')]: held('denied', 20) } }
    expect(mergeSnapshots(one, two, 30).choices[key('mail')]).toEqual({ choice: 'denied', version: 2, at: 30 })
    expect(mergeSnapshots(two, one, 30).choices[key('mail')]).toEqual({ choice: 'denied', version: 1, at: 20 })
  })

  it('holds the newer evidence of two grants', () => {
    const held = (collectedAt: number): HeldChoice => ({ choice: 'granted', version: 1, at: 1, evidence: evidenceAt(collectedAt) })
    const one: Snapshot = { subjectId: ada, version: 1, choices: { [key('mail')]: held(10) } }
    const two: Snapshot = { subjectId: bob, version: 1, choices: { [key('mail')]: held(20) } }
    expect(mergeSnapshots(one, two, 30).choices[key('mail')]?.evidence?.collectedAt).toBe(20)
    expect(mergeSnapshots(two, one, 30).choices[key('mail')]?.evidence?.collectedAt).toBe(20)
  })
})

// Anything that callers may send, in any order: every origin, evidence of any age or none, grants and denials mixed, identifiers linked, merges.
const keys = ['mail', 'mail/news', 'mail/offers', 'ads', 'profiling', 'profiling/deep', 'receipts', 'unheard']
const arbitraryStep = fc.record({
  wishes: fc.array(
    fc.tuple(fc.constantFrom('+', '-'), fc.constantFrom(...keys)).map(([sign, name]) => sign + name),
    { maxLength: 4 },
  ),
  collectedAgo: fc.option(fc.integer({ min: -400_000, max: 200_000 }), { nil: undefined }),
  origin: fc.constantFrom<OriginKind>(
    'person',
    'one-click',
    'preference-page',
    'internal-service',
    'vendor',
    'import',
    'operator',
    'unknown',
  ),
  linked: fc.boolean(),
  passed: fc.integer({ min: 0, max: 100_000 }),
})
type Step = typeof arbitraryStep extends fc.Arbitrary<infer T> ? T : never

function play(steps: readonly Step[], visit: (before: Snapshot, input: ChangeInput, after: Snapshot) => void): Snapshot {
  let current = emptySnapshot(ada)
  let now = monday
  for (const step of steps) {
    now += step.passed
    const input: ChangeInput = {
      policy,
      current,
      requested: wishes(...step.wishes),
      ...(step.collectedAgo === undefined ? {} : { evidence: evidenceAt(now - step.collectedAgo) }),
      origin: { kind: step.origin, caller: 'any' },
      linked: step.linked ? ['email'] : [],
      now,
    }
    const decision = decideChange(input)
    const next = decision.kind === 'changed' ? decision.change.snapshot : current
    visit(current, input, next)
    current = next
  }
  return current
}

describe('in any sequence of requests', () => {
  const steps = fc.array(arbitraryStep, { maxLength: 25 })

  it('versions are 1, 2, 3 … without gap or repeat, and a held choice knows its version', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const last = play(sequence, (before, _, next) => {
          expect(next === before || next.version === before.version + 1).toBe(true)
          for (const name of heldKeys(next)) {
            const held = heldChoice(next, name)
            const was = heldChoice(before, name)
            // what was said again keeps the version and the time of the first time
            if (held?.choice === was?.choice) expect(held).toBe(was)
            else expect(held?.version).toBe(next.version)
          }
        })
        expect(last.version).toBeLessThanOrEqual(sequence.length)
      }),
    )
  })

  it('no opt-in without fresh evidence of the person wins over an opt-out', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        play(sequence, (before, input, next) => {
          for (const name of ['mail', 'mail/news', 'mail/offers', 'ads', 'profiling', 'profiling/deep'].map(key)) {
            const was = effectiveChoice(policy, before, name)
            if (was === 'granted' || effectiveChoice(policy, next, name) === 'denied') continue
            // it went from denied to granted: by this very request, with evidence newer than every denial that stood in the way
            const evidence = input.evidence
            expect(evidence).toBeDefined()
            expect(mayGrant(input.origin.kind)).toBe(true)
            for (const denial of [heldChoice(before, name), heldChoice(before, purposeOf(name))]) {
              if (denial?.choice === 'denied') expect(evidence?.collectedAt).toBeGreaterThan(denial.at)
            }
            const lifted = input.requested.filter((wish) => wish.key === name || wish.key === purposeOf(name))
            expect(lifted.some((wish) => wish.choice === 'granted')).toBe(true)
          }
        })
      }),
      { numRuns: 500 },
    )
  })

  it('an accepted denial holds at once, whatever else the request says', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        play(sequence, (before, input, next) => {
          if (next === before) return
          for (const wish of input.requested) {
            if (wish.choice === 'denied') expect(effectiveChoice(policy, next, wish.key)).toBe('denied')
          }
        })
      }),
    )
  })

  it('saying the same again changes nothing', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        play(sequence, (before, input, next) => {
          if (next === before) return
          const again = decideChange({ ...input, current: next, linked: [] })
          // a grant may now meet the denial that it came with; it is refused or changes nothing, and never makes a version
          expect(again.kind).not.toBe('changed')
        })
      }),
    )
  })

  it('the decision is a function of its arguments, and leaves them alone', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        play(sequence, (_, input) => {
          const copy = structuredClone(input)
          expect(decideChange(input)).toEqual(decideChange(copy))
          expect(input).toEqual(copy)
        })
      }),
      { numRuns: 50 },
    )
  })

  it('merging gives the same choices from either side, and denies whatever one of them denied', () => {
    fc.assert(
      fc.property(steps, steps, (one, two) => {
        const mine = play(one, () => {})
        const theirs: Snapshot = { ...play(two, () => {}), subjectId: bob }
        const there = mergeSnapshots(mine, theirs, monday + 10 * aDayMs)
        const back = mergeSnapshots(theirs, mine, monday + 10 * aDayMs)
        expect(heldKeys(there)).toEqual(heldKeys(back))
        for (const name of heldKeys(there)) {
          expect(heldChoice(there, name)?.choice).toBe(heldChoice(back, name)?.choice)
          const denied = [mine, theirs].some((snapshot) => heldChoice(snapshot, name)?.choice === 'denied')
          expect(heldChoice(there, name)?.choice).toBe(denied ? 'denied' : 'granted')
        }
      }),
    )
  })
})
