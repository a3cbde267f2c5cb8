import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Identifier, IdentifierFault, IdentifierKind } from './index.ts'
import { identifierKinds, lookupText, maskedIdentifier, parseIdentifier } from './index.ts'

function value(kind: IdentifierKind, text: string): string {
  const parsed = parseIdentifier(kind, text)
  return parsed.ok ? parsed.identifier.value : `refused: ${parsed.code}`
}

function identifier(kind: IdentifierKind, text: string): Identifier {
  const parsed = parseIdentifier(kind, text)
  if (!parsed.ok) throw new Error(parsed.code)
  return parsed.identifier
}

describe('an identifier', () => {
  const accepted: [kind: IdentifierKind, text: string, kept: string][] = [
    ['email', ' Ada.Lovelace+News@Example.ORG\n', 'Ada.Lovelace+News@Example.ORG'],
    ['email', "o'hara_1&co@mail.example.org", "o'hara_1&co@mail.example.org"],
    ['email', 'josé@exämple.org', 'josé@exämple.org'],
    ['email', 'a@xn--exmple-cua.org', 'a@xn--exmple-cua.org'],
    ['email', '用户@例子.广告', '用户@例子.广告'],
    ['email', `${'a'.repeat(64)}@example.org`, `${'a'.repeat(64)}@example.org`],
    ['phone', '+14155550123', '+14155550123'],
    ['phone', ' +1 (415) 555-0123 ', '+14155550123'],
    ['phone', '+44\u00a020\u20117946.0958', '+442079460958'],
    ['user-id', 'crm-000481', 'crm-000481'],
    ['user-id', 'Ada Lovelace #7', 'Ada Lovelace #7'],
    ['user-id', '𝒶'.repeat(256), '𝒶'.repeat(256)],
    ['browser-id', '1234567890.1700000000', '1234567890.1700000000'],
    ['browser-id', 'GA1.1.1234567890.1700000000', '1234567890.1700000000'],
    ['app-instance-id', '0123456789ABCDEF0123456789abcdef', '0123456789abcdef0123456789abcdef'],
    ['idfa', 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93', 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93'],
    ['gaid', 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93', 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93'],
    ['meta-click-id', ' fb.1.1554763741205.AbCdEfGhIjKl ', 'fb.1.1554763741205.AbCdEfGhIjKl'],
    ['linkedin-click-id', '6f2a1c0e-0000-4000-8000-000000000001', '6f2a1c0e-0000-4000-8000-000000000001'],
    ['x-click-id', '2-abc_DEF', '2-abc_DEF'],
    ['microsoft-click-id', '0123456789abcdef0123456789abcdef', '0123456789abcdef0123456789abcdef'],
  ]
  it.each(accepted)('%s %j is kept as %j', (kind, text, kept) => {
    expect(value(kind, text)).toBe(kept)
  })

  const refused: [kind: IdentifierKind, text: string, code: IdentifierFault][] = [
    ['email', '', 'empty'],
    ['email', ' \u00a0', 'empty'],
    ['email', 'ada', 'malformed'],
    ['email', '@example.org', 'malformed'],
    ['email', 'ada@', 'malformed'],
    ['email', 'ada@bob@example.org', 'malformed'],
    ['email', 'ada@localhost', 'malformed'],
    ['email', 'ada@example..org', 'malformed'],
    ['email', 'ada@-example.org', 'malformed'],
    ['email', 'ada@example-.org', 'malformed'],
    ['email', 'ada@192.0.2.1', 'malformed'],
    ['email', 'ada@[192.0.2.1]', 'malformed'],
    ['email', `ada@${'a'.repeat(64)}.org`, 'malformed'],
    ['email', 'ada lovelace@example.org', 'forbidden-character'],
    ['email', '"ada"@example.org', 'forbidden-character'],
    ['email', 'Ada <ada@example.org>', 'forbidden-character'],
    ['email', '<ada@example.org>', 'forbidden-character'],
    ['email', 'ada\u200b@example.org', 'forbidden-character'],
    ['email', 'ada\u0000@example.org', 'forbidden-character'],
    ['email', 'ada\ud800@example.org', 'forbidden-character'],
    ['email', `${'a'.repeat(65)}@example.org`, 'too-long'],
    ['email', `${'é'.repeat(33)}@example.org`, 'too-long'],
    ['email', `a@${'b.'.repeat(126)}org`, 'too-long'],
    ['email', 'B58996C504C5638798EB6B511E6F49AF', 'already-hashed'],
    ['email', 'tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=', 'already-hashed'],
    ['phone', '', 'empty'],
    ['phone', '4155550123', 'malformed'],
    ['phone', '0014155550123', 'malformed'],
    ['phone', '+0000000000', 'malformed'],
    ['phone', '+44 (0)20 7946 0958', 'malformed'],
    ['phone', '+141555', 'malformed'],
    ['phone', '+1234567890123456', 'malformed'],
    ['phone', '+1415555O123', 'malformed'],
    ['phone', '+١٤١٥٥٥٥٠١٢٣', 'malformed'],
    ['phone', '36a2cef4ff9bf7a1abd2a93359136b870393be4106e6c5d19b72ff564f9deca4', 'already-hashed'],
    ['user-id', '', 'empty'],
    ['user-id', ' crm-1', 'forbidden-character'],
    ['user-id', 'crm\t1', 'forbidden-character'],
    ['user-id', 'crm\u20281', 'forbidden-character'],
    ['user-id', 'a'.repeat(257), 'too-long'],
    ['user-id', '𝒶'.repeat(257), 'too-long'],
    ['browser-id', 'GA1.1.x.y', 'malformed'],
    ['browser-id', '1234567890', 'malformed'],
    ['browser-id', '', 'empty'],
    ['app-instance-id', 'abc', 'malformed'],
    ['idfa', '00000000-0000-0000-0000-000000000000', 'limited-tracking'],
    ['gaid', '00000000-0000-0000-0000-000000000000', 'limited-tracking'],
    ['gaid', 'c0a8f3d25b414e779d0a2f6b8e1c4a93', 'already-hashed'],
    ['gaid', 'c0a8f3d2', 'malformed'],
    ['x-click-id', 'a b', 'forbidden-character'],
    ['x-click-id', 'é', 'forbidden-character'],
    ['x-click-id', 'a'.repeat(513), 'too-long'],
    ['x-click-id', '', 'empty'],
  ]
  it.each(refused)('%s %j is refused as %s, with a word on how to mend it and without the value', (kind, text, code) => {
    const parsed = parseIdentifier(kind, text)
    expect(parsed).toEqual({ ok: false, code, message: expect.stringMatching(/\w{3,}/) })
    if (!parsed.ok && text.trim().length > 2) expect(parsed.message).not.toContain(text.trim())
  })

  it('of an unknown kind is refused, and the kinds are named', () => {
    expect(parseIdentifier('e-mail', 'ada@example.org')).toEqual({
      ok: false,
      code: 'unknown-kind',
      message: expect.stringContaining('email, phone'),
    })
    expect(parseIdentifier('constructor', 'x').ok).toBe(false)
  })

  it('hides its value wherever it is turned into text as a whole', () => {
    const email = identifier('email', 'ada@example.org')
    for (const text of [String(email), `${email}`, JSON.stringify({ email }), inspect(email), inspect({ email })])
      expect(text).not.toContain('ada')
    expect(String(email)).toBe('[email]')
    expect(email).toEqual({ kind: 'email', value: 'ada@example.org' })
    expect(Object.isFrozen(email)).toBe(true)
  })
})

describe('parsing any text as any kind', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'grapheme', maxLength: 80 }).map((local) => `${local}@example.org`),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
    fc.emailAddress(),
    fc.uuid(),
    fc.stringMatching(/^\+?[0-9 ().-]{0,20}$/),
    fc.stringMatching(/^[0-9.]{0,20}$/),
    fc.stringMatching(/^[0-9a-fA-F]{32}$/),
  )

  it('never throws, is idempotent, and never repeats the value in a refusal', () => {
    let accepted = 0
    fc.assert(
      fc.property(fc.constantFrom(...identifierKinds), text, (kind, given) => {
        const parsed = parseIdentifier(kind, given)
        if (parsed.ok) {
          accepted += 1
          expect(value(kind, parsed.identifier.value)).toBe(parsed.identifier.value)
        } else if (given.trim().length > 8) {
          expect(parsed.message).not.toContain(given.trim())
        }
      }),
      { numRuns: 3000 },
    )
    // else nothing was tried but refusals
    expect(accepted).toBeGreaterThan(100)
  })
})

describe('the look-up text', () => {
  it('is the same for every way of writing one address', () => {
    const texts = [' Jos\u00e9@Example.ORG', 'jose\u0301@example.org', 'JOSE\u0301@EXAMPLE.org'].map((text) =>
      lookupText(identifier('email', text)),
    )
    expect(new Set(texts)).toEqual(new Set(['jos\u00e9@example.org']))
  })

  it('tells apart what some vendor tells apart: dots, a suffix, and user ids by case', () => {
    expect(lookupText(identifier('email', 'a.b+c@gmail.com'))).toBe('a.b+c@gmail.com')
    expect(lookupText(identifier('user-id', 'Crm-1'))).toBe('Crm-1')
  })

  it('of a look-up text is itself', () => {
    const local = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(local, (text) => {
        const first = lookupText({ kind: 'email', value: `${text}@example.org` })
        expect(lookupText({ kind: 'email', value: first })).toBe(first)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('what staff may see of an identifier', () => {
  it('is enough to recognise it and too little to learn it', () => {
    expect(maskedIdentifier(identifier('email', 'jane.doe@example.com'))).toBe('j•••@e•••.com')
    expect(maskedIdentifier(identifier('email', '😀x@example.com'))).toBe('😀•••@e•••.com')
    expect(maskedIdentifier(identifier('phone', '+14155550123'))).toBe('+•••23')
    expect(maskedIdentifier(identifier('user-id', 'crm-000481'))).toBe('[user-id]')
  })
})
