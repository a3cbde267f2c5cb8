import type { HttpAnswer } from '@heed/connector-kit'
import type { Outcome, ReasonCode } from '@heed/domain'
import { z } from 'zod'

/** The body of an answer as JSON, or undefined: a proxy answers in HTML, or not at all. */
function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

const submitted = z.object({ deletionRequestTime: z.iso.datetime({ offset: true }) })

const detail = z.looseObject({
  reason: z.string().optional().catch(undefined),
  metadata: z
    .object({ quota_limit: z.string().optional().catch(undefined) })
    .optional()
    .catch(undefined),
  retryDelay: z
    .string()
    .regex(/^\d{1,6}(?:\.\d+)?s$/)
    .optional()
    .catch(undefined),
})
const refused = z.object({
  error: z.object({
    message: z.string().catch(''),
    details: z.array(detail).catch([]),
    /** The older style of the same. */
    errors: z.array(z.object({ reason: z.string().catch('') })).catch([]),
  }),
})

/** The bucket that fills again at midnight of a place that the vendor does not name. */
const dailyQuotaSeconds = 6 * 60 * 60

const deferred = (reason: ReasonCode, retryAfterSeconds?: number): Outcome => ({
  kind: 'deferred',
  reason,
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
})

/** What an answer means. Acceptance is all that Analytics ever says: the time from before which everything will be deleted is its receipt. */
export function outcomeOf(answer: HttpAnswer): Outcome {
  const json = jsonOf(answer.body)
  if (answer.status === 200) {
    const time = submitted.safeParse(json).data?.deletionRequestTime
    if (time !== undefined) return { kind: 'accepted', final: true, receipt: time }
    // an alpha may change without notice: to go on as if nothing were would spend the day's deletions on it
    return json === undefined ? deferred('unavailable.unreadable-answer') : deferred('configuration.unexpected-answer')
  }
  const error = refused.safeParse(json).data?.error
  switch (answer.status) {
    case 400:
      return error === undefined ? deferred('configuration.unexpected-answer') : { kind: 'rejected', reason: 'item.invalid-argument' }
    case 401:
      return deferred('auth.unauthenticated')
    case 403:
      if (reasonsOf(error).some((reason) => quotaReasons.has(reason))) return spent(error)
      return deferred(error === undefined ? 'auth.forbidden' : 'auth.permission-denied')
    case 404:
      return deferred('configuration.property-not-found')
    case 408:
      return deferred('unavailable.timeout')
    case 429:
      return spent(error)
    default:
      return deferred(answer.status >= 500 ? 'unavailable.server-error' : 'configuration.unexpected-answer')
  }
}

type VendorError = z.output<typeof refused>['error']

// what older parts of the service answer with 403
const quotaReasons: ReadonlySet<string> = new Set([
  'rateLimitExceeded',
  'userRateLimitExceeded',
  'quotaExceeded',
  'dailyLimitExceeded',
  'RATE_LIMIT_EXCEEDED',
])

function reasonsOf(error: VendorError | undefined): string[] {
  return [...(error?.errors ?? []), ...(error?.details ?? [])].flatMap(({ reason }) => reason ?? [])
}

function spent(error: VendorError | undefined): Outcome {
  const words = [error?.message ?? '', ...reasonsOf(error), ...(error?.details ?? []).map(({ metadata }) => metadata?.quota_limit ?? '')]
  if (words.some((word) => /per[ _]?day|daily/i.test(word))) return deferred('unavailable.daily-quota-spent', dailyQuotaSeconds)
  const delay = (error?.details ?? []).flatMap(({ retryDelay }) => retryDelay ?? [])[0]
  return deferred('unavailable.rate-limited', delay === undefined ? undefined : Number.parseFloat(delay))
}
