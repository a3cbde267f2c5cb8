import { randomBytes } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import { type Identifier, parseIdentifier, subjectIdOf } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { Vault, VaultError } from './vault.ts'

const kek = (id: string) => ({ id, secret: randomBytes(32) })
const keys = { keks: [kek('k1')], lookup: randomBytes(32), suppression: randomBytes(32) }
const vault = new Vault(keys)
const ada = subjectIdOf(new Uint8Array(16).fill(1))
const bob = subjectIdOf(new Uint8Array(16).fill(2))

function identifier(kind: string, text: string): Identifier {
  const parsed = parseIdentifier(kind, text)
  if (!parsed.ok) throw new Error(parsed.message)
  return parsed.identifier
}

const adasMail = identifier('email', 'Ada@example.org')

describe('a sealed identifier', () => {
  it('opens with the data key that was stored for its subject', () => {
    const { key, stored } = vault.newDataKey(ada)
    const sealed = vault.seal(key, ada, adasMail)
    expect(vault.open(vault.openDataKey(ada, stored), ada, 'email', sealed).value).toBe('Ada@example.org')
  })

  it('holds nothing of the address', () => {
    const { key } = vault.newDataKey(ada)
    expect(vault.seal(key, ada, adasMail).toString('latin1')).not.toContain('example')
  })

  it('does not open for another subject, as another kind, or with one bit changed', () => {
    const { key } = vault.newDataKey(ada)
    const sealed = vault.seal(key, ada, adasMail)
    expect(() => vault.open(key, bob, 'email', sealed)).toThrow(VaultError)
    expect(() => vault.open(key, ada, 'user-id', sealed)).toThrow(VaultError)
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed)
      changed[index] = (changed[index] ?? 0) ^ 1
      expect(() => vault.open(key, ada, 'email', changed)).toThrow(VaultError)
    }
  })

  it('is sealed differently every time', () => {
    const { key } = vault.newDataKey(ada)
    expect(vault.seal(key, ada, adasMail).equals(vault.seal(key, ada, adasMail))).toBe(false)
  })

  test.prop([fc.uint8Array({ maxLength: 80 })])('never opens from arbitrary bytes', (bytes) => {
    const { key } = vault.newDataKey(ada)
    expect(() => vault.open(key, ada, 'email', bytes)).toThrow(VaultError)
  })
})

describe('a wrapped data key', () => {
  it('does not open for another subject', () => {
    const { stored } = vault.newDataKey(ada)
    expect(() => vault.openDataKey(bob, stored)).toThrow(VaultError)
  })

  it('does not open under another key of the same id, and the error holds no key', () => {
    const { stored } = vault.newDataKey(ada)
    const other = new Vault({ ...keys, keks: [kek('k1')] })
    expect(() => other.openDataKey(ada, stored)).toThrow(/does not open under k1/)
  })

  it('names the key that is missing', () => {
    const { stored } = vault.newDataKey(ada)
    const other = new Vault({ ...keys, keks: [kek('k2')] })
    expect(() => other.openDataKey(ada, stored)).toThrow(/key-encryption key k1 is not configured/)
  })

  it('moves to the newest key and still opens the same data', () => {
    const { key, stored } = vault.newDataKey(ada)
    const rotated = new Vault({ ...keys, keks: [kek('k2'), ...keys.keks] })
    const moved = rotated.rewrap(ada, stored)
    expect(moved?.kek).toBe('k2')
    expect(moved && rotated.openDataKey(ada, moved).equals(key)).toBe(true)
    expect(moved && rotated.rewrap(ada, moved)).toBeUndefined()
  })
})

describe('a look-up id', () => {
  it('is the same for every spelling of one address, and another for another kind or key', () => {
    const id = vault.lookupId(adasMail)
    expect(vault.lookupId(identifier('email', ' ADA@EXAMPLE.ORG '))).toBe(id)
    expect(vault.lookupId(identifier('user-id', 'Ada@example.org'))).not.toBe(id)
    expect(new Vault({ ...keys, lookup: randomBytes(32) }).lookupId(adasMail)).not.toBe(id)
    expect(id).toMatch(/^email:[A-Za-z0-9_-]{43}$/)
  })
})

describe('what is kept of a forgotten identifier', () => {
  it('is made with a key of its own: neither key says anything about what the other made', () => {
    expect(vault.suppressionId(adasMail)).toBe(vault.suppressionId(identifier('email', 'ADA@example.org')))
    expect(vault.suppressionId(adasMail)).not.toBe(vault.lookupId(adasMail))
    const other = new Vault({ ...keys, suppression: randomBytes(32) })
    expect(other.suppressionId(adasMail)).not.toBe(vault.suppressionId(adasMail))
    expect(other.lookupId(adasMail)).toBe(vault.lookupId(adasMail))
  })
})

describe('a key check', () => {
  it('says for each configured key whether it is still the same', () => {
    const checks = vault.keyChecks()
    expect(checks.map(({ id, check }) => [id, vault.matchesCheck(id, check)])).toEqual([
      ['kek:k1', true],
      ['lookup', true],
      ['suppression', true],
    ])
    const other = new Vault({ keks: [kek('k1')], lookup: randomBytes(32), suppression: randomBytes(32) })
    expect(checks.map(({ id, check }) => other.matchesCheck(id, check))).toEqual([false, false, false])
    expect(new Vault({ ...keys, keks: [kek('k2')] }).matchesCheck('kek:k1', checks[0]?.check ?? Buffer.alloc(0))).toBeUndefined()
  })
})
