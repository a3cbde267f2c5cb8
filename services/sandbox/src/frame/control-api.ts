import express, { type ErrorRequestHandler, type Express, Router } from 'express'
import helmet from 'helmet'
import type { Registry } from 'prom-client'
import { ZodError, z } from 'zod'
import type { Clock } from './clock.ts'
import { overviewPage, personPage, type Shown } from './page.ts'
import { STYLE } from './style.ts'
import type { PersonQuestion } from './vendor.ts'

/** A vendor as the control interface sees it. */
export interface Controlled extends Shown {
  readonly misbehave: (body: unknown) => void
  readonly controlRoutes?: (router: Router) => void
}

const STATE_LIMIT = 1000

const clockBody = z.strictObject({ advanceSeconds: z.number().nonnegative() })
const personBody = z
  .strictObject({ address: z.string().min(1).optional(), hash: z.string().min(1).optional() })
  .refine(({ address, hash }) => (address === undefined) !== (hash === undefined), 'exactly one of address and hash')
const stateQuery = z.object({
  offset: z.coerce.number().int().nonnegative().default(0),
  limit: z.coerce.number().int().positive().max(100_000).default(STATE_LIMIT),
})
const requestsQuery = z.object({ limit: z.coerce.number().int().nonnegative().max(10_000).default(100) })

/** Everything that is not a vendor: the page, `/_control/…`, `/metrics` and `/healthz`. It is open to whoever reaches the listener. */
export function controlApp(clock: Clock, vendors: readonly Controlled[], metrics: Registry): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use(
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], styleSrc: ["'self'"], formAction: ["'self'"] } },
    }),
  )

  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }))
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.metrics())
  })
  app.get('/style.css', (_request, response) => void response.type('css').send(STYLE))
  app.get('/', (request, response) => {
    const refresh = Number(request.query.refresh)
    response.type('html').send(overviewPage(vendors, clock.now(), refresh >= 1 && refresh <= 3600 ? Math.floor(refresh) : undefined))
  })
  app.post('/person', express.urlencoded({ extended: false }), (request, response) => {
    const text = z.object({ address: z.string() }).parse(request.body).address.trim()
    response.type('html').send(personPage(vendors, text.includes('@') ? { address: text } : { hash: text }, clock.now()))
  })

  const control = Router()
  control.use(express.json({ limit: '64mb' }))
  control.get('/clock', (_request, response) => void response.json(clockView(clock)))
  control.post('/clock', async (request, response) => {
    await clock.advance(clockBody.parse(request.body).advanceSeconds)
    response.json(clockView(clock))
  })
  for (const vendor of vendors) control.use(`/${vendor.name}`, vendorRouter(vendor, clock))
  app.use('/_control', control)
  app.use((_request, response) => void response.status(404).json({ error: 'nothing is here' }))
  app.use(refusal)
  return app
}

function vendorRouter({ name, control, misbehave, controlRoutes }: Controlled, clock: Clock): Router {
  const router = Router()
  router.get('/requests', (request, response) => {
    const { limit } = requestsQuery.parse(request.query)
    const totals = control.requestTotals()
    const recent = limit === 0 ? [] : control.requests().slice(-limit)
    response.json({ count: totals.reduce((sum, { requests }) => sum + requests, 0), totals, recent })
  })
  router.delete('/requests', (_request, response) => {
    control.clearRequests()
    response.status(204).end()
  })
  router.get('/misbehave', (_request, response) => void response.json({ misbehaving: control.misbehaving() }))
  router.post('/misbehave', (request, response) => {
    misbehave(request.body)
    response.json({ misbehaving: control.misbehaving() })
  })
  router.delete('/misbehave', (_request, response) => {
    control.behave()
    response.status(204).end()
  })
  router.get('/state', (request, response) => {
    const { offset, limit } = stateQuery.parse(request.query)
    const all = control.beliefs()
    response.json({
      vendor: name,
      at: new Date(clock.now()).toISOString(),
      total: all.length,
      offset,
      beliefs: all.slice(offset, offset + limit),
    })
  })
  // asked by body, so that no address or hash stands in a URL
  router.post('/person', (request, response) => {
    const question: PersonQuestion = personBody.parse(request.body)
    response.json({ vendor: name, beliefs: control.person(question) })
  })
  router.post('/reset', (_request, response) => {
    control.reset()
    response.status(204).end()
  })
  controlRoutes?.(router)
  return router
}

function clockView(clock: Clock): object {
  return { now: new Date(clock.now()).toISOString(), aheadSeconds: clock.aheadSeconds() }
}

const refusal: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  if (error instanceof ZodError) {
    const problems = error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
    response.status(400).json({ error: 'the request does not fit', problems })
  } else if (error instanceof RangeError) response.status(400).json({ error: error.message })
  else if (error instanceof SyntaxError) response.status(400).json({ error: 'the body is not JSON' })
  else response.status(500).json({ error: 'the sandbox failed' })
}
