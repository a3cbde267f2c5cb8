import type { AnyEvent } from '@heed/contracts'
import type { RecipientId, SubjectId } from '@heed/domain'
import { canonicalJson, type JsonValue } from './canonical-json.ts'

/** What an entry of the trail tells of: a closed list. */
export const entryKinds = [
  'change-accepted',
  'delivery-requested',
  'delivery-attempted',
  'disclosure-made',
  'link-made',
  'link-used',
  'identifiers-linked',
  'subject-erased',
  'suppressions-imported',
  'disclosure-reported',
  'operator-acted',
  'policy-loaded',
  'recipient-paused',
  'recipient-resumed',
  'delivery-resolved',
  'record-unreadable',
] as const

/** One of `entryKinds`. */
export type EntryKind = (typeof entryKinds)[number]

/** One thing that happened, as the trail keeps it. Free of personal data; the sequence is its place in the total order and no part of it. */
export interface Entry {
  /** Made from what happened, so that the same event told twice is the same entry. */
  readonly entryId: string
  readonly kind: EntryKind
  /** When it happened by the clock of whoever tells of it, ms since the epoch. It never decides order. */
  readonly at: number
  readonly subjectId?: SubjectId
  readonly recipientId?: RecipientId
  /** The version of the subject. */
  readonly version?: number
  /** The event's own data as canonical JSON. */
  readonly facts: string
}

/** The entry of an event. `publishedAt` (ms since the epoch) stands in where the event has no time of its own. */
export function entryOf(event: AnyEvent, publishedAt: number): Entry {
  const facts = canonicalJson(event.data as JsonValue)
  switch (event.type) {
    case 'heed.preference.changed.v1': {
      const { changeId, subjectId, version, acceptedAt } = event.data
      return { entryId: `change/${changeId}`, kind: 'change-accepted', at: acceptedAt, subjectId, version, facts }
    }
    case 'heed.delivery.requested.v1': {
      const { deliveryId, assertion, subjectId, recipientId, version } = event.data
      const entryId = `delivery/${deliveryId}#${assertion}`
      return { entryId, kind: 'delivery-requested', at: publishedAt, subjectId, recipientId, version, facts }
    }
    case 'heed.delivery.attempted.v1': {
      const { outcomeId, at, subjectId, recipientId, version } = event.data
      return { entryId: `outcome/${outcomeId}`, kind: 'delivery-attempted', at, subjectId, recipientId, version, facts }
    }
    case 'heed.delivery.resolved.v1': {
      const { deliveryId, at, subjectId, recipientId, version } = event.data
      return { entryId: `resolved/${deliveryId}@${at}`, kind: 'delivery-resolved', at, subjectId, recipientId, version, facts }
    }
    case 'heed.recipient.paused.v1': {
      const { recipientId, paused, at } = event.data
      const kind = paused ? 'recipient-paused' : 'recipient-resumed'
      return { entryId: `${kind}/${recipientId}@${at}`, kind, at, recipientId, facts }
    }
    case 'heed.disclosure.made.v1': {
      const { actId, at, subjectId, recipientId } = event.data
      return { entryId: `act/${actId}`, kind: 'disclosure-made', at, subjectId, recipientId, facts }
    }
    case 'heed.link.made.v1':
      return { entryId: `act/${event.data.actId}`, kind: 'link-made', at: event.data.at, subjectId: event.data.subjectId, facts }
    case 'heed.link.used.v1':
      return { entryId: `act/${event.data.actId}`, kind: 'link-used', at: event.data.at, subjectId: event.data.subjectId, facts }
    case 'heed.identifiers.linked.v1':
      return { entryId: `act/${event.data.actId}`, kind: 'identifiers-linked', at: event.data.at, subjectId: event.data.subjectId, facts }
    case 'heed.subject.erased.v1':
      return { entryId: `act/${event.data.actId}`, kind: 'subject-erased', at: event.data.at, subjectId: event.data.subjectId, facts }
    case 'heed.suppressions.imported.v1':
      return { entryId: `act/${event.data.actId}`, kind: 'suppressions-imported', at: event.data.at, facts }
    case 'heed.disclosure.reported.v1':
      return { entryId: `act/${event.data.actId}`, kind: 'disclosure-reported', at: event.data.at, subjectId: event.data.subjectId, facts }
    case 'heed.operator.acted.v1': {
      const { actId, at, subjectId, recipientId } = event.data
      const about = { ...(subjectId === undefined ? {} : { subjectId }), ...(recipientId === undefined ? {} : { recipientId }) }
      return { entryId: `act/${actId}`, kind: 'operator-acted', at, ...about, facts }
    }
    case 'heed.policy.loaded.v1':
      return { entryId: `act/${event.data.actId}`, kind: 'policy-loaded', at: event.data.at, facts }
    case 'heed.record.unreadable.v1': {
      const { topic, partition, offset, readBy, at } = event.data
      return { entryId: `unreadable/${topic}/${partition}/${offset}/${readBy}`, kind: 'record-unreadable', at, facts }
    }
    default:
      return event satisfies never
  }
}

/** The bytes (as text) that stand for an entry in the trail: canonical JSON of all of it but its place. */
export function leafOf(entry: Entry): string {
  const { facts, ...rest } = entry
  return canonicalJson({ ...rest, facts: JSON.parse(facts) as JsonValue })
}
