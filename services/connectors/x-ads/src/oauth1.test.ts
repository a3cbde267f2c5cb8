import { referencedCredentials } from '@heed/connector-kit'
import { ManualClock } from '@heed/platform/clock'
import { describe, expect, it } from 'vitest'
import { oauth1Authentication, oauth1Header } from './oauth1.ts'

const keys = { consumerKey: 'ck_example', consumerSecret: 'cs_example', accessToken: '111-at_example', accessTokenSecret: 'ats_example' }
const url = 'https://ads-api.x.com/12/accounts/18ce5exmpl/custom_audiences/1exmp/users'
const moment = { nonce: 'n0nce0000000000000000000000000001', timestampSeconds: 1_790_000_000 }

const fieldsOf = (header: string): Record<string, string> =>
  Object.fromEntries(
    [...header.matchAll(/(oauth_[a-z_]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, decodeURIComponent(value)]),
  )

describe('an OAuth 1.0a header', () => {
  it('has the signature of the vector', () => {
    expect(fieldsOf(oauth1Header({ method: 'POST', url }, keys, moment))).toEqual({
      oauth_consumer_key: 'ck_example',
      oauth_nonce: moment.nonce,
      oauth_signature: '62Lc2U/4zBYRjuH9XADqQun2ZZ0=',
      oauth_signature_method: 'HMAC-SHA1',
      oauth_timestamp: '1790000000',
      oauth_token: '111-at_example',
      oauth_version: '1.0',
    })
  })

  it('signs the query with the address', () => {
    const signatures = ['', '?count=200', '?count=201'].map(
      (query) => fieldsOf(oauth1Header({ method: 'GET', url: url + query }, keys, moment)).oauth_signature,
    )
    expect(new Set(signatures).size).toBe(3)
  })

  it('escapes what RFC 3986 reserves', () => {
    expect(oauth1Header({ method: 'POST', url }, { ...keys, consumerKey: "a!'()*" }, moment)).toContain(
      'oauth_consumer_key="a%21%27%28%29%2A"',
    )
  })
})

describe('an OAuth 1.0a authentication', () => {
  const references = { consumerKey: 'env:CK', consumerSecret: 'env:CS', accessToken: 'env:AT', accessTokenSecret: 'env:ATS' }
  const outgoing = { method: 'POST', url: new URL(url), headers: {}, body: Buffer.from('[]') }

  it('makes a new nonce and takes the time anew for each try', async () => {
    const clock = new ManualClock(1_790_000_000_000)
    const credentials = referencedCredentials({ CK: 'ck_example', CS: 'cs_example', AT: '111-at_example', ATS: 'ats_example' })
    const authentication = oauth1Authentication(credentials, references, clock)
    const first = fieldsOf((await authentication.headers(outgoing)).authorization ?? '')
    await clock.advance(2_000)
    const second = fieldsOf((await authentication.headers(outgoing)).authorization ?? '')
    expect([first.oauth_timestamp, second.oauth_timestamp]).toEqual(['1790000000', '1790000002'])
    expect(first.oauth_nonce).toMatch(/^[0-9a-f]{32}$/)
    expect(second.oauth_nonce).not.toBe(first.oauth_nonce)
    expect(second.oauth_signature).not.toBe(first.oauth_signature)
  })

  it('signs nothing where a part of the credential is missing', async () => {
    const authentication = oauth1Authentication(referencedCredentials({ CK: 'ck' }), references, new ManualClock())
    await expect(authentication.headers(outgoing)).rejects.toThrow('env:CS is not set')
  })
})
