import type { HttpReply } from '../frame/http-play.ts'
import { isRecord, textOf } from '../frame/json.ts'
import { googleError, unknownField } from '../google/errors.ts'
import { type UserKind, userKinds } from './users.ts'

/** Whom a request asks to delete. */
export interface Asked {
  readonly kind: UserKind
  readonly identifier: string
  /** Something that a careful client would not send, though the vendor takes it. */
  readonly remark?: string
}

const PHONE = /^\+\d{6,15}$/
const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

/** Reads the body of `submitUserDeletion`: exactly one identifier. */
export function readDeletion(body: unknown): Asked | { readonly refused: HttpReply } {
  if (!isRecord(body)) return { refused: googleError('INVALID_ARGUMENT', 'Invalid JSON payload received. Unexpected token.') }
  const stray = Object.keys(body).find((name) => !userKinds.some((kind) => kind === name))
  if (stray !== undefined) return { refused: unknownField(stray, '') }
  const [kind, ...more] = userKinds.filter((name) => body[name] !== undefined)
  if (kind === undefined) return refused('user', 'One of user_id, client_id, app_instance_id and user_provided_data is required.')
  if (more.length > 0) return refused('user', 'Only one of user_id, client_id, app_instance_id and user_provided_data may be set.')
  const identifier = textOf(body[kind])
  if (identifier === undefined) return refused(kind, 'The value must be a text that is not empty.')
  if (kind === 'userProvidedData' && !PHONE.test(identifier) && !ADDRESS.test(identifier.replaceAll(/\s/g, '')))
    return refused('user_provided_data', 'The value must be one e-mail address or one phone number, and not hashed.')
  const remark = remarkOn(kind, identifier)
  return { kind, identifier, ...(remark === undefined ? {} : { remark }) }
}

const V3_KINDS: Readonly<Record<string, UserKind>> = { CLIENT_ID: 'clientId', USER_ID: 'userId', APP_INSTANCE_ID: 'appInstanceId' }
const V3_PLACES = ['propertyId', 'webPropertyId', 'firebaseProjectId'] as const

/** Reads the body of the older API's upsert. */
export function readUpsert(
  body: unknown,
): (Asked & { readonly type: string; readonly propertyId: string }) | { readonly refused: HttpReply } {
  if (!isRecord(body) || !isRecord(body.id)) return refused('id', 'Required')
  const type = String(body.id.type)
  const kind = V3_KINDS[type]
  const identifier = textOf(body.id.userId)
  if (kind === undefined) return refused('id.type', 'Invalid value. Values must match: CLIENT_ID, USER_ID, APP_INSTANCE_ID')
  if (identifier === undefined) return refused('id.userId', 'Required')
  if (V3_PLACES.filter((place) => body[place] !== undefined).length !== 1)
    return refused('propertyId', 'Exactly one of propertyId, webPropertyId and firebaseProjectId is required.')
  const propertyId = textOf(body.propertyId)
  if (propertyId === undefined) return refused('propertyId', 'Only propertyId is played.')
  return { kind, type, identifier, propertyId }
}

function refused(field: string, description: string): { readonly refused: HttpReply } {
  return { refused: googleError('INVALID_ARGUMENT', description, { violations: [{ field, description }] }) }
}

// it matches nobody, and nothing says so
function remarkOn(kind: UserKind, identifier: string): string | undefined {
  if (kind === 'clientId' && !/^\d+\.\d+$/.test(identifier)) return 'not in the form of a client id'
  if (kind !== 'userProvidedData') return undefined
  const text = identifier.replaceAll(/\s/g, '').toLowerCase()
  return text === identifier && !/\..*@(gmail|googlemail)\.com$/.test(text) ? undefined : 'not in the form that Analytics keeps'
}
