import type { Person } from '../audience/people.ts'
import { personOf } from '../audience/people.ts'
import type { Fact, Store } from '../frame/store.ts'
import type { PersonQuestion } from '../frame/vendor.ts'

/** By what a property knows its users. */
export const userKinds = ['userId', 'clientId', 'appInstanceId', 'userProvidedData'] as const
export type UserKind = (typeof userKinds)[number]

/** Somebody whose visits were recorded. */
export interface AnalyticsPerson extends Person {
  /** Web client ids, as they stand in the `_ga` cookie's last two groups. */
  readonly clientIds?: readonly string[] | undefined
  readonly appInstanceIds?: readonly string[] | undefined
}

/**
 * How far the deletion of what was recorded has come: asked for, out of the reports of single users after 72 hours, gone from the
 * servers after the next of the runs that come about every two months.
 */
export type AnalyticsState = 'recorded' | 'deletion-requested' | 'out-of-reports' | 'deleted' | 'never-seen'

/** What a property holds about one identifier. */
export interface AnalyticsBelief {
  readonly propertyId: string
  readonly kind: UserKind
  /** The identifier as the property has it, in clear. */
  readonly identifier: string
  /** The address of the person whom the property was told it belongs to. */
  readonly address?: string
  readonly state: AnalyticsState
  readonly recordedAt?: string
  /** When deletion was last asked for; everything recorded before goes. */
  readonly deletionRequestTime?: string
}

interface User {
  readonly propertyId: string
  readonly kind: UserKind
  readonly identifier: string
  readonly address?: string | undefined
  /** Milliseconds since the epoch, on the sandbox's clock. */
  readonly recordedAt?: number | undefined
  readonly deletionRequestedAt?: number | undefined
}

/** What the properties hold. Every change goes to the store. */
export interface Users {
  /** Records a visit of the person under every identifier. */
  record(propertyId: string, person: string | AnalyticsPerson): void
  /** Asks for deletion of everything that is held up to now; says whether anything was. */
  forget(propertyId: string, kind: UserKind, identifier: string): boolean
  beliefs(): AnalyticsBelief[]
  about(question: PersonQuestion): AnalyticsBelief[]
  count(): number
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

const HOUR_MS = 3_600_000
const OUT_OF_REPORTS_MS = 72 * HOUR_MS
const RUN_MS = 60 * 24 * HOUR_MS

/** Properties that have recorded nobody yet. */
export function createUsers(now: () => number, store: () => Store): Users {
  const users = new Map<string, User>()
  const save = (user: User): void => {
    const id = `${user.propertyId}/${user.kind}/${user.identifier}`
    // the last change stands last
    users.delete(id)
    users.set(id, user)
    store().put('user', id, user)
  }
  const find = (propertyId: string, kind: UserKind, identifier: string): User | undefined =>
    users.get(`${propertyId}/${kind}/${identifier}`)

  const belief = ({ propertyId, kind, identifier, address, recordedAt, deletionRequestedAt }: User): AnalyticsBelief => ({
    propertyId,
    kind,
    identifier,
    ...(address === undefined ? {} : { address }),
    state: stateOf(recordedAt, deletionRequestedAt, now()),
    ...(recordedAt === undefined ? {} : { recordedAt: new Date(recordedAt).toISOString() }),
    ...(deletionRequestedAt === undefined ? {} : { deletionRequestTime: new Date(deletionRequestedAt).toISOString() }),
  })

  return {
    record(propertyId, input) {
      const person = typeof input === 'string' ? personOf(input) : input
      const identifiers = [...identifiersOf(person)]
      if (identifiers.length === 0) throw new RangeError('a person needs at least one identifier')
      for (const [kind, identifier] of identifiers) {
        const before = find(propertyId, kind, identifier)
        const address = person.addresses?.[0] ?? before?.address
        save({ propertyId, kind, identifier, address, recordedAt: now(), deletionRequestedAt: before?.deletionRequestedAt })
      }
    },
    forget(propertyId, kind, identifier) {
      const before = find(propertyId, kind, identifier)
      save({ propertyId, kind, identifier, ...before, deletionRequestedAt: now() })
      return before?.recordedAt !== undefined
    },
    beliefs: () => [...users.values()].map(belief),
    about({ address, hash }) {
      const meant = address?.trim().toLowerCase()
      return [...users.values()]
        .filter((user) => (meant === undefined ? user.identifier === hash : [user.address?.toLowerCase(), user.identifier].includes(meant)))
        .map(belief)
    },
    count: () => users.size,
    *facts() {
      for (const [id, user] of users) yield ['user', id, user]
    },
    restore([kind, id, value]) {
      if (kind === 'user') users.set(id, value as User)
      return kind === 'user'
    },
    clear() {
      for (const id of users.keys()) store().remove('user', id)
      users.clear()
    },
  }
}

function stateOf(recordedAt: number | undefined, deletionRequestedAt: number | undefined, now: number): AnalyticsState {
  if (recordedAt === undefined) return 'never-seen'
  if (deletionRequestedAt === undefined || recordedAt > deletionRequestedAt) return 'recorded'
  if (now - deletionRequestedAt < OUT_OF_REPORTS_MS) return 'deletion-requested'
  return now - deletionRequestedAt < RUN_MS ? 'out-of-reports' : 'deleted'
}

function* identifiersOf(person: AnalyticsPerson): Generator<readonly [kind: UserKind, identifier: string]> {
  for (const id of person.userIds ?? []) yield ['userId', id]
  for (const id of person.clientIds ?? []) yield ['clientId', id]
  for (const id of person.appInstanceIds ?? []) yield ['appInstanceId', id]
  for (const address of person.addresses ?? []) yield ['userProvidedData', asCollected(address)]
  for (const phone of person.phones ?? []) yield ['userProvidedData', `+${phone.replace(/\D/g, '')}`]
}

// what a site hands to Analytics is spelled this way before it is kept; a suffix stays, unlike in Customer Match
function asCollected(address: string): string {
  const text = address.replaceAll(/\s/g, '').toLowerCase()
  const at = text.lastIndexOf('@')
  const [local, domain] = [text.slice(0, at), text.slice(at + 1)]
  return domain === 'gmail.com' || domain === 'googlemail.com' ? `${local.replaceAll('.', '')}@${domain}` : text
}
