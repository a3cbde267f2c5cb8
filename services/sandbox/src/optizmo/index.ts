import { z } from 'zod'
import type { SomeOf } from '../audience/control.ts'
import { commonControl } from '../frame/common-control.ts'
import { type HttpHandler, type HttpReply, type HttpRequest, playHttp } from '../frame/http-play.ts'
import { isRecord, jsonReply, parseJson, textOf } from '../frame/json.ts'
import { openKept } from '../frame/kept.ts'
import { slidingQuota } from '../frame/quota.ts'
import type { Routed } from '../frame/router.ts'
import { demoSecret, sameText } from '../frame/tokens.ts'
import type { Cell, Stage, Vendor, VendorControl, VendorDefinition } from '../frame/vendor.ts'
import { type OptizmoFault, optizmoMisbehaviour } from './faults.ts'
import { createLists, type Import, md5Of, type OptizmoBelief, type OptoutList } from './lists.ts'

export type { OptizmoFault } from './faults.ts'
export type { OptizmoBelief } from './lists.ts'

/** How the API behaves when nothing is wrong. */
export interface OptizmoSettings {
  latencyMs: number
  /** How long an import takes, in milliseconds on the sandbox's clock. Default 100. */
  workMs: number
  /** Requests a minute. Default 600. */
  perMinute: number
  /** Where the key is looked for: the vendor's pages name both. Default either. */
  keyHeader: 'authorization' | 'api_key' | 'either'
}

export interface OptizmoOptions extends Partial<OptizmoSettings> {
  /** Default `901fad4c46a1e723`. */
  readonly lists?: readonly OptoutList[]
}

export interface OptizmoControl extends VendorControl<OptizmoFault, OptizmoBelief> {
  configure(settings: SomeOf<OptizmoSettings>): void
  /** Gives the vendor addresses of people, whom it then calls by name. */
  know(addresses: readonly string[]): void
}

/** The API as a connector reaches it. */
export interface Optizmo {
  readonly url: string
  readonly apiKey: string
  readonly listId: string
  readonly control: OptizmoControl
}

const settingsSchema = z
  .strictObject({
    latencyMs: z.int().nonnegative(),
    workMs: z.int().nonnegative(),
    perMinute: z.int().positive(),
    keyHeader: z.enum(['authorization', 'api_key', 'either']),
  })
  .partial()
const knowBody = z.strictObject({ addresses: z.array(z.string()) })
const DEFAULT_LISTS: readonly OptoutList[] = [{ id: '901fad4c46a1e723', name: 'Opt-outs' }]
const LIFETIME_MS = 15 * 60_000
const MAX_BYTES = 5 * 1024 ** 3
const STORAGE = '/storage/{reference}'

/** OPTIZMO's opt-out lists, as in the contract sheet of hashed-email shares. */
export const optizmo: VendorDefinition<'optizmo', OptizmoOptions, Optizmo> = {
  name: 'optizmo',
  play: async (stage, options) => play(stage, options),
}

const refused = (status: number, message: string): HttpReply => jsonReply(status, { message })

function play(stage: Stage, options: OptizmoOptions): Vendor<Optizmo> {
  const { lists: given = DEFAULT_LISTS, ...some } = options
  const settings: OptizmoSettings = { latencyMs: 0, workMs: 100, perMinute: 600, keyHeader: 'either', ...some }
  const { switches, common } = commonControl<OptizmoFault>(stage)
  const { now } = stage.clock
  const { parts, store } = openKept(stage, (kept) => [createLists(given, now, kept)] as const)
  const [lists] = parts
  const quota = slidingQuota(now, 60_000, () => settings.perMinute)
  const apiKey = `optizmo_api_${demoSecret(stage.seed, 'optizmo-key', 32)}`
  const url = `${stage.origin}/${stage.name}`

  const rateHeaders = (): Record<string, string> => ({
    'x-rate-limit-limit': String(settings.perMinute),
    'x-rate-limit-remaining': String(quota.left()),
    'x-rate-limit-reset': String(Math.ceil(quota.resetsInMs() / 1000)),
  })
  const tooMany = (seconds: number): HttpReply => {
    const reply = refused(429, 'Too Many Requests')
    return {
      ...reply,
      headers: { ...reply.headers, ...rateHeaders(), 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': String(seconds) },
    }
  }
  const counted =
    (handler: HttpHandler): HttpHandler =>
    async (request) => {
      if (!quota.take()) return tooMany(Math.max(1, Math.ceil(quota.resetsInMs() / 1000)))
      const reply = await handler(request)
      return { ...reply, headers: { ...reply.headers, ...rateHeaders() } }
    }

  const finish = (one: Import): void => {
    const { counts } = one
    const fails =
      switches.take('import-fails', {}) !== undefined || (counts !== undefined && counts.malformedCount === counts.submittedCount)
    one.status = fails ? 'failed' : switches.take('import-removed', {}) === undefined ? 'success' : 'removed'
    lists.changed(one)
  }
  const work = (one: Import): void => void stage.clock.after(settings.workMs, () => finish(one))
  for (const one of lists.underWay()) work(one)

  const prepare: HttpHandler = ({ body }) => {
    const asked = parseJson(body)?.value
    if (!isRecord(asked)) return refused(400, 'Invalid request payload')
    const listId = textOf(asked.optoutListId)
    const length = asked.fileContentLength
    if (listId === undefined || typeof length !== 'number' || !Number.isInteger(length) || length < 1 || length > MAX_BYTES)
      return refused(400, 'Invalid request payload')
    if (!lists.has(listId)) return refused(403, 'The list is not yours')
    const one = lists.prepare(listId, length, LIFETIME_MS)
    const expires = Math.floor(one.expiresAt / 1000)
    const uploadUrl = `${url}/storage/${one.reference}?AWSAccessKeyId=demo&Expires=${expires}&Signature=${one.signature}`
    return jsonReply(200, { uploadUrl, importReference: one.reference })
  }
  const upload: HttpHandler = (request) => {
    const one = lists.find(request.parameters.reference ?? '')
    const refusal = uploadFault(request, one)
    if (refusal !== undefined || one === undefined) return refusal ?? refused(404, 'NoSuchKey')
    const lines = request.body.toString('utf8').split('\n')
    if (lines.at(-1) === '') lines.pop()
    one.uploadedAt = now()
    one.status = 'running'
    lists.take(one, lines, (hash, address) => switches.take('poison', { hash, address }) !== undefined)
    work(one)
    return { status: 200, headers: { etag: `"${one.reference}"` }, items: lines.length }
  }
  const uploadFault = ({ query, headers, body }: HttpRequest, one: Import | undefined): HttpReply | undefined => {
    if (switches.take('upload-refused', {}) !== undefined) return refused(403, 'AccessDenied')
    // a place that is signed by its address is refused to whoever signs in as well
    if (headers.authorization !== undefined || headers.api_key !== undefined) return refused(400, 'Only one auth mechanism allowed')
    if (one === undefined || !sameText(query.get('Signature') ?? '', one.signature)) return refused(403, 'SignatureDoesNotMatch')
    // the signature covers the type, and was made without one
    if (headers['content-type'] !== undefined) return refused(403, 'SignatureDoesNotMatch')
    if (one.expiresAt <= now()) return refused(403, 'Request has expired')
    return body.length === one.length ? undefined : refused(400, 'The length is not the one that was announced')
  }
  const status: HttpHandler = ({ parameters }) => {
    const one = lists.find(parameters.reference ?? '')
    if (one === undefined) return refused(404, 'Not found')
    const ended = one.status === 'success' || one.status === 'failed'
    const counts = ended && switches.take('no-counts', {}) === undefined ? one.counts : undefined
    return jsonReply(200, { status: one.status, ...counts }, { items: one.counts?.submittedCount ?? 0 })
  }

  const control: OptizmoControl = {
    ...common,
    configure: (changed) =>
      void Object.assign(settings, Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined))),
    know: (addresses) => lists.know(addresses),
    beliefs: () => lists.beliefs(),
    person: ({ address, hash }) => lists.about(address === undefined ? (hash ?? '') : md5Of(address)),
    reset() {
      common.behave()
      common.clearRequests()
      lists.clear()
      quota.clear()
    },
  }
  const routes: Routed<HttpHandler>[] = [
    { method: 'POST', template: '/optout-list/prepare-upload', handler: counted(prepare) },
    { method: 'GET', template: '/optout-list/upload-status/{reference}', handler: counted(status) },
    { method: 'PUT', template: STORAGE, handler: upload },
  ]
  const told = { apiKey, listId: given[0]?.id ?? '' }
  return {
    api: { url, ...told, control },
    misbehave: (body) => control.misbehave(optizmoMisbehaviour.parse(body)),
    handle: playHttp(
      {
        routes,
        latencyMs: () => settings.latencyMs,
        admit({ template, headers }) {
          if (template === STORAGE) return undefined
          const [, bearer = ''] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? []
          const fits =
            (settings.keyHeader !== 'api_key' && sameText(bearer, apiKey)) ||
            (settings.keyHeader !== 'authorization' && sameText(String(headers.api_key ?? ''), apiKey))
          return fits ? undefined : refused(401, 'Unauthorized')
        },
        refuse: {
          tooManyAtOnce: () => tooMany(1),
          rateLimited: (seconds = 30) => tooMany(seconds),
          revokedKey: () => refused(401, 'Unauthorized'),
          serverError: () => refused(500, 'Internal Server Error'),
          notFound: () => refused(404, 'Not found'),
          methodNotAllowed: () => refused(405, 'Method not allowed'),
          tooLarge: () => refused(413, 'Too large'),
        },
      },
      stage,
      switches,
      () => store.flush(),
    ),
    controlRoutes(router) {
      router.get('/connection', ({ headers }, response) => void response.json({ url: `http://${headers.host}/${stage.name}`, ...told }))
      router.post('/know', (request, response) => {
        const { addresses } = knowBody.parse(request.body)
        control.know(addresses)
        response.json({ known: addresses.length })
      })
      router.post('/settings', (request, response) => {
        control.configure(settingsSchema.parse(request.body))
        response.status(204).end()
      })
    },
    page: {
      title: 'OPTIZMO',
      about: `Opt-out lists. The API listens at ${url}/optout-list.`,
      get figures() {
        return [
          ['lists', given.length],
          ['suppressed', lists.beliefs().filter(({ suppressed }) => suppressed).length],
        ] as const
      },
      columns: ['Person', 'List', 'State'],
      rows: (limit) => lists.beliefs().slice(-limit).reverse().map(cells),
      rowsAbout: (question) => control.person(question).map(cells),
    },
    stop: async () => store.close(),
  }
}

function cells({ address, hash, listId, suppressed }: OptizmoBelief): Cell[] {
  return [
    address ?? `hash ${hash.slice(0, 12)}…`,
    listId,
    suppressed ? { badge: 'suppressed', tone: 'stop' } : { badge: 'not suppressed', tone: 'go' },
  ]
}
