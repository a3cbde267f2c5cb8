import { isSha256, type Key, type Person, sha256 } from '../audience/people.ts'
import type { HttpRequest } from '../frame/http-play.ts'
import { isRecord, parseJson } from '../frame/json.ts'
import { badParameter, type GraphError, graphErrors } from './graph-errors.ts'

/** The fields of a request's body, whichever way they were encoded. */
export type Fields = Readonly<Record<string, unknown>>

/** How the rows of an audience are named: the array form and the single-key form do not go together on one audience. */
export type Form = 'multi-key' | 'single-key'

/** One row, as it was understood; invalid rows have no keys. */
export interface Row {
  readonly keys: readonly Key[]
  readonly invalid: boolean
  readonly raw: unknown
}

export interface Payload {
  readonly form: Form
  readonly rows: readonly Row[]
}

const MAX_ROWS = 10_000
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const HASHED = ['EMAIL', 'PHONE', 'GEN', 'DOBY', 'DOBM', 'DOBD', 'LN', 'FN', 'FI', 'CT', 'ST', 'ZIP', 'COUNTRY']
const OPTIONS = ['DATA_PROCESSING_OPTIONS', 'DATA_PROCESSING_OPTIONS_COUNTRY', 'DATA_PROCESSING_OPTIONS_STATE']
const KEY_KINDS: Readonly<Record<string, string>> = { EMAIL: 'email', PHONE: 'phone', MADID: 'madid', EXTERN_ID: 'extern' }
const SINGLE_KEYS: Readonly<Record<string, string>> = { EMAIL_SHA256: 'EMAIL', PHONE_SHA256: 'PHONE', MOBILE_ADVERTISER_ID: 'MADID' }

/** The keys under which Meta finds a person: Gmail dots and suffixes count, a phone has digits only. */
export function keysOf({ addresses = [], phones = [], deviceIds = [], userIds = [] }: Person): Key[] {
  return [
    ...addresses.map((address) => `email:${sha256(address.trim().toLowerCase())}`),
    ...phones.map((phone) => `phone:${sha256(phone.replace(/\D/g, '').replace(/^0+/, ''))}`),
    ...deviceIds.map((id) => `madid:${id.toLowerCase()}`),
    ...userIds.map((id) => `extern:${id}`),
  ]
}

/** A request's body: its fields, and the text in which its session is written. */
export interface Read {
  readonly fields: Fields
  readonly sessionText: string
}

/** Reads a body: JSON, or a form whose `payload` and `session` are JSON. */
export function readBody({ headers, body }: HttpRequest): Read {
  const text = body.toString('utf8')
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded') !== true) {
    const read = parseJson(body)
    return { fields: isRecord(read?.value) ? read.value : {}, sessionText: text }
  }
  const form = new URLSearchParams(text)
  const fields: Record<string, unknown> = {}
  for (const [name, value] of form) fields[name] = name === 'payload' || name === 'session' ? parseJson(Buffer.from(value))?.value : value
  return { fields, sessionText: form.get('session') ?? '' }
}

/** Reads the payload; a fault of its form refuses the request, a fault of a row only marks it. */
export function readPayload(value: unknown): Payload | { readonly error: GraphError } {
  if (!isRecord(value)) return { error: badParameter('The parameter payload is required') }
  const { schema, data } = value
  if (!Array.isArray(data) || data.length === 0) return { error: badParameter('payload.data must be an array with at least one row') }
  if (data.length > MAX_ROWS) return { error: graphErrors.tooManyRows }
  if (typeof schema === 'string') {
    const key = SINGLE_KEYS[schema]
    if (key === undefined) return { error: badParameter(`payload.schema: unknown key`) }
    return { form: 'single-key', rows: data.map((cell: unknown) => readRow([key], [cell], cell)) }
  }
  if (!Array.isArray(schema) || schema.length === 0) return { error: badParameter('payload.schema must be an array of keys') }
  const keys = schema.map(String)
  if (!keys.every((key) => HASHED.includes(key) || OPTIONS.includes(key) || key in KEY_KINDS))
    return { error: badParameter('payload.schema: unknown key') }
  const rows = data.map((row: unknown) =>
    Array.isArray(row) && row.length === keys.length ? readRow(keys, row, row) : { keys: [], invalid: true, raw: row },
  )
  return { form: 'multi-key', rows }
}

function readRow(schema: readonly string[], cells: readonly unknown[], raw: unknown): Row {
  const keys: Key[] = []
  let filled = 0
  for (const [index, name] of schema.entries()) {
    const cell = cells[index]
    if (OPTIONS.includes(name) || cell === '') continue
    if (typeof cell !== 'string' || !fits(name, cell)) return { keys: [], invalid: true, raw }
    filled += 1
    const kind = KEY_KINDS[name]
    if (kind !== undefined) keys.push(`${kind}:${cell}`)
  }
  return { keys, invalid: filled === 0, raw }
}

function fits(name: string, cell: string): boolean {
  if (name === 'EXTERN_ID') return true
  return name === 'MADID' ? UUID.test(cell) : isSha256(cell)
}
