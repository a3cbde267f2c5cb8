import { createHash } from 'node:crypto'
import type { ResolvedIdentifier, Task } from '@heed/connector-kit'
import { findForm, type IdentifierKind, type PurposeKey } from '@heed/domain'
import type { WordingSettings } from './settings.ts'

export type EventType =
  | 'preference.opt_out'
  | 'preference.opt_in'
  | 'preference.topic_opt_out'
  | 'preference.topic_opt_in'
  | 'privacy.erasure'

/** What a person's wish is about, in the partner's words. */
export interface Scope {
  readonly purpose: string
  readonly channel: string | null
  readonly topic: string | null
}

/** One thing that a partner is told about one identity of a person. */
export interface FeedEvent {
  readonly type: EventType
  /** The same whenever the same wish is told again, so that the partner takes it once. A wish that is asked for anew has another. */
  readonly id: string
  /** The name by which the partner's later answer calls it. Lower-case UUID. */
  readonly requestId: string
  /** Grows with the person's choices, within a series. */
  readonly sequence: number
  /** Within it sequences can be compared: one identity of one person at this partner. Tells the partner nothing else. */
  readonly series: string
  readonly identity: {
    readonly identity_type: string
    readonly identity_format: string
    readonly identity_value: string
    readonly hash_profile: string | null
  }
  /** Absent where the person is to be forgotten as a whole. */
  readonly scope: Scope | null
  /** ms since the epoch. */
  readonly effectiveAt: number
}

// as OpenDSR names them, where it does (https://github.com/opengdpr/OpenDSR, identity types)
const identityTypes: Readonly<Partial<Record<IdentifierKind, string>>> = {
  email: 'email',
  phone: 'phone',
  'user-id': 'controller_customer_id',
  'browser-id': 'browser_id',
  'app-instance-id': 'app_instance_id',
  idfa: 'ios_advertising_id',
  gaid: 'android_advertising_id',
}

/** The kinds of identifier that a feed can speak of. */
export const feedIdentifiers = Object.keys(identityTypes) as IdentifierKind[]

function identityOf({ kind, form, value }: ResolvedIdentifier): FeedEvent['identity'] | undefined {
  const type = identityTypes[kind]
  if (type === undefined) return undefined
  const rule = findForm(form)
  const hashed = rule !== undefined && rule.digest !== 'none'
  return {
    identity_type: type,
    identity_format: hashed ? rule.digest : 'raw',
    identity_value: value,
    hash_profile: hashed ? form : null,
  }
}

function scopeOf(key: PurposeKey, { scopes }: WordingSettings): Scope {
  const [purpose = key, topic = null] = key.split('/')
  const named = scopes[purpose]
  return { purpose: named?.purpose ?? purpose, channel: named?.channel ?? null, topic }
}

interface Wish {
  readonly type: EventType
  readonly key: PurposeKey | undefined
}

/** What a task says: each denial, and each consent that the person gave herself; a default says nothing, and who is to be forgotten is not told of one purpose after the other. */
function wishesOf(task: Task): Wish[] {
  if (task.kind === 'erasure') return [{ type: 'privacy.erasure', key: undefined }]
  return (Object.keys(task.wanted) as PurposeKey[]).sort().flatMap((key): Wish[] => {
    const isTopic = key.includes('/')
    if (task.wanted[key] === 'denied') return [{ type: isTopic ? 'preference.topic_opt_out' : 'preference.opt_out', key }]
    if (task.evidence[key] === undefined) return []
    return [{ type: isTopic ? 'preference.topic_opt_in' : 'preference.opt_in', key }]
  })
}

const addsSomebody = ({ type }: Wish): boolean => type === 'preference.opt_in' || type === 'preference.topic_opt_in'

/** Everything that a task tells a partner: each wish for each identity that the policy grants it, in the form that it grants. */
export function eventsOf(task: Task, settings: WordingSettings): FeedEvent[] {
  const wishes = wishesOf(task)
  return task.identifiers.flatMap((identifier) => {
    const identity = identityOf(identifier)
    if (identity === undefined) return []
    return (
      wishes
        // under a rule that is given up somebody may be held, and nobody is added
        .filter((wish) => identifier.former !== true || !addsSomebody(wish))
        .map((wish): FeedEvent => {
          const { kind, form, value } = identifier
          const series = digestOf('series', task.recipientId, task.subjectId, kind, form, value).toString('hex', 0, 16)
          const named = [task.deliveryId, String(task.assertion), wish.type, wish.key ?? '', kind, form, value]
          return {
            type: wish.type,
            id: `evt_${digestOf('event', ...named).toString('hex', 0, 16)}`,
            requestId: uuidOf(digestOf('request', ...named)),
            sequence: task.version,
            series,
            identity,
            scope: wish.key === undefined ? null : scopeOf(wish.key, settings),
            effectiveAt: task.acceptedAt,
          }
        })
    )
  })
}

/** A message as it travels. The same event gives the same bytes. */
export function bodyOf(event: FeedEvent, { regulation }: WordingSettings): unknown {
  const at = new Date(event.effectiveAt).toISOString()
  return {
    type: event.type,
    timestamp: at,
    data: {
      event_id: event.id,
      request_id: event.requestId,
      sequence: event.sequence,
      series: event.series,
      subject: event.identity,
      scope: event.scope,
      regulation,
      effective_at: at,
      source: 'preference-service',
    },
  }
}

// the parts cannot run into each other: JSON keeps them apart
function digestOf(...parts: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest()
}

/** A UUID (RFC 9562, version 4: its bits are as good as random, since subject ids are). */
function uuidOf(digest: Buffer): string {
  const bytes = Buffer.from(digest.subarray(0, 16))
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
