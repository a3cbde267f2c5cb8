import { join } from 'node:path'
import type { LinkKey } from '@heed/contracts'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { type HttpServer, httpServer } from '@heed/platform/http'
import { loop, type Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import type { CheckResult } from '@heed/platform/mongo'
import { type CallbackOptions, callbackRoutes } from './callbacks.ts'
import { type ClickIntake, clickIntake } from './click-intake.ts'
import { edgeEvents, oldestMs } from './events.ts'
import type { Preferences } from './preferences-links.ts'
import { unsubscribeApp } from './routes.ts'
import { openSpool, type Spool } from './spool.ts'

/** What the edge runs with. */
export interface EdgeOptions {
  readonly port: number
  readonly host?: string
  readonly dataDir: string
  readonly spoolMaxBytes: number
  /** A click that waits longer makes the readiness say `degraded`. */
  readonly degradedAfterMs: number
  readonly trustedProxies: number
  readonly invalidPerMinute: number
  readonly keys: () => readonly LinkKey[]
  /** Who sends the mails, as the pages name them; none where it is left out. */
  readonly sender?: string | undefined
  readonly preferences: Preferences
  /** Takes what recipients report by themselves; absent where no broker is known. */
  readonly callbacks?: Pick<CallbackOptions, 'keysOf' | 'publish' | 'topics'>
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
  let spool: Spool | undefined
  let intake: ClickIntake | undefined
  let titles: ReadonlyMap<string, string> = new Map()
  const events = edgeEvents({ metrics, log, clock, spool: () => spool })

  const app = unsubscribeApp({
    keys: options.keys,
    intake: { accept: (click) => (intake === undefined ? Promise.reject(new Error('not started')) : intake.accept(click)) },
    titleOf: (scope) => titles.get(scope),
    sender: options.sender,
    limits: { invalidPerMinute: options.invalidPerMinute, exposedPerMinute: 60 },
    trustedProxies: options.trustedProxies,
    ...(options.callbacks === undefined
      ? {}
      : { callbacks: callbackRoutes({ ...options.callbacks, unknownPerMinute: options.invalidPerMinute, log }) }),
    clock,
    log,
    answered: events.answered,
  })
  const server = httpServer({ port: options.port, ...(options.host === undefined ? {} : { host: options.host }), app, name: 'edge', log })

  const clickPart: Part = {
    name: 'clicks',
    start: async () => {
      const opened = await openSpool(join(options.dataDir, 'edge-spool'), {
        maxBytes: options.spoolMaxBytes,
        log,
        committed: events.committed,
      })
      if (opened.size > 0) log.info({ waiting: opened.size, oldestMs: oldestMs(opened, clock) }, 'spool.opened-filled')
      spool = opened
      const running = clickIntake({ links: preferences, spool: opened, log, clock, events })
      intake = running
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
    readiness: async () => {
      if (spool === undefined) return [{ name: 'spool', ok: false }]
      // a spool that takes nothing is no harm while clicks can go to preferences themselves
      if (spool.isFull && !(await preferences.titles().then(always, never))) {
        return [{ name: 'spool', ok: false, detail: 'it takes no more clicks, and preferences does not answer' }]
      }
      const waitedMs = oldestMs(spool, clock) ?? 0
      if (waitedMs <= options.degradedAfterMs) return [{ name: 'spool', ok: true }]
      return [
        {
          name: 'spool',
          ok: true,
          degraded: true,
          detail: `clicks that wait: ${spool.size}, the oldest for ${Math.round(waitedMs / 1000)} s`,
        },
      ]
    },
  }
}

const always = () => true
const never = () => false
