import type { HttpAnswer } from '@heed/connector-kit'
import type { Outcome, ReasonCode } from '@heed/domain'
import { z } from 'zod'

/** One error of the vendor. */
export interface VendorError {
  /** What to go by; names and texts are for people. */
  readonly code: number
  /** The item that it is about, by its place in the request; absent for an error of the whole request. */
  readonly index?: number
}

/** What an answer reports. */
export interface Report {
  readonly errors: readonly VendorError[]
  /** Whether it has the list of refused items: only then are the others taken, and all where it is empty or null. */
  readonly speaksOfItems: boolean
}

const listed = z.array(z.unknown()).nullable()
const reportShape = z.object({
  PartialErrors: listed.optional(),
  // of an AdApiFaultDetail, and of an ApiFaultDetail
  Errors: listed.optional(),
  OperationErrors: listed.optional(),
  BatchErrors: listed.optional(),
})
const errorShape = z.object({ Code: z.number().int().catch(-1), Index: z.number().int().nonnegative().nullish() })

/** What an answer reports, of whatever shape it is; undefined where it is none of the vendor's. */
export function reportOf(body: Buffer): Report | undefined {
  const report = reportShape.safeParse(jsonOf(body)).data
  if (report === undefined) return undefined
  const { PartialErrors: partial, Errors, OperationErrors, BatchErrors } = report
  const errors = [partial, Errors, OperationErrors, BatchErrors]
    .flatMap((list) => list ?? [])
    .flatMap((entry): VendorError[] => {
      // an entry may be null: no error; one that cannot be read is an error nevertheless
      if (entry === null) return []
      const { Code: code, Index: index } = errorShape.safeParse(entry).data ?? { Code: -1 }
      return [{ code, ...(index === null || index === undefined ? {} : { index }) }]
    })
  return { errors, speaksOfItems: partial !== undefined }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

const trackingShape = z.object({ TrackingId: z.string() })

/** The vendor's name of an exchange, from the header or the body. */
export function trackingIdOf(answer: HttpAnswer): string | undefined {
  const named = answer.headers.trackingid ?? trackingShape.safeParse(jsonOf(answer.body)).data?.TrackingId
  return named !== undefined && /^[A-Za-z0-9._:-]{1,100}$/.test(named) ? named : undefined
}

const deferred = (reason: ReasonCode, retryAfterSeconds?: number): Outcome => ({
  kind: 'deferred',
  reason,
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
})

/** The errors that say that the access token is no good: a new one is worth one more try. */
export const isTokenError = (code: number): boolean => code === 105 || code === 109

/**
 * What an error means whomever it is about; undefined for one that is about an item. https://learn.microsoft.com/en-us/advertising/guides/operation-error-codes
 */
function recipientFailure(code: number): Outcome | undefined {
  switch (code) {
    case 0:
      return deferred('unavailable.server-error')
    case 100:
    case 116:
    case 8001:
    case 8002:
      return deferred('configuration.request-refused')
    case 105:
    case 109:
      return deferred('auth.token-refused')
    case 106:
      return deferred('auth.no-right-to-account')
    case 120:
      return deferred('auth.login-refused')
    case 123:
      return deferred('auth.wrong-identity')
    case 117:
      return deferred('unavailable.rate-limited', 60)
    case 8000:
      return deferred('configuration.list-missing')
    case 8003:
      return deferred('configuration.terms-not-accepted')
    default:
      return undefined
  }
}

function itemReason(code: number): string {
  switch (code) {
    case 8004:
      return 'email-not-hashed'
    case 8005:
      return 'id-too-long'
    case 8006:
      return 'identifier-missing'
    default:
      return code >= 0 ? `refused-${code}` : 'refused'
  }
}

/** What an error means for the item that it names. */
export function itemFailure(code: number): Outcome {
  return recipientFailure(code) ?? { kind: 'rejected', reason: `item.${itemReason(code)}` }
}

/** What an answer means for all whom its request covers: by its errors that are about no item, the first that is known before others, or else by its status. */
export function requestFailure(status: number, errors: readonly VendorError[]): Outcome {
  const [known] = errors.flatMap(({ code }) => recipientFailure(code) ?? [])
  if (known !== undefined) return known
  const [error] = errors
  if (status === 429) return deferred('unavailable.rate-limited')
  if (status >= 500) return deferred('unavailable.server-error')
  // the fault of an item that is not named: halves of the request will tell
  if (error !== undefined) return deferred(`batch.${itemReason(error.code)}`)
  switch (status) {
    case 400:
      return deferred('batch.refused')
    case 401:
      return deferred('auth.token-refused')
    case 403:
      return deferred('auth.forbidden')
    case 408:
      return deferred('unavailable.timeout')
    case 413:
      return deferred('batch.too-long')
    default:
      return deferred(status >= 200 && status < 300 ? 'unavailable.unreadable-answer' : 'configuration.unexpected-answer')
  }
}
