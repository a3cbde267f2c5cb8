import { randomUUID } from 'node:crypto'
import { type CheckedToken, checkUnsubscribeToken, type LinkKey, mintUnsubscribeToken } from '@heed/contracts'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import type { Logger } from '@heed/platform/log'
import express, { type Express, type NextFunction, type Request, type Response, type Router } from 'express'
import { rateLimit } from 'express-rate-limit'
import type { ClickMethod } from './click.ts'
import type { ClickIntake } from './click-intake.ts'
import { badRequestPage, contentSecurityPolicy, donePage, type LinkPage, notFoundPage, unavailablePage, unsubscribePage } from './page.ts'
import { maxBodyBytes, meaningOf } from './parse-body.ts'

/** What the routes need. */
export interface RouteOptions {
  /** Newest first; read at every request, so that a new list counts at once. */
  readonly keys: () => readonly LinkKey[]
  readonly intake: Pick<ClickIntake, 'accept'>
  /** The title of a purpose or topic, where it is known now. */
  readonly titleOf: (scope: string) => string | undefined
  /** Who sends the mails, for the pages; undefined shows none. */
  readonly sender: string | undefined
  /** How often one address may try links that are not ours, and use links whose key is known to others, in a minute. Links of a good key are never limited. */
  readonly limits: { readonly invalidPerMinute: number; readonly exposedPerMinute: number }
  /** How many proxies in front add to X-Forwarded-For. */
  readonly trustedProxies: number
  /** What is served below `/v1/callbacks`; nothing is there where absent. */
  readonly callbacks?: Router
  readonly clock: Clock
  readonly log: Logger
  /** One answered request, for metrics. `nonconforming` = a POST without a body. */
  readonly answered: (event: { method: string; status: number; use: ClickMethod | 'view' | 'none'; nonconforming: boolean }) => void
}

const route = '/v1/u/:token'
const allowed = 'GET, HEAD, POST, OPTIONS'
const everywhere = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex, nofollow',
  'x-content-type-options': 'nosniff',
  'content-security-policy': contentSecurityPolicy,
}

/** The headers of the answer to a mail program, ready to send. */
const bare = [...Object.entries(everywhere), ['content-length', '0']].flat()

/**
 * An application that answers `/v1/u/{token}` by RFC 8058: POST stops the mails that the token stands for, GET shows a page and writes nothing, nothing ever redirects, sets a cookie or asks for a login.
 * A link that is not ours gets one and the same 404 whatever is wrong with it. 200 is answered only after the click is durable.
 */
export function unsubscribeApp(options: RouteOptions): Express {
  const { keys, intake, titleOf, sender, limits, trustedProxies, clock, log, answered } = options
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('trust proxy', trustedProxies)
  app.set('query parser', false)
  // `/V1/U/…` and a slash at the end are other links, not ours
  app.set('case sensitive routing', true)
  app.set('strict routing', true)
  if (options.callbacks !== undefined) app.use('/v1/callbacks', options.callbacks)

  const html = (response: Response, status: number, text: string) => {
    response.writeHead(status, { ...everywhere, 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(text) })
    response.end(response.req.method === 'HEAD' ? undefined : text)
  }
  const limited = (limit: number, page: (request: Request) => string) =>
    rateLimit({
      windowMs: 60_000,
      limit,
      standardHeaders: false,
      legacyHeaders: false,
      handler: (request, response) => {
        response.setHeader('retry-after', '60')
        html(response, 429, page(request))
        answered({ method: request.method, status: 429, use: 'none', nonconforming: false })
      },
    })
  const invalidLimit = limited(limits.invalidPerMinute, notFoundPage)
  const exposedLimit = limited(limits.exposedPerMinute, (request) => unavailablePage(pathOf(request)))

  const notOurs = (request: Request, response: Response, next: NextFunction) =>
    invalidLimit(request, response, (error?: unknown) => {
      if (error !== undefined) return next(error)
      html(response, 404, notFoundPage())
      answered({ method: request.method, status: 404, use: 'none', nonconforming: false })
    })
  const withToken =
    (handle: (request: Request, response: Response, checked: CheckedToken) => void | Promise<void>) =>
    (request: Request, response: Response, next: NextFunction) => {
      const checked = checkUnsubscribeToken(String(request.params.token ?? ''), keys())
      if (checked === undefined) return notOurs(request, response, next)
      if (checked.key.use !== 'confirm-only' || request.method !== 'POST') return handle(request, response, checked)
      return exposedLimit(request, response, (error?: unknown) => {
        if (error === undefined) Promise.resolve(handle(request, response, checked)).catch(next)
        else next(error)
      })
    }

  const linkPage = (request: Request, { token, key }: CheckedToken): LinkPage => {
    const signer = keys()[0]
    const isTopic = token.scope !== 'all'
    // a link whose key is known to others must not give out a wider one
    const wider =
      isTopic && signer !== undefined && key.use !== 'confirm-only' ? mintUnsubscribeToken({ ...token, scope: 'all' }, signer) : undefined
    return {
      sender,
      about: isTopic ? { title: titleOf(token.scope) } : 'all',
      action: pathOf(request),
      allAction: wider === undefined ? undefined : `/v1/u/${wider}`,
    }
  }

  const show = withToken((request, response, checked) => {
    html(response, 200, unsubscribePage(linkPage(request, checked)))
    answered({ method: request.method, status: 200, use: 'view', nonconforming: false })
  })

  const act = withToken(async (request, response, checked) => {
    const { token, key, fingerprint } = checked
    const meaning = await meaningOf(await readBody(request), request.headers['content-type'])
    const done = (status: number, use: ClickMethod | 'none') => {
      answered({ method: 'POST', status, use, nonconforming: meaning === 'empty' })
      const exposedKey = key.use === 'confirm-only'
      // a click that went well is in the spool and then in the trail, with all of this: a line for each would cost as much as the rest of the answer
      if (status === 200 && !exposedKey && !log.debugEnabled) return
      const fields = { route, status, use, scope: token.scope, tokenFingerprint: fingerprint, keyId: key.id, exposedKey }
      if (exposedKey) log.warn(fields, 'link.used')
      else if (status === 200) log.debug(fields, 'link.used')
      else log.info(fields, 'link.used')
    }
    switch (meaning) {
      case 'too-large':
        html(response, 413, badRequestPage())
        return done(413, 'none')
      case 'other':
        html(response, 400, badRequestPage())
        return done(400, 'none')
      case 'one-click':
      case 'empty':
      case 'confirm': {
        const method: ClickMethod = meaning === 'confirm' ? 'preference-page' : 'one-click'
        try {
          await intake.accept({
            requestId: randomUUID(),
            linkRef: token.linkRef,
            scope: token.scope,
            method,
            tokenFingerprint: fingerprint,
            keyId: key.id,
            usedAt: clock.now(),
          })
        } catch (thrown) {
          log.error({ tokenFingerprint: fingerprint, error: asError(thrown) }, 'link.not-recorded')
          response.setHeader('retry-after', '30')
          html(response, 503, unavailablePage(pathOf(request)))
          return done(503, 'none')
        }
        if (meaning === 'confirm') html(response, 200, donePage(linkPage(request, checked)))
        else {
          response.writeHead(200, bare)
          response.end()
        }
        return done(200, method)
      }
      default:
        return meaning satisfies never
    }
  })

  app.post(route, act)
  app.get(route, show)
  app.head(route, show)
  app.options(route, (_request, response) => {
    response.writeHead(204, { ...everywhere, allow: allowed })
    response.end()
  })
  app.all(route, (request, response) => {
    response.setHeader('allow', allowed)
    html(response, 405, badRequestPage())
    answered({ method: request.method, status: 405, use: 'none', nonconforming: false })
  })
  app.get('/robots.txt', (_request, response) => {
    response.writeHead(200, { ...everywhere, 'content-type': 'text/plain; charset=utf-8' })
    response.end('User-agent: *\nDisallow: /\n')
  })
  // every other path looks exactly like a link that is not ours
  app.use(notOurs)
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error)
    // express refuses a path that is not valid percent-encoding: a link that was cut, like any other
    const malformed = error instanceof URIError || (error as { status?: number }).status === 400
    if (!malformed) log.error({ error: asError(error) }, 'request.failed')
    html(response, malformed ? 404 : 500, malformed ? notFoundPage() : unavailablePage())
  })
  return app
}

function pathOf(request: Request): string {
  return `/v1/u/${String(request.params.token)}`
}

/** The body up to one byte more than is allowed: enough to know that it is too large, without reading on. */
function readBody(request: Request): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      if (length > maxBodyBytes) return
      chunks.push(chunk)
      length += chunk.length
      if (length > maxBodyBytes) {
        request.pause()
        resolve(Buffer.concat(chunks))
      }
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', reject)
  })
}
