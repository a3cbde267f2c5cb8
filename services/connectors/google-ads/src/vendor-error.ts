import { z } from 'zod'

/** One fault of a request as Google names it. */
export interface Violation {
  /** A path such as `audience_members[0].user_data`. */
  readonly field: string
  readonly reason: string
}

/** What Google says of a request that it did not take. All parts are optional: proxies and old parts of the service answer otherwise. */
export interface VendorError {
  readonly reason: string | undefined
  /** The bucket that is empty, e.g. `IngestionMutateRequestsPerDayPerProject`. */
  readonly quotaLimit: string | undefined
  readonly requestId: string | undefined
  readonly retryAfterSeconds: number | undefined
  readonly violations: readonly Violation[]
}

const envelope = z.object({ error: z.object({ details: z.array(z.unknown()).catch([]) }) })
const errorInfo = z.object({
  '@type': z.string().endsWith('google.rpc.ErrorInfo'),
  reason: z.string().optional().catch(undefined),
  metadata: z.record(z.string(), z.unknown()).catch({}),
})
const badRequest = z.object({
  '@type': z.string().endsWith('google.rpc.BadRequest'),
  fieldViolations: z
    .array(z.object({ field: z.string().catch(''), reason: z.string().catch('') }).catch({ field: '', reason: '' }))
    .catch([]),
})
const retryInfo = z.object({ '@type': z.string().endsWith('google.rpc.RetryInfo'), retryDelay: z.string().regex(/^\d{1,6}(?:\.\d+)?s$/) })

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** The body of an answer as JSON, or undefined: a proxy answers in HTML, or not at all. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** The error in a body (https://developers.google.com/data-manager/api/devguides/concepts/understand-errors); undefined where it holds none. */
export function vendorErrorOf(json: unknown): VendorError | undefined {
  const details = envelope.safeParse(json).data?.error.details
  if (details === undefined) return undefined
  const info = details.flatMap((detail) => errorInfo.safeParse(detail).data ?? [])[0]
  const delay = details.flatMap((detail) => retryInfo.safeParse(detail).data ?? [])[0]
  return {
    reason: info?.reason,
    quotaLimit: text(info?.metadata.quota_limit),
    requestId: text(info?.metadata.requestId),
    retryAfterSeconds: delay === undefined ? undefined : Number.parseFloat(delay.retryDelay),
    violations: details.flatMap((detail) => badRequest.safeParse(detail).data?.fieldViolations ?? []),
  }
}
