import { join } from 'node:path'
import { z } from 'zod'
import { commonControl } from '../frame/common-control.ts'
import { playHttp } from '../frame/http-play.ts'
import type { Fact, Store } from '../frame/store.ts'
import { demoSecret } from '../frame/tokens.ts'
import type { Stage, Vendor, VendorControl, VendorDefinition } from '../frame/vendor.ts'
import { beliefAbout, beliefsOf, type HashedEmailBelief, type PartnerDefinition, type PartnerInfo } from '../hashed-email/control.ts'
import { createInbox, type Inbox } from '../hashed-email/inbox.ts'
import { beliefCells } from '../hashed-email/index.ts'
import { createPartner } from '../hashed-email/partner.ts'
import { agree, hashOf } from '../hashed-email/profiles.ts'
import { type Bucket, openBucket } from './bucket.ts'
import { errors, refusal, type S3Error } from './errors.ts'
import { type S3Fault, s3Misbehaviour } from './faults.ts'
import { s3Routes } from './routes.ts'
import { signatureFault } from './signature.ts'

export type { S3Fault } from './faults.ts'

/** How the store behaves when nothing is wrong. */
export interface S3Settings {
  /** How long each answer takes at least. Default 0. */
  latencyMs: number
  /** How long a partner takes over a file, in milliseconds on the sandbox's clock. Default 50. */
  ackDelayMs: number
  /** Whether the demo key may list: without that, an object that is not there is answered 403. Default yes. */
  mayList: boolean
  /** The account that owns the buckets. Default `123456789012`. */
  owner: string
  /** What every write must ask to be encrypted with, as bucket policies can want it. Default `none`. */
  encryption: 'none' | 'AES256' | 'aws:kms'
}

/** How the store is set up; everything has a default that works. */
export interface S3Options extends Partial<S3Settings> {
  /** The partners, each with a bucket of its name. Default: `partner`, with plain SHA-256 in hex. */
  readonly partners?: readonly PartnerDefinition[]
  /** Default `eu-central-1`. */
  readonly region?: string
  /** Whether the demo credentials have a session token, as those have that end. Default no. */
  readonly withSessionToken?: boolean
}

/** Everything that the store and its partners can be told and asked beside their interface. */
export interface S3Control extends VendorControl<S3Fault, HashedEmailBelief> {
  partners(): PartnerInfo[]
  /** Gives a partner (default: every one) addresses of people that it knows itself. */
  know(addresses: readonly string[], partner?: string): void
  /** The keys of a bucket, as the partner lists them. */
  keys(bucket: string): string[]
  /** Resolves when every file that was seen so far is answered, or never will be. */
  idle(): Promise<void>
  configure(settings: { readonly [Name in keyof S3Settings]?: S3Settings[Name] | undefined }): void
}

/** The store as a connector reaches it. */
export interface S3 {
  /** The endpoint; buckets stand in the path. */
  readonly url: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
  readonly control: S3Control
}

const DEFAULT_PARTNERS: readonly PartnerDefinition[] = [{ name: 'partner', profile: 'plain-sha256-hex' }]
const settingsSchema = z
  .strictObject({
    latencyMs: z.int().nonnegative(),
    ackDelayMs: z.int().nonnegative(),
    mayList: z.boolean(),
    owner: z.string(),
    encryption: z.enum(['none', 'AES256', 'aws:kms']),
  })
  .partial()
const knowBody = z.strictObject({ addresses: z.array(z.string()), partner: z.string().optional() })

const SPOILING = {
  'expired-credentials': errors.expiredToken,
  'clock-skewed': errors.tooSkewed,
  'access-denied': errors.accessDenied,
  conflict: errors.conflict,
} as const satisfies Partial<Record<S3Fault, S3Error>>

/** An object store that speaks S3, with a bucket for each partner that takes files of hashed addresses from it. */
export const s3: VendorDefinition<'s3', S3Options, S3> = { name: 's3', play: async (stage, options) => play(stage, options) }

function play(stage: Stage, options: S3Options): Vendor<S3> {
  const { partners = DEFAULT_PARTNERS, region = 'eu-central-1', withSessionToken = false, ...some } = options
  const { switches, common } = commonControl<S3Fault>(stage)
  const settings: S3Settings = { latencyMs: 0, ackDelayMs: 50, mayList: true, owner: '123456789012', encryption: 'none', ...some }
  const accessKeyId = `AKIA${demoSecret(stage.seed, 's3-key', 16).toUpperCase()}`
  const secretAccessKey = demoSecret(stage.seed, 's3-secret', 40)
  const sessionToken = withSessionToken ? demoSecret(stage.seed, 's3-token', 60) : undefined
  const held: { store?: Store } = {}
  const store = (): Store => {
    if (held.store === undefined) throw new Error('asked before it was made')
    return held.store
  }
  const inboxes = new Map<string, Inbox>()
  const buckets = new Map<string, Bucket>()
  held.store = stage.openStore(function* () {
    for (const { partner, facts } of inboxes.values()) {
      yield* partner.facts()
      yield* facts()
    }
  })
  const kept: Fact[] = [...held.store.load()]
  for (const { name, profile, encoding, knownPeople = [] } of partners) {
    const root = join(stage.folder, 'buckets', name)
    const partner = createPartner(name, agree(profile, encoding), store)
    const inbox = createInbox(root, partner, { stage, switches, store, ackDelayMs: () => settings.ackDelayMs })
    for (const fact of kept) if (!partner.restore(fact)) inbox.restore(fact)
    partner.know(knownPeople)
    inboxes.set(name, inbox)
    buckets.set(name, openBucket(root))
    inbox.look()
  }

  const control: S3Control = {
    ...common,
    partners: () =>
      [...inboxes.values()].map(({ partner, root }) => ({
        name: partner.name,
        profile: partner.agreement.profile,
        encoding: partner.agreement.encoding,
        folder: root,
      })),
    know(addresses, name) {
      const meant = [...inboxes.values()].filter(({ partner }) => name === undefined || partner.name === name)
      if (meant.length === 0) throw new RangeError('there is no such partner')
      for (const { partner } of meant) partner.know(addresses)
    },
    keys: (name) => buckets.get(name)?.list('') ?? [],
    async idle() {
      for (const inbox of inboxes.values()) {
        inbox.look()
        await inbox.idle()
      }
    },
    configure: (given) =>
      void Object.assign(settings, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))),
    beliefs: () => [...inboxes.values()].flatMap(({ partner }) => beliefsOf(partner)),
    person: ({ address, hash }) =>
      [...inboxes.values()].flatMap(({ partner }) => beliefAbout(partner, hash ?? hashOf(address ?? '', partner.agreement)) ?? []),
    reset() {
      common.behave()
      common.clearRequests()
      for (const { partner, clear } of inboxes.values()) {
        partner.clear()
        clear()
        partner.know(partners.find(({ name }) => name === partner.name)?.knownPeople ?? [])
      }
    },
  }

  const routes = s3Routes({
    bucket: (name) => buckets.get(name),
    written: (name) => inboxes.get(name)?.look(),
    mayList: () => settings.mayList,
    spoilt({ method, template, headers }) {
      const { 'x-amz-expected-bucket-owner': owner, 'x-amz-server-side-encryption': encryption } = headers
      if (owner !== undefined && owner !== settings.owner) return errors.accessDenied
      if (method === 'PUT' && settings.encryption !== 'none' && encryption !== settings.encryption) return errors.accessDenied
      for (const kind of Object.keys(SPOILING) as (keyof typeof SPOILING)[]) {
        if (switches.take(kind, { method, path: template }) !== undefined) return SPOILING[kind]
      }
      return undefined
    },
  })
  const url = `${stage.origin}/${stage.name}`
  const told = { region, accessKeyId, secretAccessKey, sessionToken }
  return {
    api: { url, ...told, control },
    misbehave: (body) => control.misbehave(s3Misbehaviour.parse(body)),
    handle: playHttp(
      {
        routes,
        latencyMs: () => settings.latencyMs,
        admit({ method, path, query, headers }) {
          const fault = signatureFault(
            { method, path: `/${stage.name}${path}`, query, headers },
            {
              region,
              secretOf: (id) => (id === accessKeyId ? secretAccessKey : undefined),
              tokenOf: (id) => (id === accessKeyId ? sessionToken : undefined),
              now: () => [Date.now(), stage.clock.now()],
            },
          )
          return fault && refusal(fault)
        },
        refuse: {
          tooManyAtOnce: () => refusal(errors.slowDown),
          rateLimited: () => refusal(errors.slowDown),
          revokedKey: () => refusal(errors.unknownKey),
          serverError: () => refusal(errors.internal),
          notFound: () => refusal(errors.accessDenied),
          methodNotAllowed: () => refusal(errors.methodNotAllowed),
          tooLarge: () => refusal(errors.tooLarge),
        },
      },
      stage,
      switches,
      () => store().flush(),
    ),
    controlRoutes(router) {
      router.get('/connection', ({ headers }, response) => {
        response.json({ url: `http://${headers.host}/${stage.name}`, ...told, partners: control.partners() })
      })
      router.get('/keys/:bucket', (request, response) => void response.json({ keys: control.keys(request.params.bucket) }))
      router.post('/known', (request, response) => {
        const { addresses, partner } = knowBody.parse(request.body)
        control.know(addresses, partner)
        response.json({ known: addresses.length })
      })
      router.post('/settings', (request, response) => {
        control.configure(settingsSchema.parse(request.body))
        response.status(204).end()
      })
    },
    page: {
      title: 'Object store (S3)',
      about: `Buckets of partners that take files of hashed addresses. The endpoint is ${url}, with the bucket in the path.`,
      get figures() {
        return [
          ['buckets', buckets.size],
          ['objects', [...buckets.values()].reduce((sum, bucket) => sum + bucket.list('').length, 0)],
          ['suppressed', control.beliefs().filter(({ suppressed }) => suppressed).length],
        ] as const
      },
      columns: ['Person', 'Partner', 'State', 'Scopes', 'Changed'],
      rows: (limit) => control.beliefs().slice(0, limit).map(beliefCells),
      rowsAbout: (question) => control.person(question).map(beliefCells),
    },
    async stop() {
      for (const inbox of inboxes.values()) inbox.stop()
      await store().close()
    },
  }
}
