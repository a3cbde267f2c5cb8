import { readPolicyFile } from '@heed/contracts'
import type { ChangeStatus__Output } from '@heed/contracts/gen/heed/audit/v1/ChangeStatus.ts'
import type { DeliveryStatus__Output } from '@heed/contracts/gen/heed/audit/v1/DeliveryStatus.ts'
import { describe, expect, it } from 'vitest'
import { recipientRows } from './recipient-rows.ts'

const policy = await readPolicyFile(new URL('../../../deploy/policy/qualified3d.yaml', import.meta.url).pathname)
const acceptedAt = { seconds: '1000', nanos: 0 }
const delivery = (recipientId: string, state: string, more: Partial<DeliveryStatus__Output> = {}) =>
  ({
    recipientId,
    state,
    settled: true,
    waitReason: '',
    lastReason: '',
    ownerRole: '',
    settledAt: { seconds: '1001', nanos: 5e8 },
    ...more,
  }) as DeliveryStatus__Output
const rowsOf = (...deliveries: DeliveryStatus__Output[]) =>
  recipientRows(policy, { acceptedAt, deliveries } as unknown as ChangeStatus__Output, ['location-personalisation'], 1_010_000)
const rowOf = (state: string, more: Partial<DeliveryStatus__Output> = {}) =>
  rowsOf(delivery('mailchimp', `DELIVERY_STATE_${state}`, more))[0]

describe('the row of a recipient', () => {
  it.each([
    ['CONFIRMED', {}, 'done', 'confirmed', ''],
    ['VERIFIED', {}, 'done', 'read back', ''],
    ['ACCEPTED', {}, 'taken', 'taken', 'nothing more will be known'],
    ['ACCEPTED', { settled: false, waitReason: 'awaiting_confirmation' }, 'under-way', 'taken', 'awaiting confirmation'],
    [
      'PENDING',
      { settled: false, waitReason: 'breaker_open', lastReason: 'unavailable.status' },
      'waiting',
      'waiting',
      'breaker open, unavailable.status',
    ],
    [
      'NEEDS_PERSON',
      { settled: false, waitReason: 'needs_person', lastReason: 'item.refused' },
      'person',
      'for a person',
      'needs person, item.refused',
    ],
    [
      'NEEDS_PERSON',
      { settled: false, ownerRole: 'community-moderation', deadlineAt: { seconds: '864000', nanos: 0 } },
      'person',
      'for a person',
      'community-moderation, until 1970-01-11',
    ],
    ['RESOLVED', { resolvedBy: 'privacy-officer' }, 'person', 'ended by hand', 'privacy-officer'],
    ['NOT_APPLICABLE', { lastReason: 'not-applicable.no-identifier' }, 'not-owed', 'not owed', 'no identifier'],
    ['SUPERSEDED', {}, 'not-owed', 'newer wish', ''],
  ] as const)('%s %j says %s: no more than is known', (state, more, tone, words, why) => {
    expect(rowOf(state, more as Partial<DeliveryStatus__Output>)).toMatchObject({ tone, state: words, why })
  })

  it('measures from the acceptance to the end, or to now', () => {
    expect(rowOf('CONFIRMED')).toMatchObject({ afterMs: 1_500, ended: true })
    expect(rowOf('PENDING', { settled: false })).toMatchObject({ afterMs: 10_000, ended: false })
  })

  it('is there for whoever the policy names for that purpose and need not be told, with the reason', () => {
    const nobody = rowsOf().filter(({ tone }) => tone === 'nobody')
    expect(nobody.length).toBeGreaterThan(0)
    for (const { why } of nobody) expect(why).not.toBe('')
    expect(rowsOf().every(({ tone }) => tone === 'nobody')).toBe(true)
  })

  it('says what is done there, for every kind of connector of the policy', () => {
    const all = policy.recipients.flatMap(({ id, fulfilment }) =>
      fulfilment.by === 'nobody' ? [] : [delivery(id, 'DELIVERY_STATE_CONFIRMED')],
    )
    const rows = rowsOf(...all).filter(({ tone }) => tone === 'done')
    expect(rows).toHaveLength(all.length)
    for (const { act } of rows) expect(act).toContain(' ')
  })
})
