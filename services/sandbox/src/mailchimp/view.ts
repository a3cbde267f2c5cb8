import { type Audience, idOf, type Member, uniqueEmailId } from './account.ts'
import { invalidResource, type Problem } from './problems.ts'

const SHOWN_TAGS = 50

/** A contact as the API shows it. */
export function memberView(audience: Audience, member: Member): Record<string, unknown> {
  const { mergeFields } = member
  const interests: Record<string, boolean> = {}
  for (const { id } of audience.category.interests) interests[id] = member.interests[id] ?? false
  return {
    id: member.hash,
    email_address: member.email,
    unique_email_id: uniqueEmailId(member.hash),
    contact_id: idOf(`contact/${audience.id}/${member.hash}`, 32),
    full_name: [mergeFields.FNAME, mergeFields.LNAME].filter((part) => typeof part === 'string' && part !== '').join(' '),
    web_id: Number.parseInt(member.hash.slice(0, 7), 16),
    email_type: member.emailType,
    status: member.status,
    ...(member.status === 'unsubscribed' ? { unsubscribe_reason: member.unsubscribeReason } : {}),
    merge_fields: mergeFields,
    interests,
    timestamp_opt: timestamp(member.createdAt),
    member_rating: 2,
    last_changed: timestamp(member.changedAt),
    language: '',
    vip: false,
    marketing_permissions: audience.permissions.map(({ id, name }) => ({
      marketing_permission_id: id,
      text: name,
      enabled: member.permissions[id] ?? false,
    })),
    source: 'API - Generic',
    tags_count: member.tags.length,
    tags: member.tags.slice(0, SHOWN_TAGS).map((name) => ({ id: Number.parseInt(idOf(`tag/${name}`, 6), 16), name })),
    list_id: audience.id,
  }
}

/** An audience as the API shows it. */
export function audienceView(audience: Audience): Record<string, unknown> {
  let subscribed = 0
  let unsubscribed = 0
  let cleaned = 0
  for (const { status } of audience.members.values()) {
    if (status === 'subscribed') subscribed += 1
    else if (status === 'unsubscribed') unsubscribed += 1
    else if (status === 'cleaned') cleaned += 1
  }
  return {
    id: audience.id,
    web_id: Number.parseInt(audience.id.slice(0, 6), 16),
    name: audience.name,
    double_optin: audience.doubleOptIn,
    has_welcome: false,
    marketing_permissions: audience.permissions.length > 0,
    email_type_option: false,
    stats: { member_count: subscribed, unsubscribe_count: unsubscribed, cleaned_count: cleaned },
  }
}

/** RFC 3339 in UTC with whole seconds, as the vendor dates things. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}+00:00`
}

/** A page of a collection, by `count` (default 10, at most 1000) and `offset`. */
export function pageOf<T>(items: readonly T[], query: URLSearchParams): { page: readonly T[] } | { problem: Problem } {
  const count = wholeNumber(query.get('count'), 10)
  const offset = wholeNumber(query.get('offset'), 0)
  if (count === undefined || count > 1000)
    return { problem: invalidResource([{ field: 'count', message: 'Value must be between 0 and 1000' }]) }
  if (offset === undefined) return { problem: invalidResource([{ field: 'offset', message: 'Value must be a whole number' }]) }
  return { page: items.slice(offset, offset + count) }
}

function wholeNumber(text: string | null, otherwise: number): number | undefined {
  if (text === null) return otherwise
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

/** The answer cut down by `fields` or `exclude_fields` (comma-separated paths such as `lists.id`); not by both. */
export function selectFields(body: Record<string, unknown>, query: URLSearchParams): { body: unknown } | { problem: Problem } {
  const wanted = query.get('fields')
  const unwanted = query.get('exclude_fields')
  if (wanted !== null && unwanted !== null) {
    return { problem: { status: 400, title: 'Requested Fields Invalid', detail: 'fields and exclude_fields exclude each other.' } }
  }
  if (wanted !== null) return { body: keep(body, paths(wanted)) }
  return { body: unwanted === null ? body : omit(body, paths(unwanted)) }
}

function paths(text: string): string[][] {
  return text.split(',').map((path) => path.trim().split('.'))
}

function keep(value: unknown, wanted: readonly string[][]): unknown {
  if (wanted.some((path) => path.length === 0)) return value
  if (Array.isArray(value)) return value.map((item) => keep(item, wanted))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const below = wanted.filter(([head]) => head === key).map(([, ...rest]) => rest)
      return below.length === 0 ? [] : [[key, keep(inner, below)]]
    }),
  )
}

function omit(value: unknown, unwanted: readonly string[][]): unknown {
  if (Array.isArray(value)) return value.map((item) => omit(item, unwanted))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const below = unwanted.filter(([head]) => head === key).map(([, ...rest]) => rest)
      return below.some((path) => path.length === 0) ? [] : [[key, below.length === 0 ? inner : omit(inner, below)]]
    }),
  )
}
