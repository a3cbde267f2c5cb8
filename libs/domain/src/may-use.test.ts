import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effectiveChoice, emptySnapshot, mayUse } from './index.ts'
import { ada, after, key, policy, recipient } from './test-policy.ts'

describe('may a recipient use a subject', () => {
  const nothing = emptySnapshot(ada)
  const ask = (purpose?: string, recipientId?: string, snapshot = nothing) =>
    mayUse(policy, snapshot, {
      ...(purpose === undefined ? {} : { purpose: key(purpose) }),
      ...(recipientId === undefined ? {} : { recipientId: recipient(recipientId) }),
    })

  it('for a purpose: as the person chose, or as the policy has it by default', () => {
    expect(ask('mail', 'mailer')).toEqual({ allowed: true, reason: 'default_granted', deniedPurposes: [] })
    expect(ask('mail', 'mailer', after(['+mail']))).toEqual({ allowed: true, reason: 'granted', deniedPurposes: [] })
    expect(ask('mail', 'mailer', after(['-mail']))).toEqual({ allowed: false, reason: 'denied', deniedPurposes: ['mail'] })
    expect(ask('profiling', 'ad-house')).toEqual({ allowed: false, reason: 'default_denied', deniedPurposes: ['profiling'] })
    expect(ask('receipts', 'mailer', after(['-mail']))).toEqual({ allowed: true, reason: 'cannot_be_refused', deniedPurposes: [] })
  })

  it('for a topic: the purpose’s denial and the topic’s own both count', () => {
    expect(ask('mail/news', 'mailer', after(['-mail']))).toMatchObject({ allowed: false, reason: 'denied' })
    expect(ask('mail/news', 'mailer', after(['-mail/news']))).toMatchObject({
      allowed: false,
      reason: 'denied',
      deniedPurposes: ['mail/news'],
    })
    expect(ask('mail/offers', 'mailer', after(['-mail/news']))).toMatchObject({ allowed: true, reason: 'default_granted' })
  })

  it('without a purpose: only if nothing that the recipient serves is denied, and which are is told', () => {
    expect(ask(undefined, 'mailer')).toEqual({ allowed: true, reason: 'default_granted', deniedPurposes: [] })
    expect(ask(undefined, 'ad-house')).toEqual({ allowed: false, reason: 'default_denied', deniedPurposes: ['profiling'] })
    expect(ask(undefined, 'ad-house', after(['-ads']))).toEqual({ allowed: false, reason: 'denied', deniedPurposes: ['ads', 'profiling'] })
  })

  it('without a recipient: anybody', () => {
    expect(ask('ads', undefined, after(['-ads']))).toMatchObject({ allowed: false, reason: 'denied' })
  })

  it('is answered not_served for what the policy does not know or the recipient does not serve', () => {
    for (const [purpose, recipientId] of [
      ['ads', 'mailer'],
      ['unheard', 'mailer'],
      ['mail', 'nobody-known'],
      [undefined, undefined],
      ['unheard'],
    ]) {
      expect(ask(purpose, recipientId)).toEqual({ allowed: false, reason: 'not_served', deniedPurposes: [] })
    }
  })

  it('is allowed for a purpose exactly where it is effectively granted', () => {
    fc.assert(
      fc.property(
        fc.subarray(['-mail', '-mail/news', '-ads', '+profiling', '-profiling/deep']),
        fc.constantFrom('mail', 'mail/news', 'mail/offers', 'ads', 'profiling', 'profiling/deep', 'receipts'),
        (chosen, purpose) => {
          const snapshot = chosen.length === 0 ? nothing : after(chosen)
          const { allowed, reason } = ask(purpose, undefined, snapshot)
          expect(allowed).toBe(effectiveChoice(policy, snapshot, key(purpose)) === 'granted')
          expect(['granted', 'default_granted', 'cannot_be_refused'].includes(reason)).toBe(allowed)
        },
      ),
    )
  })
})
