/**
 * Ids made from what they mean, so that doing a thing twice writes the same row.
 * A subject id is random and says nothing about the person; every other id is built from it.
 */

declare const brand: unique symbol
type Brand<T, B extends string> = T & { readonly [brand]: B }

/** A random name of one person (or one device): `s-` and 26 characters of lower-case Crockford base32 (128 bits and two padding bits). */
export type SubjectId = Brand<string, 'SubjectId'>

/** The id of a recipient in the policy file: lower-case words joined by hyphens, at most 48 characters; also part of a topic's name. */
export type RecipientId = Brand<string, 'RecipientId'>

/** A purpose (`email-marketing`) or a topic of one (`email-marketing/newsletter`). */
export type PurposeKey = Brand<string, 'PurposeKey'>

/** `<subjectId>/<version>`: the id of one accepted change. */
export type ChangeId = Brand<string, 'ChangeId'>

/** `<recipientId>/<subjectId>/<version>`: the id of one duty. */
export type DeliveryId = Brand<string, 'DeliveryId'>

const subjectPattern = /^s-[0-9a-hjkmnp-tv-z]{26}$/
const recipientPattern = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const purposePattern = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?:\/[a-z0-9]+(?:-[a-z0-9]+)*)?$/
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** The subject id of 16 random bytes; the caller brings the randomness. Throws `RangeError` for any other length. */
export function subjectIdOf(random: Uint8Array): SubjectId {
  if (random.length !== 16) throw new RangeError('a subject id is made of 16 bytes')
  let text = 's-'
  let held = 0
  let bits = 0
  for (const byte of random) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet.charAt((held >> bits) & 31)
    }
    held &= (1 << bits) - 1
  }
  text += alphabet.charAt((held << (5 - bits)) & 31)
  return text as SubjectId
}

/** The text as a subject id, or undefined where it is not one. */
export function parseSubjectId(text: string): SubjectId | undefined {
  return subjectPattern.test(text) ? (text as SubjectId) : undefined
}

/** The text as a recipient id, or undefined where it is not one. */
export function parseRecipientId(text: string): RecipientId | undefined {
  return text.length <= 48 && recipientPattern.test(text) ? (text as RecipientId) : undefined
}

/** The text as a purpose key, or undefined where it is not one. Whether the policy knows it is another question. */
export function parsePurposeKey(text: string): PurposeKey | undefined {
  return text.length <= 96 && purposePattern.test(text) ? (text as PurposeKey) : undefined
}

/** The purpose that a key belongs to: `email-marketing/newsletter` and `email-marketing` both give `email-marketing`. */
export function purposeOf(key: PurposeKey): PurposeKey {
  const slash = key.indexOf('/')
  return slash < 0 ? key : (key.slice(0, slash) as PurposeKey)
}

/** The id of the change that made this version of this subject. */
export function changeIdOf(subjectId: SubjectId, version: number): ChangeId {
  return `${subjectId}/${version}` as ChangeId
}

/** The id of what this recipient must hold about this subject at this version. */
export function deliveryIdOf(recipientId: RecipientId, subjectId: SubjectId, version: number): DeliveryId {
  return `${recipientId}/${subjectId}/${version}` as DeliveryId
}

function parseVersion(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9][0-9]{0,15}$/.test(text)) return undefined
  const version = Number(text)
  return Number.isSafeInteger(version) ? version : undefined
}

/** The parts of a change id, or undefined where the text is not one. */
export function parseChangeId(text: string): { subjectId: SubjectId; version: number } | undefined {
  const [subject, version, rest] = text.split('/')
  const subjectId = parseSubjectId(subject ?? '')
  const number = parseVersion(version)
  return subjectId === undefined || number === undefined || rest !== undefined ? undefined : { subjectId, version: number }
}

/** The parts of a delivery id, or undefined where the text is not one. */
export function parseDeliveryId(text: string): { recipientId: RecipientId; subjectId: SubjectId; version: number } | undefined {
  const [recipient, subject, version, rest] = text.split('/')
  const recipientId = parseRecipientId(recipient ?? '')
  const subjectId = parseSubjectId(subject ?? '')
  const number = parseVersion(version)
  return recipientId === undefined || subjectId === undefined || number === undefined || rest !== undefined
    ? undefined
    : { recipientId, subjectId, version: number }
}
