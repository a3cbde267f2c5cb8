import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Lower case letters, digits and `-`; no `_`, which separates the parts of a key. */
export const callerIdPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

const secretBytes = 32
const bearer = /^Bearer heed_([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)_([A-Za-z0-9_-]{43,128})$/i

/** A fresh key `heed_<callerId>_<secret>`: 256 random bits, shown once and never stored. */
export function mintKey(callerId: string): string {
  return `heed_${callerId}_${randomBytes(secretBytes).toString('base64url')}`
}

/**
 * What is stored of a key. One round of SHA-256 is enough, unlike for a password: the secret is 256 random bits, which nobody can try out.
 */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** Whether the key has this hash, in a time that does not tell how much of it is right. */
export function keyMatches(keyHash: Uint8Array, storedHash: Uint8Array): boolean {
  return keyHash.length === storedHash.length && timingSafeEqual(keyHash, storedHash)
}

/** The parts of an `authorization` header, or undefined when it is no caller's key. */
export function parseAuthorization(header: unknown): { callerId: string; key: string } | undefined {
  if (typeof header !== 'string') return undefined
  const parts = bearer.exec(header)
  const callerId = parts?.[1]
  return callerId === undefined ? undefined : { callerId, key: header.slice('Bearer '.length) }
}
