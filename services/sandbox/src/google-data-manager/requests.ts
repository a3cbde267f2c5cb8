import type { Audience } from '../audience/book.ts'
import type { HttpReply } from '../frame/http-play.ts'
import { isRecord, textOf } from '../frame/json.ts'
import { type FieldViolation, googleError, unknownField } from '../google/errors.ts'
import { accountTypes, type GoogleAccount, kindOfList, type ListKind } from './lists.ts'
import { type Consent, onlyFields, readConsent, readMembers, type SentMember, UnknownFieldError } from './members.ts'

export type Call = 'ingest' | 'remove' | 'removeAll'

/** A list that a request goes to, with the destination as it was written. */
export interface Destination {
  readonly written: Readonly<Record<string, unknown>>
  readonly audience: Audience
}

/** A request that passed every check. */
export interface Accepted {
  readonly call: Call
  readonly kind: ListKind
  readonly destinations: readonly Destination[]
  readonly members: readonly SentMember[]
  readonly validateOnly: boolean
  /** Only for `removeAll`, in milliseconds since the epoch. */
  readonly removeAsOf?: number
}

/** What the checks need to know. */
export interface Checks {
  readonly accounts: readonly GoogleAccount[]
  findList(id: string): Audience | undefined
  /** Whether somebody among the members is refused for no visible reason. */
  isPoisoned: ((keys: SentMember['keys']) => boolean) | undefined
  now(): number
}

const FIELDS: Readonly<Record<Call, readonly string[]>> = {
  ingest: ['destinations', 'audienceMembers', 'encoding', 'validateOnly', 'consent', 'termsOfService'],
  remove: ['destinations', 'audienceMembers', 'encoding', 'validateOnly'],
  removeAll: ['destinations', 'removeAsOfTime', 'validateOnly'],
}
const MAX_DESTINATIONS = 10
const MAX_VIOLATIONS = 10

/** Checks a request as a whole: one thing that is wrong refuses all of it. */
export function readRequest(call: Call, body: unknown, requestId: string, checks: Checks): Accepted | { readonly refused: HttpReply } {
  try {
    if (!isRecord(body)) return { refused: googleError('INVALID_ARGUMENT', 'Invalid JSON payload received. Unexpected token.') }
    onlyFields(body, FIELDS[call], '')
    return read(call, body, requestId, checks)
  } catch (error) {
    if (error instanceof UnknownFieldError) return { refused: unknownField(error.field, error.at) }
    throw error
  }
}

function read(
  call: Call,
  body: Readonly<Record<string, unknown>>,
  requestId: string,
  checks: Checks,
): Accepted | { readonly refused: HttpReply } {
  const violations: FieldViolation[] = []
  const { destinations, forbidden } = readDestinations(body.destinations, violations, checks)
  if (forbidden) {
    return {
      refused: googleError('PERMISSION_DENIED', 'The caller does not have permission.', {
        reason: 'PERMISSION_DENIED',
        domain: 'datamanager.googleapis.com',
        metadata: { requestId },
      }),
    }
  }
  const validateOnly = body.validateOnly === true
  if (call === 'removeAll') {
    const asOf = body.removeAsOfTime === undefined ? checks.now() : Date.parse(String(body.removeAsOfTime))
    // the client's clock may be the wall's while the sandbox's is turned ahead, but never the other way round
    if (Number.isNaN(asOf) || asOf > checks.now())
      violations.push({ field: 'remove_as_of_time', description: 'The time is in the future.', reason: 'INVALID_REMOVE_AS_OF_TIME' })
    return violations.length > 0
      ? { refused: refusal(violations, requestId) }
      : { call, kind: 'contact', destinations, members: [], validateOnly, removeAsOf: asOf }
  }

  const { kind, members, violations: found } = readMembers(body.audienceMembers, body.encoding, call)
  violations.push(...found)
  if (found.length === 0) {
    for (const [index, { audience }] of destinations.entries()) {
      if (kindOfList(audience) === kind) continue
      const description = 'The type of the user list does not take this kind of data.'
      violations.push({ field: `destinations[${index}].product_destination_id`, description, reason: 'INVALID_USER_LIST_TYPE' })
    }
    for (const [index, { keys }] of checks.isPoisoned === undefined ? [] : members.entries()) {
      if (checks.isPoisoned?.(keys) !== true) continue
      violations.push({ field: `audience_members[${index}]`, description: 'The member is invalid.', reason: 'INVALID_AUDIENCE_MEMBER' })
    }
  }
  const consent = call === 'ingest' ? readConsent(body.consent, 'consent') : undefined
  if (call === 'ingest' && kind !== 'user-id' && !termsAccepted(body.termsOfService)) {
    const description = 'The customer match terms of service are not accepted.'
    violations.push({ field: 'terms_of_service', description, reason: 'TERMS_AND_CONDITIONS_NOT_SIGNED' })
  }
  if (violations.length > 0) return { refused: refusal(violations, requestId) }
  return { call, kind, destinations, members: members.map((member) => withConsent(member, consent)), validateOnly }
}

// no more than a few are named at once: a client that drops those and sends the rest again may meet the next
function refusal(violations: readonly FieldViolation[], requestId: string): HttpReply {
  return googleError('INVALID_ARGUMENT', 'There was a problem with the request.', {
    reason: 'INVALID_ARGUMENT',
    domain: 'datamanager.googleapis.com',
    metadata: { requestId },
    violations: violations.slice(0, MAX_VIOLATIONS),
  })
}

function withConsent(member: SentMember, consent: Consent | undefined): SentMember {
  return consent === undefined && member.consent === undefined ? member : { ...member, consent: { ...consent, ...member.consent } }
}

function termsAccepted(value: unknown): boolean {
  if (value === undefined) return false
  if (!isRecord(value)) throw new UnknownFieldError('terms_of_service', '')
  onlyFields(value, ['customerMatchTermsOfServiceStatus'], 'terms_of_service')
  return value.customerMatchTermsOfServiceStatus === 'ACCEPTED'
}

interface AccountWritten {
  readonly accountType: string
  readonly accountId: string
}

function readDestinations(
  value: unknown,
  violations: FieldViolation[],
  checks: Checks,
): { destinations: Destination[]; forbidden: boolean } {
  const refuse = (field: string, reason: string, description: string): void => void violations.push({ field, description, reason })
  const nothing = { destinations: [], forbidden: false }
  if (!Array.isArray(value) || value.length === 0) {
    refuse('destinations', 'REQUIRED_FIELD_MISSING', 'A required field is missing.')
    return nothing
  }
  if (value.length > MAX_DESTINATIONS) {
    refuse('destinations', 'TOO_MANY_DESTINATIONS', 'The maximum number of destinations allowed per request is 10.')
    return nothing
  }
  const references = new Set<string>()
  const destinations: Destination[] = []
  let forbidden = false
  for (const [index, written] of value.entries()) {
    const at = `destinations[${index}]`
    if (!isRecord(written)) throw new UnknownFieldError('', at)
    onlyFields(written, ['reference', 'loginAccount', 'operatingAccount', 'productDestinationId'], at)
    const reference = textOf(written.reference)
    if (reference !== undefined && references.has(reference))
      refuse(`${at}.reference`, 'DUPLICATE_DESTINATION_REFERENCE', 'Two destinations have the same reference.')
    if (reference !== undefined) references.add(reference)
    const operating = readAccount(written.operatingAccount, `${at}.operating_account`, refuse)
    const login = written.loginAccount === undefined ? operating : readAccount(written.loginAccount, `${at}.login_account`, refuse)
    const listId = textOf(written.productDestinationId)
    if (listId === undefined) refuse(`${at}.product_destination_id`, 'REQUIRED_FIELD_MISSING', 'A required field is missing.')
    if (operating === undefined || login === undefined || listId === undefined) continue
    const account = checks.accounts.find((one) => one.accountType === operating.accountType && one.accountId === operating.accountId)
    if (account === undefined || !mayLogIn(account, login)) {
      forbidden = true
      continue
    }
    const audience = checks.findList(listId)
    if (audience?.account === `${operating.accountType}/${operating.accountId}`) destinations.push({ written, audience })
    else refuse(`${at}.product_destination_id`, 'INVALID_USER_LIST_ID', 'The user list is invalid.')
  }
  return { destinations, forbidden }
}

function mayLogIn({ accountType, accountId, managerId }: GoogleAccount, login: AccountWritten): boolean {
  if (login.accountType === accountType && login.accountId === accountId) return true
  return login.accountType === 'GOOGLE_ADS' && login.accountId === managerId
}

function readAccount(
  value: unknown,
  at: string,
  refuse: (field: string, reason: string, description: string) => void,
): AccountWritten | undefined {
  if (!isRecord(value)) {
    refuse(at, 'REQUIRED_FIELD_MISSING', 'A required field is missing.')
    return undefined
  }
  onlyFields(value, ['accountType', 'accountId'], at)
  const { accountType, accountId } = value
  if (!accountTypes.some((known) => known === accountType)) {
    refuse(`${at}.account_type`, 'INVALID_DESTINATION', 'The account type is invalid.')
    return undefined
  }
  if (typeof accountId !== 'string' || !/^\d+$/.test(accountId)) {
    refuse(`${at}.account_id`, 'INVALID_DESTINATION', 'An account id has digits only.')
    return undefined
  }
  return { accountType: String(accountType), accountId }
}
