import { describe, expect, it } from 'vitest'
import { agree, type Encoding, formFault, hashOf, misreadHashes, type ProfileName, profileNames } from './profiles.ts'

// The test vectors of the contract sheet.
const vectors: [address: string, profile: ProfileName, encoding: Encoding, hash: string][] = [
  ['USER@example.com', 'plain-sha256-hex', 'hex', 'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514'],
  ['USER@example.com', 'uid2-sha256-b64', 'base64', 'tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ='],
  ['USER@example.com', 'legacy-md5-hex', 'hex', 'b58996c504c5638798eb6b511e6f49af'],
  ['USER@example.com', 'legacy-sha1-hex', 'hex', '63a710569261a24b3766275b7000ce8d7b32e2f7'],
  ['JaneSaoirse+Work@gmail.com', 'uid2-sha256-b64', 'base64', 'ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8='],
  ['JaneSaoirse+Work@example.com', 'uid2-sha256-b64', 'base64', 'KKruSBUjDNO069iMUVImVQZm6RrAGZKeOtrD9mwogYA='],
  [' Jane.Doe+News@GMAIL.com ', 'plain-sha256-hex', 'hex', 'f41439c944a763c9812d700a779941cec169de13c9ccd13aaf9424ba5231620a'],
  [' Jane.Doe+News@GMAIL.com ', 'drop-sha256-b64', 'base64', '9BQ5yUSnY8mBLXAKd5lBzsFp3hPJzNE6r5QkulIxYgo='],
  [' Jane.Doe+News@GMAIL.com ', 'google-sha256', 'hex', 'd6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69'],
  [' Jane.Doe+News@GMAIL.com ', 'uid2-sha256-b64', 'base64', '1hFzBkhe0OUK+rOshx6Y+BaZFR8wKBUn1j/18jNlbGk='],
  [' Jane.Doe+News@GMAIL.com ', 'google-cm360-sha256', 'base64', '07Jw6glBdTzJ5aI5y9aM9mc1hn9wsPoE1HsA4cGhlNY='],
  ['Jane.Doe+News@googlemail.com', 'google-sha256', 'hex', '338abf9ef1c8793cadc7bcf51ed595338eb727ed9e06ce3d91d566d60b975937'],
  ['Jane.Doe+News@googlemail.com', 'uid2-sha256-b64', 'base64', '/a1KyGxeKlJ9MqmSoNDcAwtetwpVaQq0+vYMGwSNUpw='],
]

it.each(vectors)('hashes %s by %s', (address, profile, encoding, hash) => {
  expect(hashOf(address, agree(profile, encoding))).toBe(hash)
})

it.each(vectors)('accepts the form of the hash of %s by %s', (_address, profile, encoding, hash) => {
  expect(formFault(hash, agree(profile, encoding))).toBeUndefined()
})

describe('the form of a hash', () => {
  const hex = 'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514'
  const base64 = 'tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ='
  it.each([
    ['plain-sha256-hex', hex.toUpperCase(), 'hash.upper-case'],
    ['plain-sha256-hex', base64, 'hash.not-hex'],
    ['plain-sha256-hex', `0x${hex}`, 'hash.prefix'],
    ['plain-sha256-hex', hex.slice(1), 'hash.length'],
    ['plain-sha256-hex', 'b58996c504c5638798eb6b511e6f49af', 'hash.length'],
    ['plain-sha256-hex', 'user@example.com', 'hash.raw-address'],
    ['plain-sha256-hex', ` ${hex}`, 'hash.white-space'],
    ['plain-sha256-hex', '', 'hash.missing'],
    ['uid2-sha256-b64', hex, 'hash.hex-for-base64'],
    ['uid2-sha256-b64', base64.slice(0, -1), 'hash.not-base64'],
    ['uid2-sha256-b64', base64.replaceAll('/', '_'), 'hash.not-base64'],
    ['uid2-sha256-b64', Buffer.from(hex).toString('base64'), 'hash.base64-of-hex'],
    ['uid2-sha256-b64', Buffer.from('short').toString('base64'), 'hash.length'],
  ] as const)('by %s is wrong in %s: %s', (profile, hash, fault) => {
    expect(formFault(hash, agree(profile))).toBe(fault)
  })
})

describe('a misread profile', () => {
  it('is found where Gmail is rewritten although it must not be, and the other way round', () => {
    const jane = ' Jane.Doe+News@GMAIL.com '
    const plain = misreadHashes(jane, agree('plain-sha256-hex'))
    expect(plain.get(hashOf(jane, agree('google-sha256')))).toBe('hash.wrong-normalisation')
    const uid2 = misreadHashes(jane, agree('uid2-sha256-b64'))
    expect(uid2.get('9BQ5yUSnY8mBLXAKd5lBzsFp3hPJzNE6r5QkulIxYgo=')).toBe('hash.wrong-normalisation')
  })
  it('is found where case is kept, where a newline is hashed along, and where a hash is hashed', () => {
    const hash = (text: string): string => hashOf(text, { profile: 'plain-sha256-hex', encoding: 'hex' })
    const misread = misreadHashes('USER@example.com', agree('plain-sha256-hex'))
    expect(misread.get(hash(hash('USER@example.com')))).toBe('hash.of-hash')
    expect([...misread.values()]).toContain('hash.trailing-newline')
    expect([...misread.values()]).toContain('hash.wrong-normalisation')
  })
  it.each(profileNames)('is never the right hash itself, by %s', (profile) => {
    for (const [address] of vectors) expect(misreadHashes(address, agree(profile)).has(hashOf(address, agree(profile)))).toBe(false)
  })
})
