import { type Policy, parsePolicy } from '@heed/domain'

/** A small policy: two recipients that must be told about `email-marketing`, one that needs not. */
export function examplePolicy(version = 'p1'): Policy {
  const named = (id: string) => ({ id, title: id, role: 'processor', clause: '4', quote: 'We share it.', purposes: ['email-marketing'] })
  const told = { grants: [{ kind: 'email', form: 'raw' }], deadline: { hours: 24, why: 'an example' } }
  const parsed = parsePolicy({
    id: 'example',
    version,
    title: 'An example',
    effectiveFrom: '2026-01-01',
    calendar: { utcOffsetMinutes: 0, holidays: [] },
    evidenceMaxAgeDays: 30,
    purposes: [
      { key: 'email-marketing', title: 'Mail', clause: '5', quote: 'We send mail.', refusable: true, default: 'granted', topics: [] },
    ],
    recipients: [
      { ...named('mailchimp'), ...told, fulfilment: { by: 'connector', connector: 'mailchimp', settings: {} } },
      {
        ...named('google-ads'),
        ...told,
        fulfilment: { by: 'person', ownerRole: 'privacy-officer', instruction: { refused: ['Take the person off the list.'] } },
      },
      { ...named('the-law'), grants: [], fulfilment: { by: 'nobody', reason: 'The law asks, not we.' } },
    ],
  })
  if (!parsed.ok) throw new Error(parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'))
  return parsed.policy
}
