import {
  checkWebhook,
  type EventData,
  encodeEvent,
  parseCheckingKeys,
  type Topics,
  type WebhookKey,
  WebhookKeysError,
} from '@heed/contracts'
import { parseRecipientId, type RecipientId } from '@heed/domain'
import { type Clock, systemClock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import type { OutgoingRecord } from '@heed/platform/kafka'
import type { Logger } from '@heed/platform/log'
import express, { type Request, type Response, type Router } from 'express'
import { rateLimit } from 'express-rate-limit'
import { z } from 'zod'

/** What recipients' own calls need. */
export interface CallbackOptions {
  /** The keys by which a recipient's calls are known, as text; undefined where it makes none. Read at every call, so that a rotated key counts at once. */
  readonly keysOf: (recipientId: RecipientId) => Promise<string | undefined>
  /** When publish resolves, the records are with the broker. */
  readonly publish: (records: readonly OutgoingRecord[]) => Promise<void>
  readonly topics: Topics
  /** How often one address may make calls that are not known, in a minute. */
  readonly unknownPerMinute: number
  readonly log: Logger
  /** What a signature's time is compared with; the machine's clock unless told. */
  readonly clock?: Clock
}

const longestBody = 20_000
const source = 'services/edge'

const callShape = z.object({
  request_id: z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/),
  request_status: z.enum(['pending', 'in_progress', 'completed', 'cancelled', 'failed']),
})

type LastWord = EventData<'heed.job.reported.v1'>['status']
const lastWords: Readonly<Partial<Record<z.output<typeof callShape>['request_status'], LastWord>>> = {
  completed: 'completed',
  cancelled: 'cancelled',
  failed: 'failed',
}

/**
 * `POST /{recipient}`: a recipient says by itself what became of work that it had taken, in a call signed by Standard Webhooks. A last word is with the broker before it
 * is answered by 200; one that came before changes nothing. Whatever is not signed as it should be is answered by 403 without a body, for whichever recipient.
 */
export function callbackRoutes({ keysOf, publish, topics, unknownPerMinute, log, clock = systemClock }: CallbackOptions): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  const empty = (response: Response, status: number, headers: Record<string, string> = {}) => {
    response.writeHead(status, { 'cache-control': 'no-store', 'content-length': 0, ...headers })
    response.end()
  }
  const tooMany = rateLimit({
    windowMs: 60_000,
    limit: unknownPerMinute,
    standardHeaders: false,
    legacyHeaders: false,
    handler: (_, response) => empty(response, 429, { 'retry-after': '60' }),
  })
  const refused = (request: Request, response: Response, why: string) => {
    log.warn({ route: '/v1/callbacks/:recipient', why }, 'callback.refused')
    return tooMany(request, response, () => empty(response, 403))
  }

  const keysFor = async (recipientId: RecipientId): Promise<readonly WebhookKey[] | undefined> => {
    const text = await keysOf(recipientId)
    return text === undefined ? undefined : parseCheckingKeys(text)
  }

  const take = async (request: Request, response: Response) => {
    const recipientId = parseRecipientId(String(request.params.recipient ?? ''))
    const body: Buffer = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    let keys: readonly WebhookKey[] | undefined
    try {
      keys = recipientId === undefined ? undefined : await keysFor(recipientId)
    } catch (thrown) {
      log.error({ recipientId, error: thrown instanceof WebhookKeysError ? thrown.message : asError(thrown) }, 'callback.keys-unusable')
    }
    if (recipientId === undefined || keys === undefined) return refused(request, response, 'recipient-without-keys')
    const checked = checkWebhook(request.headers, body, keys, clock.now())
    if (!checked.ok) return refused(request, response, checked.why)
    const call = callShape.safeParse(jsonOf(body)).data
    if (call === undefined) return empty(response, 400)
    const status = lastWords[call.request_status]
    // work that goes on is what we think already
    if (status === undefined) return empty(response, 200)
    const at = clock.now()
    const data = { recipientId, jobId: call.request_id, status, at }
    const envelope = { id: `${recipientId}/${checked.id}`.slice(0, 240), source, time: at }
    try {
      await publish([{ topic: topics.callbacks, ...encodeEvent('heed.job.reported.v1', data.jobId, data, envelope) }])
    } catch (thrown) {
      log.error({ recipientId, error: asError(thrown) }, 'callback.not-taken')
      return empty(response, 503, { 'retry-after': '30' })
    }
    log.info({ recipientId, status }, 'callback.taken')
    return empty(response, 200)
  }

  router.post('/:recipient', express.raw({ type: () => true, limit: longestBody }), (request, response, next) => {
    take(request, response).catch(next)
  })
  router.use((error: unknown, _request: Request, response: Response, next: express.NextFunction) => {
    if (response.headersSent) return next(error)
    const status = (error as { status?: number }).status
    if (status === 413) return empty(response, 413)
    if (status === 400) return empty(response, 400)
    return next(error)
  })
  return router
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
