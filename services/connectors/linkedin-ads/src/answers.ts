import type { HttpAnswer } from '@heed/connector-kit'
import type { Outcome, ReasonCode } from '@heed/domain'
import { z } from 'zod'

const batchAnswer = z.object({ elements: z.array(z.unknown()) })
const element = z.object({ status: z.number() })

/** The status of each element, in the order of the request; undefined where the answer has no list. An element without one is undefined itself. */
export function statusesOf(body: Buffer): (number | undefined)[] | undefined {
  try {
    const elements = batchAnswer.safeParse(JSON.parse(body.toString('utf8'))).data?.elements
    return elements?.map((one) => element.safeParse(one).data?.status)
  } catch {
    return undefined
  }
}

/** The vendor's names of an exchange, for its support. */
export function traceOf(headers: HttpAnswer['headers']): string | undefined {
  const names = ['x-li-uuid', 'x-li-fabric', 'x-li-request-id'].flatMap((header) => headers[header] ?? [])
  const trace = names.map((name) => name.replaceAll(/[^A-Za-z0-9._-]/g, '_')).join(':')
  return trace === '' ? undefined : trace.slice(0, 100)
}

const deferred = (reason: ReasonCode): Outcome => ({ kind: 'deferred', reason })

/** What a status means for one element of an answered batch. `receipt` names the exchange. */
export function elementOutcome(status: number | undefined, headers: HttpAnswer['headers'], receipt: string | undefined): Outcome {
  if (status === undefined) return deferred('unavailable.unreadable-answer')
  if (status >= 200 && status < 300) return { kind: 'accepted', final: true, ...(receipt === undefined ? {} : { receipt }) }
  if (status === 400 || status === 422) return { kind: 'rejected', reason: 'item.invalid' }
  return failureOf(status, headers)
}

/**
 * What a status means for all whom a request covers. https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/error-handling
 * 404 is a segment that is gone, or one that was made less than two minutes ago: the account is asked again a minute later either way.
 */
export function failureOf(status: number, headers: HttpAnswer['headers']): Outcome {
  switch (status) {
    case 400:
    case 422:
      return deferred('batch.refused')
    case 401:
      return deferred('auth.token-refused')
    case 403:
      return deferred('auth.forbidden')
    case 404:
      return deferred('configuration.segment-missing')
    case 405:
    case 411:
    case 415:
      return deferred('configuration.request-refused')
    case 408:
      return deferred('unavailable.timeout')
    case 409:
    case 423:
      return deferred('unavailable.locked')
    case 413:
      return deferred('batch.too-long')
    case 426:
      return deferred('configuration.version-ended')
    case 429: {
      const wait = headers['retry-after']
      return {
        ...deferred('unavailable.rate-limited'),
        ...(wait !== undefined && /^\d{1,6}$/.test(wait) ? { retryAfterSeconds: Number(wait) } : {}),
      }
    }
    default:
      if (status >= 500) return deferred('unavailable.server-error')
      return deferred(status === 200 ? 'unavailable.unreadable-answer' : 'configuration.unexpected-answer')
  }
}
