import type { HttpReply } from '../frame/http-play.ts'
import { jsonReply } from '../frame/json.ts'
import type { XError } from './operations.ts'

/** A refusal of a whole request. */
export interface XRefusal extends XError {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

/** The refusals that do not depend on the request. */
export const xRefusals = {
  unauthorized: { status: 401, code: 'UNAUTHORIZED_ACCESS', message: 'This request is not properly authenticated' },
  notAllowed: {
    status: 403,
    code: 'UNAUTHORIZED_CLIENT_APPLICATION',
    message: 'The client application making this request does not have access to this endpoint',
  },
  accountNotFound: { status: 403, code: 'ACCOUNT_NOT_FOUND', message: 'Account was not found or is not available to the user' },
  notFound: { status: 404, code: 'NOT_FOUND', message: 'The requested resource was not found' },
  audienceNotFound: { status: 404, code: 'TAILORED_AUDIENCE_NOT_FOUND', message: 'The custom audience was not found' },
  routeNotFound: { status: 404, code: 'ROUTE_NOT_FOUND', message: 'The requested resource could not be found' },
  cancelled: { status: 408, code: 'CANCELLED_REQUEST', message: 'The request has been cancelled' },
  locked: { status: 423, code: 'LOCK_ACQUISITION_TIMEOUT', message: 'The account could not be locked in time' },
  tooMany: { status: 429, code: 'TOO_MANY_REQUESTS', message: 'Too many requests' },
  internal: { status: 500, code: 'INTERNAL_ERROR', message: 'An internal error occurred' },
  overCapacity: {
    status: 503,
    code: 'OVER_CAPACITY',
    message: 'The service is temporarily over capacity',
    headers: { 'retry-after': '5' },
  },
} as const satisfies Readonly<Record<string, XRefusal>>

/** A refusal in X's form. */
export function xRefusal({ status, code, message, parameter, headers }: XRefusal): HttpReply {
  const error = { code, message, ...(parameter === undefined ? {} : { parameter }) }
  return jsonReply(status, { errors: [error], request: { params: {} } }, headers === undefined ? {} : { headers })
}
