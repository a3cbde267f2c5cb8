import type { TrailEvent } from '@heed/contracts'
import type { DeliveryRow } from '@heed/trail'
import { supersede } from '@heed/trail'
import { describe, expect, it } from 'vitest'
import { foldDeliveries } from './round.ts'
import { arrival, attempted, type Duty, exampleTime, recipient, requested, resolved, subject } from './testing/events.ts'

const duty: Duty = { recipientId: recipient('mailchimp'), subjectId: subject(1), version: 3 }
const newer: Duty = { ...duty, version: 4 }
const minute = 60_000

function given(...events: TrailEvent[]): DeliveryRow | undefined {
  return supersede([...foldDeliveries(events.map(arrival), new Map()).values()]).find(({ version }) => version === duty.version)
}

describe('a delivery', () => {
  it('is open and waits its turn once it is requested', () => {
    expect(given(requested(duty))).toMatchObject({ state: 'pending', open: true, settled: false, wait: 'waiting_turn' })
  })

  it('says why it waits and when it is tried next', () => {
    const retry = attempted(
      duty,
      { kind: 'deferred', reason: 'unavailable.rate-limited' },
      { wait: 'rate_limited', nextTryAt: exampleTime + minute },
    )
    expect(given(requested(duty), retry)).toMatchObject({
      open: true,
      wait: 'rate_limited',
      last: { reason: 'unavailable.rate-limited', nextTryAt: exampleTime + minute },
    })
  })

  it('is not open while nobody has requested it, whatever outcome came first', () => {
    expect(given(attempted(duty, { kind: 'deferred', reason: 'unavailable.http-503' }))).toMatchObject({ open: false, settled: false })
  })

  it('awaits confirmation after an acceptance that is not final, and is settled by one that is', () => {
    expect(given(requested(duty), attempted(duty, { kind: 'accepted', final: false }))).toMatchObject({
      open: true,
      wait: 'awaiting_confirmation',
    })
    expect(given(requested(duty), attempted(duty, { kind: 'accepted', final: true }))).toMatchObject({
      open: false,
      state: 'accepted',
      settled: true,
    })
  })

  it('has as much time again when a connector asserts it anew by itself, in whatever order that is heard', () => {
    const drifted = attempted(duty, { kind: 'deferred', reason: 'item.drifted' }, { assertion: exampleTime + 400 * 86_400_000, step: 2 })
    const asked = given(requested(duty))
    for (const events of [
      [requested(duty), drifted],
      [drifted, requested(duty)],
    ]) {
      const row = given(...events)
      expect(row).toMatchObject({ open: true, state: 'pending', since: exampleTime + 400 * 86_400_000 })
      expect((row?.deadlineAt ?? 0) - (row?.since ?? 0)).toBe((asked?.deadlineAt ?? 0) - (asked?.since ?? 0))
    }
  })

  it('measures from acceptance to confirmation, and keeps the confirmation when it is verified later', () => {
    const row = given(
      requested(duty),
      attempted(duty, { kind: 'confirmed' }, { at: exampleTime + minute }),
      attempted(duty, { kind: 'verified' }, { at: exampleTime + 5 * minute, attempt: 1, step: 2 }),
    )
    expect(row).toMatchObject({
      state: 'verified',
      settledAt: exampleTime + minute,
      verifiedAt: exampleTime + 5 * minute,
      settleMs: minute - 3_000,
    })
  })

  it('is open again when it is asserted again, with a clock of its own', () => {
    const assertion = exampleTime + 10 * minute
    const row = given(requested(duty), attempted(duty, { kind: 'confirmed' }), requested(duty, assertion))
    expect(row).toMatchObject({ open: true, state: 'pending', since: assertion, attempts: 0, wait: 'waiting_turn' })
  })

  it('needs a person until somebody ends it, and a final acceptance ends it as well', () => {
    const refused = attempted(duty, { kind: 'rejected', reason: 'item.refused' })
    expect(given(requested(duty), refused)).toMatchObject({ open: true, wait: 'needs_person' })
    expect(given(requested(duty), refused, resolved(duty, exampleTime + minute))).toMatchObject({ open: false, state: 'resolved' })
  })

  it('is not ended by a word that is older than the repeat', () => {
    const assertion = exampleTime + 10 * minute
    expect(given(requested(duty, assertion), resolved(duty, assertion - 1))).toMatchObject({ open: true })
    expect(given(requested(duty, assertion), resolved(duty, assertion))).toMatchObject({ state: 'resolved' })
  })
})

describe('a newer version of the same recipient and subject', () => {
  it('supersedes what is open below it, from the moment at which it ended', () => {
    const row = given(requested(duty), requested(newer), attempted(newer, { kind: 'confirmed' }, { at: exampleTime + 7 * minute }))
    expect(row).toMatchObject({ state: 'superseded', settled: true, open: false, settledAt: exampleTime + 7 * minute })
  })

  it('supersedes nothing while it is open itself', () => {
    expect(given(requested(duty), requested(newer))).toMatchObject({ open: true })
  })

  it('leaves alone what the recipient has confirmed', () => {
    const row = given(requested(duty), attempted(duty, { kind: 'confirmed' }), requested(newer), attempted(newer, { kind: 'confirmed' }))
    expect(row).toMatchObject({ state: 'confirmed' })
  })

  it('says nothing about another recipient', () => {
    const other = { ...newer, recipientId: recipient('google-ads') }
    expect(given(requested(duty), requested(other), attempted(other, { kind: 'confirmed' }))).toMatchObject({ open: true })
  })
})
