import { type Policy, parsePolicy } from '@heed/domain'

/** A small policy: three recipients that must be told about one purpose or two, and one that needs not. */
export function examplePolicy(version = 'p1'): Policy {
  const named = (id: string, ...purposes: string[]) => ({ id, title: id, role: 'processor', clause: '4', quote: 'We share it.', purposes })
  const told = { grants: [{ kind: 'email', form: 'raw' }], deadline: { hours: 24, why: 'an example' } }
  const connector = (name: string) => ({ by: 'connector', connector: name, settings: {} })
  const purpose = (key: string) => ({ key, title: key, clause: '5', quote: 'We do it.', refusable: true, default: 'granted', topics: [] })
  const parsed = parsePolicy({
    id: 'example',
    version,
    title: 'An example',
    effectiveFrom: '2026-01-01',
    calendar: { utcOffsetMinutes: 0, holidays: [] },
    evidenceMaxAgeDays: 30,
    purposes: [purpose('email-marketing'), purpose('analytics')],
    recipients: [
      { ...named('mailchimp', 'email-marketing'), ...told, fulfilment: connector('mailchimp') },
      { ...named('statistics', 'analytics'), ...told, fulfilment: connector('feed') },
      {
        ...named('agency', 'email-marketing', 'analytics'),
        ...told,
        fulfilment: { by: 'person', ownerRole: 'privacy-officer', instruction: { refused: ['Take the person off the list.'] } },
      },
      { ...named('the-law', 'email-marketing'), grants: [], fulfilment: { by: 'nobody', reason: 'The law asks, not we.' } },
    ],
  })
  if (!parsed.ok) throw new Error(parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'))
  return parsed.policy
}
