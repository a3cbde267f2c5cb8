import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Change, ChangeInput, Snapshot } from './index.ts'
import { decideDenial, decideErasure, decideMerge, deliveriesFor, effectiveChoice, emptySnapshot } from './index.ts'
import { aDayMs, ada, after, bob, decide, evidenceAt, key, monday, person, policy, recipient } from './test-policy.ts'

function changeOf(texts: readonly string[], rest: Partial<ChangeInput> = {}): Change {
  const decision = decide(texts, rest)
  if (decision.kind !== 'changed') throw new Error(decision.kind)
  return decision.change
}

const told = (change: Change, options = {}) => deliveriesFor(policy, change, options).map(({ recipientId }) => recipientId)

describe('the deliveries of a change', () => {
  it('say what must hold, by when, and by which change', () => {
    expect(deliveriesFor(policy, changeOf(['-mail/news']))).toEqual([
      {
        id: `mailer/${ada}/1`,
        recipientId: 'mailer',
        subjectId: ada,
        version: 1,
        assertion: 0,
        kind: 'preference',
        wanted: { mail: 'granted', 'mail/news': 'denied', receipts: 'granted' },
        changed: ['mail/news'],
        evidence: {},
        changeId: `${ada}/1`,
        policyVersion: '1',
        acceptedAt: monday,
        deadlineAt: monday + aDayMs,
      },
      expect.objectContaining({
        id: `paper/${ada}/1`,
        wanted: { mail: 'granted', 'mail/news': 'denied' },
        deadlineAt: Date.UTC(2026, 10, 26),
      }),
    ])
  })

  it('go to those who serve a changed purpose, and never to a recipient that nobody has to tell', () => {
    expect(told(changeOf(['-mail']))).toEqual(['mailer', 'paper'])
    expect(told(changeOf(['-ads'], { current: after(['-mail']) }))).toEqual(['ad-house'])
  })

  it('of a link go to those who serve any purpose with a held choice', () => {
    expect(told(changeOf([], { current: after(['-ads']), linked: ['email'] }))).toEqual(['ad-house'])
    expect(told(changeOf(['-ads'], { current: after(['-mail']), linked: ['email'] }))).toEqual(['mailer', 'ad-house', 'paper'])
  })

  it('of a merge go to those who serve any purpose that either side chose', () => {
    const from: Snapshot = { ...after(['-ads']), subjectId: bob }
    const merged = decideMerge({ policy, into: after(['-mail']), from, linked: [], origin: person, now: monday })
    expect(told(merged.into)).toEqual(['mailer', 'ad-house', 'paper'])
    expect(told(merged.from)).toEqual(['ad-house'])
  })

  it('of an erasure go to those who can erase, by their own clock for it', () => {
    const current = decideDenial({ policy, current: emptySnapshot(ada), origin: person, now: monday })?.snapshot ?? emptySnapshot(ada)
    const change = decideErasure({ policy, current, origin: person, now: monday })
    expect(deliveriesFor(policy, change)).toEqual([
      expect.objectContaining({ recipientId: 'mailer', kind: 'erasure', version: 2, deadlineAt: monday + 10 * aDayMs, changed: [] }),
    ])
  })

  it('of an erasure say nothing but what is denied to those who cannot erase, where something came to be denied', () => {
    const change = decideErasure({ policy, current: emptySnapshot(ada), origin: person, now: monday })
    expect(deliveriesFor(policy, change).map(({ recipientId, kind }) => [recipientId, kind])).toEqual([
      ['mailer', 'erasure'],
      ['ad-house', 'preference'],
      ['paper', 'preference'],
    ])
  })

  it('carry what a grant stands on, and for no default', () => {
    const evidence = evidenceAt(monday - 5)
    const [delivery] = deliveriesFor(policy, changeOf(['+mail'], { evidence }))
    expect(delivery?.evidence).toEqual({ mail: evidence })
  })
})

describe('a repeat', () => {
  const change = changeOf(['-ads'], { current: after(['-mail']) })

  it('goes to everybody with a held choice, or to those named', () => {
    expect(told(change, { all: true, assertion: monday + 1 })).toEqual(['mailer', 'ad-house', 'paper'])
    expect(told(change, { all: true, only: [recipient('paper')] })).toEqual(['paper'])
    expect(told(change, { only: [recipient('paper')] })).toEqual([])
    expect(told(changeOf(['-ads']), { all: true })).toEqual(['ad-house'])
  })

  it('has the id of the first, its own clock, and no changed keys', () => {
    const asked = monday + 3 * aDayMs
    const [first] = deliveriesFor(policy, change)
    const [again] = deliveriesFor(policy, change, { only: [recipient('ad-house')], all: true, assertion: asked })
    expect(again).toEqual({ ...first, assertion: asked, changed: [], deadlineAt: asked + aDayMs })
  })
})

describe('for any change', () => {
  it('there is at most one delivery for each recipient, it holds the effective choices, and is the same each time', () => {
    fc.assert(
      fc.property(
        fc.subarray(['-mail', '-mail/news', '-mail/offers', '-ads', '+profiling', '-profiling/deep'], { minLength: 1 }),
        fc.constantFrom(undefined, monday + 1),
        fc.boolean(),
        (texts, assertion, all) => {
          const change = changeOf(texts, { evidence: evidenceAt(monday) })
          const options = { all, ...(assertion === undefined ? {} : { assertion }) }
          const deliveries = deliveriesFor(policy, change, options)
          expect(new Set(deliveries.map(({ id }) => id)).size).toBe(deliveries.length)
          for (const delivery of deliveries) {
            const served = policy.recipients.find(({ id }) => id === delivery.recipientId)?.purposes ?? []
            for (const purpose of served) expect(delivery.wanted).toHaveProperty(purpose)
            for (const [name, choice] of Object.entries(delivery.wanted))
              expect(choice).toBe(effectiveChoice(policy, change.snapshot, key(name)))
            for (const name of Object.keys(delivery.evidence)) expect(delivery.wanted[key(name)]).toBe('granted')
          }
          expect(deliveriesFor(structuredClone(policy), structuredClone(change), options)).toEqual(deliveries)
        },
      ),
    )
  })
})
