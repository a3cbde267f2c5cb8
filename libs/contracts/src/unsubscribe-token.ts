import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { type PurposeKey, parsePurposeKey } from '@heed/domain'

/**
 * The token of an unsubscribe link: `v1.{key id}.{payload}.{mac}`, base64url without padding, so that a URL stays below 200 characters and holds only
 * `[A-Za-z0-9._-]`. The payload is 16 bytes of link reference, 4 bytes of issue time (big endian, unix seconds) and the scope in UTF-8; the mac is
 * HMAC-SHA256 over `unsub.v1.{key id}.{payload}`. It can only ever reduce mail, so it does not expire; all that matters is bound by the mac.
 */
export interface UnsubscribeToken {
  /** 32 hex digits: the opaque name under which preferences knows the subject. */
  readonly linkRef: string
  /** `all`, or the purpose or topic that the mail was about. */
  readonly scope: 'all' | PurposeKey
  readonly issuedAtSeconds: number
}

/** A key that signs links, or that only checks old ones. */
export interface LinkKey {
  readonly id: string
  readonly secret: Buffer
  /** `confirm-only`: the key is known to others; its links still reduce mail, but rate limited and alarmed. */
  readonly use: 'sign' | 'verify' | 'confirm-only'
}

/** A token that was checked. */
export interface CheckedToken {
  readonly token: UnsubscribeToken
  readonly key: LinkKey
  /** The first 8 hex digits of the token's SHA-256: all that a log may hold of it. */
  readonly fingerprint: string
}

/** A list of link keys that cannot be used. Never contains a key. */
export class LinkKeysError extends Error {
  override readonly name = 'LinkKeysError'
}

const shape = /^v1\.([A-Za-z0-9_-]{1,16})\.([A-Za-z0-9_-]{28,140})\.([A-Za-z0-9_-]{43})$/
const longest = 220

/**
 * Reads `id:base64[:use],…`, newest first; the first is the one that signs (`use` is `sign` for it and `verify` for the others where it is left out).
 * Throws `LinkKeysError` where an id repeats, a key is shorter than 32 bytes, or the first cannot sign.
 */
export function parseLinkKeys(text: string): LinkKey[] {
  const keys = text.split(',').map((entry, index): LinkKey => {
    const [id = '', base64 = '', use = index === 0 ? 'sign' : 'verify', rest] = entry.trim().split(':')
    if (!/^[A-Za-z0-9_-]{1,16}$/.test(id) || rest !== undefined)
      throw new LinkKeysError(`link key ${index + 1}: write id:base64 or id:base64:use`)
    if (use !== 'sign' && use !== 'verify' && use !== 'confirm-only')
      throw new LinkKeysError(`link key ${id}: its use is sign, verify or confirm-only`)
    const secret = Buffer.from(base64, 'base64')
    if (secret.length < 32) throw new LinkKeysError(`link key ${id}: at least 32 bytes in base64 are needed`)
    return { id, secret, use }
  })
  if (keys[0]?.use !== 'sign') throw new LinkKeysError('the first link key is the one that signs')
  if (new Set(keys.map((key) => key.id)).size !== keys.length) throw new LinkKeysError('two link keys have the same id')
  return keys
}

/** The text of a token, signed. Deterministic. Throws `RangeError` for a key that may not sign or a reference that is not 32 hex digits. */
export function mintUnsubscribeToken(token: UnsubscribeToken, key: LinkKey): string {
  if (key.use !== 'sign') throw new RangeError('this link key may not sign')
  if (!/^[0-9a-f]{32}$/.test(token.linkRef)) throw new RangeError('a link reference is 32 hex digits')
  const head = Buffer.alloc(20)
  head.write(token.linkRef, 0, 'hex')
  head.writeUInt32BE(token.issuedAtSeconds, 16)
  const payload = Buffer.concat([head, Buffer.from(token.scope, 'utf8')]).toString('base64url')
  return `v1.${key.id}.${payload}.${macOf(key, payload).toString('base64url')}`
}

/** The token of a text, or undefined for anything that was not signed by one of the keys: which of the reasons it was is nobody's business. The mac is checked before the payload is looked at. */
export function checkUnsubscribeToken(text: string, keys: readonly LinkKey[]): CheckedToken | undefined {
  if (text.length > longest) return undefined
  const [, id, payload, mac] = shape.exec(text) ?? []
  if (id === undefined || payload === undefined || mac === undefined) return undefined
  const key = keys.find((candidate) => candidate.id === id)
  if (key === undefined) return undefined
  const given = Buffer.from(mac, 'base64url')
  const expected = macOf(key, payload)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  // base64url has several spellings for one last character: only the one that we write is a token
  if (given.toString('base64url') !== mac) return undefined
  const bytes = Buffer.from(payload, 'base64url')
  if (bytes.length < 21 || bytes.toString('base64url') !== payload) return undefined
  const scopeText = bytes.toString('utf8', 20)
  const scope = scopeText === 'all' ? 'all' : parsePurposeKey(scopeText)
  if (scope === undefined) return undefined
  return {
    token: { linkRef: bytes.toString('hex', 0, 16), scope, issuedAtSeconds: bytes.readUInt32BE(16) },
    key,
    fingerprint: tokenFingerprint(text),
  }
}

/** The first 8 hex digits of a token's SHA-256. */
export function tokenFingerprint(text: string): string {
  return hash('sha256', text).slice(0, 8)
}

/** Header values and the visible link of a mail (RFC 8058, RFC 2369): one field, one HTTPS URI, and the mailto variant where an address for it is configured. */
export function unsubscribeHeaders(
  publicUrl: string,
  token: string,
  mailto?: string,
): { url: string; listUnsubscribe: string; listUnsubscribePost: string } {
  const url = `${publicUrl.replace(/\/+$/, '')}/v1/u/${token}`
  return {
    url,
    listUnsubscribe: mailto === undefined ? `<${url}>` : `<${url}>, <mailto:${mailto}?subject=${token}>`,
    listUnsubscribePost: 'List-Unsubscribe=One-Click',
  }
}

function macOf(key: LinkKey, payload: string): Buffer {
  return createHmac('sha256', key.secret).update(`unsub.v1.${key.id}.${payload}`).digest()
}
