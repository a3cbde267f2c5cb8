import type { HttpAnswer } from '@heed/connector-kit'
import type { Outcome, ReasonCode } from '@heed/domain'
import { z } from 'zod'

// the window of the vendor's limits is a minute, that of an account a quarter of an hour
const windowSeconds = 60
const longestWaitSeconds = 15 * 60

/** The body of an answer as JSON, or undefined: an edge server of the vendor answers in HTML, or not at all. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

const counts = z.object({ success_count: z.number(), total_count: z.number() })
// the Do Not Reach List answers with an array
const success = z.object({ data: z.union([counts, z.tuple([counts]).transform(([one]) => one)]) })

/** How many people the vendor says that it was told of and took; undefined where it does not say. */
export function countsOf(json: unknown): { readonly taken: number; readonly told: number } | undefined {
  const read = success.safeParse(json).data?.data
  return read === undefined ? undefined : { taken: read.success_count, told: read.total_count }
}

const requestErrors = z.object({ errors: z.array(z.object({ code: z.string(), parameter: z.string().nullish() })).min(1) })
const operationErrors = z.object({ operation_errors: z.array(z.unknown()) })
const itemError = z.object({ code: z.string() })

/** The operations that the vendor names as faulty, by their place in the request, each with the vendor's code; undefined where it names none. */
export function namedOperations(json: unknown): ReadonlyMap<number, string> | undefined {
  const entries = operationErrors.safeParse(json).data?.operation_errors ?? []
  const named = new Map<number, string>()
  for (const [index, entry] of entries.entries()) {
    // an operation without a fault has an empty entry, or none
    const faults: unknown[] = Array.isArray(entry) ? entry : typeof entry === 'object' && entry !== null ? [entry] : []
    const [first] = faults.flatMap((fault) => (isEmpty(fault) ? [] : [itemError.safeParse(fault).data?.code ?? 'INVALID']))
    if (first !== undefined) named.set(index, first)
  }
  return named.size === 0 ? undefined : named
}

const isEmpty = (fault: unknown): boolean => typeof fault !== 'object' || fault === null || Object.keys(fault).length === 0

/** A reason for one person, out of the vendor's code. */
export function itemReason(code: string): ReasonCode {
  const named = code.toLowerCase().replaceAll('_', '-')
  return `item.${/^[a-z0-9-]{1,48}$/.test(named) ? named : 'invalid'}`
}

const numberIn = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined

/**
 * How long until the limit that is spent is renewed. The vendor names the moment; what time it is, its own `Date` says, so that no clock of ours is needed (nor
 * trusted). Never longer than the longest window.
 */
export function secondsToReset(headers: HttpAnswer['headers']): number {
  const reset = numberIn(headers['x-account-rate-limit-reset']) ?? numberIn(headers['x-rate-limit-reset'])
  const date = Date.parse(headers.date ?? '')
  if (reset === undefined || Number.isNaN(date)) return windowSeconds
  return Math.min(longestWaitSeconds, Math.max(1, reset - Math.floor(date / 1000)))
}

/** The wait that the vendor asks for before a limit is hit: nothing is left of it. */
export function slowDownOf(headers: HttpAnswer['headers']): number | undefined {
  const spent = [headers['x-account-rate-limit-remaining'], headers['x-rate-limit-remaining']].some((left) => numberIn(left) === 0)
  return spent ? secondsToReset(headers) : undefined
}

const deferred = (reason: ReasonCode, retryAfterSeconds?: number): Outcome => ({
  kind: 'deferred',
  reason,
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
})

/** What an answer means for all whom its request covers, where it names nobody. The vendor's code decides; the status where there is none. */
export function failureOf(answer: HttpAnswer, json: unknown): Outcome {
  const [error] = requestErrors.safeParse(json).data?.errors ?? []
  const { status, headers } = answer
  switch (error?.code) {
    case 'UNAUTHORIZED_ACCESS':
      return deferred('auth.unauthorized')
    case 'UNAUTHORIZED_CLIENT_APPLICATION':
      return deferred('auth.app-not-allowed')
    case 'ACCOUNT_NOT_FOUND':
      return deferred('auth.account-not-found')
    case 'ACTION_NOT_ALLOWED':
      return deferred('auth.action-not-allowed')
    case 'NOT_FOUND':
    case 'TAILORED_AUDIENCE_NOT_FOUND':
      return deferred('configuration.audience-not-found')
    case 'ROUTE_NOT_FOUND':
      return deferred('configuration.route-not-found')
    case 'CANCELLED_REQUEST':
      return deferred('unavailable.cancelled')
    case 'LOCK_ACQUISITION_TIMEOUT':
      return deferred('unavailable.locked')
    case 'TOO_MANY_REQUESTS':
      return deferred('unavailable.rate-limited', secondsToReset(headers))
    case 'INTERNAL_ERROR':
    case 'SERVICE_UNAVAILABLE':
    case 'OVER_CAPACITY':
      return deferred('unavailable.server-error', numberIn(headers['retry-after']))
    default:
      return status === 400 && /^(?:account|custom_audience|do_not_reach_list)_id$/.test(error?.parameter ?? '')
        ? deferred('configuration.id-invalid')
        : byStatus(status, headers)
  }
}

function byStatus(status: number, headers: HttpAnswer['headers']): Outcome {
  switch (status) {
    case 400:
      return deferred('batch.refused')
    case 401:
      return deferred('auth.unauthorized')
    case 403:
      return deferred('auth.forbidden')
    case 404:
      return deferred('configuration.audience-not-found')
    case 408:
      return deferred('unavailable.cancelled')
    case 413:
      return deferred('batch.too-long')
    case 423:
      return deferred('unavailable.locked')
    case 429:
      return deferred('unavailable.rate-limited', secondsToReset(headers))
    default:
      if (status >= 500) return deferred('unavailable.server-error', numberIn(headers['retry-after']))
      return deferred(status === 200 ? 'unavailable.unreadable-answer' : 'configuration.unexpected-answer')
  }
}
