import { itSurvives } from './moments.ts'

// a vendor that works on a job, one that takes files, one that is called and calls back, one that answers: each dies at a moment of its own, and all of them are served in every run
itSurvives('a hub that is killed on the way to a vendor', [
  { point: 'vendor.answered', kind: 'google-ads', pass: 1, when: 'after an answer to google-ads, before the settlement' },
  { point: 'delivery.decided', kind: 'mailchimp', pass: 2, when: 'after a verdict of mailchimp is recorded, before the rows know it' },
  { point: 'delivery.settled', kind: 'supplier-feed', pass: 2, when: 'after a settlement of supplier-feed, before the outcome leaves' },
  {
    point: 'outcome.published',
    kind: 'hashed-email',
    pass: 1,
    when: 'after an outcome of hashed-email has left, before its record is dropped',
  },
])
