import { createHash, hash, timingSafeEqual } from 'node:crypto'

/** How many random bytes a salt has. */
export const SALT_BYTES = 32

// bytes that are used again instead of new ones for each call: hashing is synchronous, so no two calls can share them at a time
const scratch = Buffer.alloc(4_096)

function commitment(domain: string, salt: Uint8Array, text: string): string {
  if (salt.length !== SALT_BYTES) throw new RangeError(`a salt has ${SALT_BYTES} bytes`)
  // the salt has one length, so that no two pairs of salt and text give the same input
  const begin = domain.length + SALT_BYTES
  // no UTF-16 unit has more than three bytes of UTF-8
  if (begin + text.length * 3 > scratch.length) return createHash('sha256').update(domain).update(salt).update(text, 'utf8').digest('hex')
  scratch.write(domain, 0, 'latin1')
  scratch.set(salt, domain.length)
  return hash('sha256', scratch.subarray(0, begin + scratch.write(text, begin, 'utf8')), 'hex')
}

/**
 * What a leaf says instead of a subject id: SHA-256("heed subject 1\n" || salt || subject id), 64 hexadecimal digits. The salt is the subject's own, random, the
 * same in all its leaves. Once it is destroyed, nobody can tell any more whom the leaf is about; the leaf stays what it is. Throws `RangeError` for a salt of
 * another length.
 */
export function subjectCommitment(salt: Uint8Array, subjectId: string): string {
  return commitment('heed subject 1\n', salt, subjectId)
}

/**
 * What a leaf says instead of facts that are kept elsewhere (references, free text, names of operators):
 * SHA-256("heed sealed 1\n" || salt || canonical JSON), 64 hexadecimal digits. The salt is the entry's own. Throws `RangeError` for a salt of another length.
 */
export function sealedCommitment(salt: Uint8Array, canonical: string): string {
  return commitment('heed sealed 1\n', salt, canonical)
}

/** Whether two commitments are the same. */
export function sameCommitment(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right))
}
