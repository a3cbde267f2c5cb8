import { isSha256, type Key, type Person, sha256 } from '../audience/people.ts'
import { isRecord } from '../frame/json.ts'

/** One thing that X does not like, about a request or an operation. */
export interface XError {
  readonly code: string
  readonly message: string
  readonly parameter?: string
}

/** One user object of an operation. */
export interface Wish {
  readonly member: boolean
  readonly keys: readonly Key[]
  readonly expiresAt?: number
}

/** What a list takes and wants. */
export interface ListRules {
  /** The fields of a user that it takes, with the kind of key that each becomes. */
  readonly fields: Readonly<Record<string, string>>
  /** Whether `expires_at` must be given, less than 13 months ahead, and `effective_at` not at all. */
  readonly wantsExpiry: boolean
}

export const audienceRules: ListRules = {
  fields: {
    email: 'email',
    device_id: 'device',
    handle: 'handle',
    twitter_id: 'twitter-id',
    phone_number: 'phone',
    partner_user_id: 'partner',
  },
  wantsExpiry: false,
}
export const doNotReachRules: ListRules = { fields: { email: 'email', phone_number: 'phone' }, wantsExpiry: true }

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z$/

/** The keys under which X finds a person: everything is hashed but the company's own user id. */
export function keysOf({ addresses = [], phones = [], deviceIds = [], userIds = [], handles = [] }: Person): Key[] {
  return [
    ...addresses.map((address) => `email:${sha256(address.trim().toLowerCase())}`),
    ...phones.map((phone) => `phone:${sha256(phone)}`),
    ...deviceIds.map((id) => `device:${sha256(id.toLowerCase())}`),
    ...handles.map((handle) => `handle:${sha256(handle.replace(/^@/, '').trim().toLowerCase())}`),
    ...userIds.map((id) => `partner:${id}`),
  ]
}

/** Thirteen calendar months later, in UTC: when a membership ends by itself. */
export function thirteenMonthsAfter(ms: number): number {
  const date = new Date(ms)
  return date.setUTCMonth(date.getUTCMonth() + 13)
}

/** Reads one operation: its users, or what is wrong with it. */
export function readOperation(operation: unknown, rules: ListRules, now: number): { wishes: Wish[] } | { errors: XError[] } {
  if (!isRecord(operation)) return { errors: [{ code: 'INVALID', message: 'An operation must be an object' }] }
  const { operation_type: type, params } = operation
  if (type !== 'Update' && type !== 'Delete') return wrong('operation_type', 'Expected Update or Delete')
  if (!isRecord(params)) return missing('params')
  if (!Array.isArray(params.users) || params.users.length === 0) return missing('users')
  const times = readTimes(params, type, rules, now)
  if ('errors' in times) return times
  const wishes: Wish[] = []
  const errors: XError[] = []
  for (const [index, user] of params.users.entries()) {
    const keys = isRecord(user) ? readUser(user, rules, `users[${index}]`) : `users[${index}]`
    if (typeof keys === 'string') errors.push(...wrong(keys, 'Expected arrays of SHA-256 hashes, at least one of them not empty').errors)
    else wishes.push({ member: type === 'Update', keys, ...(type === 'Update' ? { expiresAt: times.expiresAt } : {}) })
  }
  return errors.length > 0 ? { errors } : { wishes }
}

function readTimes(
  params: Readonly<Record<string, unknown>>,
  type: 'Update' | 'Delete',
  { wantsExpiry }: ListRules,
  now: number,
): { expiresAt: number } | { errors: XError[] } {
  const latest = thirteenMonthsAfter(now)
  for (const name of ['effective_at', 'expires_at']) {
    const value = params[name]
    if (value !== undefined && (typeof value !== 'string' || !INSTANT.test(value) || Number.isNaN(Date.parse(value))))
      return wrong(name, 'Expected a time in ISO 8601, UTC')
  }
  if (wantsExpiry && params.effective_at !== undefined) return wrong('effective_at', 'It is not taken here')
  if (params.expires_at === undefined) return wantsExpiry && type === 'Update' ? missing('expires_at') : { expiresAt: latest }
  const startsAt = params.effective_at === undefined ? now : Date.parse(String(params.effective_at))
  const expiresAt = Date.parse(String(params.expires_at))
  if (expiresAt <= startsAt) return wrong('expires_at', 'It must be later than the start')
  return wantsExpiry && expiresAt >= latest ? wrong('expires_at', 'It must be less than 13 months ahead') : { expiresAt }
}

/** The keys of a user object, or the place that is wrong. */
function readUser(user: Readonly<Record<string, unknown>>, { fields }: ListRules, at: string): Key[] | string {
  const keys: Key[] = []
  for (const [name, values] of Object.entries(user)) {
    const kind = fields[name]
    if (kind === undefined || !Array.isArray(values)) return `${at}.${name}`
    for (const value of values as readonly unknown[]) {
      if (typeof value !== 'string' || value === '' || (kind !== 'partner' && !isSha256(value))) return `${at}.${name}`
      keys.push(`${kind}:${value}`)
    }
  }
  return keys.length === 0 ? at : keys
}

function wrong(parameter: string, message: string): { errors: XError[] } {
  return { errors: [{ code: 'INVALID_PARAMETER', message, parameter }] }
}

function missing(parameter: string): { errors: XError[] } {
  return { errors: [{ code: 'MISSING_PARAMETER', message: `"${parameter}" is a missing parameter`, parameter }] }
}
