import type { HttpReply } from '../frame/http-play.ts'
import { jsonReply } from '../frame/json.ts'

/** The canonical codes of Google's APIs that are played, with their HTTP status. */
const CODES = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
} as const

export type GoogleCode = keyof typeof CODES

/** One field that was not liked, in snake_case with indices, e.g. `audience_members[0].user_data`. */
export interface FieldViolation {
  readonly field: string
  readonly description: string
  readonly reason?: string
}

/** What may stand beside the code and the message. */
export interface GoogleErrorDetails {
  readonly reason?: string
  readonly domain?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly violations?: readonly FieldViolation[]
}

/** An error in the form that Google's APIs share (google.rpc.Status as JSON). */
export function googleError(code: GoogleCode, message: string, given: GoogleErrorDetails = {}): HttpReply {
  const { reason, domain = 'googleapis.com', metadata, violations } = given
  const details = [
    ...(reason === undefined
      ? []
      : [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain, ...(metadata && { metadata }) }]),
    ...(violations === undefined ? [] : [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: violations }]),
  ]
  const status = CODES[code]
  const error = { code: status, message, status: code, ...(details.length === 0 ? {} : { details }) }
  const headers = code === 'UNAUTHENTICATED' ? { 'www-authenticate': 'Bearer realm="https://accounts.google.com/"' } : {}
  return jsonReply(status, { error }, { headers })
}

/** The refusal of a field that a message does not have, as Google's JSON reader words it. */
export function unknownField(name: string, at: string): HttpReply {
  const description = `Invalid JSON payload received. Unknown name "${name}"${at === '' ? '' : ` at '${at}'`}: Cannot find field.`
  return googleError('INVALID_ARGUMENT', description, { violations: [{ field: at, description }] })
}
