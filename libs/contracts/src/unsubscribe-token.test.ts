import { createHmac } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import type { PurposeKey } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { checkUnsubscribeToken, LinkKeysError, mintUnsubscribeToken, parseLinkKeys, unsubscribeHeaders } from './unsubscribe-token.ts'

const secret = (fill: number) => Buffer.alloc(32, fill).toString('base64')
const keys = parseLinkKeys(`k2:${secret(2)},k1:${secret(1)}`)
const [k2, k1] = keys
if (k2 === undefined || k1 === undefined) throw new Error('two keys')
const token = {
  linkRef: '0123456789abcdef0123456789abcdef',
  scope: 'email-marketing/newsletter' as PurposeKey,
  issuedAtSeconds: 1_764_000_000,
}
const text = mintUnsubscribeToken(token, k2)

describe('an unsubscribe token', () => {
  it('comes back as it was minted', () => {
    expect(checkUnsubscribeToken(text, keys)).toMatchObject({
      token,
      key: { id: 'k2' },
      fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/),
    })
  })

  it('is checked by its old key after a rotation', () => {
    const old = mintUnsubscribeToken(token, { ...k1, use: 'sign' })
    expect(checkUnsubscribeToken(old, keys)?.key.id).toBe('k1')
  })

  it('keeps a URL below 200 characters, and only of characters that no mail program breaks', () => {
    const { url } = unsubscribeHeaders('https://u.example.com/', text)
    expect(url.length).toBeLessThan(200)
    expect(text).toMatch(/^[A-Za-z0-9._-]+$/)
  })

  test.prop([fc.nat({ max: text.length - 1 }), fc.constantFrom(...'abcABC019-_.')])(
    'is refused with any character changed',
    (at, character) => {
      const changed = text.slice(0, at) + character + text.slice(at + 1)
      if (changed !== text) expect(checkUnsubscribeToken(changed, keys)).toBeUndefined()
    },
  )

  test.prop([fc.nat({ max: text.length - 1 })])('is refused when it is cut', (length) => {
    expect(checkUnsubscribeToken(text.slice(0, length), keys)).toBeUndefined()
  })

  test.prop([fc.string({ unit: 'binary' })])('is never made of garbage', (garbage) => {
    expect(checkUnsubscribeToken(garbage, keys)).toBeUndefined()
  })

  it('is refused where its mac was made for another key id', () => {
    expect(checkUnsubscribeToken(text.replace('v1.k2.', 'v1.k1.'), keys)).toBeUndefined()
    expect(checkUnsubscribeToken(text.replace('v1.k2.', 'v1.k9.'), keys)).toBeUndefined()
  })

  it('is refused in another spelling of the same bytes: padding, standard alphabet, loose last bits', () => {
    const [, , payload = '', mac = ''] = text.split('.')
    const loose = payload.slice(0, -1) + String.fromCharCode(payload.charCodeAt(payload.length - 1) + 1)
    const signed = createHmac('sha256', k2.secret).update(`unsub.v1.k2.${loose}`).digest('base64url')
    expect(checkUnsubscribeToken(`v1.k2.${payload}=.${mac}`, keys)).toBeUndefined()
    expect(
      Buffer.from(loose, 'base64url').equals(Buffer.from(payload, 'base64url'))
        ? checkUnsubscribeToken(`v1.k2.${loose}.${signed}`, keys)
        : undefined,
    ).toBeUndefined()
  })

  it('is not minted by a key that may only check', () => {
    expect(() => mintUnsubscribeToken(token, k1)).toThrow(RangeError)
  })
})

describe('a list of link keys', () => {
  it.each([
    ['', /write id:base64/],
    [`k1:${Buffer.alloc(31).toString('base64')}`, /at least 32 bytes/],
    [`k1:${secret(1)}:verify`, /the one that signs/],
    [`k1:${secret(1)},k1:${secret(2)}`, /the same id/],
    [`k1:${secret(1)}:forever`, /its use is/],
  ])('is refused with the reason: %s', (list, reason) => {
    expect(() => parseLinkKeys(list)).toThrow(LinkKeysError)
    expect(() => parseLinkKeys(list)).toThrow(reason)
  })
})

describe('the header values', () => {
  it('are one field with one HTTPS URI, the fixed pair, and the mailto variant in the same field', () => {
    expect(unsubscribeHeaders('https://u.example.com', 'T', 'unsubscribe@u.example.com')).toEqual({
      url: 'https://u.example.com/v1/u/T',
      listUnsubscribe: '<https://u.example.com/v1/u/T>, <mailto:unsubscribe@u.example.com?subject=T>',
      listUnsubscribePost: 'List-Unsubscribe=One-Click',
    })
  })
})
