import { createHash, createHmac, createPrivateKey, createPublicKey, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { demoSecret } from '../frame/tokens.ts'

export type SignatureKind = 'symmetric' | 'ed25519'

/** A key as the partner keeps it: what it checks with, and what its counterpart was given to sign with. */
export interface FeedKey {
  readonly kind: SignatureKind
  /** Given to the sender: `whsec_…` or `whsk_…`. */
  readonly signingKey: string
  readonly checks: (signature: string, content: Buffer) => boolean
}

/** How far a sender's clock may be off, in seconds. */
const TOLERANCE_SECONDS = 300
// the fixed beginnings of an Ed25519 key in PKCS #8
const PKCS8_HEAD = '302e020100300506032b657004220420'

/** The key of this name and generation, the same for the same seed. */
export function feedKey(seed: string, name: string, kind: SignatureKind, generation: number): FeedKey {
  const bytes = createHash('sha256')
    .update(demoSecret(seed, `supplier-feed/${name}/${kind}/${generation}`))
    .digest()
  if (kind === 'symmetric') return symmetric(bytes)
  const privateKey = createPrivateKey({ key: Buffer.concat([Buffer.from(PKCS8_HEAD, 'hex'), bytes]), format: 'der', type: 'pkcs8' })
  const publicKey: KeyObject = createPublicKey(privateKey)
  return {
    kind,
    signingKey: `whsk_${bytes.toString('base64')}`,
    checks: (signature, content) =>
      signature.startsWith('v1a,') && verify(null, content, publicKey, Buffer.from(signature.slice(4), 'base64')),
  }
}

function symmetric(bytes: Buffer): FeedKey {
  return {
    kind: 'symmetric',
    signingKey: `whsec_${bytes.toString('base64')}`,
    checks: (signature, content) => {
      const expected = `v1,${createHmac('sha256', bytes).update(content).digest('base64')}`
      return signature.length === expected.length && timingSafeEqual(Buffer.from(signature), Buffer.from(expected))
    },
  }
}

/** What is wrong with the signature of a call, or nothing. `times` are the clocks that its sender may follow, in milliseconds. */
export function signatureFault(
  headers: IncomingHttpHeaders,
  body: Buffer,
  keys: readonly FeedKey[],
  times: readonly number[],
): string | undefined {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return 'headers.missing'
  if (id === '' || id.includes('.')) return 'id.malformed'
  if (!/^\d+$/.test(timestamp)) return 'timestamp.malformed'
  if (!times.some((ms) => Math.abs(ms / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS)) return 'timestamp.outside'
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body])
  return signatures.split(' ').some((one) => keys.some((key) => key.checks(one, content))) ? undefined : 'signature.unknown'
}

/** A symmetric key with which a partner signs its own calls, the same for the same seed. */
export function callbackKey(seed: string, name: string): string {
  return `whsec_${createHash('sha256')
    .update(demoSecret(seed, `supplier-feed/${name}/callback`))
    .digest('base64')}`
}

/** The headers of a call that the partner makes itself. */
export function signedHeaders(key: string, id: string, timestampSeconds: number, body: string): Record<string, string> {
  const bytes = Buffer.from(key.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', bytes).update(`${id}.${timestampSeconds}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(timestampSeconds), 'webhook-signature': `v1,${signature}` }
}
