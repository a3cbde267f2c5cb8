import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import { asError } from '../errors/index.ts'
import type { Logger } from '../log/index.ts'
import { HttpProblem, problem, sendProblem } from './problem.ts'

export interface AppOptions {
  /** Successful requests are logged at debug instead of info. */
  quiet?: boolean
}

const unfinished = new WeakMap<object, () => void>()

/**
 * An Express application that says nothing about itself, sets the usual protective headers, and logs one line per request with
 * the template of the route: the address itself may hold a token. `httpServer` adds, after all routes, the answers for what no
 * route takes and for errors, as problem+json.
 */
export function createApp(log: Logger, options: AppOptions = {}): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.use(requestLine(log, options.quiet ?? false))
  app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } }))
  unfinished.set(app, () => {
    app.use((_request, _response, next) => next(problem(404, '/problems/not-found', 'There is nothing here')))
    app.use(errorHandler(log))
  })
  return app
}

/** Adds what must come after the last route, once. An application that `createApp` did not make is left as it is. */
export function finishApp(app: object): void {
  unfinished.get(app)?.()
  unfinished.delete(app)
}

function requestLine(log: Logger, quiet: boolean): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now()
    // `close` comes after an answer as well as when the other side went away before it.
    response.once('close', () => {
      const fields = {
        method: request.method,
        route: routeTemplate(request),
        status: response.statusCode,
        durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
        ...(response.writableFinished ? {} : { aborted: true }),
      }
      if (quiet && response.statusCode < 400) log.debug(fields, 'http.served')
      else log.info(fields, 'http.served')
    })
    next()
  }
}

/** `/v1/u/:token`, never what stood in its place. */
function routeTemplate(request: Parameters<RequestHandler>[0]): string {
  const path: unknown = request.route?.path
  return typeof path === 'string' ? `${request.baseUrl === '' ? '' : '(router)'}${path}` : 'unmatched'
}

function errorHandler(log: Logger): ErrorRequestHandler {
  return (thrown, request, response, next) => {
    if (response.headersSent) return next(thrown)
    if (thrown instanceof HttpProblem) return sendProblem(response, thrown)
    const error = asError(thrown)
    const status = statusOf(error)
    if (status >= 500) log.error({ method: request.method, route: routeTemplate(request), error }, 'http.failed')
    sendProblem(response, known(status))
  }
}

// Express and body-parser put the status on the error; its message may quote the body.
function statusOf(error: Error): number {
  const { status } = error as { status?: unknown }
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500
}

function known(status: number): HttpProblem {
  if (status === 413) return problem(413, '/problems/too-large', 'The request is too large')
  if (status === 415) return problem(415, '/problems/unsupported-media-type', 'This kind of body is not understood')
  if (status < 500) return problem(status, '/problems/bad-request', 'The request cannot be read')
  return problem(status, '/problems/internal', 'Something went wrong on our side')
}
