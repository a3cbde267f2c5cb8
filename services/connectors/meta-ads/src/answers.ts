import type { HttpAnswer } from '@heed/connector-kit'
import type { Outcome, ReasonCode } from '@heed/domain'
import { z } from 'zod'
import { type Usage, waitAfterRefusal } from './usage.ts'

/** The body of an answer as JSON, or undefined: an edge server of the vendor answers in HTML, or not at all. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

const code = z.coerce.number().int()
const failed = z.object({
  error: z.object({
    code: code.catch(-1),
    error_subcode: code.optional().catch(undefined),
    is_transient: z.boolean().catch(false),
    message: z.string().catch(''),
    error_user_title: z.string().catch(''),
    error_user_msg: z.string().catch(''),
    fbtrace_id: z.string().optional().catch(undefined),
  }),
})

/** An error of the Graph API. */
export type GraphError = z.output<typeof failed>['error']

/** The error in a body, whatever the status that it came with; undefined where it holds none. */
export function graphErrorOf(json: unknown): GraphError | undefined {
  const error = failed.safeParse(json).data?.error
  if (error !== undefined) return error
  // an error in another form than an object is one all the same
  const isError = typeof json === 'object' && json !== null && 'error' in json && Boolean(json.error)
  return isError ? failed.parse({ error: {} }).error : undefined
}

const deferred = (reason: ReasonCode, retryAfterSeconds?: number): Outcome => ({
  kind: 'deferred',
  reason,
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
})

const rateCodes: ReadonlySet<number> = new Set([4, 17, 32, 341, 613])
const isRate = (code: number): boolean => rateCodes.has(code) || (code >= 80_000 && code <= 80_014)

/** A block for a breach of rules ends by itself, after hours. */
const blockedSeconds = 4 * 60 * 60

/** What an error means for all whom its request covers: the vendor names nobody. */
export function outcomeOfError(error: GraphError, status: number, usage: Usage | undefined): Outcome {
  const { code, error_subcode: subcode } = error
  if (isRate(code)) return deferred('unavailable.rate-limited', waitAfterRefusal(usage))
  if (error.is_transient || code === 1 || code === 2) return deferred('unavailable.temporary')
  if (status >= 500) return deferred('unavailable.server-error')
  if (/too small/i.test(`${error.message} ${error.error_user_title} ${error.error_user_msg}`))
    return deferred('configuration.audience-too-small')
  switch (code) {
    case 368:
      return deferred('auth.temporarily-blocked', blockedSeconds)
    case 102:
    case 104:
    case 190:
      return deferred(subcode === 463 ? 'auth.token-expired' : 'auth.token-invalid')
    case 3:
    case 10:
      return deferred('auth.permission-denied')
    case 100:
      // the proof beside the token is missing or not its own: no row is to blame
      if (/appsecret_proof/i.test(error.message)) return deferred('auth.proof-refused')
      if (subcode === 33) return deferred('configuration.object-missing')
      if (subcode === 1713230) return deferred('configuration.audience-flagged')
      return deferred('batch.bad-parameter')
    case 105:
      return deferred('batch.too-many-parameters')
    case 2650:
      return subcode === 1870145 || subcode === 1870158
        ? deferred('unavailable.audience-busy')
        : deferred('configuration.audience-not-updated')
    case 2655:
      return deferred('configuration.terms-not-accepted')
    default:
      if (code >= 200 && code <= 299) return deferred(subcode === 1870090 ? 'configuration.terms-not-accepted' : 'auth.permission-denied')
      return deferred('configuration.unexpected-error')
  }
}

const counted = z.object({
  session_id: z
    .union([z.string().regex(/^\d{1,20}$/), z.number()])
    .optional()
    .catch(undefined),
  num_received: z.number().optional().catch(undefined),
  num_invalid_entries: z.number().catch(0),
})

/**
 * What an answer without an error means for all whom its request covers. Meta takes rows and says how many of them it could not read, roughly and without naming
 * them; where that is all of them, nothing was taken.
 */
export function outcomeOfAnswer(answer: HttpAnswer, json: unknown, rows: number): Outcome {
  const isTaken = answer.status >= 200 && answer.status < 300
  // a page in place of JSON comes from a server on the way, whatever its status
  if (json === undefined || json === null) return deferred(isTaken ? 'unavailable.unreadable-answer' : 'unavailable.server-error')
  if (!isTaken) return byStatus(answer.status)
  if (typeof json === 'object' && 'success' in json && json.success === false) return deferred('unavailable.not-done')
  if (typeof json !== 'object' && json !== true) return deferred('unavailable.unreadable-answer')
  const {
    session_id: session,
    num_received: received,
    num_invalid_entries: invalid,
  } = counted.safeParse(json).data ?? { num_invalid_entries: 0 }
  if (rows > 0 && invalid >= rows) return deferred('batch.all-entries-invalid')
  const receipt = [
    ...(session === undefined ? [] : [`session ${session}`]),
    ...(received === undefined ? [] : [`received ${received}`]),
    ...(invalid > 0 ? [`invalid about ${invalid}`] : []),
  ].join(', ')
  return { kind: 'accepted', final: true, ...(receipt === '' ? {} : { receipt }) }
}

function byStatus(status: number): Outcome {
  switch (status) {
    case 401:
      return deferred('auth.token-invalid')
    case 403:
      return deferred('auth.permission-denied')
    case 429:
      return deferred('unavailable.rate-limited', waitAfterRefusal(undefined))
    default:
      return deferred(status >= 500 || status === 408 ? 'unavailable.server-error' : 'configuration.unexpected-answer')
  }
}
