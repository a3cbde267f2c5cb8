import { join } from 'node:path'
import type { LinkKey } from '@heed/contracts'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { type HttpServer, httpServer } from '@heed/platform/http'
import { loop, type Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import type { CheckResult } from '@heed/platform/mongo'
import express from 'express'
import { type ClickIntake, clickIntake } from './click-intake.ts'
import type { Preferences } from './preferences-links.ts'
import { unsubscribeRoutes } from './routes.ts'
import { openSpool, type Spool } from './spool.ts'

/** What the edge runs with. */
export interface EdgeOptions {
  readonly port: number
  readonly host?: string
  readonly dataDir: string
  readonly spoolMaxBytes: number
  readonly trustedProxies: number
  readonly invalidPerMinute: number
  readonly keys: () => readonly LinkKey[]
  readonly preferences: Preferences
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
}

/** The running edge: its parts in the order of their start. */
export interface EdgeApp {
  readonly parts: readonly Part[]
  readonly server: HttpServer
  /** How many clicks wait in the spool. */
  spooled(): number
  /** Resolves once the spool is empty. */
  settle(): Promise<void>
  readiness(): Promise<CheckResult[]>
}

const titlesEveryMs = 10 * 60_000

/** The person's side of the hub. `main.ts` and the tests start the same thing. */
export function edgeApp(options: EdgeOptions): EdgeApp {
  const { preferences, log, clock, metrics } = options
  const answers = metrics.counter({
    name: 'heed_edge_answers_total',
    help: 'Answered requests to unsubscribe links',
    labels: ['method', 'status', 'use'],
  })
  const nonconforming = metrics.counter({
    name: 'heed_edge_oneclick_nonconforming_total',
    help: 'POSTs without the body that RFC 8058 asks for',
  })
  const clicks = metrics.counter({ name: 'heed_edge_clicks_total', help: 'Clicks by where they became durable', labels: ['where'] })
  const waiting = metrics.gauge({
    name: 'heed_edge_spooled_clicks',
    help: 'Clicks that wait in the spool',
    collect: () => spool?.size ?? 0,
  })

  let spool: Spool | undefined
  let intake: ClickIntake | undefined
  let titles: ReadonlyMap<string, string> = new Map()

  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('trust proxy', options.trustedProxies)
  app.set('query parser', false)
  app.use(
    unsubscribeRoutes({
      keys: options.keys,
      intake: { accept: (click) => (intake === undefined ? Promise.reject(new Error('not started')) : intake.accept(click)) },
      titleOf: (scope) => titles.get(scope),
      limits: { invalidPerMinute: options.invalidPerMinute, exposedPerMinute: 60 },
      clock,
      log,
      answered: ({ method, status, use, nonconforming: bare }) => {
        answers.add({ method: knownMethod(method), status: String(status), use })
        if (bare) nonconforming.add({})
      },
    }),
  )
  const server = httpServer({ port: options.port, ...(options.host === undefined ? {} : { host: options.host }), app, name: 'edge', log })

  const clickPart: Part = {
    name: 'clicks',
    start: async () => {
      const opened = await openSpool(join(options.dataDir, 'edge-spool'), { maxBytes: options.spoolMaxBytes })
      const running = clickIntake({
        links: preferences,
        spool: opened,
        log,
        clock,
        events: {
          journalled: (count) => clicks.add({ where: 'journal' }, count),
          spooled: (count) => {
            clicks.add({ where: 'spool' }, count)
            log.warn({ clicks: count, waiting: opened.size }, 'clicks.spooled')
          },
          forwarded: (count, left) => log.info({ clicks: count, waiting: left }, 'clicks.forwarded'),
          setAside: (click) => log.error({ requestId: click.requestId, tokenFingerprint: click.tokenFingerprint }, 'click.set-aside'),
        },
      })
      spool = opened
      intake = running
      waiting.set({}, opened.size)
      return { stop: () => running.stop() }
    },
  }

  const titlesPart: Part = {
    name: 'titles',
    start: async () =>
      loop({
        name: 'titles',
        everyMs: titlesEveryMs,
        log,
        clock,
        run: async () => {
          try {
            titles = await preferences.titles()
          } catch (thrown) {
            // the page does without titles; the next round tries again
            log.debug({ error: asError(thrown) }, 'titles.unavailable')
          }
          return 'idle'
        },
      }),
  }

  return {
    parts: [clickPart, titlesPart, server],
    server,
    spooled: () => spool?.size ?? 0,
    settle: async () => {
      while ((spool?.size ?? 0) > 0) await intake?.forwarder.settle()
    },
    readiness: async () => [{ name: 'spool', ok: spool !== undefined }],
  }
}

function knownMethod(method: string): string {
  return ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'].includes(method) ? method : 'other'
}
