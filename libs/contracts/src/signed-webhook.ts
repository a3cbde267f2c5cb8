import { createHmac, createPrivateKey, createPublicKey, createSecretKey, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto'

/**
 * Signed calls by Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), both ways: what we send to
 * a partner, and what a partner sends to us. What is signed is `{webhook-id}.{webhook-timestamp}.{raw body}`.
 */

/** A key of one side. `symmetric`: HMAC-SHA256, `v1`, known to both; `ed25519`: `v1a`, private with who signs and public with who checks. */
export interface WebhookKey {
  readonly kind: 'symmetric' | 'ed25519'
  readonly key: KeyObject
  /** Not used from then on, ms since the epoch. */
  readonly until: number | undefined
}

/** Keys that cannot be used. Says which of them and what is wrong with it, never the key. */
export class WebhookKeysError extends Error {
  override readonly name = 'WebhookKeysError'
}

/** A call as it is about to leave, or as it came in. */
export interface WebhookCall {
  /** The same for all tries of one message: the receiver takes the message once. */
  readonly id: string
  /** Of this try, unix seconds. */
  readonly timestampSeconds: number
  /** The bytes that travel, exactly. */
  readonly body: Uint8Array
}

/** Why a call is not taken. For our log: the caller is told nothing. */
export type WebhookRefusal = 'headers-missing' | 'timestamp-outside' | 'signature-unknown'

/** How far the clocks of the two sides may differ, seconds. */
export const webhookToleranceSeconds = 300

const mostKeys = 4
const mostSignatures = 8
const idShape = /^[A-Za-z0-9_:-]{1,200}$/
const seedHead = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicHead = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * Keys to sign with, newest first, apart by white space: `whsec_` (24 to 64 bytes) or `whsk_` (an Ed25519 seed, or seed and public key), in base64. `@` and a time after a
 * key say until when it is used: `whsec_…@2026-11-24T10:00:00Z`, so that the key of before a rotation ends by itself.
 * @throws WebhookKeysError
 */
export function parseSigningKeys(text: string): WebhookKey[] {
  return parseKeys(text, { whsec_: symmetricKey, whsk_: privateKey })
}

/** Keys to check with, in the same form: `whsec_`, or `whpk_` (an Ed25519 public key). Throws `WebhookKeysError`. */
export function parseCheckingKeys(text: string): WebhookKey[] {
  return parseKeys(text, { whsec_: symmetricKey, whpk_: publicKey })
}

type ReadKey = (bytes: Buffer) => Pick<WebhookKey, 'kind' | 'key'> | string

function parseKeys(text: string, readers: Readonly<Record<string, ReadKey>>): WebhookKey[] {
  const entries = text.split(/\s+/).filter((entry) => entry !== '')
  if (entries.length === 0 || entries.length > mostKeys) throw new WebhookKeysError(`1 to ${mostKeys} keys are needed`)
  return entries.map((entry, index) => {
    const refuse = (why: string) => new WebhookKeysError(`key ${index + 1}: ${why}`)
    const [secret = '', until, rest] = entry.split('@')
    const prefix = Object.keys(readers).find((one) => secret.startsWith(one))
    const read = prefix === undefined ? undefined : readers[prefix]
    if (prefix === undefined || read === undefined) throw refuse(`must begin with ${Object.keys(readers).join(' or ')}`)
    const base64 = secret.slice(prefix.length)
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw refuse('must be base64 after its prefix')
    const found = read(Buffer.from(base64, 'base64'))
    if (typeof found === 'string') throw refuse(found)
    const endsAt = until === undefined ? undefined : Date.parse(until)
    if (rest !== undefined || Number.isNaN(endsAt)) throw refuse('its end is a time such as @2026-11-24T10:00:00Z')
    return { ...found, until: endsAt }
  })
}

const symmetricKey: ReadKey = (bytes) =>
  bytes.length < 24 || bytes.length > 64 ? 'must have 24 to 64 bytes' : { kind: 'symmetric', key: createSecretKey(bytes) }

const privateKey: ReadKey = (bytes) => {
  if (bytes.length !== 32 && bytes.length !== 64) return 'must be an Ed25519 seed of 32 bytes, or seed and public key'
  const key = createPrivateKey({ key: Buffer.concat([seedHead, bytes.subarray(0, 32)]), format: 'der', type: 'pkcs8' })
  const known = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(publicHead.length)
  if (bytes.length === 64 && !known.equals(bytes.subarray(32))) return 'its public half belongs to another key'
  return { kind: 'ed25519', key }
}

const publicKey: ReadKey = (bytes) => {
  if (bytes.length !== 32) return 'must be an Ed25519 public key of 32 bytes'
  return { kind: 'ed25519', key: createPublicKey({ key: Buffer.concat([publicHead, bytes]), format: 'der', type: 'spki' }) }
}

const signedContent = ({ id, timestampSeconds, body }: WebhookCall): Buffer =>
  Buffer.concat([Buffer.from(`${id}.${timestampSeconds}.`), Buffer.from(body.buffer, body.byteOffset, body.byteLength)])

const lasts = (at: number) => (key: WebhookKey) => key.until === undefined || key.until > at

/**
 * The headers of a call: one signature for each key that still lasts at its time.
 * @throws WebhookKeysError where none does, and `RangeError` for an id that could be mistaken for a part of what is signed.
 */
export function signWebhook(
  call: WebhookCall,
  keys: readonly WebhookKey[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  if (!idShape.test(call.id)) throw new RangeError('the id of a message has letters, digits, _, : and - only')
  const lasting = keys.filter(lasts(call.timestampSeconds * 1000))
  if (lasting.length === 0) throw new WebhookKeysError('every key has ended')
  const content = signedContent(call)
  const signatures = lasting.map(({ kind, key }) =>
    kind === 'symmetric'
      ? `v1,${createHmac('sha256', key).update(content).digest('base64')}`
      : `v1a,${sign(null, content, key).toString('base64')}`,
  )
  return { 'webhook-id': call.id, 'webhook-timestamp': String(call.timestampSeconds), 'webhook-signature': signatures.join(' ') }
}

/**
 * Checks a call that came in, at `now` (ms since the epoch): its time is near, and one of its signatures was made by one of the keys. Gives the id of the message,
 * by which a repeat is known. Signatures are compared in constant time.
 */
export function checkWebhook(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  body: Uint8Array,
  keys: readonly WebhookKey[],
  now: number,
): { readonly ok: true; readonly id: string } | { readonly ok: false; readonly why: WebhookRefusal } {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  const signatures = headers['webhook-signature']
  if (typeof id !== 'string' || !idShape.test(id) || typeof timestamp !== 'string' || !/^[0-9]{1,12}$/.test(timestamp))
    return { ok: false, why: 'headers-missing' }
  if (typeof signatures !== 'string') return { ok: false, why: 'headers-missing' }
  const timestampSeconds = Number(timestamp)
  if (String(timestampSeconds) !== timestamp) return { ok: false, why: 'headers-missing' }
  if (Math.abs(now / 1000 - timestampSeconds) > webhookToleranceSeconds) return { ok: false, why: 'timestamp-outside' }
  const content = signedContent({ id, timestampSeconds, body })
  const given = signatures.split(' ').slice(0, mostSignatures)
  const matches = given.some((signature) => keys.filter(lasts(now)).some((key) => isBy(key, signature, content)))
  return matches ? { ok: true, id } : { ok: false, why: 'signature-unknown' }
}

function isBy({ kind, key }: WebhookKey, signature: string, content: Buffer): boolean {
  const comma = signature.indexOf(',')
  const version = signature.slice(0, comma)
  const bytes = Buffer.from(signature.slice(comma + 1), 'base64')
  if (kind === 'ed25519') return version === 'v1a' && bytes.length === 64 && verify(null, content, key, bytes)
  const expected = createHmac('sha256', key).update(content).digest()
  return version === 'v1' && bytes.length === expected.length && timingSafeEqual(bytes, expected)
}
