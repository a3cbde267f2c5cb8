import { commonControl } from '../frame/common-control.ts'
import { type HttpHandler, type HttpReply, type HttpRequest, playHttp } from '../frame/http-play.ts'
import { jsonReply, parseJson } from '../frame/json.ts'
import { openKept } from '../frame/kept.ts'
import type { Occasion } from '../frame/misbehaviour.ts'
import type { Cell, Stage, Vendor, VendorDefinition } from '../frame/vendor.ts'
import { createFeedBook, type FeedBelief } from './book.ts'
import { type Caller, createCallbacks } from './callbacks.ts'
import {
  type FeedPartnerInfo,
  type SupplierFeedControl,
  type SupplierFeedFault,
  supplierFeedControlRoutes,
  supplierFeedMisbehaviour,
} from './control.ts'
import { type AgreedIdentity, type PersonMessage, readMessage } from './messages.ts'
import { callbackKey, type FeedKey, feedKey, type SignatureKind, signatureFault } from './signatures.ts'

export type { FeedBelief } from './book.ts'
export type { CallRecord } from './callbacks.ts'
export type { FeedPartnerInfo, SupplierFeedControl, SupplierFeedFault } from './control.ts'

/** A partner with an endpoint of its own. */
export interface FeedPartner {
  readonly name: string
  /** Default `symmetric`. */
  readonly signature?: SignatureKind
  /** What a good message is answered by: 200 when it is applied (default), or 202 and a call afterwards. */
  readonly answers?: 'at-once' | 'by-call'
  /** How people may be named. Default: SHA-256 of the address. */
  readonly identities?: readonly AgreedIdentity[]
}

/** How the partners are set up; everything has a default that works. */
export interface SupplierFeedOptions {
  readonly partners?: readonly FeedPartner[]
  /** How long after its answer a partner calls, on the sandbox's clock. Default 50. */
  readonly callbackDelayMs?: number
}

/** The partners as a connector reaches them. */
export interface SupplierFeed {
  readonly partners: readonly FeedPartnerInfo[]
  readonly control: SupplierFeedControl
}

const HASHED_ADDRESS: AgreedIdentity = { type: 'email', format: 'sha256', profile: 'plain-sha256-hex' }
const DEFAULT_PARTNERS: readonly FeedPartner[] = [{ name: 'partner' }]
const DAY_MS = 86_400_000
const MAX_MESSAGE_BYTES = 20_000
// where the metadata of a machine in a cloud are
const INSIDE = 'http://169.254.169.254/latest/meta-data/'

/** Partners that take signed messages and may call back, as in the contract sheet; the README lists what is enforced and what is left out. */
export const supplierFeed: VendorDefinition<'supplier-feed', SupplierFeedOptions, SupplierFeed> = {
  name: 'supplier-feed',
  play: async (stage, options) => play(stage, options),
}

interface Playing extends Caller {
  readonly definition: Required<FeedPartner>
  /** Newest first; an older one until its time is over. */
  keys: { readonly key: FeedKey; until: number }[]
  generation: number
  registered: string | undefined
}

function play(stage: Stage, options: SupplierFeedOptions): Vendor<SupplierFeed> {
  const settings = { callbackDelayMs: options.callbackDelayMs ?? 50 }
  const { switches, common } = commonControl<SupplierFeedFault>(stage)
  const partners = new Map((options.partners ?? DEFAULT_PARTNERS).map((partner) => [partner.name, playing(stage, partner)] as const))
  const { parts, store } = openKept(stage, (store) => [createFeedBook(store), createCallbacks(stage, partners, store)])
  const [book, callbacks] = parts
  const ignored = { repeated: 0, stale: 0 }
  const { now } = stage.clock

  const partnerOf = (name: string): Playing => {
    const partner = partners.get(name)
    if (partner === undefined) throw new RangeError(`there is no partner ${name}`)
    return partner
  }
  const infoOf = ({ name, keys, callbackKey: own, registered }: Playing): FeedPartnerInfo => ({
    name,
    url: `${stage.origin}/${stage.name}/${name}/events`,
    signingKey: keys[0]?.key.signingKey ?? '',
    callbackKey: own,
    ...(registered === undefined ? {} : { callbackUrl: registered }),
  })

  const refuse = (status: number, code: string, headers: Record<string, string> = {}): HttpReply =>
    jsonReply(status, { error: code }, { headers, remark: code })

  /** What a switch makes of a request before it is looked at. */
  const spoilt = (occasion: Occasion): HttpReply | undefined => {
    if (switches.take('redirect', occasion) !== undefined) return { status: 307, headers: { location: INSIDE } }
    if (switches.take('gone', occasion) !== undefined) return refuse(410, 'endpoint.retired')
    if (switches.take('missing', occasion) !== undefined) return refuse(404, 'endpoint.unknown')
    const limited = switches.take('limited-until', occasion)
    if (limited === undefined) return undefined
    const until = new Date(Date.now() + (limited.retryAfterSeconds ?? 60) * 1_000)
    return refuse(429, 'too-many', { 'retry-after': until.toUTCString() })
  }

  const admit = (partner: Playing, request: HttpRequest): HttpReply | undefined => {
    const { headers, body } = request
    if (!/^application\/json(; ?charset=utf-8)?$/i.test(headers['content-type'] ?? '')) return refuse(415, 'type.unknown')
    if (body.length > MAX_MESSAGE_BYTES) return refuse(413, 'message.too-long')
    const keys = partner.keys.filter(({ until }) => until > now()).map(({ key }) => key)
    const fault = signatureFault(headers, body, keys, [Date.now(), now()])
    return fault === undefined ? undefined : refuse(401, fault)
  }

  /** The answer to a message that was taken, now or before. */
  const answered = async (partner: Playing, { data }: PersonMessage, isNew: boolean, occasion: Occasion): Promise<HttpReply> => {
    const requestId = data.request_id
    if (partner.definition.answers === 'at-once')
      return jsonReply(200, { request_id: requestId, request_status: 'completed' }, { items: 1 })
    const on = (kind: SupplierFeedFault) => isNew && switches.take(kind, occasion) !== undefined
    const status = on('call-fails') ? 'failed' : 'completed'
    if (on('call-forged')) await callbacks.call(partner.name, requestId, status, { forged: true })
    if (on('call-first')) await callbacks.call(partner.name, requestId, status)
    // who has said it all says it once more when asked once more
    else callbacks.schedule(partner.name, requestId, status, settings.callbackDelayMs)
    if (on('call-twice')) callbacks.schedule(partner.name, requestId, status, settings.callbackDelayMs * 2)
    return jsonReply(202, { request_id: requestId, request_status: 'pending' }, { items: 1 })
  }

  const take =
    (partner: Playing): HttpHandler =>
    async (request) => {
      const { method, template, headers, body } = request
      const occasion = { method, path: template }
      const refused = spoilt(occasion) ?? admit(partner, request)
      if (refused !== undefined) return refused
      const json = parseJson(body)
      if (json === undefined) return refuse(400, 'message.not-json')
      const webhookId = String(headers['webhook-id'])
      const message = readMessage(json.value, webhookId, partner.definition.identities)
      if (typeof message === 'string') return refuse(422, message)
      if (message.type === 'ping') return { status: 204 }
      const { identity_value: value } = message.data.subject
      const person = { ...occasion, address: book.addressOf(value), hash: value }
      if (switches.take('poison', person) !== undefined) return refuse(422, 'person.refused')
      if (switches.take('aborts', person) !== undefined)
        return refuse(400, 'person.refused-for-good', { 'webhook-delivery': 'abort-message' })
      const became = book.take(partner.name, webhookId, body, message, now())
      if (became === 'other-body') return refuse(409, 'id.other-body')
      if (became !== 'applied') ignored[became] += 1
      const reply = await answered(partner, message, became === 'applied', person)
      const noted = became === 'applied' ? reply : { ...reply, remark: became }
      const { body: _, ...rest } = noted
      if (switches.take('huge-answer', occasion) !== undefined) return { ...rest, endless: { text: 'x'.repeat(64 * 1024), everyMs: 1 } }
      if (switches.take('slow-answer', occasion) !== undefined) return { ...rest, endless: { text: 'x', everyMs: 500 } }
      return noted
    }

  const control: SupplierFeedControl = {
    ...common,
    partners: () => [...partners.values()].map(infoOf),
    know: (addresses) => book.know(addresses),
    rotateKey(name) {
      const partner = partnerOf(name)
      partner.generation += 1
      const key = feedKey(stage.seed, name, partner.definition.signature, partner.generation)
      for (const older of partner.keys) older.until = Math.min(older.until, now() + DAY_MS)
      partner.keys.unshift({ key, until: Number.POSITIVE_INFINITY })
      return key.signingKey
    },
    register(name, callbackUrl) {
      partnerOf(name).registered = callbackUrl
    },
    configure({ callbackDelayMs }) {
      settings.callbackDelayMs = callbackDelayMs ?? settings.callbackDelayMs
    },
    holdCalls: () => callbacks.hold(),
    releaseCalls: () => callbacks.release(),
    calls: () => callbacks.records(),
    call: (name, requestId, status, mischief) => callbacks.call(partnerOf(name).name, requestId, status, mischief),
    ignored: () => ({ ...ignored }),
    beliefs: () => book.beliefs(),
    person: (question) => book.about(question),
    reset() {
      common.behave()
      common.clearRequests()
      book.clear()
      callbacks.clear()
      Object.assign(ignored, { repeated: 0, stale: 0 })
      for (const partner of partners.values()) partner.keys = firstKeys(stage, partner.definition)
    },
  }

  return {
    api: {
      get partners() {
        return control.partners()
      },
      control,
    },
    misbehave: (body) => control.misbehave(supplierFeedMisbehaviour.parse(body)),
    controlRoutes: (router) => supplierFeedControlRoutes(router, control),
    page: {
      title: 'Partners with a feed',
      about: `Suppliers, affiliates and others that take signed messages at ${stage.origin}/${stage.name}/{partner}/events.`,
      get figures() {
        const calls = callbacks.records()
        return [
          ['partners', partners.size],
          ['refusals held', book.beliefs().filter(({ state }) => state !== 'opted-in').length],
          ['calls owed', calls.filter(({ over }) => !over).length],
        ] as const
      },
      columns: ['Person', 'Partner', 'State', 'Scope', 'Sequence', 'Changed'],
      rows: (limit) => book.beliefs().slice(0, limit).map(beliefCells),
      rowsAbout: (question) => book.about(question).map(beliefCells),
    },
    handle: playHttp(
      {
        routes: [...partners.values()].map((partner) => ({ method: 'POST', template: `/${partner.name}/events`, handler: take(partner) })),
        // who may come in is seen by the signature of each message
        admit: () => undefined,
        latencyMs: () => 0,
        refuse: {
          tooManyAtOnce: () => refuse(429, 'too-many'),
          rateLimited: (seconds) => refuse(429, 'too-many', seconds === undefined ? {} : { 'retry-after': String(seconds) }),
          revokedKey: () => refuse(401, 'signature.unknown'),
          serverError: () => refuse(500, 'failed'),
          notFound: () => refuse(404, 'endpoint.unknown'),
          methodNotAllowed: () => refuse(405, 'method.unknown', { allow: 'POST' }),
          tooLarge: () => refuse(413, 'message.too-long'),
        },
      },
      stage,
      switches,
      () => store.flush(),
    ),
    stop: async () => {
      await store.close()
    },
  }
}

const firstKeys = (stage: Stage, { name, signature }: Required<FeedPartner>): Playing['keys'] => [
  { key: feedKey(stage.seed, name, signature, 1), until: Number.POSITIVE_INFINITY },
]

function playing(stage: Stage, partner: FeedPartner): Playing {
  const definition: Required<FeedPartner> = { signature: 'symmetric', answers: 'at-once', identities: [HASHED_ADDRESS], ...partner }
  const one: Playing = {
    name: partner.name,
    definition,
    keys: firstKeys(stage, definition),
    generation: 1,
    registered: undefined,
    callbackKey: callbackKey(stage.seed, partner.name),
    callbackUrl: () => one.registered,
  }
  return one
}

/** A belief as the page shows it. */
function beliefCells({ address, identityType, identityValue, partner, state, purpose, topic, sequence, changedAt }: FeedBelief): Cell[] {
  return [
    address ?? `${identityType} ${identityValue.slice(0, 12)}…`,
    partner,
    { badge: state, tone: state === 'opted-in' ? 'go' : 'stop' },
    purpose === undefined ? 'everything' : topic === undefined ? purpose : `${purpose}, ${topic}`,
    String(sequence),
    changedAt.slice(0, 19).replace('T', ' '),
  ]
}
