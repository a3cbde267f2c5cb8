import type { EventData, TrailEvent } from '@heed/contracts'
import { describe, expect, it } from 'vitest'
import { changeRowOf, isChangeSettled } from './change-row.ts'
import { foldDeliveries } from './round.ts'
import { accepted, arrival, attempted, recipient, requested, subject } from './testing/events.ts'
import { examplePolicy } from './testing/policy.ts'

const told = (name: string) => ({ recipientId: recipient(name), subjectId: subject(1), version: 1 })
const change = (servedVersion = 'p1') =>
  changeRowOf(examplePolicy(servedVersion), accepted(subject(1), 1).data as EventData<'heed.preference.changed.v1'>, 0, 0)
const deliveries = (...events: TrailEvent[]) => [...foldDeliveries(events.map(arrival), new Map()).values()]
const confirmed = (name: string) => [requested(told(name)), attempted(told(name), { kind: 'confirmed' })]

describe('a change', () => {
  it('owes a delivery to each recipient that the policy names, and none to those whom nobody tells', () => {
    expect(change().owed).toEqual(['mailchimp', 'google-ads'])
  })

  it('is settled once each of them has ended', () => {
    expect(isChangeSettled(change(), deliveries(...confirmed('mailchimp'), ...confirmed('google-ads')))).toBe(true)
  })

  it('is not settled while one is open, not requested, or known by an outcome only', () => {
    expect(isChangeSettled(change(), deliveries(...confirmed('mailchimp'), requested(told('google-ads'))))).toBe(false)
    expect(isChangeSettled(change(), deliveries(...confirmed('mailchimp')))).toBe(false)
    expect(isChangeSettled(change(), deliveries(...confirmed('mailchimp'), attempted(told('google-ads'), { kind: 'confirmed' })))).toBe(
      false,
    )
  })

  it('waits for a recipient that was added later and backfilled', () => {
    const all = [...confirmed('mailchimp'), ...confirmed('google-ads'), requested(told('newcomer'), 5)]
    expect(isChangeSettled(change(), deliveries(...all))).toBe(false)
  })

  it('made under another version of the policy is judged by the deliveries that were requested', () => {
    const older = change('p2')
    expect(older.owed).toBeUndefined()
    expect(isChangeSettled(older, [])).toBe(false)
    expect(isChangeSettled(older, deliveries(...confirmed('mailchimp')))).toBe(true)
  })
})
