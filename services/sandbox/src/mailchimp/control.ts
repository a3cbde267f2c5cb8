import type { Router } from 'express'
import { z } from 'zod'
import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'
import type { PersonQuestion, VendorControl } from '../frame/vendor.ts'
import { type Account, type Audience, type AudienceDefinition, type Hold, type Member, type Status, subscriberHash } from './account.ts'
import { looksLikeAddress } from './member-changes.ts'
import { keepMember } from './members-api.ts'
import type { TypeMember } from './problems.ts'
import type { WebhookCall, Webhooks } from './webhooks.ts'

/** The switches of this vendor; the README says what each does. */
export const mailchimpKinds = [...commonKinds, ...httpKinds, 'user-disabled', 'skipped-silently', 'webhook-twice'] as const
export type MailchimpFault = (typeof mailchimpKinds)[number]
export const mailchimpMisbehaviour = misbehaviourSchema(mailchimpKinds)

/** What Mailchimp believes about one person in one audience. */
export interface MailchimpBelief {
  readonly listId: string
  readonly audience: string
  /** Absent for a person who was deleted for good. */
  readonly address?: string
  readonly hash: string
  readonly status: Status | 'forgotten'
  readonly hold?: Hold
  /** By the name of the interest. */
  readonly interests: Readonly<Record<string, boolean>>
  /** By the text of the marketing permission. */
  readonly permissions: Readonly<Record<string, boolean>>
  readonly tags: readonly string[]
  readonly changedAt?: string
}

/** An audience with the ids that a connector is configured with. */
export interface AudienceInfo {
  readonly id: string
  readonly name: string
  readonly doubleOptIn: boolean
  /** Interest ids by name. */
  readonly interests: Readonly<Record<string, string>>
  /** Marketing permission ids by text. */
  readonly marketingPermissions: Readonly<Record<string, string>>
}

/** What a seeded contact may have beside its address and status; interests go by name. */
export interface SeedDetails {
  readonly hold?: Hold | undefined
  readonly interests?: Readonly<Record<string, boolean>> | undefined
  readonly mergeFields?: Readonly<Record<string, unknown>> | undefined
  readonly tags?: readonly string[] | undefined
}

/** What people, and the vendor, do on their own, outside the API. */
export type PersonAct = 'unsubscribes' | 'complains' | 'bounces' | 'is-reviewed' | 'subscribes' | 'confirms'

/** How the sandbox's Mailchimp behaves when nothing is wrong. */
export interface MailchimpSettings {
  /** How long each answer takes at least. Default 0. */
  latencyMs: number
  /** How long each of the four stages of a batch takes. Default 15. */
  batchStageMs: number
  /** Whether error bodies carry `type`. Default `alternate`. */
  errorType: TypeMember
}

/** Everything that Mailchimp can be told and asked outside its API. */
export interface MailchimpControl extends VendorControl<MailchimpFault, MailchimpBelief> {
  audiences(): AudienceInfo[]
  /** Adds an audience, or sets one of this name up anew and keeps its contacts. */
  addAudience(definition: AudienceDefinition): AudienceInfo
  /** Puts a contact into the audience, as an import in the vendor's own pages would; no webhook is called. */
  seedMember(listId: string, email: string, status?: Exclude<Status, 'archived'>, details?: SeedDetails): void
  /** Puts `person-<from>@example.com` to `person-<from + count - 1>@example.com` into the audience. */
  seedMembers(listId: string, options: { count: number; from?: number; status?: Exclude<Status, 'archived'> }): void
  /** Lets the person, or the vendor, do something by themselves; webhooks are called. */
  act(listId: string, email: string, what: PersonAct): void
  configure(settings: Partial<MailchimpSettings>): void
  /** Gives the account a new API key, as its owner would in the vendor's pages; the old one opens nothing any more. */
  rotateKey(): string
  /** A webhook as from before signing existed: its calls carry no signature. */
  addUnsignedWebhook(listId: string, url: string): Promise<void>
  webhookCalls(): readonly WebhookCall[]
  /** Resolves when no webhook call is under way or due. */
  webhooksIdle(): Promise<void>
}

/** What the control needs of the vendor's parts. */
export interface ControlContext {
  readonly account: Account
  readonly webhooks: Webhooks
  readonly settings: MailchimpSettings
  now(): number
  rotateKey(): string
}

type Own = Omit<MailchimpControl, Exclude<keyof VendorControl<MailchimpFault, MailchimpBelief>, 'beliefs' | 'person'>>

/** The part of the control that is Mailchimp's own. */
export function mailchimpControl(context: ControlContext): Own {
  const { account, webhooks } = context
  const audienceOf = (listId: string): Audience => {
    const audience = account.audiences.get(listId)
    if (audience === undefined) throw new RangeError(`no audience ${listId}`)
    return audience
  }

  return {
    audiences: () => [...account.audiences.values()].map(audienceInfo),
    addAudience: (definition) => audienceInfo(account.addAudience(definition)),
    seedMember(listId, email, status = 'subscribed', details = {}) {
      const audience = audienceOf(listId)
      if (!looksLikeAddress(email.trim())) throw new RangeError('not an address')
      account.save(audience, seeded(audience, email.trim(), status, details, context.now()))
    },
    seedMembers(listId, { count, from = 1, status = 'subscribed' }) {
      const audience = audienceOf(listId)
      const now = context.now()
      for (let n = from; n < from + count; n += 1) account.save(audience, seeded(audience, `person-${n}@example.com`, status, {}, now))
    },
    act(listId, email, what) {
      const audience = audienceOf(listId)
      const before = audience.members.get(subscriberHash(email))
      if (before === undefined && what !== 'subscribes') throw new RangeError('the audience has no such contact')
      const member = before ?? seeded(audience, email.trim(), 'pending', {}, context.now())
      const { changes, source, details } = ACTS[what]
      keepMember(context, audience, before, { ...member, ...changes, changedAt: context.now() }, source, details)
    },
    configure: (settings) => void Object.assign(context.settings, settings),
    rotateKey: context.rotateKey,
    async addUnsignedWebhook(listId, url) {
      const all = { subscribe: true, unsubscribe: true, profile: true, cleaned: true, upemail: true, user: true, admin: true, api: true }
      const added = await webhooks.add(audienceOf(listId).id, { url, events: all, sources: all }, { signed: false })
      if ('problem' in added) throw new RangeError('the receiver did not answer GET with 200')
    },
    webhookCalls: () => webhooks.calls(),
    webhooksIdle: () => webhooks.idle(),
    beliefs: () => [...account.audiences.values()].flatMap((audience) => allBeliefs(audience)),
    person({ address, hash }: PersonQuestion) {
      const key = hash ?? (address === undefined ? '' : subscriberHash(address))
      return [...account.audiences.values()].flatMap((audience) => beliefAbout(audience, key) ?? [])
    },
  }
}

interface ActEffect {
  readonly changes: Partial<Member>
  readonly source: 'user' | 'admin'
  readonly details?: Readonly<Record<string, string>>
}

const ACTS: Readonly<Record<PersonAct, ActEffect>> = {
  unsubscribes: { changes: { status: 'unsubscribed', hold: 'unsubscribed', unsubscribeReason: 'Normally' }, source: 'user' },
  complains: {
    changes: { status: 'unsubscribed', hold: 'unsubscribed', unsubscribeReason: 'Spam complaint' },
    source: 'user',
    details: { reason: 'abuse' },
  },
  bounces: { changes: { status: 'cleaned', hold: 'bounce' }, source: 'admin' },
  'is-reviewed': { changes: { status: 'unsubscribed', hold: 'review', unsubscribeReason: 'Compliance review' }, source: 'admin' },
  subscribes: { changes: { status: 'subscribed', hold: undefined, unsubscribeReason: undefined }, source: 'user' },
  confirms: { changes: { status: 'subscribed', hold: undefined, unsubscribeReason: undefined }, source: 'user' },
}

function seeded(audience: Audience, email: string, status: Status, details: SeedDetails, now: number): Member {
  const interests: Record<string, boolean> = {}
  for (const { id, name } of audience.category.interests)
    if (details.interests?.[name] !== undefined) interests[id] = details.interests[name]
  return {
    hash: subscriberHash(email),
    email,
    status,
    emailType: 'html',
    mergeFields: details.mergeFields ?? {},
    interests,
    permissions: {},
    tags: details.tags ?? [],
    hold: details.hold ?? (status === 'cleaned' ? 'bounce' : undefined),
    createdAt: now,
    changedAt: now,
  }
}

function audienceInfo({ id, name, doubleOptIn, category, permissions }: Audience): AudienceInfo {
  const ids = (named: readonly { id: string; name: string }[]) => Object.fromEntries(named.map((one) => [one.name, one.id]))
  return { id, name, doubleOptIn, interests: ids(category.interests), marketingPermissions: ids(permissions) }
}

function allBeliefs(audience: Audience): MailchimpBelief[] {
  return [...audience.members.keys(), ...audience.forgotten].flatMap((hash) => beliefAbout(audience, hash) ?? [])
}

/** What the vendor believes about the contact with this hash in this audience. */
export function beliefAbout(audience: Audience, hash: string): MailchimpBelief | undefined {
  const place = { listId: audience.id, audience: audience.name, hash }
  const member = audience.members.get(hash)
  if (member === undefined) {
    return audience.forgotten.has(hash) ? { ...place, status: 'forgotten', interests: {}, permissions: {}, tags: [] } : undefined
  }
  return {
    ...place,
    address: member.email,
    status: member.status,
    ...(member.hold === undefined ? {} : { hold: member.hold }),
    interests: Object.fromEntries(audience.category.interests.map(({ id, name }) => [name, member.interests[id] ?? false])),
    permissions: Object.fromEntries(audience.permissions.map(({ id, name }) => [name, member.permissions[id] ?? false])),
    tags: member.tags,
    changedAt: new Date(member.changedAt).toISOString(),
  }
}

const seedableStatus = z.enum(['subscribed', 'unsubscribed', 'cleaned', 'pending', 'transactional'])
const seedBody = z.strictObject({
  listId: z.string(),
  members: z
    .array(
      z.strictObject({
        email: z.string(),
        status: seedableStatus.optional(),
        hold: z.enum(['unsubscribed', 'bounce', 'review']).optional(),
        interests: z.record(z.string(), z.boolean()).optional(),
        mergeFields: z.record(z.string(), z.unknown()).optional(),
        tags: z.array(z.string()).optional(),
      }),
    )
    .default([]),
  generate: z
    .strictObject({ count: z.int().positive(), from: z.int().default(1), status: seedableStatus.default('subscribed') })
    .optional(),
})
const actBody = z.strictObject({
  listId: z.string(),
  email: z.string(),
  act: z.enum(['unsubscribes', 'complains', 'bounces', 'is-reviewed', 'subscribes', 'confirms']),
})
const settingsBody = z.strictObject({
  latencyMs: z.int().nonnegative().optional(),
  batchStageMs: z.int().nonnegative().optional(),
  errorType: z.enum(['always', 'never', 'alternate']).optional(),
})

/** `/_control/mailchimp/…`: audiences, seed, act, settings, webhook-calls. */
export function mailchimpControlRoutes(router: Router, control: Own, connection: () => object): void {
  router.get('/connection', (_request, response) => void response.json(connection()))
  router.get('/audiences', (_request, response) => void response.json({ audiences: control.audiences() }))
  router.post('/seed', (request, response) => {
    const { listId, members, generate } = seedBody.parse(request.body)
    for (const { email, status, ...details } of members) control.seedMember(listId, email, status, details)
    if (generate !== undefined) control.seedMembers(listId, generate)
    response.json({ seeded: members.length + (generate?.count ?? 0) })
  })
  router.post('/act', (request, response) => {
    const { listId, email, act } = actBody.parse(request.body)
    control.act(listId, email, act)
    response.status(204).end()
  })
  router.post('/settings', (request, response) => {
    const given = Object.entries(settingsBody.parse(request.body)).filter(([, value]) => value !== undefined)
    control.configure(Object.fromEntries(given))
    response.status(204).end()
  })
  router.get('/webhook-calls', (_request, response) => void response.json({ calls: control.webhookCalls() }))
}
