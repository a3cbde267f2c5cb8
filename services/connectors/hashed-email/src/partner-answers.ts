import type { HttpAnswer, Interpretation, PlannedRequest } from '@heed/connector-kit'
import type { Outcome, ReasonCode } from '@heed/domain'

/** The body of an answer as JSON, or undefined: a proxy answers in HTML, or not at all. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** The same outcome for all that a request covers. */
export function forAll(request: PlannedRequest, outcome: Outcome): Interpretation {
  return { outcomes: request.covers.map((deliveryId) => ({ deliveryId, outcome })) }
}

export function deferred(reason: ReasonCode, retryAfterSeconds?: number): Outcome {
  return { kind: 'deferred', reason, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
}

/** The seconds of a `Retry-After` that is a number. */
export function retryAfterOf({ headers }: HttpAnswer): number | undefined {
  const seconds = Number(headers['retry-after'])
  return headers['retry-after'] !== undefined && Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 86_400) : undefined
}

/** Trouble of the partner or of our account there, which says nothing about anybody. */
export interface AccountTrouble {
  readonly reason: `${'unavailable' | 'auth' | 'configuration'}.${string}`
  readonly retryAfterSeconds?: number
}

/** What a status says of the partner as a whole; undefined for one that is about the request. */
export function troubleOf(answer: HttpAnswer): AccountTrouble | undefined {
  const { status } = answer
  const wait = retryAfterOf(answer)
  const after = wait === undefined ? {} : { retryAfterSeconds: wait }
  if (status === 401) return { reason: 'auth.unauthenticated' }
  if (status === 403) return { reason: 'auth.forbidden' }
  if (status === 429) return { reason: 'unavailable.rate-limited', ...after }
  if (status === 408) return { reason: 'unavailable.timeout', ...after }
  if (status >= 500) return { reason: 'unavailable.server-error', ...after }
  return undefined
}
