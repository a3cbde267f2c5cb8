import type { Outcome, ReasonCode } from '@heed/domain'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Descriptor } from '../contract.ts'
import { type Circumstances, judge } from './judge.ts'

const descriptor: Descriptor = {
  name: 'example',
  docs: 'https://vendor.example/docs',
  identifiers: ['email'],
  batch: { maxTasks: 10 },
  rate: { concurrentRequests: 1 },
  confirmation: 'in-response',
  timeoutMs: 1000,
  quietAfterUnknownSeconds: 120,
  readBack: { afterSeconds: 60, maxTasks: 10, share: 1 },
}
const now = 1_000_000
const circumstances = (more: Partial<Circumstances> = {}): Circumstances => ({
  descriptor,
  now,
  random: 0.5,
  failures: 0,
  trouble: undefined,
  part: 'half',
  step: 'asserted',
  sampled: false,
  holds: true,
  ...more,
})
const said = (outcome: Outcome, more: Partial<Circumstances> = {}, among = 1) =>
  judge({ kind: 'said', outcome, durationMs: 5, among }, circumstances(more))

describe('a row', () => {
  it('is closed by what settles it', () => {
    expect(said({ kind: 'confirmed' })).toMatchObject({ state: 'confirmed', place: 'closed', failures: 'reset', unknown: false })
    expect(said({ kind: 'accepted', final: true })).toMatchObject({ state: 'accepted', final: true, place: 'closed' })
    expect(said({ kind: 'notApplicable', reason: 'not-applicable.no-opt-in' })).toMatchObject({ state: 'not_applicable', place: 'closed' })
  })

  it('is read back where it was drawn', () => {
    expect(said({ kind: 'confirmed' }, { sampled: true })).toMatchObject({ state: 'confirmed', place: 'read-back', dueAt: now + 60_000 })
  })

  it('awaits a person when it is the item that is refused', () => {
    expect(said({ kind: 'rejected', reason: 'item.malformed' })).toMatchObject({
      state: 'needs_person',
      place: 'parked',
      waitReason: 'needs_person',
    })
  })

  it.each(['unavailable.down', 'auth.revoked', 'configuration.no-such-list'] as ReasonCode[])('is never rejected for %s', (reason) => {
    expect(said({ kind: 'rejected', reason })).toMatchObject({
      state: 'pending',
      place: 'queue',
      entry: { outcome: { kind: 'deferred', reason } },
    })
  })

  it('is tried again where it alone was refused, and awaits a person after the third time in a row', () => {
    const outcome: Outcome = { kind: 'deferred', reason: 'item.refused' }
    for (const failures of [0, 1])
      expect(said(outcome, { failures })).toMatchObject({ state: 'pending', place: 'queue', failures: 'count' })
    expect(said(outcome, { failures: 2 })).toMatchObject({
      place: 'parked',
      entry: { outcome: { kind: 'rejected', reason: 'item.refused' } },
    })
  })

  it('waits for what the vendor says', () => {
    expect(said({ kind: 'deferred', reason: 'item.locked', retryAfterSeconds: 30 })).toMatchObject({ place: 'queue', dueAt: now + 30_000 })
  })

  it('keeps its place in line under a rate limit of the account', () => {
    const settlement = said({ kind: 'deferred', reason: 'unavailable.rate-limited', retryAfterSeconds: 30 }, { trouble: 'rate_limited' })
    expect(settlement).toMatchObject({ place: 'queue', waitReason: 'rate_limited' })
    expect(settlement.dueAt).toBeUndefined()
  })

  it('is sent with its half when a batch was refused, and is the bad item when it was alone', () => {
    const outcome: Outcome = { kind: 'deferred', reason: 'batch.malformed' }
    const half = said(outcome, {}, 8)
    expect(half).toMatchObject({ place: 'queue', part: 'half', untried: true })
    expect(half.entry).toBeUndefined()
    expect(said(outcome, {}, 1)).toMatchObject({ place: 'parked', entry: { outcome: { kind: 'rejected', reason: 'item.malformed' } } })
  })

  it('is quiet after an unknown outcome, and not after a request that never left', () => {
    const lost = { kind: 'unanswered', reason: 'unavailable.timeout', sent: true, durationMs: 5 } as const
    expect(judge(lost, circumstances())).toMatchObject({
      waitReason: 'unknown_outcome',
      unknown: true,
      quietUntil: now + 120_000,
      dueAt: now + 120_000,
    })
    const never = judge({ ...lost, sent: false }, circumstances())
    expect(never).toMatchObject({ waitReason: 'recipient_unavailable', unknown: 'keep' })
    expect(never.dueAt).toBeLessThan(now + 2_001)
  })

  it('backs off further with each failure, with full jitter below a bound', () => {
    const property = fc.property(fc.nat(40), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (failures, random) => {
      const { dueAt = 0 } = said({ kind: 'deferred', reason: 'unavailable.down' }, { failures, random })
      expect(dueAt).toBeGreaterThanOrEqual(now + 250)
      expect(dueAt).toBeLessThanOrEqual(now + Math.min(300_000, 2_000 * 2 ** Math.min(failures, 20)))
    })
    fc.assert(property)
  })

  it('is followed by its job, and holds newer wishes back where order is not kept', () => {
    const settlement = judge({ kind: 'followed', batchId: 'j1', receipt: 'r', durationMs: 5 }, circumstances())
    expect(settlement).toMatchObject({
      state: 'accepted',
      final: false,
      place: 'followed',
      follow: 'j1',
      holds: true,
      waitReason: 'awaiting_confirmation',
    })
  })

  it('always says why it waits when it stays open, and never when it is closed', () => {
    const reasons = fc.tuple(
      fc.constantFrom('unavailable', 'auth', 'configuration', 'item', 'batch', 'not-applicable'),
      fc.constantFrom('a', 'rate-limited'),
    )
    const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
      fc.constant<Outcome>({ kind: 'confirmed' }),
      fc.boolean().map((final): Outcome => ({ kind: 'accepted', final })),
      fc
        .tuple(fc.constantFrom('deferred' as const, 'rejected' as const, 'notApplicable' as const), reasons)
        .map(([kind, [who, what]]): Outcome => ({ kind, reason: `${who}.${what}` as ReasonCode })),
    )
    const property = fc.property(outcomes, fc.integer({ min: 1, max: 9 }), (outcome, among) => {
      const { place, waitReason, state } = said(outcome, {}, among)
      const open = place === 'queue' || place === 'parked' || place === 'followed'
      expect(waitReason !== undefined).toBe(open)
      expect(['pending', 'needs_person'].includes(state)).toBe(open)
    })
    fc.assert(property)
  })
})
