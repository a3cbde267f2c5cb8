import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MerkleLogError } from './errors.ts'
import {
  formatSignerKey,
  formatVerifierKey,
  generateSignerKey,
  isKeyName,
  keyFingerprint,
  parseSignerKey,
  parseVerifierKey,
  signMessage,
  verifierKey,
  verifierOf,
  verifyMessage,
} from './keys.ts'
import { C2SP_NOTE, GO_NOTE, GO_SUMDB, WITNESSED } from './published-vectors.ts'

// any UTF-16 unit, lone surrogates and control characters among them
const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

const name = fc.string({ minLength: 1, maxLength: 40, unit }).filter(isKeyName)
const type = fc.constantFrom('ed25519', 'cosignature-v1')

describe('a fingerprint', () => {
  it('is the digest of the public key, as ssh writes it', () => {
    const key = parseVerifierKey(C2SP_NOTE.key)
    expect(keyFingerprint(key)).toBe(`SHA256:${createHash('sha256').update(key.publicKey).digest('base64').slice(0, 43)}`)
    expect(keyFingerprint(parseVerifierKey(GO_SUMDB.key))).not.toBe(keyFingerprint(key))
  })
})

describe('a verifier key', () => {
  it.each([
    ['PeterNeumann', 'ed25519', GO_NOTE.peter],
    ['EnochRoot', 'ed25519', GO_NOTE.enoch],
    ['example.com/foo', 'ed25519', C2SP_NOTE.key],
    ['sum.golang.org', 'ed25519', GO_SUMDB.key],
    ['arche2025h1.staging.ct.transparency.dev', 'ed25519', WITNESSED.logKey],
    ['remora.n621.de', 'cosignature-v1', WITNESSED.witnessKey],
    // its base64 holds a plus: transparency-dev/formats, note/note_cosigv1_test.go
    ['TEST', 'ed25519', 'TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6'],
  ])('of %s is read and written as published', (owner, kind, vkey) => {
    const key = parseVerifierKey(vkey)
    expect(key).toMatchObject({ name: owner, type: kind, keyId: vkey.split('+')[1] })
    expect(formatVerifierKey(key)).toBe(vkey)
  })

  it('is read back as what was written', () => {
    fc.assert(
      fc.property(name, type, fc.uint8Array({ minLength: 32, maxLength: 32 }), (owner, kind, publicKey) => {
        const key = verifierKey(owner, kind, publicKey)
        expect(parseVerifierKey(formatVerifierKey(key))).toEqual(key)
      }),
    )
  })

  it('is refused with any part of it missing or any letter changed', () => {
    const vkey = GO_NOTE.peter
    for (let from = 0; from < vkey.length; from += 1) {
      expect(() => parseVerifierKey(vkey.slice(from + 1))).toThrow(MerkleLogError)
      expect(() => parseVerifierKey(vkey.slice(0, from))).toThrow(MerkleLogError)
      const next = String.fromCharCode(vkey.charCodeAt(from) + 1)
      expect(() => parseVerifierKey(`${vkey.slice(0, from)}${next}${vkey.slice(from + 1)}`)).toThrow(MerkleLogError)
    }
  })

  it('is refused when it is of another kind, another length or spelled another way', () => {
    // golang.org/x/mod/sumdb/note, TestNewVerifier: the key id is adjusted to the wrong key
    expect(() => parseVerifierKey('PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==')).toThrow(MerkleLogError)
    expect(() => parseVerifierKey('PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')).toThrow('0x01')
    // Sigstore's ECDSA key: transparency-dev/formats, note/note_verifier_test.go
    expect(() =>
      parseVerifierKey(
        'rekor.sigstore.dev+c0d23d6a+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Qt9DPfkWLc=',
      ),
    ).toThrow(expect.objectContaining({ reason: 'unsupported.key-type' }))
    expect(() => parseVerifierKey(GO_NOTE.peter.replace('c74f20a3', 'C74F20A3'))).toThrow(MerkleLogError)
    expect(() => parseVerifierKey(`${GO_NOTE.peter}\n`)).toThrow(MerkleLogError)
    expect(() => parseVerifierKey(` ${GO_NOTE.peter}`)).toThrow(MerkleLogError)
    expect(() => parseVerifierKey(`${'a'.repeat(1_000_000)}+c74f20a3+AA==`)).toThrow(MerkleLogError)
  })

  it('is refused by the typed error when it is garbage', () => {
    const garbage = fc.oneof(
      fc.string({ unit }),
      fc.array(fc.constantFrom('a', '+', '00000000', 'AQ==', 'A', '\n', 'c74f20a3'), { maxLength: 8 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(garbage, (text) => {
        expect(() => parseVerifierKey(text)).toThrow(MerkleLogError)
        expect(() => parseSignerKey(`PRIVATE+KEY+${text}`)).toThrow(MerkleLogError)
      }),
    )
  })
})

describe('the name of a key', () => {
  it.each(['example.com/log', 'PeterNeumann', 'löwe.example', '日本', '\u2014', 'a'])('may be %s', (text) => {
    expect(isKeyName(text)).toBe(true)
  })

  it.each(['', ' ', 'a b', 'a+b', 'a\u00a0b', 'a\u2003b', 'a\u3000b', 'a\u0085b', 'a\nb', 'a\tb', 'a\u0000b', '\ud800'])(
    'may not be %j',
    (text) => {
      expect(isKeyName(text)).toBe(false)
      expect(() => verifierKey(text, 'ed25519', new Uint8Array(32))).toThrow(MerkleLogError)
      expect(() => generateSignerKey(text, 'ed25519')).toThrow(MerkleLogError)
    },
  )
})

describe('a signer key', () => {
  it('is read and written as published, and has the published public key', () => {
    const key = parseSignerKey(GO_NOTE.peterSecret)
    expect(formatSignerKey(key)).toBe(GO_NOTE.peterSecret)
    expect(formatVerifierKey(verifierOf(key))).toBe(GO_NOTE.peter)
  })

  it('that was just made signs what its public key verifies, and nothing else', () => {
    for (const kind of ['ed25519', 'cosignature-v1'] as const) {
      const key = parseSignerKey(formatSignerKey(generateSignerKey('example.com/log', kind)))
      const signature = signMessage(key, Buffer.from('hi'))
      const verifier = parseVerifierKey(formatVerifierKey(key))
      expect(verifyMessage(verifier, Buffer.from('hi'), signature)).toBe(true)
      expect(verifyMessage(verifier, Buffer.from('ho'), signature)).toBe(false)
      expect(verifyMessage(verifierOf(generateSignerKey('example.com/log', kind)), Buffer.from('hi'), signature)).toBe(false)
    }
  })

  it('does not show its secret when it is printed, logged or put into JSON', () => {
    const key = generateSignerKey('example.com/log', 'ed25519')
    const secret = Buffer.from(formatSignerKey(key).split('+').slice(4).join('+'), 'base64').subarray(1)
    const shown = inspect(key, { depth: 9 }) + JSON.stringify(key) + String(key) + inspect(verifierOf(key))
    for (const form of ['base64', 'hex', 'latin1'] as const) expect(shown).not.toContain(secret.toString(form).slice(0, 12))
    expect(JSON.stringify(key)).not.toContain([...secret.subarray(0, 6)].join(','))
  })

  it('is refused with any part of it missing or any letter changed, and the error does not repeat it', () => {
    const secret = GO_NOTE.peterSecret
    for (let from = 0; from < secret.length; from += 1) {
      const next = String.fromCharCode(secret.charCodeAt(from) + 1)
      for (const text of [secret.slice(from + 1), secret.slice(0, from), `${secret.slice(0, from)}${next}${secret.slice(from + 1)}`]) {
        try {
          parseSignerKey(text)
          expect.unreachable()
        } catch (error) {
          expect(error).toBeInstanceOf(MerkleLogError)
          expect(String(error)).not.toContain('AYEKFALVFGyN')
        }
      }
    }
  })
})

describe('a signature', () => {
  it('of any other bytes is false, not an error', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array(),
        fc.uint8Array({ maxLength: 70 }),
        (publicKey, message, signature) => {
          expect(verifyMessage(verifierKey('a', 'ed25519', publicKey), message, signature)).toBe(false)
        },
      ),
    )
    const key = verifierKey('a', 'ed25519', new Uint8Array(32).fill(0xff))
    expect(verifyMessage(key, new Uint8Array(0), new Uint8Array(64))).toBe(false)
  })
})
