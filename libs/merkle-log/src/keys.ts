import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { MerkleLogError } from './errors.ts'
import { decodeBase64, encodeBase64, hasControlCharacter, readText } from './text.ts'

/**
 * What a key signs. `ed25519` (type byte 0x01, C2SP signed-note) signs the text of a note: a log's key.
 * `cosignature-v1` (0x04, C2SP tlog-cosignature) signs a checkpoint together with a time: a witness's key.
 */
export type KeyType = 'ed25519' | 'cosignature-v1'

const TYPE_BYTES: Readonly<Record<KeyType, number>> = { ed25519: 0x01, 'cosignature-v1': 0x04 }

/** A public key with its name: what a verifier trusts. `keyId` is eight lower-case hexadecimal digits; `publicKey` is 32 bytes. */
export type VerifierKey = { readonly name: string; readonly type: KeyType; readonly keyId: string; readonly publicKey: Uint8Array }

/** A key that can sign. The private part is a `KeyObject`, which no log line and no JSON shows. */
export type SignerKey = VerifierKey & { readonly privateKey: KeyObject }

// RFC 8410: an Ed25519 key in DER is this prefix and 32 bytes
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex')
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex')
const KEY_BYTES = 32

/** Whether this can be the name of a key: not empty, no Unicode space, no plus, no control character (C2SP signed-note, "Format"). */
export function isKeyName(name: string): boolean {
  return readText(name) !== undefined && name !== '' && !/[\p{White_Space}+]/u.test(name) && !hasControlCharacter(name)
}

/**
 * The key id as eight hexadecimal digits: the first four bytes of SHA-256(name || 0x0A || type byte || public key)
 * (C2SP signed-note, "Signatures"). A hint that finds the key, not a check of it.
 */
export function keyIdOf(name: string, type: KeyType, publicKey: Uint8Array): string {
  return createHash('sha256').update(`${name}\n`).update(Uint8Array.of(TYPE_BYTES[type])).update(publicKey).digest('hex').slice(0, 8)
}

/** A verifier key from its parts. Throws `malformed.key` for a bad name or a key that is not 32 bytes. */
export function verifierKey(name: string, type: KeyType, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name))
    throw new MerkleLogError('malformed.key', 'the name of a key is not empty and has no space, plus or control character')
  if (publicKey.length !== KEY_BYTES) throw new MerkleLogError('malformed.key', 'an Ed25519 public key is 32 bytes')
  return { name, type, keyId: keyIdOf(name, type, publicKey), publicKey }
}

function encodeKey(name: string, type: KeyType, keyId: string, key: Uint8Array): string {
  return `${name}+${keyId}+${encodeBase64(Uint8Array.of(TYPE_BYTES[type], ...key))}`
}

function decodeKey(text: string): { name: string; type: KeyType; keyId: string; key: Uint8Array } {
  // the base64 may hold a plus too, so only the first two divide
  const [, name = '', keyId = '', base64 = ''] = /^([^+\n]{1,1024})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{1,4096})$/u.exec(text) ?? []
  const material = decodeBase64(base64)
  if (!isKeyName(name) || !material || material.length === 0) {
    throw new MerkleLogError('malformed.key', 'a key is <name>+<eight lower-case hexadecimal digits>+<base64>')
  }
  const type = (['ed25519', 'cosignature-v1'] as const).find((known) => TYPE_BYTES[known] === material[0])
  if (!type) throw new MerkleLogError('unsupported.key-type', 'the key is neither of type 0x01 (Ed25519) nor of type 0x04 (cosignature/v1)')
  if (material.length !== 1 + KEY_BYTES) throw new MerkleLogError('malformed.key', 'an Ed25519 key is 32 bytes')
  return { name, type, keyId, key: material.slice(1) }
}

function requireKeyId(stated: string, key: VerifierKey): void {
  if (stated !== key.keyId) throw new MerkleLogError('malformed.key', 'the key id does not belong to this name and key')
}

/** The key as people exchange it, a "vkey": `<name>+<hexadecimal id>+<base64(type byte || public key)>` (C2SP signed-note). */
export function formatVerifierKey(key: VerifierKey): string {
  return encodeKey(key.name, key.type, key.keyId, key.publicKey)
}

/**
 * Reads a vkey. Throws `malformed.key` when anything is off, the key id included, and `unsupported.key-type` for a type that is not
 * spoken here (ECDSA, ML-DSA).
 */
export function parseVerifierKey(vkey: string): VerifierKey {
  const { name, type, keyId, key } = decodeKey(vkey)
  const parsed = verifierKey(name, type, key)
  requireKeyId(keyId, parsed)
  return parsed
}

/**
 * What people read to each other to see that they have the same public key: `SHA256:` and the base64 of the key's SHA-256 without padding, as ssh shows its keys.
 * Unlike the key id it is long enough to rely on.
 */
export function keyFingerprint({ publicKey }: Pick<VerifierKey, 'publicKey'>): string {
  return `SHA256:${createHash('sha256').update(publicKey).digest('base64').replace(/=+$/, '')}`
}

function signerKey(name: string, type: KeyType, privateKey: KeyObject): SignerKey {
  const publicKey = new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES))
  return { ...verifierKey(name, type, publicKey), privateKey }
}

/** Makes a new key from the system's randomness. Throws `malformed.key` for a bad name. */
export function generateSignerKey(name: string, type: KeyType): SignerKey {
  return signerKey(name, type, generateKeyPairSync('ed25519').privateKey)
}

/**
 * The secret key as text, `PRIVATE+KEY+<name>+<hexadecimal id>+<base64(type byte || seed)>`, the form of golang.org/x/mod/sumdb/note.
 * Whoever has it can sign: it belongs in a secret store and nowhere else.
 */
export function formatSignerKey(key: SignerKey): string {
  const seed = key.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-KEY_BYTES)
  return `PRIVATE+KEY+${encodeKey(key.name, key.type, key.keyId, seed)}`
}

/** Reads what `formatSignerKey` writes. Throws `malformed.key` or `unsupported.key-type`; the message never holds the secret. */
export function parseSignerKey(text: string): SignerKey {
  const prefix = 'PRIVATE+KEY+'
  if (!text.startsWith(prefix)) throw new MerkleLogError('malformed.key', 'a secret key begins with PRIVATE+KEY+')
  const { name, type, keyId, key } = decodeKey(text.slice(prefix.length))
  const parsed = signerKey(name, type, createPrivateKey({ key: Buffer.concat([PRIVATE_DER, key]), format: 'der', type: 'pkcs8' }))
  requireKeyId(keyId, parsed)
  return parsed
}

/** The public part of a signer's key: what to hand out. */
export function verifierOf({ name, type, keyId, publicKey }: SignerKey): VerifierKey {
  return { name, type, keyId, publicKey }
}

/** An Ed25519 signature over the message (RFC 8032): 64 bytes, the same each time. */
export function signMessage(key: SignerKey, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, key.privateKey))
}

/** Whether this is the key's Ed25519 signature over the message (RFC 8032). False, never an error, for bytes that are no signature. */
export function verifyMessage(key: VerifierKey, message: Uint8Array, signature: Uint8Array): boolean {
  const publicKey = createPublicKey({ key: Buffer.concat([PUBLIC_DER, key.publicKey]), format: 'der', type: 'spki' })
  return signature.length === 64 && verify(null, message, publicKey, signature)
}
