import { z } from 'zod'
import type { SomeOf } from '../audience/control.ts'
import { commonControl } from '../frame/common-control.ts'
import { type HttpHandler, type HttpReply, type HttpRequest, playHttp } from '../frame/http-play.ts'
import { isRecord, jsonReply, parseJson, textOf } from '../frame/json.ts'
import { openKept } from '../frame/kept.ts'
import type { Routed } from '../frame/router.ts'
import { createTokenOffice, demoSecret, sameText } from '../frame/tokens.ts'
import type { Cell, Stage, Vendor, VendorControl, VendorDefinition } from '../frame/vendor.ts'
import { type LiverampFault, liverampMisbehaviour } from './faults.ts'
import { createPrivacyRequests, type LiverampBelief, type PrivacyRequest } from './requests.ts'

export type { LiverampFault } from './faults.ts'
export type { LiverampBelief } from './requests.ts'

/** How the API behaves when nothing is wrong. */
export interface LiverampSettings {
  latencyMs: number
  /** How long a request is worked on, in milliseconds on the sandbox's clock; half of it until it is `PROCESSING`. Default 100. */
  workMs: number
  /** How long a token lives. Default 600. */
  tokenSeconds: number
}

export interface LiverampOptions extends Partial<LiverampSettings> {
  /** Organisations that the demo account speaks for. Default `ORG-DEMO`. */
  readonly organisations?: readonly string[]
}

export interface LiverampControl extends VendorControl<LiverampFault, LiverampBelief> {
  configure(settings: SomeOf<LiverampSettings>): void
  /** Ends every token that was got at the token endpoint. */
  recallTokens(): void
}

/** The API as a connector reaches it. */
export interface Liveramp {
  readonly url: string
  readonly tokenUrl: string
  readonly organisation: string
  /** A service account, with which tokens are got. */
  readonly accountId: string
  readonly secretKey: string
  /** A token that does not end. */
  readonly token: string
  readonly control: LiverampControl
}

const settingsSchema = z
  .strictObject({ latencyMs: z.int().nonnegative(), workMs: z.int().nonnegative(), tokenSeconds: z.int().positive() })
  .partial()
const TOKEN_TEMPLATE = '/authn/v1/oauth2/token'
const TYPES: readonly string[] = ['OPT_OUT', 'DELETION']
const STATUSES: readonly string[] = ['ACCEPTED', 'PROCESSING', 'COMPLETED', 'FAILED']
const FIELDS: readonly string[] = [
  'request_type',
  'email',
  'maid',
  'first_name',
  'last_name',
  'phone',
  'street',
  'city',
  'state',
  'zip_code',
]
const HASH = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[A-Za-z0-9+/]{43}=)$/i

/** LiveRamp's Privacy API, as in the contract sheet of hashed-email shares. */
export const liveramp: VendorDefinition<'liveramp', LiverampOptions, Liveramp> = {
  name: 'liveramp',
  play: async (stage, options) => play(stage, options),
}

function play(stage: Stage, options: LiverampOptions): Vendor<Liveramp> {
  const { organisations = ['ORG-DEMO'], ...some } = options
  const settings: LiverampSettings = { latencyMs: 0, workMs: 100, tokenSeconds: 600, ...some }
  const { switches, common } = commonControl<LiverampFault>(stage)
  const { now } = stage.clock
  const { parts, store } = openKept(stage, (kept) => [createPrivacyRequests(now, kept)] as const)
  const [requests] = parts
  const office = createTokenOffice(stage.seed, 'eyJ', now)
  const accountId = demoSecret(stage.seed, 'liveramp-account', 24)
  const secretKey = demoSecret(stage.seed, 'liveramp-secret', 48)
  const token = `eyJ.${demoSecret(stage.seed, 'liveramp-token', 48)}`
  const refused = (status: number, message: string): HttpReply => jsonReply(status, { message, time: new Date(now()).toISOString() })

  const finish = (request: PrivacyRequest): void => {
    const failed = switches.take('poison', { address: request.address }) ?? switches.take('late-failure', { address: request.address })
    request.status = failed === undefined ? 'COMPLETED' : 'FAILED'
    request.date_completed = new Date(now()).toISOString()
    request.error_message = failed === undefined ? null : 'Processing failed'
    requests.changed(request)
  }
  /** Works on a request; what was under way at a restart is taken up again. */
  const work = (request: PrivacyRequest): void => {
    if (switches.take('never-completed', { address: request.address }) !== undefined) return
    stage.clock.after(settings.workMs / 2, () => {
      if (request.status !== 'ACCEPTED') return
      request.status = 'PROCESSING'
      request.date_processed = new Date(now()).toISOString()
      requests.changed(request)
      stage.clock.after(settings.workMs / 2, () => finish(request))
    })
  }
  for (const organisation of organisations)
    for (const request of requests.list(organisation)) {
      if (request.status === 'PROCESSING') request.status = 'ACCEPTED'
      if (request.status === 'ACCEPTED') work(request)
    }

  const create: HttpHandler = ({ body, headers }) => {
    const asked = parseJson(body)?.value
    if (!isRecord(asked)) return refused(400, 'The request body is not valid JSON')
    const unknown = Object.keys(asked).filter((field) => !FIELDS.includes(field))
    if (unknown.length > 0) return refused(400, `Unknown field: ${unknown.join(', ')}`)
    const type = textOf(asked.request_type) ?? ''
    if (!TYPES.includes(type)) return refused(422, 'request_type must be DELETION or OPT_OUT')
    if (asked.maid !== undefined) return refused(422, 'This demo knows people by their address')
    const email = textOf(asked.email)
    if (email === undefined) return refused(422, 'At least one identifier is required: email or maid')
    const [local = '', domain = '', ...more] = email.trim().split('@')
    if (HASH.test(email) || more.length > 0 || local === '' || domain === '' || /\s/u.test(email.trim()))
      return { ...refused(422, 'email is not a valid address'), items: 1 }
    const organisation = String(headers['lr-org-id'])
    const { request, isDuplicate } = requests.receive({ type: type as PrivacyRequest['request_type'], address: email, organisation })
    if (!isDuplicate) work(request)
    const told = { request_uuid: request.request_uuid, status: request.status, is_duplicate: isDuplicate }
    return isDuplicate
      ? jsonReply(200, { ...told, message: 'Duplicate request' }, { items: 1 })
      : jsonReply(201, { ...told, message: 'Request created successfully' }, { items: 1 })
  }

  const read: HttpHandler = ({ query, headers }) => {
    const organisation = String(headers['lr-org-id'])
    const uuid = query.get('uuid')
    if (uuid !== null) {
      const request = requests.find(uuid, organisation)
      const lost = switches.take('forgotten', { path: '/v1/requests' }) !== undefined
      return request === undefined || lost
        ? refused(404, 'Privacy request not found')
        : jsonReply(200, { privacy_request: shown(request) }, { items: 1 })
    }
    const page = Number(query.get('page') ?? 1)
    const size = Number(query.get('page_size') ?? 10)
    const [status, type] = [query.get('status'), query.get('request_type')]
    if (!Number.isInteger(page) || page < 1 || !Number.isInteger(size) || size < 1 || size > 100)
      return refused(400, 'page must be 1 or more, page_size 1 to 100')
    if ((status !== null && !STATUSES.includes(status)) || (type !== null && !TYPES.includes(type))) return refused(400, 'Unknown filter')
    const found = requests
      .list(organisation)
      .filter((request) => (status === null || request.status === status) && (type === null || request.request_type === type))
    const some = found.slice((page - 1) * size, page * size)
    return jsonReply(200, { privacy_requests: some.map(shown), total: found.length, page, page_size: size }, { items: some.length })
  }

  const signIn: HttpHandler = ({ body }) => {
    const form = new URLSearchParams(body.toString('utf8'))
    const fits =
      form.get('grant_type') === 'password' &&
      form.get('client_id') === 'liveramp-api' &&
      sameText(form.get('username') ?? '', accountId) &&
      sameText(form.get('password') ?? '', secretKey)
    if (!fits) return jsonReply(400, { error: 'invalid_grant' })
    return jsonReply(200, {
      access_token: office.issue({}, settings.tokenSeconds),
      token_type: 'Bearer',
      expires_in: settings.tokenSeconds,
    })
  }

  const admit = ({ headers }: HttpRequest): HttpReply | undefined => {
    const [, given = ''] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? []
    const known = sameText(given, token) || typeof office.check(given) === 'object'
    if (!known) return refused(401, 'Invalid authorization token')
    const organisation = headers['lr-org-id']
    if (organisation === undefined) return refused(400, 'The header LR-Org-ID is missing')
    return organisations.includes(String(organisation)) ? undefined : refused(403, 'The organization is not yours')
  }

  const control: LiverampControl = {
    ...common,
    configure: (given) =>
      void Object.assign(settings, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))),
    recallTokens: () => office.recall(),
    beliefs: () => requests.beliefs(),
    person: ({ address }) => (address === undefined ? [] : requests.about(address)),
    reset() {
      common.behave()
      common.clearRequests()
      requests.clear()
    },
  }
  const url = `${stage.origin}/${stage.name}`
  const routes: Routed<HttpHandler>[] = [
    { method: 'POST', template: '/v1/requests', handler: create },
    { method: 'GET', template: '/v1/requests', handler: read },
    { method: 'POST', template: TOKEN_TEMPLATE, handler: signIn },
  ]
  const told = { organisation: organisations[0] ?? '', accountId, secretKey, token }
  return {
    api: { url, tokenUrl: `${url}${TOKEN_TEMPLATE}`, ...told, control },
    misbehave: (body) => control.misbehave(liverampMisbehaviour.parse(body)),
    handle: playHttp(
      {
        routes,
        latencyMs: () => settings.latencyMs,
        admit,
        signIn: { templates: [TOKEN_TEMPLATE], refused: () => jsonReply(400, { error: 'invalid_grant' }) },
        refuse: {
          tooManyAtOnce: () => refused(503, 'Too many requests at once'),
          rateLimited: (retryAfterSeconds) => {
            const reply = refused(429, 'Too many requests')
            return retryAfterSeconds === undefined
              ? reply
              : { ...reply, headers: { ...reply.headers, 'retry-after': String(retryAfterSeconds) } }
          },
          revokedKey: () => refused(401, 'Invalid authorization token'),
          serverError: () => refused(500, 'Internal error'),
          notFound: () => refused(404, 'Not found'),
          methodNotAllowed: () => refused(405, 'Method not allowed'),
          tooLarge: () => refused(400, 'The request body is too large'),
        },
      },
      stage,
      switches,
      () => store.flush(),
    ),
    controlRoutes(router) {
      router.get('/connection', ({ headers }, response) => {
        const own = `http://${headers.host}/${stage.name}`
        response.json({ url: own, tokenUrl: `${own}${TOKEN_TEMPLATE}`, ...told })
      })
      router.post('/settings', (request, response) => {
        control.configure(settingsSchema.parse(request.body))
        response.status(204).end()
      })
    },
    page: {
      title: 'LiveRamp',
      about: `Privacy requests. The API listens at ${url}/v1.`,
      get figures() {
        const all = requests.beliefs()
        return [
          ['people', all.length],
          ['opted out', all.filter(({ optOut }) => optOut === 'COMPLETED').length],
        ] as const
      },
      columns: ['Person', 'Organisation', 'Opt-out', 'Deletion', 'Asked'],
      rows: (limit) => requests.beliefs().slice(-limit).reverse().map(cells),
      rowsAbout: (question) => control.person(question).map(cells),
    },
    stop: async () => store.close(),
  }
}

function shown({ organisation: _, address: __, asked: ___, ...request }: PrivacyRequest): object {
  return request
}

function cells({ address, organisation, optOut, deletion, asked }: LiverampBelief): Cell[] {
  const word = (status: string): Cell => ({
    badge: status.toLowerCase(),
    tone: status === 'COMPLETED' ? 'stop' : status === 'none' ? 'none' : 'wait',
  })
  return [address, organisation, word(optOut), word(deletion), String(asked)]
}
