import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { aFile, sha256 } from '../hashed-email/test-file.ts'
import { type Sandbox, startSandbox } from '../index.ts'
import { signatureOf } from './signature.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({
    port: 0,
    vendors: ['s3'],
    s3: { ackDelayMs: 0, partners: [{ name: 'partner', profile: 'plain-sha256-hex' }] },
  })
})
afterAll(() => sandbox.stop())
afterEach(() => {
  sandbox.s3.control.reset()
  sandbox.s3.control.configure({ mayList: true })
})

/** A client written from the page of the signature, not from any library. */
async function call(method: string, path: string, body?: Uint8Array, more: Record<string, string> = {}) {
  const { url, region, accessKeyId, secretAccessKey } = sandbox.s3
  const target = new URL(`${url}${path}`)
  const stamp = `${new Date().toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}Z`
  const content = body ?? new Uint8Array()
  const headers: Record<string, string> = {
    host: target.host,
    'x-amz-date': stamp,
    'x-amz-content-sha256': createHash('sha256').update(content).digest('hex'),
    ...more,
  }
  const signedHeaders = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))].sort()
  const signed = { method, path: target.pathname, query: target.searchParams, headers }
  const day = stamp.slice(0, 8)
  const signature = signatureOf(signed, { secret: secretAccessKey, day, region, signedHeaders })
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${day}/${region}/s3/aws4_request, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`
  const response = await fetch(target, {
    method,
    headers: { ...headers, authorization },
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, code: /<Code>(\w+)<\/Code>/.exec(text)?.[1] }
}
const put = (name: string, body: Uint8Array, more: Record<string, string> = {}) => call('PUT', `/partner/in/${name}`, body, more)
const bytes = (text: string) => new Uint8Array(Buffer.from(text))

describe('an object', () => {
  it('is there once it was put, and says its checksum to whoever asks', async () => {
    const checksum = createHash('sha256').update('a').digest('base64')
    expect((await put('a.txt', bytes('a'), { 'x-amz-checksum-sha256': checksum })).status).toBe(200)
    expect(await call('GET', '/partner/in/a.txt')).toMatchObject({ status: 200, text: 'a' })
    const head = await call('HEAD', '/partner/in/a.txt', undefined, { 'x-amz-checksum-mode': 'ENABLED' })
    expect([head.status, head.text, head.headers.get('x-amz-checksum-sha256'), head.headers.get('content-length')]).toEqual([
      200,
      '',
      checksum,
      '1',
    ])
    expect((await call('HEAD', '/partner/in/a.txt')).headers.get('x-amz-checksum-sha256')).toBeNull()
  })
  it('is put on condition that there is none, or that it is still the one that was seen', async () => {
    expect((await put('a.txt', bytes('a'), { 'if-none-match': '*' })).status).toBe(200)
    expect(await put('a.txt', bytes('b'), { 'if-none-match': '*' })).toMatchObject({ status: 412, code: 'PreconditionFailed' })
    const etag = (await call('HEAD', '/partner/in/a.txt')).headers.get('etag') ?? ''
    expect((await put('a.txt', bytes('b'), { 'if-match': etag })).status).toBe(200)
    expect(await put('a.txt', bytes('c'), { 'if-match': etag })).toMatchObject({ status: 412 })
    expect((await call('GET', '/partner/in/a.txt')).text).toBe('b')
  })
  it.each([
    ['its bytes are not those of the hash', { 'x-amz-content-sha256': sha256('other') }, 400, 'XAmzContentSHA256Mismatch'],
    ['its checksum is another', { 'x-amz-checksum-sha256': createHash('sha256').update('b').digest('base64') }, 400, 'BadDigest'],
    ['its chunks are signed one by one', { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }, 501, 'NotImplemented'],
  ])('is refused where %s', async (_, headers, status, code) => {
    expect(await put('a.txt', bytes('a'), headers)).toMatchObject({ status, code })
    expect(sandbox.s3.control.keys('partner')).toEqual([])
  })
  it('may come in chunks with a checksum behind them', async () => {
    const checksum = Buffer.alloc(4)
    checksum.writeUInt32BE(crc32('hello world'))
    const chunked = (sum: string) => bytes(`6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:${sum}\r\n\r\n`)
    const headers = {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '11',
      'x-amz-trailer': 'x-amz-checksum-crc32',
    }
    expect((await put('a.txt', chunked(checksum.toString('base64')), headers)).status).toBe(200)
    expect((await call('GET', '/partner/in/a.txt')).text).toBe('hello world')
    expect(await put('b.txt', chunked('AAAAAA=='), headers)).toMatchObject({ status: 400, code: 'BadDigest' })
  })
  it('can be written below in/ only, and not in another bucket', async () => {
    expect(await call('PUT', '/partner/ack/a.txt', bytes('a'))).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect(await call('PUT', '/nobody/in/a.txt', bytes('a'))).toMatchObject({ status: 404, code: 'NoSuchBucket' })
  })
  it('that is not there is 404 for who may list, and 403 for who may not', async () => {
    expect(await call('GET', '/partner/ack/none')).toMatchObject({ status: 404, code: 'NoSuchKey' })
    sandbox.s3.control.configure({ mayList: false })
    expect(await call('GET', '/partner/ack/none')).toMatchObject({ status: 403, code: 'AccessDenied' })
  })
})

it('lists a bucket in pages', async () => {
  for (const name of ['b', 'a', 'c']) await put(name, bytes(name))
  const first = await call('GET', '/partner?list-type=2&prefix=in%2F&max-keys=2')
  expect([...first.text.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => key)).toEqual(['in/a', 'in/b'])
  const token = /<NextContinuationToken>([^<]+)</.exec(first.text)?.[1] ?? ''
  const second = await call('GET', `/partner?list-type=2&prefix=in%2F&continuation-token=${encodeURIComponent(token)}`)
  expect(second.text).toContain('<IsTruncated>false</IsTruncated>')
  expect(second.text).toContain('<Key>in/c</Key>')
})

it('has partners that take up a file once its manifest is there, and answer in ack/', async () => {
  const { name, bytes: content, manifest } = aFile({ rows: [{ hash: sha256('ada@example.com') }] })
  sandbox.s3.control.know(['ada@example.com'])
  await put(name, content)
  await sandbox.s3.control.idle()
  expect(sandbox.s3.control.person({ address: 'ada@example.com' })).toMatchObject([{ suppressed: false }])
  await put(`${name}.manifest.json`, manifest)
  await sandbox.s3.control.idle()
  expect(JSON.parse((await call('GET', `/partner/ack/${name}.ack.json`)).text)).toMatchObject({
    file: name,
    status: 'accepted',
    rows_ok: 1,
  })
  expect(sandbox.s3.control.person({ address: 'ada@example.com' })).toMatchObject([{ suppressed: true, scopes: ['all'] }])
})

it.each([
  ['rate-limited', 503, 'SlowDown'],
  ['revoked-key', 403, 'InvalidAccessKeyId'],
  ['expired-credentials', 400, 'ExpiredToken'],
  ['clock-skewed', 403, 'RequestTimeTooSkewed'],
  ['access-denied', 403, 'AccessDenied'],
  ['conflict', 409, 'ConditionalRequestConflict'],
  ['server-error', 500, 'InternalError'],
] as const)('can be told to answer %s', async (kind, status, code) => {
  sandbox.s3.control.misbehave({ kind })
  expect(await put('a.txt', bytes('a'))).toMatchObject({ status, code })
  expect(sandbox.s3.control.keys('partner')).toEqual([])
})

it('can apply and never answer', async () => {
  sandbox.s3.control.misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1 })
  await expect(put('a.txt', bytes('a'))).rejects.toThrow()
  expect(sandbox.s3.control.keys('partner')).toEqual(['in/a.txt'])
})

it('logs no key of an object, no credential and no content', async () => {
  await put('a.txt', bytes('a'))
  expect(sandbox.s3.control.requests()).toMatchObject([{ method: 'PUT', path: '/{bucket}/{folder}/{name}', status: 200, items: 1 }])
  expect(JSON.stringify(sandbox.s3.control.requests())).not.toContain(sandbox.s3.accessKeyId)
})
