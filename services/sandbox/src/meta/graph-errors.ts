import { randomUUID } from 'node:crypto'
import type { HttpReply } from '../frame/http-play.ts'
import { jsonReply } from '../frame/json.ts'

/** A refusal in the Graph API's words. */
export interface GraphError {
  readonly code: number
  readonly message: string
  /** The HTTP status, where the vendor does not just answer 200. */
  readonly status: number
  readonly subcode?: number
  readonly type?: string
  readonly transient?: boolean
}

/** Whether errors come with a status of their own, with 200, or in turn: the vendor documents both. */
export type ErrorStatus = 'proper' | 'ok' | 'alternate'

/** A bad parameter; with a subcode where the vendor has one. */
export function badParameter(message: string, subcode?: number): GraphError {
  return { code: 100, message: `(#100) ${message}`, status: 400, ...(subcode === undefined ? {} : { subcode }) }
}

/** The errors that do not depend on the request. */
export const graphErrors = {
  unknown: { code: 1, message: 'An unknown error occurred', status: 500, transient: true },
  transient: { code: 2, message: 'Service temporarily unavailable', status: 503, transient: true },
  appLimited: { code: 4, message: '(#4) Application request limit reached', status: 403, transient: true },
  permission: { code: 10, message: '(#10) Application does not have permission for this action', status: 403 },
  termsNotAccepted: { code: 200, subcode: 1_870_090, message: '(#200) Custom Audience Terms Not Accepted', status: 403 },
  blocked: { code: 368, message: 'The action attempted has been deemed abusive or is otherwise disallowed', status: 400 },
  notThere: badParameter('Unsupported request. Object does not exist, or cannot be loaded due to missing permissions', 33),
  flagged: badParameter('The audience cannot be changed while it is under review', 1_713_230),
  tooManyRows: { code: 105, message: '(#105) The number of rows is over the limit of 10000', status: 400 },
  updateFailed: { code: 2650, message: '(#2650) Failed to update the custom audience', status: 400 },
  replaceRunning: { code: 2650, subcode: 1_870_145, message: '(#2650) An audience is being replaced already', status: 400 },
  oldVersion: { code: 2635, message: '(#2635) You are calling a version of the API that is not available', status: 400 },
  audienceLimited: { code: 80_003, message: '(#80003) There have been too many calls to this ad-account', status: 400, transient: true },
  tokenMissing: { code: 104, message: 'An access token is required to request this resource.', status: 400 },
  proofMissing: badParameter('API calls from the server require an appsecret_proof argument'),
  proofWrong: badParameter('Invalid appsecret_proof provided in the API argument'),
} as const satisfies Readonly<Record<string, GraphError>>

const TOKEN_SUBCODES = [463, 460, 467] as const

/** Turns errors into answers. */
export interface GraphRefusals {
  refuse(error: GraphError): HttpReply
  /** A token that is not or no longer good; the reasons that the vendor gives take turns. */
  badToken(): HttpReply
}

/** Refusals whose HTTP status is as told. */
export function createRefusals(errorStatus: () => ErrorStatus): GraphRefusals {
  let told = 0
  const refuse = ({ code, message, status, subcode, type = 'OAuthException', transient = false }: GraphError): HttpReply => {
    told += 1
    const asOk = errorStatus() === 'ok' || (errorStatus() === 'alternate' && told % 2 === 0)
    const error = {
      message,
      type,
      code,
      ...(subcode === undefined ? {} : { error_subcode: subcode }),
      is_transient: transient,
      fbtrace_id: `A${randomUUID().replaceAll('-', '').slice(0, 22)}`,
    }
    return jsonReply(asOk ? 200 : status, { error })
  }
  return {
    refuse,
    badToken: () => {
      const subcode = TOKEN_SUBCODES[told % TOKEN_SUBCODES.length] ?? 463
      return refuse({ code: 190, subcode, message: 'Error validating access token', status: 401 })
    },
  }
}
