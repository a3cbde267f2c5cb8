import type { DigestName, IdentifierFormRule, NormalStep } from './hash-forms.ts'
import { findForm } from './hash-forms.ts'
import type { IdentifierKind } from './identifier.ts'
import type { IdentifierForm } from './policy.ts'

/** Computes a digest of the UTF-8 bytes of a text. */
export type Digest = (name: DigestName, utf8: string) => Uint8Array

const hexDigest = /^(?:0x)?(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$/i
// the digests of 16, 20, 32 and 64 bytes with their padding, and that of 32 without
const base64Digest = /^(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{27}=|[A-Za-z0-9+/]{43}=?|[A-Za-z0-9+/]{86}==)$/

/** Whether a text has the form of an MD5, SHA-1, SHA-256 or SHA-512 digest in hex or base64. Hashing one again would lose the person silently. */
export function looksLikeHash(text: string): boolean {
  const bare = text.trim()
  return hexDigest.test(bare) || base64Digest.test(bare)
}

function rewriteMailbox(text: string, step: Exclude<NormalStep, string>): string {
  const at = text.indexOf('@')
  if (at < 0 || !step.mailbox.includes(text.slice(at + 1))) return text
  let local = text.slice(0, at)
  if (step.cutSuffix && local.includes('+')) local = local.slice(0, local.indexOf('+'))
  if (step.dropDots) local = local.replaceAll('.', '')
  return local + text.slice(at)
}

function applyStep(text: string, step: NormalStep): string {
  switch (step) {
    case 'trim':
      return text.trim()
    case 'remove-whitespace':
      return text.replace(/\s+/gu, '')
    case 'lower-case':
      // never toLocaleLowerCase: the result must not depend on the machine
      return text.toLowerCase()
    case 'keep-digits':
      return text.replace(/[^0-9]+/gu, '')
    case 'drop-leading-zeros':
      return text.replace(/^0+/u, '')
    case 'drop-at-sign':
      return text.replace(/^[@\s]+/u, '')
    default:
      return rewriteMailbox(text, step)
  }
}

function isAsExpected(text: string, expects: IdentifierFormRule['expects']): boolean {
  if (text === '') return false
  if (expects === 'digits') return /^[0-9]+$/.test(text)
  if (expects === 'text') return true
  // white space that a rule leaves inside is no part of an address, and the partner's own list cannot hold it
  if (/\s/u.test(text)) return false
  const [local, domain, ...rest] = text.split('@')
  return local !== '' && domain !== undefined && domain !== '' && rest.length === 0
}

/** The text as each variant of a form normalises it, without repeats; empty where it is not what the form expects, or is a digest already. */
export function normalisedTexts(text: string, rule: IdentifierFormRule): string[] {
  const texts = new Set<string>()
  for (const steps of rule.variants) {
    const normal = steps.reduce(applyStep, text)
    const hashed = rule.digest !== 'none' && (looksLikeHash(text) || looksLikeHash(normal))
    if (isAsExpected(normal, rule.expects) && !hashed) texts.add(normal)
  }
  return [...texts]
}

const hexDigits = '0123456789abcdef'
const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += hexDigits.charAt(byte >> 4) + hexDigits.charAt(byte & 15)
  return text
}

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3)
    const group = (a << 16) | (b << 8) | c
    const filled = Math.min(3, bytes.length - i)
    for (let digit = 0; digit < 4; digit += 1) text += digit <= filled ? base64Digits.charAt((group >> (18 - 6 * digit)) & 63) : '='
  }
  return text
}

/** The texts to hand over for one text under a rule: normalised, digested, encoded. Empty where the text has no such form. */
export function applyForm(text: string, rule: IdentifierFormRule, digest: Digest): string[] {
  const { digest: name, encoding } = rule
  const texts = normalisedTexts(text, rule)
  if (name === 'none') return texts
  return texts.map((normal) => {
    const bytes = digest(name, normal)
    return encoding === 'base64' ? toBase64(bytes) : toHex(bytes)
  })
}

/**
 * What is handed over for one identifier in the form that the policy grants: usually one text, two where the vendor's rule has changed (the first is the rule of
 * today: send all to remove a person and the first alone to add one), none where the value has no such form. Never hashes a hash.
 * Throws `RangeError` for a form that is unknown or not made for that kind: `parsePolicy` lets no such grant through.
 */
export function deriveForm(kind: IdentifierKind, value: string, form: IdentifierForm, digest: Digest): string[] {
  if (form === 'raw') return [value]
  const rule = findForm(form)
  if (rule === undefined || !rule.kinds.includes(kind)) throw new RangeError(`there is no form ${form} of ${kind}`)
  return applyForm(value, rule, digest)
}
