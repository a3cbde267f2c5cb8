import { randomUUID } from 'node:crypto'
import type { HttpReply } from '../frame/http-play.ts'

/** One field that the vendor did not like, named as its documentation names it. */
export interface FieldError {
  readonly field: string
  readonly message: string
}

/** A refusal in the vendor's words. `title` is what a client should decide on, together with the status. */
export interface Problem {
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly errors?: readonly FieldError[]
}

/** Whether error bodies carry `type`: the vendor documents it and often leaves it out. */
export type TypeMember = 'always' | 'never' | 'alternate'

const DOCUMENTED_TYPE = 'https://mailchimp.com/developer/marketing/docs/errors/'

/** The bad request that names fields. */
export function invalidResource(errors: readonly FieldError[]): Problem {
  return {
    status: 400,
    title: 'Invalid Resource',
    detail: "The resource submitted could not be validated. For field-specific details, see the 'errors' array.",
    errors,
  }
}

/** The problems that do not depend on the request. */
export const problems = {
  apiKeyMissing: { status: 401, title: 'API Key Missing', detail: 'Your request did not include an API key.' },
  apiKeyInvalid: {
    status: 401,
    title: 'API Key Invalid',
    detail: 'Your API key may be invalid, or it belongs to another data center than the one asked.',
  },
  userDisabled: { status: 403, title: 'User Disabled', detail: 'This account has been deactivated.' },
  forbidden: { status: 403, title: 'Forbidden', detail: 'You are not permitted to access this resource.' },
  notFound: { status: 404, title: 'Resource Not Found', detail: 'The requested resource could not be found.' },
  methodNotAllowed: {
    status: 405,
    title: 'Method Not Allowed',
    detail: 'The requested method and resource are not compatible. See the Allow header for the methods of this resource.',
  },
  jsonParse: { status: 400, title: 'JSON Parse Exception', detail: 'We encountered an unspecified JSON parsing error.' },
  tooManyConnections: {
    status: 429,
    title: 'Too Many Requests',
    detail: 'You have exceeded the limit of 10 simultaneous connections.',
  },
  tooManyRequests: { status: 429, title: 'Too Many Requests', detail: 'You have made too many requests. Please slow down.' },
  tooManyBatches: { status: 429, title: 'Too Many Requests', detail: 'You have more than 500 pending batches.' },
  internal: { status: 500, title: 'Internal Server Error', detail: 'An unexpected internal error has occurred.' },
  notRemovable: { status: 405, title: 'Method Not Allowed', detail: 'This list member cannot be removed.' },
  tooLarge: { status: 413, title: 'Request Entity Too Large', detail: 'The request body is too large.' },
} as const satisfies Record<string, Problem>

// The names of the vendor's error glossary that `X-Trigger-Error` takes.
const triggered: Readonly<Record<string, Problem>> = {
  BadRequest: { status: 400, title: 'Bad Request', detail: 'Your request could not be processed.' },
  InvalidAction: { status: 400, title: 'Invalid Action', detail: 'The action requested was not valid for this resource.' },
  InvalidResource: invalidResource([]),
  JSONParseError: problems.jsonParse,
  RequestedFieldsInvalid: { status: 400, title: 'Requested Fields Invalid', detail: 'The fields requested could not be understood.' },
  APIKeyMissing: problems.apiKeyMissing,
  APIKeyInvalid: problems.apiKeyInvalid,
  Forbidden: problems.forbidden,
  UserDisabled: problems.userDisabled,
  WrongDatacenter: { status: 403, title: 'Wrong Datacenter', detail: 'The API key belongs to another data center.' },
  ResourceNotFound: problems.notFound,
  MethodNotAllowed: problems.methodNotAllowed,
  ResourceNestingTooDeep: { status: 414, title: 'Resource Nesting Too Deep', detail: 'The sub-resource requested is nested too deeply.' },
  InvalidMethodOverride: { status: 405, title: 'Invalid Method Override', detail: 'The method override is not valid.' },
  TooManyRequests: problems.tooManyRequests,
  InternalServerError: problems.internal,
  ComplianceRelated: { status: 599, title: 'Compliance Related', detail: 'This method has been disabled.' },
}

/** The problem that `X-Trigger-Error: <name>` asks for; `undefined` for a name that the vendor does not know. */
export function triggeredProblem(name: string): Problem | undefined {
  return Object.hasOwn(triggered, name) ? triggered[name] : undefined
}

/** Answers problems as `application/problem+json`, with `type` as the mode says (alternating: every other one). */
export function problemReplies(mode: () => TypeMember): (problem: Problem) => HttpReply {
  let typed = false
  return ({ status, title, detail, errors }) => {
    typed = mode() === 'always' || (mode() === 'alternate' && !typed)
    const body = {
      ...(typed ? { type: DOCUMENTED_TYPE } : {}),
      title,
      status,
      detail,
      instance: randomUUID(),
      ...(errors === undefined ? {} : { errors }),
    }
    return { status, headers: { 'content-type': 'application/problem+json; charset=utf-8' }, body: JSON.stringify(body) }
  }
}
