import { z } from 'zod'
import type { Audience } from '../audience/book.ts'
import { type AudienceControl, audienceControlRoutes, audiencePage } from '../audience/control.ts'
import { keptAudiences } from '../audience/kept-audiences.ts'
import { personSwitch } from '../audience/person-switch.ts'
import { type HttpHandler, type HttpReply, playHttp } from '../frame/http-play.ts'
import { slidingQuota } from '../frame/quota.ts'
import { demoSecret } from '../frame/tokens.ts'
import type { Stage, Vendor, VendorDefinition } from '../frame/vendor.ts'
import { type XFault, xMisbehaviour } from './faults.ts'
import { createOAuthCheck, type OAuth1Keys } from './oauth.ts'
import { keysOf, thirteenMonthsAfter } from './operations.ts'
import { type XRefusal, xRefusal, xRefusals } from './replies.ts'
import { DO_NOT_REACH_ID, doNotReachAudience, xRoutes } from './routes.ts'

export type { XFault } from './faults.ts'
export type { OAuth1Keys } from './oauth.ts'

/** How the API behaves when nothing is wrong. */
export interface XSettings {
  /** How long each answer takes at least. Default 0. */
  latencyMs: number
  /** How long after its answer a change holds, give or take half of it. Default 0: at once. */
  applyDelayMs: number
  /** Requests that a user token has in a minute. Default 1,500. */
  perMinute: number
}

/** How the API is set up; everything has a default that works. */
export interface XOptions extends Partial<XSettings> {
  readonly accountId?: string
  readonly audiences?: readonly Audience[]
  /** Whether the account has its Do Not Reach List from the first day. Default no. */
  readonly doNotReachList?: boolean
}

/** The Ads API as a connector reaches it: base `url`, then `/12/…`. */
export interface X extends OAuth1Keys {
  readonly url: string
  readonly accountId: string
  /** The id of the Do Not Reach List, once there is one. */
  readonly doNotReachListId: string
  readonly control: AudienceControl<XFault, XSettings>
}

const settingsSchema = z
  .strictObject({ latencyMs: z.int().nonnegative(), applyDelayMs: z.int().nonnegative(), perMinute: z.int().positive() })
  .partial()

const DEFAULT_AUDIENCES: readonly Audience[] = [{ id: '1exmp', name: 'Customers' }]

/** X's Ads API for custom audiences, as in its contract sheet; the README lists what is enforced and what is left out. */
export const x: VendorDefinition<'x', XOptions, X> = {
  name: 'x',
  play: async (stage, options) => play(stage, options),
}

function play(stage: Stage, options: XOptions): Vendor<X> {
  const { accountId = '18ce5exmpl', audiences = DEFAULT_AUDIENCES, doNotReachList = false, ...given } = options
  const settings: XSettings = { latencyMs: 0, applyDelayMs: 0, perMinute: 1500, ...given }
  const seed = `${stage.seed}/${stage.name}`
  const keys: OAuth1Keys = {
    consumerKey: demoSecret(seed, 'consumer-key', 25),
    consumerSecret: demoSecret(seed, 'consumer-secret', 50),
    token: `111-${demoSecret(seed, 'token', 40)}`,
    tokenSecret: demoSecret(seed, 'token-secret', 45),
  }
  const { now } = stage.clock
  const perMinute = slidingQuota(now, 60_000, () => settings.perMinute)
  const { switches, book, work, store, control } = keptAudiences<XFault, XSettings>(stage, {
    audiences: [
      ...audiences.map((audience) => ({ account: accountId, ...audience })),
      ...(doNotReachList ? [doNotReachAudience(accountId)] : []),
    ],
    // any key equal to one that was given at the time of adding, and no other
    recognition: { keysOf, resolvesPeople: false },
    settings,
    applyDelayMs: () => settings.applyDelayMs,
    seedExpiry: () => thirteenMonthsAfter(now()),
    forget: () => perMinute.clear(),
  })
  const signedWell = createOAuthCheck(keys, () => [Date.now(), now()])

  // a client compares these with its own clock, which is the wall's
  const inSeconds = (seconds: number): string => String(Math.ceil(Date.now() / 1000 + seconds))
  const withLimits = (reply: HttpReply): HttpReply => ({
    ...reply,
    headers: {
      ...reply.headers,
      'x-rate-limit-limit': String(settings.perMinute),
      'x-rate-limit-remaining': String(reply.status === 429 ? 0 : perMinute.left()),
      'x-rate-limit-reset': reply.headers?.['x-rate-limit-reset'] ?? inSeconds(perMinute.resetsInMs() / 1000),
      ...(switches.take('warned', {}) === undefined ? {} : { 'x-api-warn': 'This version will end' }),
    },
  })
  const tooMany = (seconds: number): HttpReply =>
    withLimits(xRefusal({ ...xRefusals.tooMany, headers: { 'x-rate-limit-reset': inSeconds(seconds) } }))
  const counted = (handler: HttpHandler): HttpHandler => {
    return async (request) => withLimits(perMinute.take() ? await handler(request) : xRefusal(xRefusals.tooMany))
  }

  const SPOILING = {
    'over-capacity': xRefusals.overCapacity,
    locked: xRefusals.locked,
    cancelled: xRefusals.cancelled,
    'not-allowed': xRefusals.notAllowed,
  } as const satisfies Partial<Record<XFault, XRefusal>>
  const routes = xRoutes({
    accountId,
    book,
    work,
    now,
    isPoisoned: () => personSwitch(switches, 'poison', keysOf),
    miscounts: ({ method, template }) => switches.take('miscount', { method, path: template }) !== undefined,
    spoilt({ method, template }) {
      const occasion = { method, path: template }
      const limited = switches.take('account-limited', occasion)
      if (limited !== undefined) {
        const reset = inSeconds(limited.retryAfterSeconds ?? 60)
        return { ...xRefusals.tooMany, headers: { 'x-account-rate-limit-reset': reset, 'x-rate-limit-reset': inSeconds(1) } }
      }
      for (const kind of Object.keys(SPOILING) as (keyof typeof SPOILING)[]) {
        if (switches.take(kind, occasion) !== undefined) return SPOILING[kind]
      }
      return undefined
    },
  })

  const url = `${stage.origin}/${stage.name}`
  const told = { ...keys, accountId, doNotReachListId: DO_NOT_REACH_ID }
  return {
    api: { url, ...told, control },
    misbehave: (body) => control.misbehave(xMisbehaviour.parse(body)),
    page: audiencePage('X (Twitter)', `Custom audiences. The Ads API listens at ${url}/12.`, book, () => work.underWay()),
    handle: playHttp(
      {
        routes: routes.map((route) => ({ ...route, handler: counted(route.handler) })),
        latencyMs: () => settings.latencyMs,
        admit({ method, path, query, headers }) {
          const { host, authorization } = headers
          const urls = ['http', 'https'].map((scheme) => `${scheme}://${host?.toLowerCase()}/${stage.name}${path}`)
          return signedWell({ method, urls, query, authorization }) ? undefined : xRefusal(xRefusals.unauthorized)
        },
        refuse: {
          tooManyAtOnce: () => tooMany(1),
          rateLimited: (seconds = 60) => tooMany(seconds),
          revokedKey: () => xRefusal(xRefusals.unauthorized),
          serverError: () => xRefusal(xRefusals.internal),
          notFound: () => xRefusal(xRefusals.routeNotFound),
          methodNotAllowed: () => xRefusal(xRefusals.routeNotFound),
          tooLarge: () => xRefusal({ status: 400, code: 'INVALID_PARAMETER', message: 'The body is too large' }),
        },
      },
      stage,
      switches,
      () => store.flush(),
    ),
    controlRoutes: (router) =>
      audienceControlRoutes(router, control, settingsSchema, (origin) => ({ url: `${origin}/${stage.name}`, ...told })),
    stop: async () => store.close(),
  }
}
