import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { Audience } from '../audience/book.ts'
import { type AudienceControl, audienceControlRoutes, audiencePage } from '../audience/control.ts'
import { keptAudiences } from '../audience/kept-audiences.ts'
import { personSwitch } from '../audience/person-switch.ts'
import { type HttpHandler, type HttpReply, type HttpRequest, playHttp } from '../frame/http-play.ts'
import { demoSecret, sameText } from '../frame/tokens.ts'
import type { Stage, Vendor, VendorDefinition } from '../frame/vendor.ts'
import { type MetaFault, metaMisbehaviour } from './faults.ts'
import { badParameter, createRefusals, type ErrorStatus, type GraphError, graphErrors } from './graph-errors.ts'
import { type Form, keysOf, type Read, readBody } from './payload.ts'
import { metaRoutes } from './routes.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createUsage, type UsageSettings } from './usage.ts'

export type { MetaFault } from './faults.ts'

/** How the API behaves when nothing is wrong. */
export interface MetaSettings extends UsageSettings {
  /** How long each answer takes at least. Default 0. */
  latencyMs: number
  /** How long after its answer a change holds, give or take half of it. Default 0: at once. */
  applyDelayMs: number
  /** Which versions of the API live. Default `v25.0`. */
  versions: readonly string[]
  /** Default `alternate`: every other error comes with HTTP 200. */
  errorStatus: ErrorStatus
  /** Whether the app demands `appsecret_proof`. Default no. */
  requireAppSecretProof: boolean
  /** Whether the ad account belongs to a business portfolio. Default yes; without it, `usersofanyaudience` does nothing. */
  businessOwned: boolean
  /** Whether the custom audience terms are accepted. Default yes. */
  termsAccepted: boolean
}

/** How the API is set up; everything has a default that works. */
export interface MetaOptions extends Partial<MetaSettings> {
  readonly adAccount?: string
  readonly audiences?: readonly Audience[]
}

/** Everything that it can be told and asked beside its API. */
export interface MetaControl extends AudienceControl<MetaFault, MetaSettings> {
  /** Lets a human at the vendor object to an audience, or be content again: nobody is added or removed meanwhile. */
  flag(audienceId: string, flagged?: boolean): void
}

/** The Graph API as a connector reaches it: base `url`, then `/v25.0/…`. */
export interface Meta {
  readonly url: string
  readonly accessToken: string
  readonly appSecret: string
  readonly businessId: string
  readonly adAccount: string
  readonly control: MetaControl
}

const settingsSchema = z
  .strictObject({
    latencyMs: z.int().nonnegative(),
    applyDelayMs: z.int().nonnegative(),
    versions: z.array(z.string()).min(1),
    errorStatus: z.enum(['proper', 'ok', 'alternate']),
    requireAppSecretProof: z.boolean(),
    businessOwned: z.boolean(),
    termsAccepted: z.boolean(),
    accessTier: z.enum(['limited', 'full']),
    callsPerHour: z.int().positive().nullable(),
    usagePercent: z.int().nonnegative().nullable(),
  })
  .partial()

const DEFAULT_AUDIENCES: readonly Audience[] = [{ id: '23851234567890', name: 'Customers' }]
const DEFAULT_REGAIN_SECONDS = 60

/** Meta's Marketing API for custom audiences, as in its contract sheet; the README lists what is enforced and what is left out. */
export const meta: VendorDefinition<'meta', MetaOptions, Meta> = {
  name: 'meta',
  play: async (stage, options) => play(stage, options),
}

function play(stage: Stage, options: MetaOptions): Vendor<Meta> {
  const { adAccount = '1020304050', audiences = DEFAULT_AUDIENCES, ...given } = options
  const settings: MetaSettings = {
    latencyMs: 0,
    applyDelayMs: 0,
    versions: ['v25.0'],
    errorStatus: 'alternate',
    requireAppSecretProof: false,
    businessOwned: true,
    termsAccepted: true,
    accessTier: 'limited',
    callsPerHour: null,
    usagePercent: null,
    ...given,
  }
  const seed = `${stage.seed}/${stage.name}`
  const accessToken = `EAA${demoSecret(seed, 'access-token')}`
  const appSecret = demoSecret(seed, 'app-secret', 32)
  const businessId = String(Number.parseInt(demoSecret(seed, 'business', 12), 16))
  const proof = createHmac('sha256', appSecret).update(accessToken).digest('hex')
  const refusals = createRefusals(() => settings.errorStatus)
  const forms = new Map<string, Form>()
  const flagged = new Set<string>()
  let sessions: Sessions | undefined

  const { switches, book, work, store, control } = keptAudiences<MetaFault, MetaSettings>(stage, {
    audiences: audiences.map((audience) => ({ account: `act_${adAccount}`, ...audience })),
    recognition: { keysOf, resolvesPeople: true },
    settings,
    applyDelayMs: () => settings.applyDelayMs,
    more: (_book, kept) => {
      sessions = createSessions(stage.clock.now, kept)
      return [sessions]
    },
    forget() {
      forms.clear()
      flagged.clear()
      usage.clear()
    },
  })
  if (sessions === undefined) throw new Error('no sessions were made')
  const usage = createUsage(stage.clock.now, businessId, settings, () => book.audiences().length)

  const bodies = new WeakMap<HttpRequest, Read>()
  const bodyOf = (request: HttpRequest): Read => {
    const known = bodies.get(request) ?? readBody(request)
    bodies.set(request, known)
    return known
  }
  const withUsage = (reply: HttpReply, regainMinutes?: number): HttpReply => {
    return { ...reply, headers: { ...reply.headers, ...usage.header(regainMinutes) } }
  }
  const limited = (regainMinutes: number): HttpReply => withUsage(refusals.refuse(graphErrors.audienceLimited), regainMinutes)

  const SPOILING = {
    'app-limited': graphErrors.appLimited,
    blocked: graphErrors.blocked,
    transient: graphErrors.transient,
    'permission-denied': graphErrors.permission,
    'update-failed': graphErrors.updateFailed,
  } as const satisfies Partial<Record<MetaFault, GraphError>>
  const routes = metaRoutes({
    adAccount,
    businessId,
    book,
    work,
    sessions,
    refusals,
    forms,
    flagged,
    bodyOf,
    versions: () => settings.versions,
    isOwned: () => settings.businessOwned,
    termsAccepted: () => settings.termsAccepted,
    isPoisoned: () => personSwitch(switches, 'poison', keysOf),
    spoilt({ method, template }) {
      for (const kind of Object.keys(SPOILING) as (keyof typeof SPOILING)[]) {
        if (switches.take(kind, { method, path: template }) !== undefined) return SPOILING[kind]
      }
      return undefined
    },
  })
  const counted = (handler: HttpHandler): HttpHandler => {
    return async (request) => (usage.take() ? withUsage(await handler(request)) : withUsage(refusals.refuse(graphErrors.audienceLimited)))
  }

  const metaControl: MetaControl = {
    ...control,
    flag(audienceId, isFlagged = true) {
      if (isFlagged) flagged.add(audienceId)
      else flagged.delete(audienceId)
    },
  }
  const url = `${stage.origin}/${stage.name}`
  const credentials = { accessToken, appSecret, businessId, adAccount }
  return {
    api: { url, ...credentials, control: metaControl },
    misbehave: (body) => control.misbehave(metaMisbehaviour.parse(body)),
    page: audiencePage('Meta (Facebook, Instagram)', `Custom audiences. The Graph API listens at ${url}.`, book, () => work.underWay()),
    handle: playHttp(
      {
        routes: routes.map((route) => ({ ...route, handler: counted(route.handler) })),
        latencyMs: () => settings.latencyMs,
        admit(request) {
          const { authorization = '' } = request.headers
          const { fields } = bodyOf(request)
          if (request.query.has('access_token')) return { ...refusals.badToken(), remark: 'a token in the query' }
          const [scheme = '', bearer = ''] = authorization.split(' ')
          const token = scheme.toLowerCase() === 'bearer' ? bearer : fields.access_token
          if (typeof token !== 'string' || token === '') return refusals.refuse(graphErrors.tokenMissing)
          if (!sameText(token, accessToken)) return refusals.badToken()
          const sent = fields.appsecret_proof ?? request.query.get('appsecret_proof') ?? undefined
          if (sent === undefined) return settings.requireAppSecretProof ? refusals.refuse(graphErrors.proofMissing) : undefined
          return typeof sent === 'string' && sameText(sent, proof) ? undefined : refusals.refuse(graphErrors.proofWrong)
        },
        refuse: {
          tooManyAtOnce: () => limited(1),
          rateLimited: (seconds = DEFAULT_REGAIN_SECONDS) => limited(Math.ceil(seconds / 60)),
          revokedKey: () => refusals.badToken(),
          serverError: () => refusals.refuse(graphErrors.unknown),
          notFound: () => refusals.refuse(graphErrors.notThere),
          methodNotAllowed: () => refusals.refuse(badParameter('Unsupported method')),
          tooLarge: () => refusals.refuse(badParameter('The body is too large')),
        },
      },
      stage,
      switches,
      () => store.flush(),
    ),
    controlRoutes(router) {
      audienceControlRoutes(router, control, settingsSchema, (origin) => ({ url: `${origin}/${stage.name}`, ...credentials }))
      router.post('/flag', (request, response) => {
        const { audienceId, flagged: isFlagged } = z.strictObject({ audienceId: z.string(), flagged: z.boolean() }).parse(request.body)
        metaControl.flag(audienceId, isFlagged)
        response.status(204).end()
      })
    },
    stop: async () => store.close(),
  }
}
