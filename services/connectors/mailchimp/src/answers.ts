import type { Outcome } from '@heed/domain'
import type { Intent } from './operations.ts'

/** The body of an answer as JSON, or undefined: an edge server of the vendor answers in HTML, or not at all. */
export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function textField(json: unknown, name: string): string | undefined {
  const value = typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[name] : undefined
  return typeof value === 'string' ? value : undefined
}

/**
 * What an answer to one contact's operation means. The status decides before the body is looked at: very high volume is answered by 403 without JSON.
 */
export function outcomeOf(intent: Intent, status: number, json: unknown): Outcome {
  if (status >= 200 && status < 300) return done(intent, json)
  switch (status) {
    case 400:
      return refused(intent, textField(json, 'title') ?? '')
    case 401:
      return { kind: 'deferred', reason: 'auth.key-invalid' }
    case 403:
      return json === undefined ? { kind: 'deferred', reason: 'unavailable.rate-limited' } : { kind: 'deferred', reason: 'auth.forbidden' }
    case 404:
      return unknownMember(intent)
    case 405:
    case 413:
    case 414:
    case 422:
      return { kind: 'rejected', reason: 'item.not-accepted' }
    case 426:
      return { kind: 'deferred', reason: 'configuration.tls-too-old' }
    case 429:
      return { kind: 'deferred', reason: 'unavailable.rate-limited' }
    default:
      return status >= 500
        ? { kind: 'deferred', reason: 'unavailable.server-error' }
        : { kind: 'deferred', reason: 'configuration.unexpected-answer' }
  }
}

const unreadable: Outcome = { kind: 'deferred', reason: 'unavailable.unreadable-answer' }

function done(intent: Intent, json: unknown): Outcome {
  // 204 without a body is the whole answer to an erasure; everything else shows the contact as it is now
  if (intent === 'erase') return { kind: 'confirmed' }
  const status = textField(json, 'status')
  if (status === undefined) return unreadable
  switch (intent) {
    case 'topics':
      return { kind: 'confirmed' }
    case 'opt-out':
      // cleaned and archived contacts get no mail either; anything else than these would be a state that nobody asked for
      return quiet.has(status) ? { kind: 'confirmed' } : { kind: 'rejected', reason: 'item.state-not-taken' }
    case 'opt-in':
      if (status === 'subscribed') return { kind: 'confirmed' }
      return status === 'pending' ? { kind: 'accepted', final: true } : { kind: 'rejected', reason: 'item.state-not-taken' }
    case 'opt-in-pending':
      // the person now has a mail of the vendor's; whether she clicks it is hers
      return status === 'subscribed' ? { kind: 'confirmed' } : { kind: 'accepted', final: true }
    default:
      return intent satisfies never
  }
}

/** The states of a contact in which it gets no marketing mail. */
export const quiet: ReadonlySet<string> = new Set(['unsubscribed', 'cleaned', 'archived'])

function unknownMember(intent: Intent): Outcome {
  switch (intent) {
    case 'opt-out':
    case 'erase':
    case 'topics':
      return { kind: 'notApplicable', reason: 'not-applicable.not-a-member' }
    case 'opt-in':
    case 'opt-in-pending':
      // a PUT makes the contact: only the audience can be missing
      return { kind: 'deferred', reason: 'configuration.audience-missing' }
    default:
      return intent satisfies never
  }
}

function refused(intent: Intent, title: string): Outcome {
  const optIn = intent === 'opt-in' || intent === 'opt-in-pending'
  switch (title) {
    case 'Member In Compliance State':
      // an opt-out finds what it wants; for an opt-in only the person herself can act, on a form of the vendor's
      return optIn ? { kind: 'notApplicable', reason: 'not-applicable.needs-the-person-at-the-vendor' } : { kind: 'confirmed' }
    case 'Forgotten Email Not Subscribed':
      return optIn ? { kind: 'notApplicable', reason: 'not-applicable.forgotten-at-the-vendor' } : { kind: 'confirmed' }
    case 'Member Exists':
      return { kind: 'deferred', reason: 'batch.member-exists' }
    default:
      return { kind: 'rejected', reason: 'item.invalid' }
  }
}
