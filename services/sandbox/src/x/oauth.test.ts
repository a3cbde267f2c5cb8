import { describe, expect, it } from 'vitest'
import { createOAuthCheck, signatureOf } from './oauth.ts'

const keys = { consumerKey: 'ck_example', consumerSecret: 'cs_example', token: '111-at_example', tokenSecret: 'ats_example' }
const url = 'https://ads-api.x.com/12/accounts/18ce5exmpl/custom_audiences/1exmp/users'
const fields = {
  oauth_consumer_key: keys.consumerKey,
  oauth_nonce: 'n0nce0000000000000000000000000001',
  oauth_signature_method: 'HMAC-SHA1',
  oauth_timestamp: '1790000000',
  oauth_token: keys.token,
  oauth_version: '1.0',
}
const at = 1_790_000_000_000
const header = (given: Record<string, string>) =>
  `OAuth ${Object.entries(given)
    .map(([name, value]) => `${name}="${encodeURIComponent(value)}"`)
    .join(', ')}`
const signed = (change: Record<string, string> = {}, query: [string, string][] = []) => {
  const all = { ...fields, ...change }
  const signature = signatureOf(
    { method: 'POST', url, parameters: [...Object.entries(all), ...query] },
    keys.consumerSecret,
    keys.tokenSecret,
  )
  return header({ ...all, oauth_signature: signature })
}
const check = (authorization: string | undefined, now = at, query = '') =>
  createOAuthCheck(keys, () => [now])({ method: 'POST', urls: [url], query: new URLSearchParams(query), authorization })

describe('a signature', () => {
  it('is the one of the sheet', () => {
    expect(signatureOf({ method: 'POST', url, parameters: Object.entries(fields) }, keys.consumerSecret, keys.tokenSecret)).toBe(
      '62Lc2U/4zBYRjuH9XADqQun2ZZ0=',
    )
    expect(check(header({ ...fields, oauth_signature: '62Lc2U/4zBYRjuH9XADqQun2ZZ0=' }))).toBe(true)
  })
  it('is the one of RFC 5849, section 3.4.1.1 (with its key)', () => {
    const parameters: [string, string][] = [
      ['b5', '=%3D'],
      ['a3', 'a'],
      ['c@', ''],
      ['a2', 'r b'],
      ['oauth_consumer_key', '9djdj82h48djs9d2'],
      ['oauth_token', 'kkk9d7dh3k39sjv7'],
      ['oauth_signature_method', 'HMAC-SHA1'],
      ['oauth_timestamp', '137131201'],
      ['oauth_nonce', '7d8f3e4a'],
      ['c2', ''],
      ['a3', '2 q'],
    ]
    const signature = signatureOf({ method: 'POST', url: 'http://example.com/request', parameters }, 'j49sk3j29djd', 'dh893hdasih9')
    expect(signature).toBe('r6/TJjbCOr97/+UU0NsvSne7s5g=')
  })
  it('covers the query', () => {
    expect(check(signed({}, [['count', '200']]), at, 'count=200')).toBe(true)
    expect(check(signed(), at, 'count=200')).toBe(false)
    expect(check(signed({}, [['q', "a!'()*b ~"]]), at, `q=${encodeURIComponent("a!'()*b ~")}`)).toBe(true)
  })
})

describe('a request', () => {
  it.each([
    ['nothing', undefined],
    ['a bearer token', 'Bearer x'],
    ['another key', signed({ oauth_consumer_key: 'other' })],
    ['another token', signed({ oauth_token: 'other' })],
    ['another method', signed({ oauth_signature_method: 'PLAINTEXT' })],
    ['no nonce', signed({ oauth_nonce: '' })],
    ['a changed signature', signed().replace(/oauth_signature="./, 'oauth_signature="_')],
    ['half a header', signed().slice(0, -1)],
  ])('with %s is refused', (_what, authorization) => {
    expect(check(authorization)).toBe(false)
  })
  it('is refused when the clocks are more than five minutes apart', () => {
    expect([check(signed(), at + 299_000), check(signed(), at + 301_000), check(signed(), at - 301_000)]).toEqual([true, false, false])
  })
  it('is refused when its nonce was used before', () => {
    const once = createOAuthCheck(keys, () => [at])
    const request = { method: 'POST', urls: [url], query: new URLSearchParams(), authorization: signed() }
    expect([once(request), once(request)]).toEqual([true, false])
  })
})
