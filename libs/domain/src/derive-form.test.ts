import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Digest, IdentifierFormName, IdentifierFormRule } from './index.ts'
import { applyForm, deriveForm, findForm, formsOf, identifierForms, identifierKinds, looksLikeHash, normalisedTexts } from './index.ts'

const digest: Digest = (name, utf8) => createHash(name).update(utf8, 'utf8').digest()
const rules = Object.entries<IdentifierFormRule>(identifierForms)

function ruleOf(name: IdentifierFormName): IdentifierFormRule {
  return identifierForms[name]
}

const jane = '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d'
const janePromo = 'c3374bcfe3572e09f37602e0e179782352c5e117a4a3767824abbaa21bbdef8b'

describe('the vectors of the recipients', () => {
  const vectors: [from: string, text: string, form: IdentifierFormName, expected: string][] = [
    ['partners', 'USER@example.com', 'plain-sha256-hex', 'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514'],
    ['UID2', 'USER@example.com', 'uid2-sha256-b64', 'tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ='],
    ['legacy partners', 'USER@example.com', 'legacy-md5-hex', 'b58996c504c5638798eb6b511e6f49af'],
    ['legacy partners', 'USER@example.com', 'legacy-sha1-hex', '63a710569261a24b3766275b7000ce8d7b32e2f7'],
    ['UID2', 'JaneSaoirse+Work@gmail.com', 'uid2-sha256-b64', 'ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8='],
    ['UID2', 'JaneSaoirse+Work@example.com', 'uid2-sha256-b64', 'KKruSBUjDNO069iMUVImVQZm6RrAGZKeOtrD9mwogYA='],
    ['partners', ' Jane.Doe+News@GMAIL.com ', 'plain-sha256-hex', 'f41439c944a763c9812d700a779941cec169de13c9ccd13aaf9424ba5231620a'],
    ['DROP', ' Jane.Doe+News@GMAIL.com ', 'drop-sha256-b64', '9BQ5yUSnY8mBLXAKd5lBzsFp3hPJzNE6r5QkulIxYgo='],
    ['Google', ' Jane.Doe+News@GMAIL.com ', 'google-sha256-hex', 'd6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69'],
    ['Google', ' Jane.Doe+News@GMAIL.com ', 'google-sha256-b64', '1hFzBkhe0OUK+rOshx6Y+BaZFR8wKBUn1j/18jNlbGk='],
    ['UID2', ' Jane.Doe+News@GMAIL.com ', 'uid2-sha256-b64', '1hFzBkhe0OUK+rOshx6Y+BaZFR8wKBUn1j/18jNlbGk='],
    ['Campaign Manager', ' Jane.Doe+News@GMAIL.com ', 'google-cm360-sha256-b64', '07Jw6glBdTzJ5aI5y9aM9mc1hn9wsPoE1HsA4cGhlNY='],
    ['Google', 'Jane.Doe+News@googlemail.com', 'google-sha256-hex', '338abf9ef1c8793cadc7bcf51ed595338eb727ed9e06ce3d91d566d60b975937'],
    ['UID2', 'Jane.Doe+News@googlemail.com', 'uid2-sha256-b64', '/a1KyGxeKlJ9MqmSoNDcAwtetwpVaQq0+vYMGwSNUpw='],
    ['Google', 'jane.doe@example.com', 'google-sha256-hex', jane],
    ['Google', 'jane.doe@example.com', 'google-sha256-b64', 'huC55WwXzE0SOH4ZSbhQU/vnO8POWhGIcTqdMAzGEz0='],
    ['Google', ' Jane.Doe+promo@Gmail.com ', 'google-sha256-hex', 'd6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69'],
    ['Google, X', '+14155550123', 'e164-sha256-hex', '36a2cef4ff9bf7a1abd2a93359136b870393be4106e6c5d19b72ff564f9deca4'],
    ['LinkedIn', 'jane.doe+promo@example.com', 'nows-sha256-hex', janePromo],
    [
      'LinkedIn',
      'jane.doe@example.com',
      'nows-sha512-hex',
      '358c75d37759d9df9ed01d23ef5c11ddc7e69b5ee818e60c868cd271de55b54ce641d3028f46a5d5def6c5a938d251efb80ec33a307c321837a055734df1064c',
    ],
    ['Meta', 'jane.doe+promo@gmail.com', 'plain-sha256-hex', '5f0d1df1fc49e30424381b57b1d4c73e067772a4267dde043a19b026935602c8'],
    ['Meta', '+14155550123', 'digits-sha256-hex', '413ba75461ab5f99d36820e561ea97e2bd80f9cb586f7ecea6cf4c496518950a'],
    ['Microsoft', '  Jane.Doe@Example.com ', 'plain-sha256-hex', jane],
    ['Microsoft', 'jane.doe+promo@example.com', 'plain-sha256-hex', janePromo],
    ['X', 'jane.doe@example.com', 'plain-sha256-hex', jane],
    ['X', '@JaneDoe', 'handle-sha256-hex', '7618385caea382f562305468e586330381aae549829075b78dca7cb0d0aefac6'],
    ['X', 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93', 'device-sha256-hex', '2037680095afb452aeae985e6f39ada474bce05cd712b79f3f843fef0af68346'],
    ['Mailchimp', ' Urist.McVankab@freddiesjokes.com', 'legacy-md5-hex', '62eeb292278cc15f5817cb78f7790b08'],
    ['Google Analytics', ' Jane.Doe+News@GoogleMail.com', 'google-analytics-email', 'janedoe+news@googlemail.com'],
    ['Meta', 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93', 'device-lower-case', 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93'],
  ]
  it.each(vectors)('%s: %s as %s', (_, text, form, expected) => {
    expect(applyForm(text, ruleOf(form), digest)[0]).toBe(expected)
  })

  it('UID2 leaves an address at googlemail.com as it is, where Google rewrites it', () => {
    expect(normalisedTexts('Jane.Doe+News@googlemail.com', ruleOf('uid2-sha256-b64'))).toEqual(['jane.doe+news@googlemail.com'])
    expect(normalisedTexts('Jane.Doe+News@googlemail.com', ruleOf('google-sha256-hex'))[0]).toBe('janedoe@googlemail.com')
  })
})

describe('a form', () => {
  it('gives Google two values for a Gmail address with a suffix, today’s rule first, and one for any other address', () => {
    expect(normalisedTexts('Jane.Doe+News@gmail.com', ruleOf('google-sha256-hex'))).toEqual(['janedoe@gmail.com', 'janedoe+news@gmail.com'])
    expect(deriveForm('email', 'jane.doe@gmail.com', 'google-sha256-hex', digest)).toHaveLength(1)
    expect(deriveForm('email', 'jane.doe+news@example.com', 'google-sha256-hex', digest)).toHaveLength(1)
  })

  it('is the value itself where it is raw', () => {
    expect(deriveForm('email', 'Ada@Example.org', 'raw', digest)).toEqual(['Ada@Example.org'])
  })

  it('does not exist for a kind that it is not made for, nor under an unknown name', () => {
    expect(() => deriveForm('user-id', 'crm-1', 'plain-sha256-hex', digest)).toThrow(RangeError)
    expect(() => deriveForm('email', 'ada@example.org', 'sha256', digest)).toThrow('there is no form sha256 of email')
  })

  it('gives nothing for a text without one @ between two sides, rather than a hash of it', () => {
    for (const text of ['', '@', 'ada@', '@example.org', 'a@b@example.org', '+tag@gmail.com', '...@gmail.com']) {
      expect(applyForm(text, ruleOf('google-cm360-sha256-hex'), digest).length, text).toBe(text === '+tag@gmail.com' ? 1 : 0)
      expect(applyForm(text, ruleOf('google-sha256-hex'), digest).length, text).toBe(text === '+tag@gmail.com' ? 1 : 0)
    }
  })

  it('gives nothing for an address with a space inside, unless the rule removes it', () => {
    expect(normalisedTexts('a da@example.org', ruleOf('plain-sha256-hex'))).toEqual([])
    expect(normalisedTexts('. @gmail.com', ruleOf('uid2-sha256-b64'))).toEqual([])
    expect(normalisedTexts('a da@example.org', ruleOf('nows-sha256-hex'))).toEqual(['ada@example.org'])
  })

  it('drops the leading zeros and the plus of a phone number for Meta', () => {
    expect(normalisedTexts('+0014155550123', ruleOf('digits-sha256-hex'))).toEqual(['14155550123'])
    expect(applyForm('+0000000000', ruleOf('digits-sha256-hex'), digest)).toEqual([])
  })

  it('knows every form that a kind can take, and raw for each', () => {
    expect(formsOf('phone')).toEqual(['raw', 'e164-sha256-hex', 'digits-sha256-hex'])
    expect(formsOf('user-id')).toEqual(['raw'])
    for (const kind of identifierKinds) expect(formsOf(kind)).toContain('raw')
    expect(findForm('raw')).toBeUndefined()
    expect(findForm('constructor')).toBeUndefined()
  })
})

describe('a hash', () => {
  it('is recognised in hex and base64, in any case, with 0x and with spaces around', () => {
    for (const name of ['md5', 'sha1', 'sha256', 'sha512'] as const) {
      const bytes = createHash(name).update('ada@example.org').digest()
      expect(looksLikeHash(bytes.toString('hex'))).toBe(true)
      expect(looksLikeHash(` ${bytes.toString('hex').toUpperCase()}\n`)).toBe(true)
      expect(looksLikeHash(`0x${bytes.toString('hex')}`)).toBe(true)
      expect(looksLikeHash(bytes.toString('base64'))).toBe(true)
    }
  })

  it('is recognised behind an at-sign or spaces that the normalisation takes away', () => {
    const hash = createHash('sha256').update('ada').digest('hex')
    expect(applyForm(`@${hash}`, ruleOf('handle-sha256-hex'), digest)).toEqual([])
    expect(applyForm(`${hash.slice(0, 9)} ${hash.slice(9)}`, ruleOf('e164-sha256-hex'), digest)).toEqual([])
  })

  it('is not seen in an address, a phone number, a browser id or a device id', () => {
    for (const text of ['ada@example.org', '+14155550123', '1234567890.1700000000', 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93', '']) {
      expect(looksLikeHash(text)).toBe(false)
    }
  })

  it('is never hashed again, under any form', () => {
    fc.assert(
      fc.property(
        fc.emailAddress(),
        fc.constantFrom(...rules),
        fc.constantFrom(...rules),
        fc.constantFrom('', ' ', '\n'),
        (address, [, first], [, second], pad) => {
          if (first.digest === 'none' || second.digest === 'none') return
          for (const hash of applyForm(address, first, digest)) expect(applyForm(pad + hash + pad, second, digest)).toEqual([])
        },
      ),
    )
  })
})

describe('normalising', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.emailAddress(),
    fc.stringMatching(/^[@ .+]{0,6}[A-Za-z.+ ]{0,12}@(GMAIL|gmail|googlemail)\.com ?$/),
  )

  it('twice is the same as once, under every form and for any text', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(...rules), (text, [, rule]) => {
        for (const [index, variant] of rule.variants.entries()) {
          const one: IdentifierFormRule = { ...rule, variants: [variant] }
          for (const once of normalisedTexts(text, one)) expect(normalisedTexts(once, one), `variant ${index}`).toEqual([once])
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('never throws, and a digest always has the length of its encoding', () => {
    const lengths: Record<string, number> = { md5: 16, sha1: 20, sha256: 32, sha512: 64 }
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), fc.constantFrom(...rules), (units, [, rule]) => {
        for (const value of applyForm(`${String.fromCharCode(...units)}@x`, rule, digest)) {
          const bytes = lengths[rule.digest]
          if (bytes === undefined) continue
          expect(value).toMatch(rule.encoding === 'hex' ? /^[0-9a-f]+$/ : /^[A-Za-z0-9+/]+={0,2}$/)
          expect(value).toHaveLength(rule.encoding === 'hex' ? bytes * 2 : Math.ceil(bytes / 3) * 4)
        }
      }),
    )
  })

  it('encodes base64 as the platform does', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const rule: IdentifierFormRule = { ...ruleOf('handle-sha256-hex'), encoding: 'base64' }
        expect(applyForm('ada', rule, () => bytes)).toEqual([Buffer.from(bytes).toString('base64')])
      }),
    )
  })
})
