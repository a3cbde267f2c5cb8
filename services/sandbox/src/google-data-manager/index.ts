import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { createAudienceBook } from '../audience/book.ts'
import { type AudienceControl, audienceControl, audienceControlRoutes, audiencePage } from '../audience/control.ts'
import { type PersonInput, personOf } from '../audience/people.ts'
import { personSwitch } from '../audience/person-switch.ts'
import { commonControl } from '../frame/common-control.ts'
import { type HttpHandler, type HttpReply, playHttp } from '../frame/http-play.ts'
import { jsonReply, parseJson } from '../frame/json.ts'
import { openKept } from '../frame/kept.ts'
import { dailyQuota, type Quota, slidingQuota } from '../frame/quota.ts'
import type { Routed } from '../frame/router.ts'
import type { Stage, Vendor, VendorDefinition } from '../frame/vendor.ts'
import { googleError } from '../google/errors.ts'
import { createGoogleSignIn, type GoogleCredentials, invalidToken, TOKEN_TEMPLATE } from '../google/sign-in.ts'
import { type GoogleFault, googleMisbehaviour } from './faults.ts'
import { createJobs } from './jobs.ts'
import { audiencesOf, defaultAccounts, type GoogleAccount, recognition } from './lists.ts'
import { type Call, readRequest } from './requests.ts'

export type { GoogleFault } from './faults.ts'
export type { GoogleAccount, ListKind } from './lists.ts'

/** How the API behaves when nothing is wrong. */
export interface GoogleDataManagerSettings {
  /** How long each answer takes at least. Default 0. */
  latencyMs: number
  /** How long an accepted request is worked on, give or take half of it. Default 30. */
  paceMs: number
  /** Writes, and apart from them reads, that a project has. Defaults 300 and 100,000. */
  perMinute: number
  perDay: number
}

/** How the API is set up; everything has a default that works. */
export interface GoogleDataManagerOptions extends Partial<GoogleDataManagerSettings> {
  readonly accounts?: readonly GoogleAccount[]
}

/** Everything that it can be told and asked beside its API. */
export interface GoogleDataManagerControl extends AudienceControl<GoogleFault, GoogleDataManagerSettings> {
  /** Puts somebody into a list under the hash of their Gmail address as it was made before 2026, with the suffix in it. */
  seedFormerMember(listId: string, person: PersonInput): void
  /** Ends every access token that was got at the token endpoint. */
  recallTokens(): void
}

/** The API as a connector reaches it: base `url`, then `/v1/…`. */
export interface GoogleDataManager extends GoogleCredentials {
  readonly url: string
  readonly accounts: readonly GoogleAccount[]
  readonly control: GoogleDataManagerControl
}

const settingsSchema = z
  .strictObject({
    latencyMs: z.int().nonnegative(),
    paceMs: z.int().nonnegative(),
    perMinute: z.int().positive(),
    perDay: z.int().positive(),
  })
  .partial()
// the sheet does not say when a day begins; Google's other quotas turn at midnight Pacific time
const DAY_ZONE = 'America/Los_Angeles'

/** Google's Data Manager API v1, as in its contract sheet; the README lists what is enforced and what is left out. */
export const googleDataManager: VendorDefinition<'google-data-manager', GoogleDataManagerOptions, GoogleDataManager> = {
  name: 'google-data-manager',
  play,
}

async function play(stage: Stage, options: GoogleDataManagerOptions): Promise<Vendor<GoogleDataManager>> {
  const { switches, common } = commonControl<GoogleFault>(stage)
  const settings: GoogleDataManagerSettings = {
    latencyMs: options.latencyMs ?? 0,
    paceMs: options.paceMs ?? 30,
    perMinute: options.perMinute ?? 300,
    perDay: options.perDay ?? 100_000,
  }
  const accounts = options.accounts ?? defaultAccounts
  const signIn = await createGoogleSignIn(stage, {
    scopes: ['https://www.googleapis.com/auth/datamanager'],
    humansNameTheProject: true,
  })
  const { parts, store } = openKept(stage, (kept) => {
    const audiences = createAudienceBook(audiencesOf(accounts), recognition, stage.clock.now, kept)
    return [audiences, createJobs(stage, audiences, switches, kept, () => settings.paceMs)]
  })
  const [book, jobs] = parts

  const buckets = (kind: string): Record<string, Quota> => ({
    [`${kind}RequestsPerMinutePerProject`]: slidingQuota(stage.clock.now, 60_000, () => settings.perMinute),
    [`${kind}RequestsPerDayPerProject`]: dailyQuota(stage.clock.now, DAY_ZONE, () => settings.perDay),
  })
  const quotas = { write: buckets('IngestionMutate'), read: buckets('RequestStatusRead') }
  const within = (kind: 'write' | 'read', handler: HttpHandler): HttpHandler => {
    return (request) => {
      const empty = Object.entries(quotas[kind]).find(([, quota]) => !quota.take())
      return empty === undefined ? handler(request) : exhausted(empty[0])
    }
  }

  const write = (call: Call): Routed<HttpHandler> => ({
    method: 'POST',
    template: `/v1/audienceMembers:${call}`,
    handler: within('write', ({ headers, body }) => {
      if (headers['content-type']?.startsWith('application/json') !== true)
        return googleError('INVALID_ARGUMENT', 'The content type of the request is not application/json.')
      const json = parseJson(body)
      if (json === undefined) return googleError('INVALID_ARGUMENT', 'Invalid JSON payload received. Unexpected token.')
      const requestId = randomUUID()
      const read = readRequest(call, json.value, requestId, {
        accounts,
        findList: (id) => book.find(id),
        isPoisoned: personSwitch(switches, 'poison', recognition.keysOf),
        now: stage.clock.now,
      })
      if ('refused' in read) return read.refused
      if (!read.validateOnly) jobs.submit(requestId, read)
      return jsonReply(200, { requestId }, { items: read.members.length })
    }),
  })
  const routes: Routed<HttpHandler>[] = [
    { method: 'POST', template: TOKEN_TEMPLATE, handler: (request) => signIn.token(request) },
    write('ingest'),
    write('remove'),
    write('removeAll'),
    {
      method: 'GET',
      template: '/v1/requestStatus:retrieve',
      handler: within('read', ({ query }) => {
        const shown = jobs.show(query.get('requestId') ?? '')
        return shown === undefined ? unknownRequest() : jsonReply(200, shown)
      }),
    },
  ]

  const own = audienceControl(book, settings, () => jobs.underWay())
  const control: GoogleDataManagerControl = {
    ...common,
    ...own,
    seedFormerMember(listId, input) {
      const list = book.find(listId)
      if (list === undefined) throw new RangeError(`no list ${listId}`)
      const person = personOf(input)
      const keys = recognition.formerKeysOf?.(person) ?? []
      if (keys.length === 0) throw new RangeError('only a Gmail address with a suffix had another hash before 2026')
      book.know([person])
      book.put(list, keys)
    },
    recallTokens: () => signIn.recall(),
    reset() {
      common.behave()
      common.clearRequests()
      book.clear()
      jobs.clear()
      for (const quota of [...Object.values(quotas.write), ...Object.values(quotas.read)]) quota.clear()
    },
  }
  const url = `${stage.origin}/${stage.name}`
  return {
    api: { url, ...signIn.credentials, accounts, control },
    misbehave: (body) => control.misbehave(googleMisbehaviour.parse(body)),
    page: audiencePage('Google Ads and Display & Video', `Customer Match lists. The Data Manager API listens at ${url}/v1.`, book, () =>
      jobs.underWay(),
    ),
    handle: playHttp(
      {
        routes,
        latencyMs: () => settings.latencyMs,
        admit: (request) => signIn.admit(request),
        signIn: { templates: [TOKEN_TEMPLATE], refused: () => signIn.refused() },
        refuse: {
          tooManyAtOnce: () => exhausted('ConcurrentRequestsPerProject'),
          rateLimited: () => exhausted('IngestionMutateRequestsPerMinutePerProject'),
          revokedKey: invalidToken,
          serverError: () => googleError('INTERNAL', 'Internal error encountered.', { reason: 'INTERNAL_ERROR' }),
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
      const connection = (origin: string): object => ({ url: `${origin}/${stage.name}`, ...signIn.credentialsAt(origin), accounts })
      audienceControlRoutes(router, own, settingsSchema, connection)
    },
    stop: async () => store.close(),
  }
}

function exhausted(quotaLimit: string): HttpReply {
  return googleError('RESOURCE_EXHAUSTED', `Quota exceeded for quota metric and limit '${quotaLimit}'.`, {
    reason: 'RATE_LIMIT_EXCEEDED',
    metadata: { quota_limit: quotaLimit, service: 'datamanager.googleapis.com' },
  })
}

function unknownRequest(): HttpReply {
  return googleError('INVALID_ARGUMENT', 'There was a problem with the request.', {
    reason: 'INVALID_ARGUMENT',
    domain: 'datamanager.googleapis.com',
    violations: [{ field: 'request_id', description: 'The request id is invalid.', reason: 'INVALID_REQUEST_ID' }],
  })
}
