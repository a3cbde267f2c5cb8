import { hash } from 'node:crypto'
import type { TrailEvent } from '@heed/contracts'
import { canonicalJson, type EntryKind, entryKindOf, type JsonValue, subjectsIn } from '@heed/contracts/trail'
import type { RecipientId, SubjectId } from '@heed/domain'

/** One thing that happened, as the trail keeps it. Free of personal data; the sequence is its place in the total order and no part of it. */
export interface Entry {
  /**
   * Made from what happened, so that the same event told twice is the same entry: a digest, so that it names nobody, and is still known once the subject was
   * erased.
   */
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
export function entryOf(event: TrailEvent, publishedAt: number): Entry {
  return { ...headOf(event, publishedAt), facts: canonicalJson(event.data as JsonValue) }
}

/** The entry of an event without its facts. */
export function headOf(event: TrailEvent, publishedAt: number): Omit<Entry, 'facts'> {
  const { name, ...parts } = partsOf(event, publishedAt)
  return { entryId: digest(name), kind: entryKindOf(event), ...parts }
}

// 192 bits: nobody finds two things with one name
function digest(name: string): string {
  return hash('sha256', name, 'base64url').slice(0, 32)
}

function partsOf(event: TrailEvent, publishedAt: number): { readonly name: string } & Omit<Entry, 'entryId' | 'kind' | 'facts'> {
  switch (event.type) {
    case 'heed.preference.changed.v1': {
      const { changeId, subjectId, version, acceptedAt } = event.data
      return { name: `change/${changeId}`, at: acceptedAt, subjectId, version }
    }
    case 'heed.delivery.requested.v1': {
      const { deliveryId, assertion, subjectId, recipientId, version } = event.data
      return { name: `delivery/${deliveryId}#${assertion}`, at: publishedAt, subjectId, recipientId, version }
    }
    case 'heed.delivery.attempted.v1': {
      const { outcomeId, at, subjectId, recipientId, version } = event.data
      return { name: `outcome/${outcomeId}`, at, subjectId, recipientId, version }
    }
    case 'heed.delivery.resolved.v1': {
      const { deliveryId, at, subjectId, recipientId, version } = event.data
      return { name: `resolved/${deliveryId}@${at}`, at, subjectId, recipientId, version }
    }
    case 'heed.recipient.paused.v1': {
      const { recipientId, at } = event.data
      return { name: `${entryKindOf(event)}/${recipientId}@${at}`, at, recipientId }
    }
    case 'heed.disclosure.made.v1': {
      const { actId, at, subjectId, recipientId } = event.data
      return { name: `act/${actId}`, at, subjectId, recipientId }
    }
    case 'heed.operator.acted.v1': {
      const { actId, at, recipientId } = event.data
      // an act upon a delivery is about its subject too, named or not
      const [subjectId] = subjectsIn(event) as SubjectId[]
      const about = { ...(subjectId === undefined ? {} : { subjectId }), ...(recipientId === undefined ? {} : { recipientId }) }
      return { name: `act/${actId}`, at, ...about }
    }
    case 'heed.link.made.v1':
    case 'heed.link.used.v1':
    case 'heed.identifiers.linked.v1':
    case 'heed.subject.erased.v1':
    case 'heed.disclosure.reported.v1': {
      const { actId, at, subjectId } = event.data
      return { name: `act/${actId}`, at, subjectId }
    }
    case 'heed.suppressions.imported.v1':
    case 'heed.policy.loaded.v1':
    case 'heed.configuration.changed.v1':
    case 'heed.journal.counted.v1':
      return { name: `act/${event.data.actId}`, at: event.data.at }
    case 'heed.record.unreadable.v1': {
      const { topic, partition, offset, readBy, at } = event.data
      return { name: `unreadable/${topic}/${partition}/${offset}/${readBy}`, at }
    }
    default:
      return event satisfies never
  }
}
