import { createHash, createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { sameText } from '../frame/tokens.ts'
import { errors, type S3Error } from './errors.ts'

/** A request as its signature is made of it. */
export interface SignedRequest {
  readonly method: string
  /** The path as it was sent, from the root of the host on. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
}

/** Who may sign, and when. */
export interface Signers {
  readonly region: string
  /** The secret of an access key; undefined for one that nobody has. */
  secretOf(accessKeyId: string): string | undefined
  /** The session token that belongs to an access key; undefined for keys without one. */
  tokenOf(accessKeyId: string): string | undefined
  /** Moments that count as now: a client goes by its own clock or by that of the sandbox. Milliseconds since the epoch. */
  now(): readonly number[]
}

const SKEW_MS = 15 * 60_000
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request,\s*SignedHeaders=([a-z0-9;-]+),\s*Signature=([0-9a-f]{64})$/

/** RFC 3986, with `/` kept where a path is escaped. */
function escaped(text: string, keepSlash: boolean): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      if (/[A-Za-z0-9._~-]/.test(character) || (keepSlash && character === '/')) return character
      return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const ordered = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The signature of a request by version 4 of Amazon's process, for these headers and this scope. */
export function signatureOf(
  request: SignedRequest,
  by: { readonly secret: string; readonly day: string; readonly region: string; readonly signedHeaders: readonly string[] },
): string {
  const { method, path, query, headers } = request
  const parameters = [...query].map(([name, value]) => `${escaped(name, false)}=${escaped(value, false)}`).sort(ordered)
  const canonical = [
    method,
    escaped(unescaped(path), true),
    parameters.join('&'),
    ...by.signedHeaders.map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`,
    ),
    '',
    by.signedHeaders.join(';'),
    String(headers['x-amz-content-sha256'] ?? ''),
  ].join('\n')
  const scope = `${by.day}/${by.region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', String(headers['x-amz-date'] ?? ''), scope, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  )
  const key = hmac(hmac(hmac(hmac(`AWS4${by.secret}`, by.day), by.region), 's3'), 'aws4_request')
  return createHmac('sha256', key).update(text).digest('hex')
}

/** Why a request is not let in; undefined when it is signed well. */
export function signatureFault(request: SignedRequest, signers: Signers): S3Error | undefined {
  const { headers } = request
  if (headers.authorization === undefined) return errors.accessDenied
  const [, accessKeyId = '', day = '', region = '', service = '', names = '', given = ''] = AUTHORIZATION.exec(headers.authorization) ?? []
  if (given === '' || service !== 's3') return errors.malformedAuthorization
  if (region !== signers.region) return errors.wrongRegion
  const secret = signers.secretOf(accessKeyId)
  if (secret === undefined) return errors.unknownKey
  const signedHeaders = names.split(';')
  const mustBeSigned = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))]
  if (signedHeaders.toSorted(ordered).join(';') !== names || !mustBeSigned.every((name) => signedHeaders.includes(name)))
    return errors.headersNotSigned
  if (headers['x-amz-content-sha256'] === undefined) return errors.noContentHash
  const token = signers.tokenOf(accessKeyId)
  if (token !== undefined && !sameText(token, String(headers['x-amz-security-token'] ?? ''))) return errors.invalidToken
  const stamp = String(headers['x-amz-date'] ?? '')
  const at = Date.parse(stamp.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (Number.isNaN(at) || !stamp.startsWith(day)) return errors.malformedAuthorization
  if (!signers.now().some((now) => Math.abs(now - at) <= SKEW_MS)) return errors.tooSkewed
  return sameText(given, signatureOf(request, { secret, day, region, signedHeaders })) ? undefined : errors.wrongSignature
}
