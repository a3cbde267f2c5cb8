import type { HttpAnswer, Interpretation, JobReport } from '@heed/connector-kit'
import type { Outcome } from '@heed/domain'
import { z } from 'zod'
import { inARowHeader } from './endpoint.ts'
import type { WebhookSettings } from './settings.ts'

/** What an answer says: of the one delivery that it is about, or that a call of the partner will say the rest. */
export type Meaning = { readonly outcome: Outcome; readonly halt?: Interpretation['halt'] } | { readonly awaited: true }

/** So many refusals in a row, of whatever message, are no single message's fault any more. */
const refusalsOfTheEndpoint = 3
const longestWaitSeconds = 86_400

/** What a partner may say about a message in its answer. */
const statusReport = z.object({
  request_id: z.string(),
  request_status: z.enum(['pending', 'in_progress', 'completed', 'cancelled', 'failed']),
})

/** What a partner's last word about a message comes to. */
export const lastWords: Readonly<Record<JobReport['status'], Outcome>> = {
  completed: { kind: 'confirmed' },
  cancelled: { kind: 'rejected', reason: 'item.cancelled-by-partner' },
  failed: { kind: 'rejected', reason: 'item.failed-at-partner' },
}

const deferred = (reason: Extract<Outcome, { kind: 'deferred' }>['reason'], headers: HttpAnswer['headers'] = {}): Meaning => {
  const text = headers['retry-after'] ?? ''
  // a time was made a number of seconds where a clock is
  const retryAfterSeconds = /^\d{1,9}$/.test(text) ? Math.min(longestWaitSeconds, Number(text)) : undefined
  return { outcome: { kind: 'deferred', reason, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) } }
}

/**
 * What an answer to the message `requestId` means. The status decides; a body is looked at only where the contract with the partner gives its words a meaning.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#http-status-codes
 */
export function meaningOf(
  { status, headers, body }: HttpAnswer,
  settings: Pick<WebhookSettings, 'acknowledgement'>,
  requestId: string,
): Meaning {
  if (status >= 200 && status < 300) return taken(status, body, settings.acknowledgement, requestId)
  // the receiver wants this message no more; its endpoint works
  if (headers['webhook-delivery'] === 'abort-message') return { outcome: { kind: 'rejected', reason: 'item.refused-for-good' } }
  if (status >= 300 && status < 400) return deferred('configuration.redirected')
  switch (status) {
    case 401:
    case 403:
      return deferred('auth.refused')
    case 404:
      return deferred('configuration.endpoint-missing')
    case 405:
      return deferred('configuration.method-refused')
    case 415:
      return deferred('configuration.type-refused')
    case 410:
      return { ...deferred('configuration.endpoint-gone'), halt: 'configuration.endpoint-gone' } as Meaning
    case 408:
    case 425:
      return deferred('unavailable.not-now', headers)
    case 429:
      return deferred('unavailable.rate-limited', headers)
    default:
      break
  }
  if (status >= 500) return deferred('unavailable.server-error', headers)
  if (status < 200) return deferred('unavailable.unexpected-answer')
  // 400, 413, 422 and whatever else: this message, or all of them
  if (Number(headers[inARowHeader] ?? '1') >= refusalsOfTheEndpoint) return deferred('configuration.messages-refused')
  return deferred(status === 413 ? 'item.too-large' : 'item.refused')
}

function taken(status: number, body: Buffer, acknowledgement: WebhookSettings['acknowledgement'], requestId: string): Meaning {
  switch (acknowledgement) {
    case 'callback':
      return { awaited: true }
    case 'none':
      return { outcome: { kind: 'accepted', final: true } }
    case 'in-response': {
      const report = statusReport.safeParse(jsonOf(body)).data
      const said = report?.request_id === requestId ? report.request_status : undefined
      const takenOnly: Outcome = { kind: 'accepted', final: true }
      if (said === 'pending' || said === 'in_progress') return { outcome: takenOnly }
      if (said !== undefined) return { outcome: lastWords[said] }
      return { outcome: status === 202 ? takenOnly : lastWords.completed }
    }
    default:
      return acknowledgement satisfies never
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
