import { z } from 'zod'
import type { Audience } from '../audience/book.ts'
import { type AudienceControl, audienceControlRoutes, audiencePage } from '../audience/control.ts'
import { keptAudiences } from '../audience/kept-audiences.ts'
import { personSwitch } from '../audience/person-switch.ts'
import { playHttp } from '../frame/http-play.ts'
import { slidingQuota } from '../frame/quota.ts'
import type { Stage, Vendor, VendorDefinition } from '../frame/vendor.ts'
import { type AdsError, adsErrors, createFaults, type StatusHabit } from './fault-details.ts'
import { type MicrosoftFault, microsoftMisbehaviour } from './faults.ts'
import { keysOf, microsoftRoutes } from './routes.ts'
import { createMicrosoftSignIn, type MicrosoftCredentials, type Rotation, TOKEN_TEMPLATE } from './sign-in.ts'

export type { MicrosoftFault } from './faults.ts'
export type { MicrosoftCredentials } from './sign-in.ts'

/** How the API behaves when nothing is wrong. */
export interface MicrosoftSettings {
  /** How long each answer takes at least. Default 0. */
  latencyMs: number
  /** How long after its answer a change holds, give or take half of it. Default 0: at once. */
  applyDelayMs: number
  /** Requests in a sliding minute. The real figure is not published; default 100. */
  perMinute: number
  /** After how many days a membership ends; -1 is never. Default 30. */
  membershipDurationDays: number
  /** Default `alternate`: every other error has a status that does not fit its code. */
  errorStatus: StatusHabit
  /** Whether the customer match terms were accepted in the web interface. Default yes. */
  termsAccepted: boolean
  /** Default `keeps-old`: each refresh brings a new refresh token, and the one before stays good. */
  rotation: Rotation
}

/** How the API is set up; everything has a default that works. */
export interface MicrosoftOptions extends Partial<MicrosoftSettings> {
  readonly customerId?: string
  readonly customerAccountId?: string
  readonly audiences?: readonly Audience[]
}

/** Everything that it can be told and asked beside its API. */
export interface MicrosoftControl extends AudienceControl<MicrosoftFault, MicrosoftSettings> {
  /** Ends every access token that was got at the token endpoint. */
  recallTokens(): void
}

/** The Campaign Management API as a connector reaches it: base `url`, then `/CampaignManagement/v13/…`. */
export interface Microsoft extends MicrosoftCredentials {
  readonly url: string
  readonly customerId: string
  readonly customerAccountId: string
  readonly control: MicrosoftControl
}

const settingsSchema = z
  .strictObject({
    latencyMs: z.int().nonnegative(),
    applyDelayMs: z.int().nonnegative(),
    perMinute: z.int().positive(),
    membershipDurationDays: z.union([z.literal(-1), z.int().min(1).max(390)]),
    errorStatus: z.enum(['expected', 'alternate']),
    termsAccepted: z.boolean(),
    rotation: z.enum(['never', 'keeps-old', 'ends-old']),
  })
  .partial()

const DEFAULT_AUDIENCES: readonly Audience[] = [{ id: '834700001', name: 'Customers' }]
const DAY_MS = 86_400_000

/** Microsoft Advertising's customer lists, as in their contract sheet; the README lists what is enforced and what is left out. */
export const microsoft: VendorDefinition<'microsoft', MicrosoftOptions, Microsoft> = {
  name: 'microsoft',
  play: async (stage, options) => play(stage, options),
}

function play(stage: Stage, options: MicrosoftOptions): Vendor<Microsoft> {
  const { customerId = '834600001', customerAccountId = '834600002', audiences = DEFAULT_AUDIENCES, ...given } = options
  const settings: MicrosoftSettings = {
    latencyMs: 0,
    applyDelayMs: 0,
    perMinute: 100,
    membershipDurationDays: 30,
    errorStatus: 'alternate',
    termsAccepted: true,
    rotation: 'keeps-old',
    ...given,
  }
  const { now } = stage.clock
  const expiry = (): number | undefined =>
    settings.membershipDurationDays < 0 ? undefined : now() + settings.membershipDurationDays * DAY_MS
  const perMinute = slidingQuota(now, 60_000, () => settings.perMinute)
  const signIn = createMicrosoftSignIn(stage, () => settings.rotation)
  const fault = createFaults(() => settings.errorStatus)
  const { switches, book, work, store, control } = keptAudiences<MicrosoftFault, MicrosoftSettings>(stage, {
    audiences: audiences.map((audience) => ({ account: customerAccountId, ...audience })),
    recognition: { keysOf, resolvesPeople: true },
    settings,
    applyDelayMs: () => settings.applyDelayMs,
    seedExpiry: expiry,
    forget() {
      perMinute.clear()
      signIn.reset()
    },
  })

  const SPOILING = {
    'no-access': adsErrors.noAccess,
    'login-refused': adsErrors.loginRefused,
    'wrong-identity': adsErrors.wrongIdentity,
  } as const satisfies Partial<Record<MicrosoftFault, AdsError>>
  const routes = microsoftRoutes({
    customerId,
    book,
    work,
    perMinute,
    fault,
    expiry,
    termsAccepted: () => settings.termsAccepted,
    membershipDurationDays: () => settings.membershipDurationDays,
    isPoisoned: () => personSwitch(switches, 'poison', keysOf),
    hasFailed: () => personSwitch(switches, 'item-failed', keysOf),
    takesNothing: ({ method, template }) => switches.take('nothing-taken', { method, path: template }) !== undefined,
    spoilt({ method, template }) {
      const occasion = { method, path: template }
      if (switches.take('rate-limited-bare', occasion) !== undefined) return { status: 429 }
      for (const kind of Object.keys(SPOILING) as (keyof typeof SPOILING)[]) {
        if (switches.take(kind, occasion) !== undefined) return fault(SPOILING[kind])
      }
      return undefined
    },
  })

  const url = `${stage.origin}/${stage.name}`
  const ids = { customerId, customerAccountId }
  const microsoftControl: MicrosoftControl = { ...control, recallTokens: () => signIn.recall() }
  return {
    api: { url, ...signIn.credentialsAt(stage.origin), ...ids, control: microsoftControl },
    misbehave: (body) => control.misbehave(microsoftMisbehaviour.parse(body)),
    page: audiencePage('Microsoft Advertising', `Customer lists. The Campaign Management API listens at ${url}.`, book, () =>
      work.underWay(),
    ),
    handle: playHttp(
      {
        routes: [...routes, { method: 'POST', template: TOKEN_TEMPLATE, handler: (request) => signIn.token(request) }],
        latencyMs: () => settings.latencyMs,
        admit({ headers }) {
          const problem = signIn.problemIn(headers)
          if (problem !== undefined) return fault(problem)
          if (headers.customerid === undefined || headers.customeraccountid === undefined) return fault(adsErrors.missingHeader)
          const isOwn = headers.customerid === customerId && headers.customeraccountid === customerAccountId
          return isOwn ? undefined : fault(adsErrors.noAccess)
        },
        signIn: { templates: [TOKEN_TEMPLATE], refused: () => signIn.refused() },
        refuse: {
          tooManyAtOnce: () => fault(adsErrors.tooManyCalls),
          rateLimited: () => fault(adsErrors.tooManyCalls),
          revokedKey: () => fault(adsErrors.invalidCredentials),
          serverError: () => fault(adsErrors.internal),
          notFound: () => ({ status: 404 }),
          methodNotAllowed: () => ({ status: 405 }),
          tooLarge: () => fault(adsErrors.badRequest),
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
        ...ids,
      })),
    stop: async () => store.close(),
  }
}
