import type { TrailEvent } from '../events.ts'
import type { EntryKind } from './leaf.ts'

/** The kind of entry that an event becomes. */
export function entryKindOf(event: TrailEvent): EntryKind {
  switch (event.type) {
    case 'heed.preference.changed.v1':
      return 'change-accepted'
    case 'heed.delivery.requested.v1':
      return 'delivery-requested'
    case 'heed.delivery.attempted.v1':
      return 'delivery-attempted'
    case 'heed.disclosure.made.v1':
      return 'disclosure-made'
    case 'heed.link.made.v1':
      return 'link-made'
    case 'heed.link.used.v1':
      return 'link-used'
    case 'heed.identifiers.linked.v1':
      return 'identifiers-linked'
    case 'heed.subject.erased.v1':
      return 'subject-erased'
    case 'heed.suppressions.imported.v1':
      return 'suppressions-imported'
    case 'heed.disclosure.reported.v1':
      return 'disclosure-reported'
    case 'heed.operator.acted.v1':
      return 'operator-acted'
    case 'heed.policy.loaded.v1':
      return 'policy-loaded'
    case 'heed.recipient.paused.v1':
      return event.data.paused ? 'recipient-paused' : 'recipient-resumed'
    case 'heed.delivery.resolved.v1':
      return 'delivery-resolved'
    case 'heed.record.unreadable.v1':
      return 'record-unreadable'
    case 'heed.configuration.changed.v1':
      return 'configuration-changed'
    case 'heed.journal.counted.v1':
      return 'journal-counted'
    default:
      return event satisfies never
  }
}

/** The type of the event that an entry of this kind was made of. */
export function eventTypeOf(kind: EntryKind): TrailEvent['type'] {
  switch (kind) {
    case 'change-accepted':
      return 'heed.preference.changed.v1'
    case 'delivery-requested':
      return 'heed.delivery.requested.v1'
    case 'delivery-attempted':
      return 'heed.delivery.attempted.v1'
    case 'disclosure-made':
      return 'heed.disclosure.made.v1'
    case 'link-made':
      return 'heed.link.made.v1'
    case 'link-used':
      return 'heed.link.used.v1'
    case 'identifiers-linked':
      return 'heed.identifiers.linked.v1'
    case 'subject-erased':
      return 'heed.subject.erased.v1'
    case 'suppressions-imported':
      return 'heed.suppressions.imported.v1'
    case 'disclosure-reported':
      return 'heed.disclosure.reported.v1'
    case 'operator-acted':
      return 'heed.operator.acted.v1'
    case 'policy-loaded':
      return 'heed.policy.loaded.v1'
    case 'recipient-paused':
    case 'recipient-resumed':
      return 'heed.recipient.paused.v1'
    case 'delivery-resolved':
      return 'heed.delivery.resolved.v1'
    case 'record-unreadable':
      return 'heed.record.unreadable.v1'
    case 'configuration-changed':
      return 'heed.configuration.changed.v1'
    case 'journal-counted':
      return 'heed.journal.counted.v1'
    default:
      return kind satisfies never
  }
}
