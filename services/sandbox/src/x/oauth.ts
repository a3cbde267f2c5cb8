import { createHmac } from 'node:crypto'
import { sameText } from '../frame/tokens.ts'

/** The four parts of an OAuth 1.0a credential. */
export interface OAuth1Keys {
  readonly consumerKey: string
  readonly consumerSecret: string
  readonly token: string
  readonly tokenSecret: string
}

/** What is signed: the method, the URL without its query, and every parameter but the signature. */
export interface Signed {
  readonly method: string
  readonly url: string
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

/** A request as its signature is checked. */
export interface SignedRequest {
  readonly method: string
  /** Each URL under which the client may have asked, without the query. */
  readonly urls: readonly string[]
  readonly query: URLSearchParams
  readonly authorization: string | undefined
}

const SKEW_SECONDS = 300

/** The signature of RFC 5849 with HMAC-SHA1. A body in JSON is no part of it. */
export function signatureOf({ method, url, parameters }: Signed, consumerSecret: string, tokenSecret: string): string {
  const pairs = parameters
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const base = [method.toUpperCase(), url, pairs].map(encode).join('&')
  return createHmac('sha1', `${encode(consumerSecret)}&${encode(tokenSecret)}`)
    .update(base)
    .digest('base64')
}

/** Checks signatures; a nonce is good once. `times` are the clocks that the client may follow, in milliseconds. */
export function createOAuthCheck(keys: OAuth1Keys, times: () => readonly number[]): (request: SignedRequest) => boolean {
  const used = new Map<string, number>()
  return ({ method, urls, query, authorization }) => {
    const fields = parse(authorization ?? '')
    if (fields === undefined) return false
    const { oauth_signature: signature = '', ...others } = fields
    if (others.oauth_consumer_key !== keys.consumerKey || others.oauth_token !== keys.token) return false
    if (others.oauth_signature_method !== 'HMAC-SHA1' || (others.oauth_version ?? '1.0') !== '1.0') return false
    const timestamp = Number(others.oauth_timestamp)
    if (!times().some((ms) => Math.abs(ms / 1000 - timestamp) <= SKEW_SECONDS)) return false
    const nonce = others.oauth_nonce ?? ''
    if (nonce === '' || used.has(nonce)) return false
    const parameters = [...Object.entries(others), ...query]
    const fits = urls.some((url) => sameText(signature, signatureOf({ method, url, parameters }, keys.consumerSecret, keys.tokenSecret)))
    if (fits) remember(used, nonce)
    return fits
  }
}

function remember(used: Map<string, number>, nonce: string): void {
  const now = Date.now()
  used.set(nonce, now)
  for (const [old, at] of used) {
    if (now - at < 2 * SKEW_SECONDS * 1000) return
    used.delete(old)
  }
}

function parse(authorization: string): Record<string, string> | undefined {
  if (!/^OAuth\s/i.test(authorization)) return undefined
  const fields: Record<string, string> = {}
  for (const part of authorization.slice(6).split(',')) {
    const [, name, value] = /^\s*([^=\s]+)="([^"]*)"\s*$/.exec(part) ?? []
    if (name === undefined || value === undefined || name in fields) return undefined
    if (name !== 'realm') fields[name] = decode(value)
  }
  return fields
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

// RFC 3986: encodeURIComponent leaves five characters alone that must be encoded too
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
