import type { Router } from 'express'
import { z } from 'zod'
import { commonKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'
import type { VendorControl } from '../frame/vendor.ts'
import type { Held, Partner } from './partner.ts'
import { type Encoding, hashOf, type ProfileName, profileNames } from './profiles.ts'

/** The switches of this vendor; the README says what each does. */
export const hashedEmailKinds = [
  ...commonKinds,
  'permission-denied',
  'disk-full',
  'host-key-changed',
  'late-ack',
  'never-ack',
  'negative-ack',
  'partial-ack',
  'garbled-ack',
] as const
export type HashedEmailFault = (typeof hashedEmailKinds)[number]
export const hashedEmailMisbehaviour = misbehaviourSchema(hashedEmailKinds)

/** What a partner believes about one person, or about one hash of somebody whom it does not know. */
export interface HashedEmailBelief {
  readonly partner: string
  /** Present for people of whom the partner has the address itself. */
  readonly address?: string
  readonly hash: string
  readonly suppressed: boolean
  /** `all`, or keys of topics. */
  readonly scopes: readonly string[]
  /** The events that the suppression came with. */
  readonly eventIds: readonly string[]
  readonly changedAt?: string
}

/** A partner: it signs in under its name, and has agreed on one way of hashing. */
export interface PartnerDefinition {
  readonly name: string
  readonly profile: ProfileName
  /** Only for profiles that leave it open. Default hex. */
  readonly encoding?: Encoding | undefined
  /** Addresses that the partner knows itself. */
  readonly knownPeople?: readonly string[] | undefined
}

/** A partner as a connector is configured with it. */
export interface PartnerInfo {
  readonly name: string
  readonly profile: ProfileName
  readonly encoding: Encoding
  /** The folder behind it, with `in/` and `ack/`. */
  readonly folder: string
}

/** Everything that the partners can be told and asked beside their files. */
export interface HashedEmailControl extends VendorControl<HashedEmailFault, HashedEmailBelief> {
  partners(): PartnerInfo[]
  addPartner(definition: PartnerDefinition): PartnerInfo
  /** Gives a partner (default: every one) addresses of people that it knows itself. */
  know(addresses: readonly string[], partner?: string): void
  /** Lets one more public key (OpenSSH's form) sign in. */
  authorize(publicKey: string): void
  /** Plays a partner over a folder of this machine, with `in/` and `ack/` below it, instead of over SFTP. */
  watchFolder(path: string, partner: PartnerDefinition): PartnerInfo
  /** Ends a partner; its folder stays as it is. */
  removePartner(name: string): void
  /** Resolves when every file that was seen so far is answered, or never will be. */
  idle(): Promise<void>
  configure(settings: { ackDelayMs?: number }): void
}

/** What the partner believes, those whose state changed last first. */
export function beliefsOf(partner: Partner): HashedEmailBelief[] {
  const held = partner.held()
  const addresses = partner.known()
  const known = new Set(addresses.map((address) => hashOf(address, partner.agreement)))
  const beliefs = [
    ...[...known].map((hash) => belief(partner, hash, held.get(hash) ?? [])),
    ...[...held].filter(([hash]) => !known.has(hash)).map(([hash, rows]) => belief(partner, hash, rows)),
  ]
  return beliefs.sort((a, b) => (b.changedAt ?? '').localeCompare(a.changedAt ?? ''))
}

/** What the partner believes about one hash; `undefined` when it has never heard of it. */
export function beliefAbout(partner: Partner, hash: string): HashedEmailBelief | undefined {
  const rows = partner.held().get(hash) ?? []
  return rows.length === 0 && partner.addressOf(hash) === undefined ? undefined : belief(partner, hash, rows)
}

function belief(partner: Partner, hash: string, rows: readonly Held[]): HashedEmailBelief {
  const address = partner.addressOf(hash)
  const newest = Math.max(...rows.map(({ takenAt }) => takenAt))
  return {
    partner: partner.name,
    ...(address === undefined ? {} : { address }),
    hash,
    suppressed: rows.length > 0,
    scopes: rows.map(({ scope }) => scope).sort(),
    eventIds: rows.map(({ eventId }) => eventId).sort(),
    ...(rows.length === 0 ? {} : { changedAt: new Date(newest).toISOString() }),
  }
}

const partnerBody = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  profile: z.enum(profileNames),
  encoding: z.enum(['hex', 'base64']).optional(),
  knownPeople: z.array(z.string()).optional(),
})
const knowBody = z.strictObject({ addresses: z.array(z.string()), partner: z.string().optional() })
const keyBody = z.strictObject({ publicKey: z.string() })
const settingsBody = z.strictObject({ ackDelayMs: z.int().nonnegative() })
const watchBody = partnerBody.extend({ path: z.string().min(1) })

/** `/_control/hashed-email/…`: connection, partners, known, keys, settings, watch. */
export function hashedEmailControlRoutes(router: Router, control: HashedEmailControl, connection: () => object): void {
  router.get('/connection', (_request, response) => void response.json(connection()))
  router.get('/partners', (_request, response) => void response.json({ partners: control.partners() }))
  router.post('/partners', (request, response) => void response.json(control.addPartner(partnerBody.parse(request.body))))
  router.post('/known', (request, response) => {
    const { addresses, partner } = knowBody.parse(request.body)
    control.know(addresses, partner)
    response.json({ known: addresses.length })
  })
  router.post('/keys', (request, response) => {
    control.authorize(keyBody.parse(request.body).publicKey)
    response.status(204).end()
  })
  router.post('/settings', (request, response) => {
    control.configure(settingsBody.parse(request.body))
    response.status(204).end()
  })
  router.post('/watch', (request, response) => {
    const { path, ...partner } = watchBody.parse(request.body)
    response.json(control.watchFolder(path, partner))
  })
}
