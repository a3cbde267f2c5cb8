import type { Status } from './account.ts'
import type { FieldError } from './problems.ts'

/** What a request asks to change about a contact; absent means "as it is". */
export interface MemberChanges {
  readonly email?: string | undefined
  readonly status?: Status | undefined
  readonly statusIfNew?: Status | undefined
  readonly emailType?: 'html' | 'text' | undefined
  readonly mergeFields?: Readonly<Record<string, unknown>> | undefined
  readonly interests?: Readonly<Record<string, boolean>> | undefined
  readonly permissions?: Readonly<Record<string, boolean>> | undefined
  readonly tags?: readonly string[] | undefined
}

/** By which call the contact is reached: each takes other statuses and other fields. */
export type Call = 'patch' | 'put' | 'bulk'

const STATUSES: Readonly<Record<Call, readonly Status[]>> = {
  patch: ['subscribed', 'unsubscribed', 'cleaned', 'pending'],
  put: ['subscribed', 'unsubscribed', 'cleaned', 'pending', 'transactional'],
  bulk: ['subscribed', 'unsubscribed', 'cleaned', 'pending', 'transactional'],
}

/** Whether this can be an address at all; the vendor is stricter (it refuses example.com), which the sandbox cannot be. */
export function looksLikeAddress(text: string): boolean {
  return text.length <= 254 && /^[^\s@,;<>()]+@[^\s@.,;<>()]+(\.[^\s@.,;<>()]+)+$/u.test(text)
}

/** Reads the fields of a contact as this call takes them; every field that does not fit is named, none is guessed. Unknown fields are ignored, as the vendor does. */
export function readChanges(body: unknown, call: Call): { changes: MemberChanges } | { errors: FieldError[] } {
  if (!isRecord(body)) return { errors: [{ field: '', message: 'Schema describes object, something else found instead' }] }
  const errors: FieldError[] = []
  const wrong = (field: string, wanted: string): undefined => {
    errors.push({ field, message: `Schema describes ${wanted}, something else found instead` })
    return undefined
  }
  const oneOf = <T extends string>(field: string, allowed: readonly T[]): T | undefined => {
    const value = body[field]
    if (value === undefined) return undefined
    const found = allowed.find((candidate) => candidate === value)
    if (found === undefined) errors.push({ field, message: `Value must be one of: ${allowed.join(', ')}` })
    return found
  }
  const flags = (field: string, value: unknown): Record<string, boolean> | undefined => {
    if (value === undefined) return undefined
    if (!isRecord(value)) return wrong(field, 'object')
    const result: Record<string, boolean> = {}
    for (const [id, flag] of Object.entries(value)) {
      if (typeof flag === 'boolean') result[id] = flag
      else wrong(`${field}.${id}`, 'boolean')
    }
    return result
  }

  const email = body.email_address
  if (email !== undefined && typeof email !== 'string') wrong('email_address', 'string')
  if (body.merge_fields !== undefined && !isRecord(body.merge_fields)) wrong('merge_fields', 'object')
  const changes = {
    email: typeof email === 'string' ? email.trim() : undefined,
    status: oneOf('status', STATUSES[call]),
    statusIfNew: call === 'put' ? oneOf('status_if_new', STATUSES.put) : undefined,
    emailType: oneOf('email_type', ['html', 'text'] as const),
    mergeFields: isRecord(body.merge_fields) ? body.merge_fields : undefined,
    interests: flags('interests', body.interests),
    permissions: readPermissions(body.marketing_permissions, call, errors),
    tags: readTagNames(body.tags, errors),
  }
  return errors.length > 0 ? { errors } : { changes }
}

function readPermissions(value: unknown, call: Call, errors: FieldError[]): Record<string, boolean> | undefined {
  if (value === undefined) return undefined
  if (call === 'bulk' || !Array.isArray(value)) {
    errors.push({ field: 'marketing_permissions', message: call === 'bulk' ? 'This field is not accepted here' : 'Schema describes array' })
    return undefined
  }
  const permissions: Record<string, boolean> = {}
  value.forEach((item: unknown, index) => {
    if (isRecord(item) && typeof item.marketing_permission_id === 'string' && typeof item.enabled === 'boolean') {
      permissions[item.marketing_permission_id] = item.enabled
    } else errors.push({ field: `marketing_permissions.item:${index}`, message: 'Schema describes marketing_permission_id and enabled' })
  })
  return permissions
}

function readTagNames(value: unknown, errors: FieldError[]): string[] | undefined {
  if (value === undefined) return undefined
  if (Array.isArray(value) && value.every((tag: unknown): tag is string => typeof tag === 'string')) return value
  errors.push({ field: 'tags', message: 'Schema describes array of strings' })
  return undefined
}

/** A JSON object, and not an array or `null`. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
