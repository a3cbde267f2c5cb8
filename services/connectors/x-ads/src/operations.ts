import { membershipOf, type ResolvedIdentifier, type Task } from '@heed/connector-kit'
import type { DeliveryId } from '@heed/domain'

/** The most operations in one request (https://docs.x.com/x-ads-api/audiences/reference). */
export const maxOperations = 2_500
/** The longest body, bytes of its UTF-8 JSON. */
export const maxBodyBytes = 5_000_000

type Key = 'email' | 'phone_number' | 'device_id' | 'partner_user_id'

/** All keys of one person. The vendor takes a person out when any of them equals one that she was added with. */
export type User = Readonly<Partial<Record<Key, readonly string[]>>>

/** People with equal type and times, in the words of the vendor. */
export interface Operation {
  readonly operation_type: 'Update' | 'Delete'
  readonly params: { readonly expires_at?: string; readonly users: readonly User[] }
}

/** What is to be done about one person. */
export interface Change {
  readonly deliveryId: DeliveryId
  readonly type: Operation['operation_type']
  readonly user: User
}

/** A body that the vendor takes, and the deliveries in the order of its user objects. */
export interface Load {
  readonly operations: readonly Operation[]
  readonly covers: readonly DeliveryId[]
}

// The form in which the vendor wants each kind: everything is hashed but our own user id.
const keys: readonly { readonly kinds: readonly ResolvedIdentifier['kind'][]; readonly form: string; readonly key: Key }[] = [
  { kinds: ['email'], form: 'plain-sha256-hex', key: 'email' },
  { kinds: ['phone'], form: 'e164-sha256-hex', key: 'phone_number' },
  { kinds: ['idfa', 'gaid'], form: 'device-sha256-hex', key: 'device_id' },
  { kinds: ['user-id'], form: 'raw', key: 'partner_user_id' },
]

function userOf(identifiers: readonly ResolvedIdentifier[], wanted: readonly Key[]): User | undefined {
  const user: Partial<Record<Key, string[]>> = {}
  for (const { kinds, form, key } of keys) {
    if (!wanted.includes(key)) continue
    const values = identifiers.filter((identifier) => kinds.includes(identifier.kind) && identifier.form === form).map(({ value }) => value)
    if (values.length > 0) user[key] = [...new Set(values)]
  }
  return Object.keys(user).length === 0 ? undefined : user
}

/** What an audience has to be told about a task; undefined where the vendor can do nothing with its identifiers or nothing has to be said. */
export function audienceChange(task: Task): Change | undefined {
  return changeOf(task, ['email', 'phone_number', 'device_id', 'partner_user_id'], { in: 'Update', out: 'Delete' })
}

/** What the Do Not Reach List has to be told: the other way round, and it knows a person by e-mail and phone only. */
export function doNotReachChange(task: Task): Change | undefined {
  return changeOf(task, ['email', 'phone_number'], { in: 'Delete', out: 'Update' })
}

function changeOf(task: Task, wanted: readonly Key[], types: Readonly<Record<'in' | 'out', Change['type']>>): Change | undefined {
  const membership = membershipOf(task)
  if (membership === 'unsaid') return undefined
  // what a former rule made takes a person out of an old list, and adds nobody
  const usable = task.identifiers.filter(({ former }) => membership === 'out' || former === undefined)
  const user = userOf(usable, wanted)
  return user === undefined ? undefined : { deliveryId: task.deliveryId, type: types[membership], user }
}

/** Whether an audience can know the person of a task at all. */
export function isKnowable(task: Task): boolean {
  return userOf(task.identifiers, ['email', 'phone_number', 'device_id', 'partner_user_id']) !== undefined
}

/** The bytes that leave for these operations. */
export function bodyBytes(operations: readonly Operation[]): number {
  return Buffer.byteLength(JSON.stringify(operations))
}

function operation(type: Change['type'], users: readonly User[], expiresAt: string | undefined): Operation {
  return { operation_type: type, params: { ...(type === 'Update' && expiresAt !== undefined ? { expires_at: expiresAt } : {}), users } }
}

/**
 * Bodies for these changes: removals first, people of one type in one operation, a new body where the next person would make it too long. `expiresAt` stands on
 * what is added.
 */
export function loadsOf(changes: readonly Change[], expiresAt?: string): Load[] {
  const loads: Change[][] = []
  let bytes = Number.POSITIVE_INFINITY
  let last: Change['type'] | undefined
  for (const change of (['Delete', 'Update'] as const).flatMap((type) => changes.filter((one) => one.type === type))) {
    // each with the comma after it: what is counted is never less than what leaves
    const frame = bodyBytes([operation(change.type, [], expiresAt)]) + 1
    const own = Buffer.byteLength(JSON.stringify(change.user)) + 1
    const more = change.type === last ? own : frame + own
    if (bytes + more > maxBodyBytes) {
      loads.push([change])
      bytes = frame + own
    } else {
      loads.at(-1)?.push(change)
      bytes += more
    }
    last = change.type
  }
  return loads.map((load) => ({
    operations: (['Delete', 'Update'] as const).flatMap((type) => {
      const users = load.filter((change) => change.type === type).map(({ user }) => user)
      return users.length === 0 ? [] : [operation(type, users, expiresAt)]
    }),
    covers: load.map(({ deliveryId }) => deliveryId),
  }))
}
