import type { Key } from '../audience/people.ts'
import { isRecord, textOf } from '../frame/json.ts'
import type { FieldViolation } from '../google/errors.ts'
import type { ListKind } from './lists.ts'

/** The consent that a member, or a whole request, was sent with. */
export interface Consent {
  readonly adUserData?: string
  readonly adPersonalization?: string
}

/** One member of a request, as it was understood. */
export interface SentMember {
  readonly keys: readonly Key[]
  readonly identifiers: number
  readonly consent?: Consent | undefined
}

/** What was found in a message: what it means, and what was not liked. */
export interface MembersRead {
  readonly kind: ListKind
  readonly members: readonly SentMember[]
  readonly violations: readonly FieldViolation[]
}

/** A field that the message does not have. */
export class UnknownFieldError extends Error {
  readonly field: string
  readonly at: string
  constructor(field: string, at: string) {
    super('a field that the message does not have')
    this.name = 'UnknownFieldError'
    this.field = field
    this.at = at
  }
}

const MAX_MEMBERS = 10_000
const MAX_IDENTIFIERS = 10
const KINDS = { userData: 'contact', mobileData: 'mobile', userIdData: 'user-id' } as const
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Throws `UnknownFieldError` when the message has a field beside these. */
export function onlyFields(message: Readonly<Record<string, unknown>>, allowed: readonly string[], at: string): void {
  for (const name of Object.keys(message)) if (!allowed.includes(name)) throw new UnknownFieldError(name, at)
}

/** Reads `audienceMembers` together with `encoding`. Throws `UnknownFieldError`. */
export function readMembers(value: unknown, encoding: unknown, call: 'ingest' | 'remove'): MembersRead {
  const violations: FieldViolation[] = []
  const refuse = (field: string, reason: string, description: string): void => void violations.push({ field, description, reason })
  if (!Array.isArray(value) || value.length === 0) {
    refuse('audience_members', 'REQUIRED_FIELD_MISSING', 'A required field is missing.')
    return { kind: 'contact', members: [], violations }
  }
  if (value.length > MAX_MEMBERS) {
    refuse('audience_members', 'TOO_MANY_AUDIENCE_MEMBERS', 'The maximum number of audience members allowed per request is 10000.')
    return { kind: 'contact', members: [], violations }
  }
  const decode = decoderOf(encoding)
  const kinds = new Set<ListKind>()
  const members = value.map((member: unknown, index): SentMember => {
    const at = `audience_members[${index}]`
    if (!isRecord(member)) throw new UnknownFieldError('', at)
    onlyFields(member, [...Object.keys(KINDS), ...(call === 'ingest' ? ['consent'] : [])], at)
    const given = (Object.keys(KINDS) as (keyof typeof KINDS)[]).filter((name) => member[name] !== undefined)
    const [name] = given
    if (name === undefined || given.length > 1) {
      refuse(at, name === undefined ? 'NO_IDENTIFIERS_PROVIDED' : 'INVALID_AUDIENCE_MEMBER', 'Exactly one kind of data must be set.')
      return { keys: [], identifiers: 0 }
    }
    kinds.add(KINDS[name])
    const consent = call === 'ingest' ? readConsent(member.consent, `${at}.consent`) : undefined
    const data = member[name]
    if (!isRecord(data)) throw new UnknownFieldError('', at)
    const keys = READERS[name](data, `${at}.${SNAKE[name]}`, refuse, decode)
    return { keys, identifiers: keys.length, consent }
  })
  if (kinds.size > 1) refuse('audience_members', 'MULTIPLE_DATA_TYPES_NOT_ALLOWED', 'All audience members must be of one kind.')
  if (encoding !== undefined && decode === undefined) refuse('encoding', 'INVALID_ENUM_VALUE', 'The encoding is HEX or BASE64.')
  else if (kinds.has('contact') && decode === undefined) refuse('encoding', 'REQUIRED_FIELD_MISSING', 'A required field is missing.')
  return { kind: [...kinds][0] ?? 'contact', members, violations }
}

/** Reads a consent; unknown fields and values are refused by throwing `UnknownFieldError`. */
export function readConsent(value: unknown, at: string): Consent | undefined {
  if (value === undefined) return undefined
  if (!isRecord(value)) throw new UnknownFieldError('', at)
  onlyFields(value, ['adUserData', 'adPersonalization'], at)
  const read = (name: string): string | undefined => {
    const text = textOf(value[name])
    if (text !== undefined && !['CONSENT_GRANTED', 'CONSENT_DENIED', 'CONSENT_STATUS_UNSPECIFIED'].includes(text))
      throw new UnknownFieldError(name, at)
    return text
  }
  const [adUserData, adPersonalization] = [read('adUserData'), read('adPersonalization')]
  return { ...(adUserData && { adUserData }), ...(adPersonalization && { adPersonalization }) }
}

type Refuse = (field: string, reason: string, description: string) => void
/** The hash in hex, or the reason why the text is none. */
type Decode = (text: string) => { readonly hash: string } | { readonly reason: string }
type Reader = (data: Readonly<Record<string, unknown>>, at: string, refuse: Refuse, decode: Decode | undefined) => Key[]

const SNAKE = { userData: 'user_data', mobileData: 'mobile_data', userIdData: 'user_id_data' } as const

const READERS: Readonly<Record<keyof typeof KINDS, Reader>> = {
  userData(data, at, refuse, decode) {
    onlyFields(data, ['userIdentifiers'], at)
    return listOf(data.userIdentifiers, `${at}.user_identifiers`, refuse).flatMap((identifier, index) => {
      const place = `${at}.user_identifiers[${index}]`
      if (!isRecord(identifier)) throw new UnknownFieldError('', place)
      onlyFields(identifier, ['emailAddress', 'phoneNumber', 'address'], place)
      return readIdentifier(identifier, place, refuse, decode)
    })
  },
  mobileData(data, at, refuse) {
    onlyFields(data, ['mobileIds'], at)
    return listOf(data.mobileIds, `${at}.mobile_ids`, refuse).flatMap((id, index) => {
      if (typeof id === 'string' && UUID.test(id)) return [`mobile:${id.toLowerCase()}`]
      refuse(`${at}.mobile_ids[${index}]`, 'INVALID_MOBILE_ID_FORMAT', 'The format of the mobile id is invalid.')
      return []
    })
  },
  userIdData(data, at, refuse) {
    onlyFields(data, ['userId'], at)
    const id = textOf(data.userId)
    if (id !== undefined) return [`user-id:${id}`]
    refuse(`${at}.user_id`, 'REQUIRED_FIELD_MISSING', 'A required field is missing.')
    return []
  },
}

function listOf(value: unknown, at: string, refuse: Refuse): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) {
    refuse(at, 'NO_IDENTIFIERS_PROVIDED', 'An audience member needs at least one identifier.')
    return []
  }
  if (value.length <= MAX_IDENTIFIERS) return value
  refuse(at, 'TOO_MANY_USER_IDENTIFIERS', 'The maximum number of identifiers allowed per audience member is 10.')
  return []
}

function readIdentifier(identifier: Readonly<Record<string, unknown>>, at: string, refuse: Refuse, decode: Decode | undefined): Key[] {
  const [field, more] = Object.keys(identifier)
  if (field === undefined || more !== undefined) {
    refuse(at, field === undefined ? 'NO_IDENTIFIERS_PROVIDED' : 'INVALID_AUDIENCE_MEMBER', 'Exactly one identifier must be set.')
    return []
  }
  const hashed = (value: unknown): string | undefined => {
    const read = typeof value === 'string' && value !== '' ? decode?.(value) : { reason: 'REQUIRED_FIELD_MISSING' }
    if (read === undefined) return undefined
    if ('hash' in read) return read.hash
    refuse(at, read.reason, 'The value is not a SHA-256 hash in the given encoding.')
    return undefined
  }
  if (field !== 'address') {
    const hash = hashed(identifier[field])
    return hash === undefined ? [] : [`${field === 'emailAddress' ? 'email' : 'phone'}:${hash}`]
  }
  const address = identifier.address
  if (!isRecord(address)) throw new UnknownFieldError('', at)
  onlyFields(address, ['givenName', 'familyName', 'regionCode', 'postalCode'], `${at}.address`)
  const [given, family] = [hashed(address.givenName), hashed(address.familyName)]
  const [region, postal] = [textOf(address.regionCode), textOf(address.postalCode)]
  if (region === undefined || !/^[A-Za-z]{2}$/.test(region)) refuse(at, 'REQUIRED_FIELD_MISSING', 'regionCode takes two letters.')
  // a hash is no postal code: this field goes in clear
  if (postal === undefined || postal.length > 16) refuse(at, 'INVALID_POSTAL_CODE', 'The postal code is invalid.')
  return given && family && region && postal ? [`address:${given}|${family}|${region.toUpperCase()}|${postal}`] : []
}

function decoderOf(encoding: unknown): Decode | undefined {
  if (encoding === 'HEX') {
    return (text) => {
      if (!/^[0-9a-f]+$/.test(text) || text.length % 2 === 1) return { reason: 'INVALID_HEX_ENCODING' }
      return text.length === 64 ? { hash: text } : { reason: 'INVALID_SHA256_FORMAT' }
    }
  }
  if (encoding !== 'BASE64') return undefined
  return (text) => {
    const bytes = Buffer.from(text, 'base64')
    if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) return { reason: 'INVALID_BASE64_ENCODING' }
    return bytes.length === 32 ? { hash: bytes.toString('hex') } : { reason: 'INVALID_SHA256_FORMAT' }
  }
}
