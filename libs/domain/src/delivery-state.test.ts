import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeliveryState, Outcome, ReasonCode, Standing } from './index.ts'
import { isSettled, newest, newStanding, nextStanding, nextState, recipientStage, supersedes } from './index.ts'

const reason = fc.constantFrom<ReasonCode>(
  'unavailable.rate-limited',
  'auth.revoked',
  'configuration.no-list',
  'item.malformed',
  'batch.refused',
  'not-applicable.no-identifier',
)
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constantFrom<Outcome>(
    { kind: 'confirmed' },
    { kind: 'verified' },
    { kind: 'accepted', final: false },
    { kind: 'accepted', final: true },
    { kind: 'superseded', by: 9 },
    { kind: 'resolved', by: 'operator-1', why: 'done by hand' },
  ),
  reason.map((code): Outcome => ({ kind: 'deferred', reason: code })),
  reason.map((code): Outcome => ({ kind: 'rejected', reason: code })),
  reason.map((code): Outcome => ({ kind: 'notApplicable', reason: code })),
)

const shuffledWithRepeats = <T>(items: readonly T[]) =>
  fc
    .tuple(fc.shuffledSubarray([...items], { minLength: items.length }), fc.array(fc.constantFrom(...items), { maxLength: items.length }))
    .chain(([all, again]) => fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length }))

describe('which of two comes later', () => {
  it('is decided by the version, then by the time of the repeat, and by nothing else', () => {
    expect(supersedes({ version: 2, assertion: 0 }, { version: 1, assertion: 99 })).toBe(true)
    expect(supersedes({ version: 1, assertion: 5 }, { version: 1, assertion: 0 })).toBe(true)
    expect(supersedes({ version: 1, assertion: 5 }, { version: 1, assertion: 5 })).toBe(false)
    expect(supersedes({ version: 1, assertion: 99 }, { version: 2, assertion: 0 })).toBe(false)
  })

  it('keeps the newest, in whatever order and however often deliveries arrive', () => {
    const place = fc.record({ version: fc.integer({ min: 1, max: 5 }), assertion: fc.constantFrom(0, 10, 20) })
    const arrivals = fc
      .array(place, { minLength: 1, maxLength: 8 })
      .chain((places) => fc.tuple(fc.constant(places), shuffledWithRepeats(places)))
    fc.assert(
      fc.property(arrivals, ([places, reordered]) => {
        const keep = (list: typeof places) => list.reduce<(typeof places)[number] | undefined>(newest, undefined)
        expect(keep(reordered)).toEqual(keep(places))
        for (const other of places) expect(supersedes(other, keep(places) ?? other)).toBe(false)
      }),
    )
  })
})

describe('the state of a delivery', () => {
  it.each<[Outcome, DeliveryState]>([
    [{ kind: 'accepted', final: false }, 'accepted'],
    [{ kind: 'confirmed' }, 'confirmed'],
    [{ kind: 'verified' }, 'verified'],
    [{ kind: 'superseded', by: 2 }, 'superseded'],
    [{ kind: 'notApplicable', reason: 'not-applicable.no-identifier' }, 'not_applicable'],
    [{ kind: 'resolved', by: 'operator-1', why: 'by hand' }, 'resolved'],
    [{ kind: 'rejected', reason: 'item.malformed' }, 'needs_person'],
    [{ kind: 'rejected', reason: 'not-applicable.erased' }, 'not_applicable'],
    [{ kind: 'rejected', reason: 'unavailable.down' }, 'pending'],
    [{ kind: 'rejected', reason: 'batch.refused' }, 'pending'],
    [{ kind: 'deferred', reason: 'auth.revoked' }, 'pending'],
  ])('after %j is %s', (event, expected) => {
    expect(nextState('pending', event)).toBe(expected)
  })

  it('does not fall back: a late rejection or acceptance leaves a confirmed one confirmed', () => {
    expect(nextState('confirmed', { kind: 'rejected', reason: 'item.malformed' })).toBe('confirmed')
    expect(nextState('confirmed', { kind: 'accepted', final: false })).toBe('confirmed')
    expect(nextState('confirmed', { kind: 'verified' })).toBe('verified')
    expect(nextState('confirmed', { kind: 'superseded', by: 3 })).toBe('confirmed')
  })

  it('only rises, from pending over accepted, needs_person, superseded, not_applicable, resolved and confirmed to verified', () => {
    const rising: Outcome[] = [
      { kind: 'deferred', reason: 'unavailable.down' },
      { kind: 'accepted', final: false },
      { kind: 'rejected', reason: 'item.malformed' },
      { kind: 'superseded', by: 2 },
      { kind: 'notApplicable', reason: 'not-applicable.no-identifier' },
      { kind: 'resolved', by: 'operator-1', why: 'by hand' },
      { kind: 'confirmed' },
      { kind: 'verified' },
    ]
    for (const [index, higher] of rising.entries()) {
      for (const lower of rising.slice(0, index)) expect(nextState(nextState('pending', higher), lower)).toBe(nextState('pending', higher))
    }
  })

  it('is the same after the same outcomes, in any order and with any repetition', () => {
    const events = fc.array(outcome, { minLength: 1, maxLength: 8 }).chain((list) => fc.tuple(fc.constant(list), shuffledWithRepeats(list)))
    fc.assert(
      fc.property(events, ([list, reordered]) => {
        expect(reordered.reduce(nextState, 'pending')).toBe(list.reduce(nextState, 'pending'))
      }),
    )
  })
})

describe('where a delivery stands', () => {
  const play = (events: readonly { assertion: number; outcome?: Outcome }[]): Standing => events.reduce(nextStanding, newStanding())
  const rejected: Outcome = { kind: 'rejected', reason: 'item.malformed' }

  it('starts anew with a later repeat, and an earlier one changes nothing any more', () => {
    expect(play([{ assertion: 0, outcome: rejected }, { assertion: 5 }])).toEqual({ assertion: 5, state: 'pending', final: false })
    expect(
      play([
        { assertion: 5, outcome: { kind: 'accepted', final: true } },
        { assertion: 0, outcome: rejected },
      ]),
    ).toEqual({
      assertion: 5,
      state: 'accepted',
      final: true,
    })
  })

  it('is settled once the vendor has taken it and says no more, although one try was rejected', () => {
    const { state, final } = play([
      { assertion: 0, outcome: rejected },
      { assertion: 0, outcome: { kind: 'accepted', final: true } },
    ])
    expect([state, isSettled(state, final)]).toEqual(['accepted', true])
  })

  it('is the same after the same events, in any order and with any repetition', () => {
    const event = fc
      .record({ assertion: fc.constantFrom(0, 5, 9), outcome: fc.option(outcome, { nil: undefined }) })
      .map(({ assertion, outcome: of }): { assertion: number; outcome?: Outcome } =>
        of === undefined ? { assertion } : { assertion, outcome: of },
      )
    const events = fc.array(event, { minLength: 1, maxLength: 8 }).chain((list) => fc.tuple(fc.constant(list), shuffledWithRepeats(list)))
    fc.assert(
      fc.property(events, ([list, reordered]) => {
        expect(play(reordered)).toEqual(play(list))
      }),
      { numRuns: 500 },
    )
  })
})

describe('a duty', () => {
  it('ends in these states, and in no other', () => {
    const open: [DeliveryState, boolean][] = [
      ['pending', false],
      ['pending', true],
      ['needs_person', true],
      ['accepted', false],
    ]
    for (const [state, final] of open) expect(isSettled(state, final), state).toBe(false)
    const ended: DeliveryState[] = ['confirmed', 'verified', 'superseded', 'not_applicable', 'resolved']
    for (const state of ended) expect(isSettled(state, false), state).toBe(true)
    expect(isSettled('accepted', true)).toBe(true)
  })

  it('is stopped by the item, by the recipient, by the batch or for good, as the reason’s first level says', () => {
    expect(recipientStage('item.malformed')).toBe('item')
    expect(recipientStage('batch.refused')).toBe('batch')
    expect(recipientStage('not-applicable.no-identifier')).toBe('closed')
    for (const code of ['unavailable.rate-limited', 'auth.revoked', 'configuration.no-list'] as const)
      expect(recipientStage(code)).toBe('recipient')
    // a reason from a later version of a connector must never reject an item
    expect(recipientStage('weather.storm' as ReasonCode)).toBe('recipient')
  })
})
