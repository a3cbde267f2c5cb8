import { describe, expect, it } from 'vitest'
import { signatureFault, signatureOf } from './signature.ts'

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, with the example keys of that page
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const id = 'AKIAIOSFODNN7EXAMPLE'
const scope = { secret, day: '20130524', region: 'us-east-1' }
const nothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const common = { host: 'examplebucket.s3.amazonaws.com', 'x-amz-date': '20130524T000000Z', 'x-amz-content-sha256': nothing }

describe('a signature is the one of the vendor’s examples', () => {
  it('for an object that is read', () => {
    const request = { method: 'GET', path: '/test.txt', query: new URLSearchParams(), headers: { ...common, range: 'bytes=0-9' } }
    const signedHeaders = ['host', 'range', 'x-amz-content-sha256', 'x-amz-date']
    expect(signatureOf(request, { ...scope, signedHeaders })).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41')
  })
  it('for an object that is put, with a character in its key that has to be escaped', () => {
    const request = {
      method: 'PUT',
      path: '/test$file.text',
      query: new URLSearchParams(),
      headers: {
        ...common,
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      },
    }
    const signedHeaders = ['date', 'host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-storage-class']
    expect(signatureOf(request, { ...scope, signedHeaders })).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd')
  })
  it('for a list', () => {
    const request = { method: 'GET', path: '/', query: new URLSearchParams('prefix=J&max-keys=2'), headers: common }
    const signedHeaders = ['host', 'x-amz-content-sha256', 'x-amz-date']
    expect(signatureOf(request, { ...scope, signedHeaders })).toBe('34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7')
  })
})

describe('a request is let in', () => {
  const at = Date.UTC(2013, 4, 24)
  const signers = {
    region: 'us-east-1',
    secretOf: (key: string) => (key === id ? secret : undefined),
    tokenOf: () => undefined,
    now: () => [at],
  }
  const names = 'host;x-amz-content-sha256;x-amz-date'
  const request = { method: 'GET', path: '/in/a', query: new URLSearchParams(), headers: common }
  const signature = signatureOf(request, { ...scope, signedHeaders: names.split(';') })
  const authorization = `AWS4-HMAC-SHA256 Credential=${id}/20130524/us-east-1/s3/aws4_request, SignedHeaders=${names}, Signature=${signature}`
  const fault = (change: { headers?: object; signers?: object; path?: string } = {}) =>
    signatureFault(
      { ...request, path: change.path ?? request.path, headers: { ...common, authorization, ...change.headers } },
      { ...signers, ...change.signers },
    )?.code

  it('with the right signature', () => expect(fault()).toBeUndefined())
  it.each([
    ['AccessDenied', { headers: { authorization: undefined } }],
    ['AuthorizationHeaderMalformed', { headers: { authorization: 'Bearer x' } }],
    ['AuthorizationHeaderMalformed', { signers: { region: 'eu-west-1' } }],
    ['InvalidAccessKeyId', { signers: { secretOf: () => undefined } }],
    ['SignatureDoesNotMatch', { signers: { secretOf: () => 'another' } }],
    ['SignatureDoesNotMatch', { path: '/in/b' }],
    ['AccessDenied', { headers: { 'x-amz-expected-bucket-owner': '123456789012' } }],
    ['RequestTimeTooSkewed', { signers: { now: () => [at + 16 * 60_000] } }],
    ['InvalidToken', { signers: { tokenOf: () => 'token' } }],
  ])('and not: %s', (code, change) => expect(fault(change)).toBe(code))
  it('by either clock', () => expect(fault({ signers: { now: () => [at + 3_600_000, at + 60_000] } })).toBeUndefined())
})
