import { createHash } from 'node:crypto'
import { isSha256, type Key, type Person, sha256 } from '../audience/people.ts'
import { isRecord, textOf } from '../frame/json.ts'
import { badRequest, type RestError } from './replies.ts'

/** What one element asks for. */
export interface Wish {
  readonly member: boolean
  readonly keys: readonly Key[]
}

const FIELDS = ['action', 'userIds', 'firstName', 'lastName', 'title', 'company', 'country']
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The keys under which LinkedIn finds a person; its own people are found by either hash. */
export function keysOf({ addresses = [], deviceIds = [] }: Person): Key[] {
  return [
    ...addresses.map(spelled).flatMap((address) => [`email-sha256:${sha256(address)}`, `email-sha512:${sha512(address)}`]),
    ...deviceIds.map((id) => `device:${id.toLowerCase()}`),
  ]
}

/** Reads one element; `appleIdfa` says whether that kind of id, of which only others speak, is taken. */
export function readElement(element: unknown, appleIdfa: boolean): Wish | { readonly error: RestError } {
  if (!isRecord(element)) return { error: badRequest('An element must be an object') }
  const stray = Object.keys(element).find((name) => !FIELDS.includes(name))
  if (stray !== undefined) return { error: badRequest(`Unrecognized field: ${stray}`) }
  const { action } = element
  if (action !== 'ADD' && action !== 'REMOVE') return { error: badRequest('action must be ADD or REMOVE') }
  const ids: unknown = element.userIds ?? []
  if (!Array.isArray(ids)) return { error: badRequest('userIds must be an array') }
  const named = textOf(element.firstName) !== undefined && textOf(element.lastName) !== undefined
  if (ids.length === 0 && !named) return { error: badRequest('An element needs a user id or both names') }
  const keys: Key[] = []
  for (const id of ids) {
    const key = isRecord(id) ? keyOf(id.idType, id.idValue, appleIdfa) : undefined
    if (key === undefined) return { error: badRequest('userIds: the value does not fit its type') }
    keys.push(key)
  }
  return { member: action === 'ADD', keys }
}

function keyOf(type: unknown, value: unknown, appleIdfa: boolean): Key | undefined {
  if (typeof value !== 'string') return undefined
  switch (type) {
    case 'SHA256_EMAIL':
      return isSha256(value) ? `email-sha256:${value}` : undefined
    case 'SHA512_EMAIL':
      return /^[0-9a-f]{128}$/.test(value) ? `email-sha512:${value}` : undefined
    case 'GOOGLE_AID':
      return UUID.test(value) ? `device:${value.toLowerCase()}` : undefined
    case 'APPLE_IDFA':
      return appleIdfa && UUID.test(value) ? `device:${value.toLowerCase()}` : undefined
    default:
      return undefined
  }
}

function spelled(address: string): string {
  return address.replaceAll(/\s/g, '').toLowerCase()
}

function sha512(text: string): string {
  return createHash('sha512').update(text, 'utf8').digest('hex')
}
