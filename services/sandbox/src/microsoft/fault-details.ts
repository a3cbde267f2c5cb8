import { randomUUID } from 'node:crypto'
import type { HttpReply } from '../frame/http-play.ts'
import { jsonReply } from '../frame/json.ts'

/** A refusal of a whole request. The number is what counts. */
export interface AdsError {
  readonly code: number
  readonly errorCode: string
  /** The HTTP status that one would expect, and the one that comes as well. */
  readonly status: readonly [expected: number, odd: number]
  /** Which of the two shapes it has. */
  readonly shape: 'AdApiFaultDetail' | 'ApiFaultDetail'
}

/** Whether the HTTP status fits the code, or only every other time: the vendor says that it is not reliable. */
export type StatusHabit = 'expected' | 'alternate'

const ad = (code: number, errorCode: string, expected: number, odd = 500): AdsError => ({
  code,
  errorCode,
  status: [expected, odd],
  shape: 'AdApiFaultDetail',
})
const api = (code: number, errorCode: string): AdsError => ({ code, errorCode, status: [400, 500], shape: 'ApiFaultDetail' })

/** The errors that are played. */
export const adsErrors = {
  internal: ad(0, 'InternalError', 500, 400),
  badRequest: ad(100, 'NullRequest', 400),
  invalidCredentials: ad(105, 'InvalidCredentials', 401, 400),
  noAccess: ad(106, 'UserIsNotAuthorized', 403, 400),
  expiredToken: ad(109, 'AuthenticationTokenExpired', 401, 500),
  missingHeader: ad(116, 'MissingRequiredHeader', 400),
  tooManyCalls: ad(117, 'CallRateExceeded', 429, 400),
  loginRefused: ad(120, 'LoginRefused', 403, 400),
  wrongIdentity: ad(123, 'WrongIdentity', 403, 400),
  unknownList: api(8000, 'InvalidCustomerListId'),
  unknownAction: api(8001, 'InvalidCustomerListActionType'),
  unknownSubType: api(8002, 'CustomerListItemSubTypeNotSupported'),
  termsNotAccepted: api(8003, 'CustomerListTermsAndConditionsNotAccepted'),
} as const satisfies Readonly<Record<string, AdsError>>

/** Turns errors into answers. */
export function createFaults(habit: () => StatusHabit): (error: AdsError, message?: string) => HttpReply {
  let told = 0
  return ({ code, errorCode, status, shape }, message = errorCode) => {
    told += 1
    const trackingId = randomUUID()
    const [expected, odd] = status
    const body =
      shape === 'AdApiFaultDetail'
        ? { Errors: [{ Code: code, ErrorCode: errorCode, Message: message, Detail: null }], TrackingId: trackingId, Type: shape }
        : {
            TrackingId: trackingId,
            Type: shape,
            OperationErrors: [{ Code: code, ErrorCode: errorCode, Message: message, Details: null }],
            BatchErrors: [],
          }
    const odds = habit() === 'alternate' && told % 2 === 0
    return jsonReply(odds ? odd : expected, body, { headers: { trackingid: trackingId } })
  }
}

/** An answer with the id by which Microsoft finds a request again. */
export function tracked(body: unknown, items = 0, remark?: string): HttpReply {
  return jsonReply(200, body, { items, headers: { trackingid: randomUUID() }, ...(remark === undefined ? {} : { remark }) })
}

/** One item of a list that was not taken; without an index, the whole request was not. */
export function partialError(code: number, errorCode: string, index: number | null, type = 'BatchError'): object {
  return {
    Code: code,
    ErrorCode: errorCode,
    Message: errorCode,
    Details: null,
    FieldPath: null,
    ForwardCompatibilityMap: [],
    Index: index,
    Type: type,
  }
}
