import { randomUUID } from 'node:crypto'
import type { HttpReply } from '../frame/http-play.ts'
import { jsonReply } from '../frame/json.ts'

/** An error in LinkedIn's words, of a request or of one element. */
export interface RestError {
  readonly status: number
  readonly serviceErrorCode?: number
  readonly code: string
  readonly message: string
}

/** The errors that do not depend on the request. */
export const restErrors = {
  noToken: { status: 401, serviceErrorCode: 65_604, code: 'EMPTY_ACCESS_TOKEN', message: 'Empty oauth2 access token' },
  badToken: { status: 401, serviceErrorCode: 65_600, code: 'INVALID_ACCESS_TOKEN', message: 'Invalid access token' },
  expiredToken: {
    status: 401,
    serviceErrorCode: 65_602,
    code: 'EXPIRED_ACCESS_TOKEN',
    message: 'The token used in the request has expired',
  },
  revokedToken: {
    status: 401,
    serviceErrorCode: 65_601,
    code: 'REVOKED_ACCESS_TOKEN',
    message: 'The token used in the request has been revoked',
  },
  noAccess: { status: 403, serviceErrorCode: 100, code: 'ACCESS_DENIED', message: 'Not enough permissions to access this resource' },
  notFound: { status: 404, code: 'NOT_FOUND', message: 'Could not find entity' },
  wrongMethod: { status: 405, code: 'METHOD_NOT_ALLOWED', message: 'This method is not allowed here' },
  wrongType: { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', message: 'The content type must be application/json' },
  locked: { status: 423, code: 'LOCKED', message: 'The segment is locked' },
  noVersion: {
    status: 400,
    code: 'VERSION_MISSING',
    message: 'A version must be present. Please specify a version by adding the LinkedIn-Version header.',
  },
  deadVersion: { status: 426, code: 'NONEXISTENT_VERSION', message: 'Requested version is not active' },
  tooMany: { status: 429, code: 'TOO_MANY_REQUESTS', message: 'Resource level throttle limit for calls to this resource is reached.' },
  internal: { status: 500, code: 'INTERNAL_SERVER_ERROR', message: 'Internal server error' },
  unavailable: { status: 503, code: 'SERVICE_UNAVAILABLE', message: 'Service unavailable' },
  tooLarge: { status: 413, code: 'PAYLOAD_TOO_LARGE', message: 'The body is too large' },
} as const satisfies Readonly<Record<string, RestError>>

/** A request or an element that does not fit. */
export function badRequest(message: string): RestError {
  return { status: 400, serviceErrorCode: 100, code: 'ILLEGAL_ARGUMENT', message }
}

/** An answer with the headers by which LinkedIn finds a request again. */
export function restReply(status: number, body?: unknown, more: Omit<HttpReply, 'status' | 'body'> = {}): HttpReply {
  const headers = {
    'x-li-fabric': 'prod-demo',
    'x-li-uuid': randomUUID(),
    'x-li-request-id': randomUUID(),
    'x-restli-protocol-version': '2.0.0',
    ...more.headers,
  }
  return body === undefined ? { ...more, status, headers } : jsonReply(status, body, { ...more, headers })
}

/** A refusal of the whole request. There is no `Retry-After`, and nothing says how much is left. */
export function restRefusal(error: RestError): HttpReply {
  return restReply(error.status, error)
}
