import { createHash } from 'node:crypto'

/** The ways of hashing an address that a partner may have agreed to, by the names of the contract sheet. */
export const profileNames = [
  'plain-sha256-hex',
  'nows-sha256-hex',
  'legacy-md5-hex',
  'legacy-sha1-hex',
  'google-sha256',
  'google-cm360-sha256',
  'uid2-sha256-b64',
  'drop-sha256-b64',
] as const
export type ProfileName = (typeof profileNames)[number]
export type Encoding = 'hex' | 'base64'
type Digest = 'md5' | 'sha1' | 'sha256'

interface Profile {
  readonly normalise: (address: string) => string
  readonly digest: Digest
  /** `undefined`: the partner says which. */
  readonly encoding: Encoding | undefined
}

const trimmed = (address: string): string => address.trim().toLowerCase()
const withoutSpace = (address: string): string => address.replace(/\s+/gu, '').toLowerCase()

const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  'plain-sha256-hex': { normalise: trimmed, digest: 'sha256', encoding: 'hex' },
  'nows-sha256-hex': { normalise: withoutSpace, digest: 'sha256', encoding: 'hex' },
  'legacy-md5-hex': { normalise: trimmed, digest: 'md5', encoding: 'hex' },
  'legacy-sha1-hex': { normalise: trimmed, digest: 'sha1', encoding: 'hex' },
  'google-sha256': {
    normalise: (address) => gmail(trimmed(address), { domains: ['gmail.com', 'googlemail.com'], cutPlus: true }),
    digest: 'sha256',
    encoding: undefined,
  },
  'google-cm360-sha256': {
    normalise: (address) => gmail(trimmed(address), { domains: ['gmail.com', 'googlemail.com'], cutPlus: false }),
    digest: 'sha256',
    encoding: undefined,
  },
  'uid2-sha256-b64': {
    normalise: (address) => gmail(trimmed(address), { domains: ['gmail.com'], cutPlus: true }),
    digest: 'sha256',
    encoding: 'base64',
  },
  'drop-sha256-b64': { normalise: withoutSpace, digest: 'sha256', encoding: 'base64' },
}

function gmail(address: string, { domains, cutPlus }: { domains: readonly string[]; cutPlus: boolean }): string {
  const at = address.lastIndexOf('@')
  const domain = address.slice(at + 1)
  if (!domains.includes(domain)) return address
  const local = address.slice(0, at)
  return `${(cutPlus ? (local.split('+')[0] ?? '') : local).replaceAll('.', '')}@${domain}`
}

/** How a partner wants its hashes: the profile, and the encoding where the profile leaves it open. */
export interface Agreement {
  readonly profile: ProfileName
  readonly encoding: Encoding
}

/** The agreement on a profile; `encoding` counts only where the profile leaves it open (default hex). */
export function agree(profile: ProfileName, encoding: Encoding = 'hex'): Agreement {
  return { profile, encoding: PROFILES[profile].encoding ?? encoding }
}

/** The hash of an address as this partner computes it for the people it knows. */
export function hashOf(address: string, { profile, encoding }: Agreement): string {
  const { normalise, digest } = PROFILES[profile]
  return createHash(digest).update(normalise(address), 'utf8').digest(encoding)
}

const BYTES: Readonly<Record<Digest, number>> = { md5: 16, sha1: 20, sha256: 32 }

/** What is wrong with the form of a hash, as the partner's error code; `undefined` when its form is right. */
export function formFault(hash: string, { profile, encoding }: Agreement): string | undefined {
  const bytes = BYTES[PROFILES[profile].digest]
  if (hash === '') return 'hash.missing'
  if (hash.includes('@')) return 'hash.raw-address'
  if (/^0x/i.test(hash)) return 'hash.prefix'
  if (/\s/u.test(hash)) return 'hash.white-space'
  if (encoding === 'hex') {
    if (/^[0-9a-f]+$/.test(hash)) return hash.length === 2 * bytes ? undefined : 'hash.length'
    return /^[0-9a-fA-F]+$/.test(hash) ? 'hash.upper-case' : 'hash.not-hex'
  }
  if (/^[0-9a-fA-F]+$/.test(hash) && [32, 40, 64].includes(hash.length)) return 'hash.hex-for-base64'
  const decoded = Buffer.from(hash, 'base64')
  // text that base64 reads but would write otherwise: missing padding, the URL alphabet, stray bits
  if (decoded.toString('base64') !== hash) return 'hash.not-base64'
  // 64 hex characters encoded as text instead of the 32 bytes that they stand for
  if (decoded.length === 2 * bytes && /^[0-9a-fA-F]+$/.test(decoded.toString('latin1'))) return 'hash.base64-of-hex'
  return decoded.length === bytes ? undefined : 'hash.length'
}

/**
 * The hashes that somebody who misread the profile would send for this address, with what was misread. A real partner
 * would just never match these people; this one can tell, because it knows them.
 */
export function misreadHashes(address: string, agreement: Agreement): Map<string, string> {
  const { digest } = PROFILES[agreement.profile]
  const right = hashOf(address, agreement)
  const misread = new Map<string, string>()
  const add = (text: string, what: string): void => {
    const hash = createHash(digest).update(text, 'utf8').digest(agreement.encoding)
    if (hash !== right && !misread.has(hash)) misread.set(hash, what)
  }
  for (const profile of profileNames) add(PROFILES[profile].normalise(address), 'hash.wrong-normalisation')
  for (const cased of [address, address.trim(), trimmed(address), address.toUpperCase(), trimmed(address).toUpperCase()]) {
    const at = cased.lastIndexOf('@')
    const [local, domain] = [cased.slice(0, at), cased.slice(at)]
    const cut = local.split('+')[0] ?? ''
    for (const variant of [local, cut, local.replaceAll('.', ''), cut.replaceAll('.', '')])
      add(variant + domain, 'hash.wrong-normalisation')
    add(`${cased}\n`, 'hash.trailing-newline')
  }
  for (const encoding of ['hex', 'base64'] as const) add(hashOf(address, { ...agreement, encoding }), 'hash.of-hash')
  return misread
}
