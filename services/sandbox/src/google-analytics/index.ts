import { z } from 'zod'
import type { SomeOf } from '../audience/control.ts'
import { generatedPerson } from '../audience/people.ts'
import { commonControl } from '../frame/common-control.ts'
import { type HttpHandler, type HttpReply, playHttp } from '../frame/http-play.ts'
import { jsonReply, parseJson } from '../frame/json.ts'
import { openKept } from '../frame/kept.ts'
import { dailyQuota, type Quota, slidingQuota } from '../frame/quota.ts'
import type { Routed } from '../frame/router.ts'
import type { Cell, Stage, Vendor, VendorControl, VendorDefinition } from '../frame/vendor.ts'
import { googleError } from '../google/errors.ts'
import { createGoogleSignIn, type GoogleCredentials, invalidToken, TOKEN_TEMPLATE } from '../google/sign-in.ts'
import { type AnalyticsFault, analyticsMisbehaviour } from './faults.ts'
import { readDeletion, readUpsert } from './requests.ts'
import { type AnalyticsBelief, type AnalyticsPerson, type AnalyticsState, createUsers, type UserKind } from './users.ts'

export type { AnalyticsFault } from './faults.ts'
export type { AnalyticsBelief, AnalyticsPerson, AnalyticsState } from './users.ts'

/** How the API behaves when nothing is wrong. */
export interface GoogleAnalyticsSettings {
  /** How long each answer takes at least. Default 0. */
  latencyMs: number
  /** Deletions that a property has in a day, which turns at midnight Pacific time. Default 500. */
  deletionsPerDay: number
  /** Writes a minute: of the project, and of one user. Defaults 600 and 180. */
  writesPerMinute: number
  writesPerMinutePerUser: number
}

/** How the API is set up; everything has a default that works. */
export interface GoogleAnalyticsOptions extends Partial<GoogleAnalyticsSettings> {
  /** GA4 property ids. Default `312345678`. */
  readonly properties?: readonly string[]
}

/** Everything that it can be told and asked beside its API. */
export interface GoogleAnalyticsControl extends VendorControl<AnalyticsFault, AnalyticsBelief> {
  properties(): readonly string[]
  /** Lets a property record a visit of somebody, under every identifier; an address alone is enough. */
  seedMember(propertyId: string, person: string | AnalyticsPerson): void
  /** The same for `person-<from>@example.com` and on. */
  seedMembers(propertyId: string, options: { readonly count: number; readonly from?: number | undefined }): void
  /** Lets every property record them. */
  know(people: readonly (string | AnalyticsPerson)[]): void
  configure(settings: SomeOf<GoogleAnalyticsSettings>): void
  /** Deletions that the property still has today. */
  deletionsLeft(propertyId: string): number
  /** Ends every access token that was got at the token endpoint. */
  recallTokens(): void
}

/** The API as a connector reaches it: base `url`, then `/v1alpha/…` or `/analytics/v3/…`. */
export interface GoogleAnalytics extends GoogleCredentials {
  readonly url: string
  readonly properties: readonly string[]
  readonly control: GoogleAnalyticsControl
}

const settingsSchema = z
  .strictObject({
    latencyMs: z.int().nonnegative(),
    deletionsPerDay: z.int().positive(),
    writesPerMinute: z.int().positive(),
    writesPerMinutePerUser: z.int().positive(),
  })
  .partial()
const texts = z.array(z.string().min(1)).optional()
const personShape = z.union([
  z.string().min(1),
  z.strictObject({ addresses: texts, phones: texts, userIds: texts, clientIds: texts, appInstanceIds: texts }),
])
const seedBody = z.strictObject({
  propertyId: z.string().optional(),
  people: z.array(personShape).default([]),
  generate: z.strictObject({ count: z.int().positive().max(1_000_000), from: z.int().positive().optional() }).optional(),
})

const UPSERT = '/analytics/v3/userDeletion/userDeletionRequests:upsert'
const DAY_ZONE = 'America/Los_Angeles'
const EDIT = 'https://www.googleapis.com/auth/analytics.edit'
const USER_DELETION = 'https://www.googleapis.com/auth/analytics.user.deletion'
const TONES = { recorded: 'go', 'deletion-requested': 'stop', 'out-of-reports': 'stop', deleted: 'none', 'never-seen': 'none' } as const

/** Google Analytics' user deletion, as in its contract sheet; the README lists what is enforced and what is left out. */
export const googleAnalytics: VendorDefinition<'google-analytics', GoogleAnalyticsOptions, GoogleAnalytics> = {
  name: 'google-analytics',
  play,
}

async function play(stage: Stage, options: GoogleAnalyticsOptions): Promise<Vendor<GoogleAnalytics>> {
  const { switches, common } = commonControl<AnalyticsFault>(stage)
  const { properties = ['312345678'], ...given } = options
  const settings: GoogleAnalyticsSettings = {
    latencyMs: 0,
    deletionsPerDay: 500,
    writesPerMinute: 600,
    writesPerMinutePerUser: 180,
    ...given,
  }
  const { now } = stage.clock
  const signIn = await createGoogleSignIn(stage, { scopes: [EDIT, USER_DELETION], humansNameTheProject: false })
  const { parts, store } = openKept(stage, (kept) => [createUsers(now, kept)] as const)
  const [users] = parts
  // the demo credentials are one user's
  const perMinute = [
    slidingQuota(now, 60_000, () => settings.writesPerMinute),
    slidingQuota(now, 60_000, () => settings.writesPerMinutePerUser),
  ]
  const perDay = new Map<string, Quota>(properties.map((id) => [id, dailyQuota(now, DAY_ZONE, () => settings.deletionsPerDay)]))

  // the older API's own: 1.5 a second
  const upserts = slidingQuota(now, 2000, () => 3)

  const forget = (propertyId: string, kind: UserKind, identifier: string): { time: string } | { refused: HttpReply } => {
    const quota = perDay.get(propertyId)
    if (quota === undefined) return { refused: googleError('NOT_FOUND', 'Requested entity was not found.') }
    const poisoned = { address: identifier, hash: identifier }
    if (switches.take('poison', poisoned) !== undefined)
      return { refused: { ...googleError('INVALID_ARGUMENT', 'Request contains an invalid argument.'), items: 1 } }
    if (!perMinute.every((bucket) => bucket.take())) return { refused: exhausted('per minute') }
    if (!quota.take()) return { refused: exhausted('user deletions per day') }
    users.forget(propertyId, kind, identifier)
    return { time: new Date(now()).toISOString() }
  }
  let olderErrors = 0
  const spoilt = (handler: HttpHandler): HttpHandler => {
    return (request) => {
      const occasion = { method: request.method, path: request.template }
      if (switches.take('quota-as-403', occasion) !== undefined) {
        olderErrors += 1
        return olderQuotaError(olderErrors % 2 === 1 ? 'rateLimitExceeded' : 'quotaExceeded')
      }
      if (switches.take('permission-denied', occasion) !== undefined)
        return googleError('PERMISSION_DENIED', 'User does not have sufficient permissions for this property.')
      if (switches.take('unavailable', occasion) !== undefined) return googleError('UNAVAILABLE', 'The service is currently unavailable.')
      return handler(request)
    }
  }
  const routes: Routed<HttpHandler>[] = [
    { method: 'POST', template: TOKEN_TEMPLATE, handler: (request) => signIn.token(request) },
    {
      method: 'POST',
      template: '/v1alpha/properties/{property}:submitUserDeletion',
      handler: spoilt(({ parameters, body }) => {
        const propertyId = parameters.property ?? ''
        if (!/^\d+$/.test(propertyId)) return googleError('INVALID_ARGUMENT', 'The property must be the number of a GA4 property.')
        const asked = readDeletion(parseJson(body)?.value)
        if ('refused' in asked) return { ...asked.refused, items: 1 }
        const done = forget(propertyId, asked.kind, asked.identifier)
        if ('refused' in done) return done.refused
        return jsonReply(200, { deletionRequestTime: done.time }, { items: 1, ...(asked.remark && { remark: asked.remark }) })
      }),
    },
    {
      method: 'POST',
      template: UPSERT,
      handler: spoilt(({ body }) => {
        const asked = readUpsert(parseJson(body)?.value)
        if ('refused' in asked) return { ...asked.refused, items: 1 }
        const { kind, type, identifier, propertyId } = asked
        if (!upserts.take()) return exhausted('per second')
        const done = forget(propertyId, kind, identifier)
        if ('refused' in done) return done.refused
        const upserted = { kind: 'analytics#userDeletionRequest', id: { type, userId: identifier }, propertyId }
        return jsonReply(200, { ...upserted, deletionRequestTime: done.time }, { items: 1 })
      }),
    },
  ]

  const control: GoogleAnalyticsControl = {
    ...common,
    properties: () => properties,
    seedMember(propertyId, person) {
      if (!perDay.has(propertyId)) throw new RangeError(`no property ${propertyId}`)
      users.record(propertyId, person)
    },
    seedMembers(propertyId, { count, from = 1 }) {
      for (let n = from; n < from + count; n += 1) control.seedMember(propertyId, generatedPerson(n))
    },
    know(people) {
      for (const propertyId of properties) for (const person of people) users.record(propertyId, person)
    },
    configure: (some) => void Object.assign(settings, Object.fromEntries(Object.entries(some).filter(([, value]) => value !== undefined))),
    deletionsLeft: (propertyId) => perDay.get(propertyId)?.left() ?? 0,
    recallTokens: () => signIn.recall(),
    beliefs: () => users.beliefs(),
    person: (question) => users.about(question),
    reset() {
      common.behave()
      common.clearRequests()
      users.clear()
      for (const quota of [...perMinute, ...perDay.values(), upserts]) quota.clear()
    },
  }
  const url = `${stage.origin}/${stage.name}`
  return {
    api: { url, ...signIn.credentials, properties, control },
    misbehave: (body) => control.misbehave(analyticsMisbehaviour.parse(body)),
    page: {
      title: 'Google Analytics',
      about: `User deletion. The Admin API listens at ${url}/v1alpha.`,
      get figures() {
        return [
          ['identifiers', users.count()],
          ['asked to delete', users.beliefs().filter(({ deletionRequestTime }) => deletionRequestTime !== undefined).length],
          ['deletions left today', [...perDay.values()].reduce((sum, quota) => sum + quota.left(), 0)],
        ] as const
      },
      columns: ['Person', 'Property', 'State', 'Held under', 'Asked'],
      rows: (limit) => users.beliefs().slice(-limit).reverse().map(cells),
      rowsAbout: (question) => users.about(question).map(cells),
    },
    handle: playHttp(
      {
        routes,
        latencyMs: () => settings.latencyMs,
        admit: (request) => signIn.admit(request, [request.template === UPSERT ? USER_DELETION : EDIT]),
        signIn: { templates: [TOKEN_TEMPLATE], refused: () => signIn.refused() },
        refuse: {
          tooManyAtOnce: () => exhausted('at the same time'),
          rateLimited: () => exhausted('per minute'),
          revokedKey: invalidToken,
          serverError: () => googleError('INTERNAL', 'Internal error encountered.'),
          notFound: () => googleError('NOT_FOUND', 'Requested entity was not found.'),
          methodNotAllowed: () => googleError('NOT_FOUND', 'Requested entity was not found.'),
          tooLarge: () => googleError('INVALID_ARGUMENT', 'Request payload size exceeds the limit.'),
        },
      },
      stage,
      switches,
      () => store.flush(),
    ),
    controlRoutes(router) {
      router.get('/connection', ({ headers }, response) => {
        const origin = `http://${headers.host}`
        response.json({ url: `${origin}/${stage.name}`, ...signIn.credentialsAt(origin), properties })
      })
      router.post('/seed', (request, response) => {
        const { propertyId, people, generate } = seedBody.parse(request.body)
        for (const id of propertyId === undefined ? properties : [propertyId]) {
          for (const person of people) control.seedMember(id, person)
          if (generate !== undefined) control.seedMembers(id, generate)
        }
        response.json({ seeded: people.length + (generate?.count ?? 0) })
      })
      router.post('/settings', (request, response) => {
        control.configure(settingsSchema.parse(request.body))
        response.status(204).end()
      })
    },
    stop: async () => store.close(),
  }
}

function exhausted(what: string): HttpReply {
  return googleError('RESOURCE_EXHAUSTED', `Quota exceeded for requests ${what}.`, { reason: 'RATE_LIMIT_EXCEEDED' })
}

// the form of before google.rpc.Status, which still comes at times
function olderQuotaError(reason: string): HttpReply {
  const message = 'Quota Error: the number of requests has exceeded the limit.'
  return jsonReply(403, { error: { code: 403, message, errors: [{ domain: 'usageLimits', reason, message }] } })
}

function cells({ address, identifier, propertyId, kind, state, deletionRequestTime }: AnalyticsBelief): Cell[] {
  return [
    address ?? identifier,
    propertyId,
    { badge: state.replaceAll('-', ' '), tone: TONES[state satisfies AnalyticsState] },
    kind,
    deletionRequestTime?.slice(0, 19).replace('T', ' ') ?? '–',
  ]
}
