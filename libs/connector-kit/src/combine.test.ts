import type { DeliveryId, Outcome } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { combineOutcomes, leastSettled } from './combine.ts'

const deferred: Outcome = { kind: 'deferred', reason: 'unavailable.down' }
const rejected: Outcome = { kind: 'rejected', reason: 'item.refused' }
const inOrder: readonly Outcome[] = [
  deferred,
  rejected,
  { kind: 'accepted', final: false },
  { kind: 'accepted', final: true },
  { kind: 'confirmed' },
  { kind: 'verified' },
  { kind: 'notApplicable', reason: 'not-applicable.not-a-member' },
]

describe('two outcomes of one delivery', () => {
  it('come to the one that says least, whichever came first', () => {
    for (const [index, less] of inOrder.entries())
      for (const more of inOrder.slice(index)) expect([leastSettled(less, more), leastSettled(more, less)]).toEqual([less, less])
  })

  it('are tried again where one was refused and the other may still be taken', () => {
    expect(leastSettled(rejected, deferred)).toBe(deferred)
  })

  it('wait the longer of their waits', () => {
    const later: Outcome = { ...deferred, reason: 'unavailable.rate-limited', retryAfterSeconds: 60 }
    expect(leastSettled(deferred, later)).toMatchObject({ retryAfterSeconds: 60 })
    expect(leastSettled(later, deferred)).toMatchObject({ retryAfterSeconds: 60 })
  })
})

it('outcomes of many are one for each delivery, in the order of first mention', () => {
  const [a, b] = ['r/s-a/1', 'r/s-b/1'] as DeliveryId[]
  if (a === undefined || b === undefined) throw new Error('ids')
  const said = [
    { deliveryId: b, outcome: { kind: 'confirmed' } },
    { deliveryId: a, outcome: rejected },
    { deliveryId: b, outcome: deferred },
  ] as const
  expect([...combineOutcomes(said)]).toEqual([
    [b, deferred],
    [a, rejected],
  ])
})
