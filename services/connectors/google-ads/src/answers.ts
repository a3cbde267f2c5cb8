import type { HttpAnswer } from '@heed/connector-kit'
import type { Outcome, ReasonCode } from '@heed/domain'
import { z } from 'zod'
import type { VendorError, Violation } from './vendor-error.ts'

/** A fault of the recipient as a whole, as the contract's `trouble` has it. */
export interface Trouble {
  readonly reason: `${'unavailable' | 'auth' | 'configuration'}.${string}`
  readonly retryAfterSeconds?: number
}

// an empty daily bucket fills again at a time that the vendor does not name
const dailyQuotaSeconds = 2 * 60 * 60

/** Why an answer other than 200 and 400 says nothing about any member. The status decides before the body is looked at. */
export function troubleOf(answer: HttpAnswer, error: VendorError | undefined): Trouble {
  const wait = error?.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }
  switch (answer.status) {
    case 401:
      return { reason: 'auth.unauthenticated' }
    case 403:
      return error === undefined ? { reason: 'auth.forbidden' } : { reason: 'auth.permission-denied' }
    case 404:
      return { reason: 'configuration.not-found' }
    case 408:
      return { reason: 'unavailable.timeout', ...wait }
    case 429:
      return /day/i.test(error?.quotaLimit ?? '')
        ? { reason: 'unavailable.daily-quota-spent', retryAfterSeconds: dailyQuotaSeconds }
        : { reason: 'unavailable.rate-limited', ...wait }
    default:
      if (answer.status >= 500) return { reason: 'unavailable.server-error', ...wait }
      return { reason: answer.status === 200 ? 'unavailable.unreadable-answer' : 'configuration.unexpected-answer' }
  }
}

// what is wrong with the request whoever its members are; the vendor adds to its reasons, so what stands in neither list may be a member's fault
const requestFaults: ReadonlySet<string> = new Set([
  'INVALID_DESTINATION',
  'INVALID_USER_LIST_ID',
  'INVALID_USER_LIST_TYPE',
  'TERMS_AND_CONDITIONS_NOT_SIGNED',
  'TOO_MANY_DESTINATIONS',
  'DUPLICATE_DESTINATION_REFERENCE',
  'MULTIPLE_DATA_TYPES_NOT_ALLOWED',
  'REQUIRED_PREREQUISITE_LINK_MISSING',
])
const memberFaults: ReadonlySet<string> = new Set([
  'REQUIRED_FIELD_MISSING',
  'INVALID_HEX_ENCODING',
  'INVALID_BASE64_ENCODING',
  'INVALID_SHA256_FORMAT',
  'INVALID_MOBILE_ID_FORMAT',
  'INVALID_POSTAL_CODE',
  'TOO_MANY_USER_IDENTIFIERS',
  'NO_IDENTIFIERS_PROVIDED',
])
const requestFields = /^(?:destinations|encoding|encryption_?info|consent|terms_?of_?service|validate_?only)\b/i
const memberField = /^audience_?members\[(\d{1,5})\]/i

const worded = (reason: string): string => reason.toLowerCase().replaceAll('_', '-')

/** What the violations of a refused request say. */
export type Refusal =
  /** The request itself is wrong: the set-up is to be mended. */
  | { readonly kind: 'request'; readonly reason: ReasonCode }
  /** These members are wrong, by their place; without them the request may be right. */
  | { readonly kind: 'members'; readonly reasons: ReadonlyMap<number, ReasonCode> }
  /** Somebody is wrong, and the vendor does not say who. */
  | { readonly kind: 'unnamed'; readonly reason: ReasonCode }

/** Whose fault a refusal is. */
export function refusalOf(error: VendorError | undefined): Refusal {
  const violations: readonly Violation[] = error?.violations ?? []
  const named = new Map<number, ReasonCode>()
  for (const { field, reason } of violations) {
    const place = memberField.exec(field)?.[1]
    if (place !== undefined) named.set(Number(place), memberFaults.has(reason) ? `item.${worded(reason)}` : 'item.refused')
    else if (requestFaults.has(reason) || requestFields.test(field))
      return { kind: 'request', reason: requestFaults.has(reason) ? `configuration.${worded(reason)}` : 'configuration.request-refused' }
  }
  if (named.size > 0) return { kind: 'members', reasons: named }
  const reasons = [error?.reason, ...violations.map(({ reason }) => reason)]
  const own = reasons.find((reason) => requestFaults.has(reason ?? ''))
  if (own !== undefined) return { kind: 'request', reason: `configuration.${worded(own)}` }
  return { kind: 'unnamed', reason: reasons.includes('TOO_MANY_AUDIENCE_MEMBERS') ? 'batch.too-many-audience-members' : 'batch.refused' }
}

const status = z.object({
  requestStatus: z.string().catch(''),
  errorInfo: z.object({ errorCounts: z.array(z.object({ reason: z.string().catch('') })).catch([]) }).catch({ errorCounts: [] }),
})
const statuses = z.object({ requestStatusPerDestination: z.array(status).min(1) })

/** Where a request stands at all of its destinations: `open` while one of them works on, otherwise one outcome for every member. */
export type Standing = { readonly kind: 'open' } | { readonly kind: 'final'; readonly outcome: Outcome }

/** Reads a status. Undefined where it is none. Counts are all that the vendor gives: whose record failed is not said. */
export function standingOf(json: unknown, destinations: number): Standing | undefined {
  const all = statuses.safeParse(json).data?.requestStatusPerDestination
  if (all === undefined) return undefined
  // a word that nobody knows yet is no end
  if (all.length < destinations || all.some(({ requestStatus }) => !finals.has(requestStatus))) return { kind: 'open' }
  const unsuccessful = all.filter(({ requestStatus }) => requestStatus !== 'SUCCESS')
  return { kind: 'final', outcome: unsuccessful.length === 0 ? { kind: 'confirmed' } : failedOutcome(unsuccessful) }
}

// some pages of the vendor print the fourth where others print the third
const finals: ReadonlySet<string> = new Set(['SUCCESS', 'PARTIAL_SUCCESS', 'FAILED', 'FAILURE'])

function failedOutcome(unsuccessful: readonly z.output<typeof status>[]): Outcome {
  const reasons = unsuccessful.flatMap(({ errorInfo }) => errorInfo.errorCounts.map(({ reason }) => reason))
  if (reasons.some((reason) => reason.endsWith('INTERNAL_ERROR'))) return { kind: 'deferred', reason: 'unavailable.internal-error' }
  const isPartial = unsuccessful.some(({ requestStatus }) => requestStatus === 'PARTIAL_SUCCESS')
  // nothing at all was taken and no reason is given: that is no member's fault
  if (!isPartial && reasons.length === 0) return { kind: 'deferred', reason: 'unavailable.processing-failed', retryAfterSeconds: 3_600 }
  if (reasons.some((reason) => reason.endsWith('_CONSENT'))) return { kind: 'deferred', reason: 'batch.consent-not-accepted' }
  return { kind: 'deferred', reason: isPartial ? 'batch.partly-processed' : 'batch.not-processed' }
}
