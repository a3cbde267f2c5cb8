import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Counter, Registry } from 'prom-client'
import { type CastApis, type CastKey, type CastOptions, cast, type VendorName } from './cast.ts'
import { type Clock, createClock } from './frame/clock.ts'
import { type Controlled, controlApp } from './frame/control-api.ts'
import { createRandom } from './frame/random.ts'
import { createRequestLog } from './frame/request-log.ts'
import { createFileStore, createForgetfulStore } from './frame/store.ts'
import type { Controllable, SandboxLog, Stage, Vendor, VendorDefinition } from './frame/vendor.ts'

export type { Audience, AudienceBelief } from './audience/book.ts'
export type { AudienceControl } from './audience/control.ts'
export type { Person, PersonInput } from './audience/people.ts'
export type { CastApis, CastOptions, VendorName } from './cast.ts'
export { type Connections, connectionsOf } from './connections.ts'
export type { Clock } from './frame/clock.ts'
export type { Misbehaviour } from './frame/misbehaviour.ts'
export type { LoggedRequest, RouteTotal } from './frame/request-log.ts'
export type { PersonQuestion, SandboxLog, VendorControl } from './frame/vendor.ts'
export type { GoogleCredentials } from './google/sign-in.ts'
export type {
  AnalyticsBelief,
  AnalyticsFault,
  AnalyticsPerson,
  GoogleAnalytics,
  GoogleAnalyticsControl,
  GoogleAnalyticsOptions,
} from './google-analytics/index.ts'
export type {
  GoogleAccount,
  GoogleDataManager,
  GoogleDataManagerControl,
  GoogleDataManagerOptions,
  GoogleFault,
} from './google-data-manager/index.ts'
export type {
  AckStatus,
  HashedEmail,
  HashedEmailBelief,
  HashedEmailControl,
  HashedEmailFault,
  HashedEmailOptions,
} from './hashed-email/index.ts'
export type { Linkedin, LinkedinControl, LinkedinFault, LinkedinOptions } from './linkedin/index.ts'
export type { Liveintent, LiveintentBelief, LiveintentControl, LiveintentFault, LiveintentOptions } from './liveintent/index.ts'
export type { Liveramp, LiverampBelief, LiverampControl, LiverampFault, LiverampOptions } from './liveramp/index.ts'
export type { AudienceInfo, MailchimpBelief, MailchimpControl, MailchimpFault, PersonAct } from './mailchimp/control.ts'
export type { Mailchimp, MailchimpOptions } from './mailchimp/index.ts'
export type { Meta, MetaControl, MetaFault, MetaOptions } from './meta/index.ts'
export type { Microsoft, MicrosoftControl, MicrosoftFault, MicrosoftOptions } from './microsoft/index.ts'
export type { Optizmo, OptizmoBelief, OptizmoControl, OptizmoFault, OptizmoOptions } from './optizmo/index.ts'
export type { S3, S3Control, S3Fault, S3Options } from './s3/index.ts'
export type {
  CallRecord,
  FeedBelief,
  FeedPartner,
  FeedPartnerInfo,
  SupplierFeed,
  SupplierFeedControl,
  SupplierFeedFault,
  SupplierFeedOptions,
} from './supplier-feed/index.ts'
export type { OAuth1Keys, X, XFault, XOptions } from './x/index.ts'

/** How the sandbox is set up; `port: 0` takes a free one. Each vendor's own options stand under its key. */
export interface SandboxOptions extends CastOptions {
  readonly port: number
  /** Default `127.0.0.1`: whoever reaches the listener can turn the clock and read what the vendors hold. */
  readonly host?: string
  /** Where the vendors keep what they know. Without it they forget everything at the end. */
  readonly dataDir?: string
  /** Which vendors are played. Default: all. */
  readonly vendors?: readonly VendorName[]
  readonly log?: SandboxLog
  /** From which chance and demo credentials are made. Default `heed`. */
  readonly seed?: string
}

/** The vendors, being played. Asking for one that was not started throws. */
export interface Sandbox extends CastApis {
  /** Where the page and the HTTP interfaces are. */
  readonly url: string
  readonly port: number
  readonly clock: Clock
  /** Stops listening, answers what is under way, writes down what the vendors know. */
  stop(): Promise<void>
}

interface Playing extends Controlled {
  readonly key: CastKey
  readonly vendor: Vendor<{ readonly control: Controllable }>
}

/** Starts the vendors; when it resolves, they answer. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const log = options.log ?? pino({ name: 'sandbox', level: 'warn' })
  const host = options.host ?? '127.0.0.1'
  const folder = options.dataDir ?? mkdtempSync(join(tmpdir(), 'heed-sandbox-'))
  const failed = (error: unknown): void => log.error(placeOf(error), 'sandbox.failed')
  const clock = createClock(failed)
  const metrics = new Registry()
  const playing: Playing[] = []
  const ready: { app?: ReturnType<typeof controlApp> } = {}

  const server = createServer((incoming, response) => {
    const path = incoming.url ?? '/'
    for (const { name, vendor } of playing) {
      if (vendor.handle !== undefined && path.startsWith(`/${name}/`)) return vendor.handle(incoming, response, path.slice(name.length + 1))
    }
    if (ready.app !== undefined) return ready.app(incoming, response)
    return response.writeHead(503).end()
  })
  server.keepAliveTimeout = 60_000
  const port = await listen(server, options.port, host)
  const url = `http://${isIPv6(host) ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`

  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeIdleConnections()
    for (const { control } of playing) control.behave()
    await within(closed, 2000)
    server.closeAllConnections()
    clock.stop()
    for (const { vendor } of playing.toReversed()) await vendor.stop()
    if (options.dataDir === undefined) rmSync(folder, { recursive: true, force: true })
  }

  try {
    const counter = new Counter({
      name: 'heed_sandbox_requests_total',
      help: 'Requests that each vendor was asked, by route and outcome',
      labelNames: ['vendor', 'method', 'path', 'status'] as const,
      registers: [metrics],
    })
    for (const key of Object.keys(cast) as CastKey[]) {
      const { name } = cast[key]
      if (options.vendors !== undefined && !options.vendors.includes(name)) continue
      const own = join(folder, name)
      mkdirSync(own, { recursive: true })
      const stage: Stage = {
        name,
        clock,
        random: createRandom(seedNumber(`${options.seed ?? 'heed'}/${name}`)),
        log,
        requests: createRequestLog((request) => {
          counter.inc({ vendor: name, method: request.method, path: request.path, status: String(request.status) })
          log.debug({ vendor: name, ...request }, 'vendor.request')
        }),
        origin: url,
        host,
        folder: own,
        seed: options.seed ?? 'heed',
        openStore: (everything) => (options.dataDir === undefined ? createForgetfulStore() : createFileStore(own, 'facts', everything)),
        failed,
      }
      // the compiler does not follow that each vendor is given its own options
      const definition: VendorDefinition<VendorName, never, { readonly control: Controllable }> = cast[key]
      const vendor = await definition.play(stage, (options[key] ?? {}) as never)
      const { misbehave, page, controlRoutes } = vendor
      playing.push({ key, name, vendor, control: vendor.api.control, misbehave, page, ...(controlRoutes && { controlRoutes }) })
    }
    ready.app = controlApp(clock, playing, metrics)
  } catch (error) {
    await stop()
    throw error
  }
  log.info({ url, vendors: playing.map(({ name }) => name), keeps: options.dataDir !== undefined }, 'sandbox.started')

  const api = <Key extends CastKey>(key: Key): CastApis[Key] => {
    const found = playing.find((one) => one.key === key)
    if (found === undefined) throw new Error(`the sandbox was started without ${cast[key].name}`)
    return found.vendor.api as CastApis[Key]
  }
  const sandbox = { url, port, clock, stop }
  for (const key of Object.keys(cast) as CastKey[]) Object.defineProperty(sandbox, key, { enumerable: true, get: () => api(key) })
  return sandbox as Sandbox
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

async function within(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([
    promise,
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms)
    }),
  ])
  clearTimeout(timer)
}

function seedNumber(text: string): number {
  let number = 0x811c9dc5
  for (const character of text) number = Math.imul(number ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return number >>> 0
}

// the text of an error may quote what a client sent; its name and place are enough to find the fault
function placeOf(error: unknown): { error: string; at: string[] } {
  if (!(error instanceof Error)) return { error: typeof error, at: [] }
  const at = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return { error: error.name, at: at.slice(0, 5).map((line) => line.trim()) }
}
