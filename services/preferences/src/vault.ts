import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Identifier, type IdentifierKind, lookupText, parseIdentifier, type SubjectId } from '@heed/domain'
import { HeedError } from '@heed/platform/errors'

/** A key-encryption key with the id under which stored data name it. */
export interface Kek {
  readonly id: string
  readonly secret: Buffer
}

/** The keys of the vault. */
export interface VaultKeys {
  /** Newest first: the first one wraps, the others only unwrap. */
  readonly keks: readonly Kek[]
  /** For looking identifiers up; it cannot be rotated without reading every identifier anew. */
  readonly lookup: Buffer
  /** For recognising identifiers that were forgotten; a key of its own, so that what is kept of them is worth nothing to whoever holds the other keys. */
  readonly suppression: Buffer
}

/** A data key that is wrapped. */
export interface SealedDataKey {
  readonly kek: string
  readonly sealed: Uint8Array
}

/** Stored data and configured keys do not belong together, or stored data were changed. Holds no key and no data. */
export class VaultError extends HeedError {
  constructor(reason: 'vault.unknown-kek' | 'vault.wrong-key' | 'vault.damaged', message: string) {
    super(reason, message)
  }
}

const ivBytes = 12
const tagBytes = 16
const keyBytes = 32
const algorithm = 'aes-256-gcm'

/** AES-256-GCM: nonce, ciphertext and tag in one buffer. A data key seals few values and a KEK fewer than 2^32, so that random nonces are safe (NIST SP 800-38D, 8.3). */
function sealBytes(key: KeyObject | Buffer, plain: Uint8Array, bound: string): Buffer {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv(algorithm, key, iv)
  cipher.setAAD(Buffer.from(bound, 'utf8'))
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function openBytes(key: KeyObject | Buffer, sealed: Uint8Array, bound: string): Buffer | undefined {
  if (sealed.length < ivBytes + tagBytes) return undefined
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(bound, 'utf8'))
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(ivBytes, bytes.length - tagBytes)), decipher.final()])
  } catch {
    return undefined
  }
}

const dataKeyBound = (subjectId: SubjectId, kek: string) => `heed.data-key.v1 ${kek} ${subjectId}`
const identifierBound = (subjectId: SubjectId, kind: IdentifierKind) => `heed.identifier.v1 ${kind} ${subjectId}`
const checkText = Buffer.from('heed.key-check.v1', 'utf8')

/**
 * The cryptography of identifiers: each subject has a data key of its own, wrapped by a key-encryption key; every value is bound to its subject and kind, so
 * that a row copied to another subject does not open. Pure but for random bytes; stores nothing.
 */
export class Vault {
  readonly #keks: ReadonlyMap<string, KeyObject>
  readonly #newest: { id: string; key: KeyObject }
  readonly #lookup: KeyObject
  readonly #suppression: KeyObject

  constructor(keys: VaultKeys) {
    const [first] = keys.keks
    if (first === undefined) throw new VaultError('vault.unknown-kek', 'no key-encryption key is configured')
    const made = keys.keks.map(({ id, secret }) => [id, createSecretKey(secret)] as const)
    this.#keks = new Map(made)
    this.#newest = { id: first.id, key: createSecretKey(first.secret) }
    this.#lookup = createSecretKey(keys.lookup)
    this.#suppression = createSecretKey(keys.suppression)
  }

  /** The id of the key that wraps new data keys. */
  get newestKek(): string {
    return this.#newest.id
  }

  /** The ids of all configured key-encryption keys. */
  get kekIds(): string[] {
    return [...this.#keks.keys()]
  }

  /** `<kind>:<HMAC-SHA-256>`: equal for all spellings of one identifier, and worth nothing without the key. */
  lookupId(identifier: Identifier): string {
    const mac = createHmac('sha256', this.#lookup)
      .update(`${identifier.kind}\0${lookupText(identifier)}`)
      .digest('base64url')
    return `${identifier.kind}:${mac}`
  }

  /** The same under the suppression key: all that is kept of an identifier that was forgotten. */
  suppressionId(identifier: Identifier): string {
    return `${identifier.kind}:${this.#suppressed(`${identifier.kind}\0${lookupText(identifier)}`)}`
  }

  /** What is kept of the link reference of a subject that was forgotten. */
  suppressedLinkId(linkRef: string): string {
    return `link:${this.#suppressed(`link\0${linkRef}`)}`
  }

  #suppressed(text: string): string {
    return createHmac('sha256', this.#suppression).update(`heed.suppression.v1\0${text}`).digest('base64url')
  }

  /** A fresh data key of a subject, open and wrapped by the newest key. */
  newDataKey(subjectId: SubjectId): { key: Buffer; stored: SealedDataKey } {
    const key = randomBytes(keyBytes)
    return { key, stored: this.#wrap(subjectId, key) }
  }

  /** @throws VaultError where the key that wrapped it is not configured, or the bytes were changed. */
  openDataKey(subjectId: SubjectId, stored: SealedDataKey): Buffer {
    const kek = this.#keks.get(stored.kek)
    if (kek === undefined) throw new VaultError('vault.unknown-kek', `the key-encryption key ${stored.kek} is not configured`)
    const key = openBytes(kek, stored.sealed, dataKeyBound(subjectId, stored.kek))
    if (key === undefined) throw new VaultError('vault.damaged', `the data key of ${subjectId} does not open under ${stored.kek}`)
    return key
  }

  /** The same data key under the newest key-encryption key; undefined where it is already. */
  rewrap(subjectId: SubjectId, stored: SealedDataKey): SealedDataKey | undefined {
    return stored.kek === this.#newest.id ? undefined : this.#wrap(subjectId, this.openDataKey(subjectId, stored))
  }

  /** The identifier's value, sealed. */
  seal(key: Buffer, subjectId: SubjectId, identifier: Identifier): Buffer {
    return sealBytes(key, Buffer.from(identifier.value, 'utf8'), identifierBound(subjectId, identifier.kind))
  }

  /** @throws VaultError where the bytes were changed or belong to another subject or kind. */
  open(key: Buffer, subjectId: SubjectId, kind: IdentifierKind, sealed: Uint8Array): Identifier {
    const plain = openBytes(key, sealed, identifierBound(subjectId, kind))
    const parsed = plain === undefined ? undefined : parseIdentifier(kind, plain.toString('utf8'))
    if (parsed?.ok !== true) throw new VaultError('vault.damaged', `an identifier (${kind}) of ${subjectId} does not open`)
    return parsed.identifier
  }

  /** Bytes that prove later that a key is still the same: one for each key-encryption key, one for the look-up key and one for the suppression key. */
  keyChecks(): { id: string; check: Buffer }[] {
    return [
      ...[...this.#keks].map(([id, key]) => ({ id: `kek:${id}`, check: sealBytes(key, checkText, `heed.key-check.v1 ${id}`) })),
      { id: 'lookup', check: checkOf(this.#lookup) },
      { id: 'suppression', check: checkOf(this.#suppression) },
    ]
  }

  /** Whether the configured key of that check is the one that made it; undefined where none of that name is configured. */
  matchesCheck(id: string, check: Uint8Array): boolean | undefined {
    if (id === 'lookup' || id === 'suppression') {
      const own = checkOf(id === 'lookup' ? this.#lookup : this.#suppression)
      return own.length === check.length && timingSafeEqual(own, check)
    }
    const kek = this.#keks.get(id.replace(/^kek:/, ''))
    return kek === undefined ? undefined : openBytes(kek, check, `heed.key-check.v1 ${id.replace(/^kek:/, '')}`)?.equals(checkText) === true
  }

  #wrap(subjectId: SubjectId, key: Buffer): SealedDataKey {
    const { id, key: kek } = this.#newest
    return { kek: id, sealed: sealBytes(kek, key, dataKeyBound(subjectId, id)) }
  }
}

function checkOf(key: KeyObject): Buffer {
  return createHmac('sha256', key).update(checkText).digest()
}

/** Bytes as the driver gives them back. */
export function bytesOf(stored: Uint8Array | { readonly buffer: Uint8Array; readonly position: number }): Uint8Array {
  return ArrayBuffer.isView(stored) ? stored : stored.buffer.subarray(0, stored.position)
}
