import { looksLikeHash } from './derive-form.ts'
import type { Identifier, IdentifierKind } from './identifier.ts'
import { identifierKinds } from './identifier.ts'

/** Why a text is not an identifier of the kind asked for: a closed list. */
export type IdentifierFault =
  | 'unknown-kind'
  | 'empty'
  | 'too-long'
  | 'already-hashed'
  | 'forbidden-character'
  | 'malformed'
  | 'limited-tracking'

/** An accepted identifier, or why it is refused and how to mend it. The message names the kind and never holds the value. */
export type ParsedIdentifier =
  | { readonly ok: true; readonly identifier: Identifier }
  | { readonly ok: false; readonly code: IdentifierFault; readonly message: string }

type Refusal = readonly [code: IdentifierFault, message: string]
type Reading = { readonly value: string } | { readonly refusal: Refusal }

const accept = (value: string): Reading => ({ value })
const refuse = (code: IdentifierFault, message: string): Reading => ({ refusal: [code, message] })

// what cannot be seen does not belong into an identifier: control, format, surrogate and private characters
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/u
const unseenOrSpace = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Z}]/u
const domainLabel = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?$/u

function octets(text: string): number {
  let count = 0
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    count += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return count
}

function readEmail(text: string): Reading {
  const value = text.trim()
  if (value === '') return refuse('empty', 'give an e-mail address')
  // lengths in octets: RFC 5321 section 4.5.3.1 and the errata to RFC 3696
  if (octets(value) > 254) return refuse('too-long', 'an e-mail address has at most 254 octets')
  if (looksLikeHash(value)) return refuse('already-hashed', 'give the e-mail address itself, not a hash of it')
  if (unseenOrSpace.test(value)) return refuse('forbidden-character', 'an e-mail address holds no spaces, control or invisible characters')
  const [local, domain, ...rest] = value.split('@')
  if (local === undefined || local === '' || domain === undefined || domain === '' || rest.length > 0) {
    return refuse('malformed', 'an e-mail address has exactly one @ with something on both sides')
  }
  if (octets(local) > 64) return refuse('too-long', 'the part before the @ has at most 64 octets')
  if (/["(),:;<>[\\\]]/.test(local)) return refuse('forbidden-character', 'the part before the @ holds none of " ( ) , : ; < > [ ] \\')
  const labels = domain.split('.')
  if (labels.length < 2 || !labels.every((label) => domainLabel.test(label)) || /^[0-9]+$/.test(labels.at(-1) ?? '')) {
    return refuse('malformed', 'the part after the @ is a domain name: labels of letters, digits and inner hyphens, joined by dots')
  }
  return accept(value)
}

function readPhone(text: string): Reading {
  const shown = text.trim()
  if (shown === '') return refuse('empty', 'give a phone number')
  if (looksLikeHash(shown)) return refuse('already-hashed', 'give the phone number itself, not a hash of it')
  if (shown.includes('(0)'))
    return refuse('malformed', 'leave out the (0): write + and the country code, then the number without its leading zero')
  const value = shown.replace(/[\s\u00ad\u2010-\u2015\u2212().\-/]/gu, '')
  // ITU-T E.164: a country code that does not begin with 0, at most 15 digits in all
  if (!/^\+[1-9][0-9]{6,14}$/.test(value))
    return refuse('malformed', 'write a phone number as + and the country code, then 7 to 15 digits in all (E.164)')
  return accept(value)
}

function readUserId(text: string): Reading {
  if (text === '') return refuse('empty', 'give a user id')
  if (text.length > 512 || [...text].length > 256) return refuse('too-long', 'a user id has at most 256 characters')
  if (unseen.test(text) || /[\u2028\u2029]/u.test(text))
    return refuse('forbidden-character', 'a user id holds no control or invisible characters')
  // kept byte for byte, as the vendors compare it
  if (text !== text.trim()) return refuse('forbidden-character', 'a user id neither begins nor ends with a space')
  return accept(text)
}

function readBrowserId(text: string): Reading {
  const value = text.trim()
  // the whole _ga cookie is taken too: its last two groups are the client id
  const found = /^(?:GA1\.[0-9]{1,2}\.)?([0-9]{1,20}\.[0-9]{1,20})$/.exec(value)
  if (found?.[1] === undefined)
    return refuse(
      value === '' ? 'empty' : 'malformed',
      'a browser id is two numbers joined by a dot, as the last two groups of the _ga cookie',
    )
  return accept(found[1])
}

function readAppInstanceId(text: string): Reading {
  const value = text.trim().toLowerCase()
  if (!/^[0-9a-f]{32}$/.test(value)) return refuse(value === '' ? 'empty' : 'malformed', 'an app instance id is 32 hexadecimal digits')
  return accept(value)
}

function readDeviceId(text: string, name: string, platformCase: (text: string) => string): Reading {
  const value = text.trim()
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value)) {
    return refuse(
      value === '' ? 'empty' : looksLikeHash(value) ? 'already-hashed' : 'malformed',
      `${name} is a UUID: 32 hexadecimal digits with hyphens`,
    )
  }
  if (/^[0-]+$/.test(value))
    return refuse(
      'limited-tracking',
      `${name} of zeros only belongs to no device: tracking is limited there, and there is nothing to take off a list`,
    )
  return accept(platformCase(value))
}

function readClickId(text: string): Reading {
  const value = text.trim()
  if (value === '') return refuse('empty', 'give a click id')
  if (value.length > 512) return refuse('too-long', 'a click id has at most 512 characters')
  if (!/^[\x21-\x7e]+$/.test(value)) return refuse('forbidden-character', 'a click id holds printable ASCII characters only, and no spaces')
  return accept(value)
}

function read(kind: IdentifierKind, text: string): Reading {
  switch (kind) {
    case 'email':
      return readEmail(text)
    case 'phone':
      return readPhone(text)
    case 'user-id':
      return readUserId(text)
    case 'browser-id':
      return readBrowserId(text)
    case 'app-instance-id':
      return readAppInstanceId(text)
    // each platform writes its own in one case, and vendors take them as the platform wrote them
    case 'idfa':
      return readDeviceId(text, 'an IDFA', (value) => value.toUpperCase())
    case 'gaid':
      return readDeviceId(text, 'an Android advertising id', (value) => value.toLowerCase())
    case 'linkedin-click-id':
    case 'x-click-id':
    case 'meta-click-id':
    case 'microsoft-click-id':
      return readClickId(text)
    default:
      return kind satisfies never
  }
}

// Own properties stay as they are (a store reads them); whatever turns the whole into text gets the kind alone.
const hidden = {
  toString(this: Identifier): string {
    return `[${this.kind}]`
  },
  toJSON(this: Identifier): string {
    return `[${this.kind}]`
  },
  [Symbol.for('nodejs.util.inspect.custom')](this: Identifier): string {
    return `[${this.kind}]`
  },
}

function identifierOf(kind: IdentifierKind, value: string): Identifier {
  return Object.freeze(Object.assign(Object.create(hidden) as object, { kind, value }))
}

/** Whether a text is one of the kinds of identifier that Heed keeps. */
export function isIdentifierKind(text: string): text is IdentifierKind {
  return (identifierKinds as readonly string[]).includes(text)
}

/**
 * The text as an identifier of that kind: checked, and normalised once. Parsing an accepted value again gives the same value.
 * An e-mail address is kept as given but for surrounding spaces; `lookupText` is what two spellings of one address have in common.
 */
export function parseIdentifier(kind: string, text: string): ParsedIdentifier {
  if (!isIdentifierKind(kind)) {
    return { ok: false, code: 'unknown-kind', message: `the kinds of identifier are ${identifierKinds.join(', ')}` }
  }
  const reading = read(kind, text)
  if ('value' in reading) return { ok: true, identifier: identifierOf(kind, reading.value) }
  const [code, message] = reading.refusal
  return { ok: false, code, message }
}

/**
 * The text under which an identifier is looked up: equal for every spelling of what recipients take as one.
 * An e-mail address is brought to Unicode form C and lower case as a whole, since every recipient's rule lower-cases both sides; everything else is compared
 * as it is kept.
 */
export function lookupText(identifier: Identifier): string {
  if (identifier.kind !== 'email') return identifier.value
  return identifier.value.normalize('NFC').toLowerCase().normalize('NFC')
}

/** What may be shown of an identifier to staff: enough to recognise one that is known, too little to learn one. */
export function maskedIdentifier(identifier: Identifier): string {
  const { kind, value } = identifier
  if (kind === 'email') {
    const at = value.indexOf('@')
    const domain = value.slice(at + 1)
    const [first = ''] = value
    const [head = ''] = domain
    return `${first}•••@${head}•••${domain.slice(domain.lastIndexOf('.'))}`
  }
  return kind === 'phone' ? `+•••${value.slice(-2)}` : `[${kind}]`
}
