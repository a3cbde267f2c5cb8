import { createHash } from 'node:crypto'
import type { Kept } from '../frame/kept.ts'
import type { Store } from '../frame/store.ts'
import type { PersonQuestion } from '../frame/vendor.ts'
import type { PersonMessage } from './messages.ts'

/** What a partner believes about one identity in one scope. */
export interface FeedBelief {
  readonly partner: string
  /** Present for people of whom the partner has the address itself. */
  readonly address?: string
  readonly identityType: string
  readonly identityFormat: string
  readonly identityValue: string
  /** Absent once the person is forgotten as a whole. */
  readonly purpose?: string
  readonly channel?: string
  readonly topic?: string
  readonly state: 'opted-out' | 'opted-in' | 'erased'
  readonly sequence: number
  readonly changedAt: string
}

/** What became of a message. */
export type Applied = 'applied' | 'stale' | 'repeated' | 'other-body'

interface Held {
  readonly partner: string
  readonly subject: PersonMessage['data']['subject']
  readonly scope: PersonMessage['data']['scope']
  readonly state: FeedBelief['state']
  readonly sequence: number
  readonly changedAt: number
}

/** What all partners hold, and what they have taken before. */
export interface FeedBook extends Kept {
  /** Takes a message once, and never one that is older than what is held in its series. */
  take(partner: string, webhookId: string, body: Buffer, message: PersonMessage, now: number): Applied
  /** Gives the partners addresses of people whom they know themselves. */
  know(addresses: readonly string[]): void
  beliefs(): FeedBelief[]
  about(question: PersonQuestion): FeedBelief[]
  /** Which address an identity belongs to, where the partners know it. */
  addressOf(identityValue: string): string | undefined
  clear(): void
}

const STATES = {
  'preference.opt_out': 'opted-out',
  'preference.topic_opt_out': 'opted-out',
  'preference.opt_in': 'opted-in',
  'preference.topic_opt_in': 'opted-in',
  'privacy.erasure': 'erased',
} as const

/** Every form in which somebody with this address may be named. */
function namesOf(address: string): string[] {
  const plain = address.trim().toLowerCase()
  const digest = (name: string, encoding: 'hex' | 'base64') => createHash(name).update(plain, 'utf8').digest(encoding)
  return [plain, digest('sha256', 'hex'), digest('sha256', 'base64'), digest('sha1', 'hex'), digest('md5', 'hex')]
}

/** An empty book. */
export function createFeedBook(store: () => Store): FeedBook {
  /** By partner, identity and scope. */
  const held = new Map<string, Held>()
  /** The highest sequence applied, by partner, series and scope; and by series alone where the person was forgotten. */
  const reached = new Map<string, number>()
  /** Digests of the bodies of messages that were taken, by partner and id. */
  const taken = new Map<string, string>()
  const names = new Map<string, string>()

  const put = <Value>(kind: string, map: Map<string, Value>, id: string, value: Value): void => {
    map.set(id, value)
    store().put(kind, id, value)
  }
  const beliefOf = ({ partner, subject, scope, state, sequence, changedAt }: Held): FeedBelief => {
    const address = names.get(subject.identity_value)
    return {
      partner,
      ...(address === undefined ? {} : { address }),
      identityType: subject.identity_type,
      identityFormat: subject.identity_format,
      identityValue: subject.identity_value,
      ...(scope === null ? {} : { purpose: scope.purpose }),
      ...(scope?.channel == null ? {} : { channel: scope.channel }),
      ...(scope?.topic == null ? {} : { topic: scope.topic }),
      state,
      sequence,
      changedAt: new Date(changedAt).toISOString(),
    }
  }
  const newestFirst = (): Held[] => [...held.values()].sort((a, b) => b.changedAt - a.changedAt)

  return {
    take(partner, webhookId, body, { type, data }, now) {
      const id = `${partner}/${webhookId}`
      const digest = createHash('sha256').update(body).digest('hex')
      const before = taken.get(id)
      if (before !== undefined) return before === digest ? 'repeated' : 'other-body'
      put('taken', taken, id, digest)
      const { subject, scope, sequence, series } = data
      const identity = JSON.stringify([partner, subject.identity_type, subject.identity_format, subject.identity_value])
      const inSeries = `${partner}/${series}`
      const inScope = `${inSeries}/${JSON.stringify(scope)}`
      if (sequence < Math.max(reached.get(inScope) ?? 0, reached.get(inSeries) ?? 0)) return 'stale'
      put('reached', reached, scope === null ? inSeries : inScope, sequence)
      if (scope === null) {
        for (const key of [...held.keys()].filter((key) => key.startsWith(`${identity} `))) {
          held.delete(key)
          store().remove('held', key)
        }
      }
      put('held', held, `${identity} ${JSON.stringify(scope)}`, { partner, subject, scope, state: STATES[type], sequence, changedAt: now })
      return 'applied'
    },
    know(addresses) {
      for (const address of addresses) for (const name of namesOf(address)) put('name', names, name, address)
    },
    beliefs: () => newestFirst().map(beliefOf),
    about({ address, hash }) {
      const meant = new Set(address === undefined ? [hash ?? ''] : namesOf(address))
      return newestFirst()
        .filter(({ subject }) => meant.has(subject.identity_value))
        .map(beliefOf)
    },
    addressOf: (identityValue) => names.get(identityValue),
    clear() {
      for (const [kind, map] of [
        ['held', held],
        ['reached', reached],
        ['taken', taken],
        ['name', names],
      ] as const) {
        for (const id of map.keys()) store().remove(kind, id)
        map.clear()
      }
    },
    *facts() {
      for (const [id, value] of held) yield ['held', id, value]
      for (const [id, value] of reached) yield ['reached', id, value]
      for (const [id, value] of taken) yield ['taken', id, value]
      for (const [id, value] of names) yield ['name', id, value]
    },
    restore([kind, id, value]) {
      // the facts are its own: it wrote them in this form
      if (kind === 'held') held.set(id, value as Held)
      else if (kind === 'reached') reached.set(id, Number(value))
      else if (kind === 'taken') taken.set(id, String(value))
      else if (kind === 'name') names.set(id, String(value))
      else return false
      return true
    },
  }
}
