import { z } from 'zod'
import type { Audience } from '../audience/book.ts'
import { type AudienceControl, audienceControlRoutes, audiencePage } from '../audience/control.ts'
import { keptAudiences } from '../audience/kept-audiences.ts'
import { personSwitch } from '../audience/person-switch.ts'
import { playHttp } from '../frame/http-play.ts'
import { dailyQuota, slidingQuota } from '../frame/quota.ts'
import type { Stage, Vendor, VendorDefinition } from '../frame/vendor.ts'
import { keysOf } from './elements.ts'
import { type LinkedinFault, linkedinMisbehaviour } from './faults.ts'
import { type RestError, restErrors, restRefusal } from './replies.ts'
import { linkedinRoutes } from './routes.ts'
import { createSegments, type Segments } from './segments.ts'
import { createLinkedinSignIn, type LinkedinCredentials, TOKEN_TEMPLATE } from './sign-in.ts'

export type { LinkedinFault } from './faults.ts'
export type { LinkedinCredentials } from './sign-in.ts'

/** How the API behaves when nothing is wrong. */
export interface LinkedinSettings {
  /** How long each answer takes at least. Default 0. */
  latencyMs: number
  /** How long after its answer a change holds, give or take half of it. Default 0: at once. */
  applyDelayMs: number
  /** The oldest and the newest version that live, `YYYYMM`. Defaults `202601` and `202612`. */
  oldestVersion: string
  newestVersion: string
  /** Elements that a batch takes. Default 5,000. */
  maxElements: number
  /** Requests on members: a minute, and a UTC day. Defaults 600 and 100,000. */
  perMinute: number
  perDay: number
  /** For how long a new segment takes no members. Default 5,000. */
  settleMs: number
  /** Whether `APPLE_IDFA`, of which only others speak, is taken. Default no. */
  appleIdfa: boolean
}

/** How the API is set up; everything has a default that works. */
export interface LinkedinOptions extends Partial<LinkedinSettings> {
  /** `urn:li:sponsoredAccount:…`. */
  readonly account?: string
  readonly segments?: readonly Audience[]
}

/** Everything that it can be told and asked beside its API. */
export interface LinkedinControl extends AudienceControl<LinkedinFault, LinkedinSettings> {
  /** Ends every access token that was got at the token endpoint. */
  recallTokens(): void
}

/** The API as a connector reaches it: base `url`, then `/rest/…`. */
export interface Linkedin extends LinkedinCredentials {
  readonly url: string
  readonly account: string
  readonly control: LinkedinControl
}

const version = z.string().regex(/^20\d{4}$/)
const settingsSchema = z
  .strictObject({
    latencyMs: z.int().nonnegative(),
    applyDelayMs: z.int().nonnegative(),
    oldestVersion: version,
    newestVersion: version,
    maxElements: z.int().positive(),
    perMinute: z.int().positive(),
    perDay: z.int().positive(),
    settleMs: z.int().nonnegative(),
    appleIdfa: z.boolean(),
  })
  .partial()

const DEFAULT_SEGMENTS: readonly Audience[] = [{ id: '12345678', name: 'Customers' }]

/** LinkedIn's DMP segments, as in their contract sheet; the README lists what is enforced and what is left out. */
export const linkedin: VendorDefinition<'linkedin', LinkedinOptions, Linkedin> = {
  name: 'linkedin',
  play: async (stage, options) => play(stage, options),
}

function play(stage: Stage, options: LinkedinOptions): Vendor<Linkedin> {
  const { account = 'urn:li:sponsoredAccount:123', segments: given = DEFAULT_SEGMENTS, ...some } = options
  const settings: LinkedinSettings = {
    latencyMs: 0,
    applyDelayMs: 0,
    oldestVersion: '202601',
    newestVersion: '202612',
    maxElements: 5000,
    perMinute: 600,
    perDay: 100_000,
    settleMs: 5000,
    appleIdfa: false,
    ...some,
  }
  const { now } = stage.clock
  const audiences = given.map((segment) => ({ account, ...segment }))
  const perMinute = slidingQuota(now, 60_000, () => settings.perMinute)
  const perDay = dailyQuota(now, 'UTC', () => settings.perDay)
  let segments: Segments | undefined
  const { switches, book, work, store, control } = keptAudiences<LinkedinFault, LinkedinSettings>(stage, {
    audiences,
    recognition: { keysOf, resolvesPeople: true },
    settings,
    applyDelayMs: () => settings.applyDelayMs,
    more: (shelves, kept) => {
      segments = createSegments(account, audiences, now, kept, (audience) => shelves.addAudience(audience))
      return [segments]
    },
    forget() {
      perMinute.clear()
      perDay.clear()
    },
  })
  if (segments === undefined) throw new Error('no segments were made')
  const signIn = createLinkedinSignIn(stage)

  const SPOILING = {
    'no-access': restErrors.noAccess,
    'version-sunset': restErrors.deadVersion,
    locked: restErrors.locked,
  } as const satisfies Partial<Record<LinkedinFault, RestError>>
  const routes = linkedinRoutes({
    book,
    work,
    segments,
    perMinute,
    perDay,
    now,
    maxElements: () => settings.maxElements,
    takesAppleIdfa: () => settings.appleIdfa,
    settleMs: () => settings.settleMs,
    isLiving: (asked) => asked >= settings.oldestVersion && asked <= settings.newestVersion,
    isPoisoned: () => personSwitch(switches, 'poison', keysOf),
    isUnavailable: (keys) => switches.isOn('element-unavailable') && personSwitch(switches, 'element-unavailable', keysOf)?.(keys) === true,
    answersWrongCount: ({ method, template }) => switches.take('wrong-count', { method, path: template }) !== undefined,
    spoilt({ method, template }) {
      for (const kind of Object.keys(SPOILING) as (keyof typeof SPOILING)[]) {
        if (switches.take(kind, { method, path: template }) !== undefined) return SPOILING[kind]
      }
      return undefined
    },
  })

  const url = `${stage.origin}/${stage.name}`
  const linkedinControl: LinkedinControl = { ...control, recallTokens: () => signIn.recall() }
  return {
    api: { url, ...signIn.credentialsAt(stage.origin), account, control: linkedinControl },
    misbehave: (body) => control.misbehave(linkedinMisbehaviour.parse(body)),
    page: audiencePage('LinkedIn', `DMP segments. The Marketing API listens at ${url}/rest.`, book, () => work.underWay()),
    handle: playHttp(
      {
        routes: [...routes, { method: 'POST', template: TOKEN_TEMPLATE, handler: (request) => signIn.token(request) }],
        latencyMs: () => settings.latencyMs,
        admit: (request) => signIn.admit(request),
        signIn: { templates: [TOKEN_TEMPLATE], refused: () => signIn.refused() },
        refuse: {
          tooManyAtOnce: () => restRefusal(restErrors.tooMany),
          rateLimited: () => restRefusal(restErrors.tooMany),
          revokedKey: () => restRefusal(restErrors.revokedToken),
          serverError: () => restRefusal(restErrors.internal),
          notFound: () => restRefusal(restErrors.notFound),
          methodNotAllowed: () => restRefusal(restErrors.wrongMethod),
          tooLarge: () => restRefusal(restErrors.tooLarge),
        },
      },
      stage,
      switches,
      () => store.flush(),
    ),
    controlRoutes: (router) =>
      audienceControlRoutes(router, control, settingsSchema, (origin) => ({
        url: `${origin}/${stage.name}`,
        ...signIn.credentialsAt(origin),
        account,
      })),
    stop: async () => store.close(),
  }
}
