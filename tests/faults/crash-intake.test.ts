import { itSurvives } from './moments.ts'

// from the journal to the inboxes; crash-deliveries goes on from there
itSurvives('a hub that is killed on the way to the inboxes', [
  { point: 'change.inserted', pass: 2, when: 'after the insert, before the publish' },
  { point: 'change.published', pass: 2, when: 'after the publish, before the journal knows it' },
  { point: 'inbox.written', kind: 'x-ads', pass: 2, when: 'after the inbox of x-ads is written, before the offsets are committed' },
])
