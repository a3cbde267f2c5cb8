import { type Sandbox, startSandbox } from '@heed/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { referencedCredentials } from '../settings.ts'
import { testFileStore } from './file-store.conformance.ts'
import { type FileStore, fileTransport, StoreFault } from './file-store.ts'
import { type S3Options, s3Store } from './s3-store.ts'

let sandbox: Sandbox
let store: FileStore
const control = () => sandbox.s3.control
const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const text = (content: Uint8Array | undefined) => Buffer.from(content ?? []).toString()

function open(changed: Partial<S3Options> = {}, env: Record<string, string> = {}): FileStore {
  const { url, region, accessKeyId, secretAccessKey, sessionToken = '' } = sandbox.s3
  return s3Store({
    endpoint: url,
    pathStyle: true,
    region,
    bucket: 'partner',
    accessKeyId: 'env:ID',
    secretAccessKey: 'env:SECRET',
    sessionToken: 'env:TOKEN',
    credentials: referencedCredentials({ ID: accessKeyId, SECRET: secretAccessKey, TOKEN: sessionToken, ...env }),
    ...changed,
  })
}

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['s3'], s3: { withSessionToken: true } })
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  control().reset()
  store = open()
})
afterEach(() => store.close())

testFileStore('a bucket', async () => {
  control().reset()
  const fresh = open()
  return { store: fresh, list: async () => control().keys('partner'), end: () => fresh.close() }
})

const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (thrown: unknown) => (thrown instanceof StoreFault ? `${thrown.outcome}${thrown.sent ? ', perhaps written' : ''}` : thrown),
  )
const putsAndStatus = () =>
  control()
    .requests()
    .map(({ method, status }) => `${method} ${status}`)

describe('a put', () => {
  it('takes one request for a new file, and finds the same bytes by their checksum', async () => {
    await store.put([{ path: 'in/a.json', content: bytes('same') }])
    await store.put([{ path: 'in/a.json', content: bytes('same') }])
    expect(putsAndStatus()).toEqual(['PUT 200', 'PUT 412', 'HEAD 200'])
  })

  it('that was applied without an answer changes nothing when it is repeated', async () => {
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1 })
    expect(await reasonOf(store.put([{ path: 'in/a.json', content: bytes('once') }]))).toBe('unavailable.reset, perhaps written')
    await store.put([{ path: 'in/a.json', content: bytes('once') }])
    expect(putsAndStatus()).toEqual(['PUT none', 'PUT 412', 'HEAD 200'])
  })

  it('never overwrites what another writer put there meanwhile', async () => {
    await store.put([{ path: 'in/a.json', content: bytes('first') }])
    const off = control().onRequest(({ method }) => {
      if (method !== 'HEAD') return
      off()
      control().misbehave({ kind: 'conflict', count: 1 })
    })
    expect(await reasonOf(store.put([{ path: 'in/a.json', content: bytes('second') }]))).toBe('unavailable.conflict')
    expect(text(await store.get('in/a.json'))).toBe('first')
  })

  it('escapes what a path may hold, and signs it so', async () => {
    await store.put([{ path: "in/a+b 'c'$(d).json", content: bytes('odd') }])
    expect(control().keys('partner')).toEqual(["in/a+b 'c'$(d).json"])
    expect(text(await store.get("in/a+b 'c'$(d).json"))).toBe('odd')
  })
})

describe('trouble is told apart', () => {
  it.each([
    ['rate-limited', 'unavailable.rate-limited'],
    ['server-error', 'unavailable.server-error, perhaps written'],
    ['bad-gateway-html', 'unavailable.server-error, perhaps written'],
    ['down', 'unavailable.reset, perhaps written'],
    ['conflict', 'unavailable.conflict'],
    ['revoked-key', 'auth.refused'],
    ['expired-credentials', 'auth.expired'],
    ['clock-skewed', 'configuration.clock-skewed'],
    ['access-denied', 'configuration.access-denied'],
    ['forbidden-no-body', 'configuration.access-denied'],
  ] as const)('%s', async (kind, reason) => {
    control().misbehave({ kind })
    expect(await reasonOf(store.put([{ path: 'in/a.json', content: bytes('x') }]))).toBe(reason)
    expect(await reasonOf(store.get('in/a.json'))).toBe(reason.replace(', perhaps written', ''))
  })

  it.each<[string, Partial<S3Options>, Record<string, string>]>([
    ['auth.refused', {}, { SECRET: 'another' }],
    ['auth.refused', {}, { ID: 'AKIANOBODY' }],
    ['auth.refused', {}, { TOKEN: 'another' }],
    ['configuration.credential-missing', {}, { SECRET: '' }],
    ['configuration.wrong-region', { region: 'us-east-1' }, {}],
    ['configuration.no-such-bucket', { bucket: 'nobody' }, {}],
    ['configuration.clock-skewed', { clock: { now: () => Date.now() - 3_600_000, sleep: () => Promise.resolve() } }, {}],
    ['unavailable.refused', { endpoint: 'http://127.0.0.1:9/s3' }, {}],
  ])('%s', async (reason, changed, env) => {
    const other = open(changed, env)
    expect(await reasonOf(other.put([{ path: 'in/a.json', content: bytes('x') }]))).toBe(reason)
    expect(await reasonOf(other.get('in/a.json'))).toBe(reason)
    await other.close()
  })

  it('a file that is not there is 403 for a key that may not list: a fault of the set-up, not an answer', async () => {
    control().configure({ mayList: false })
    expect(await reasonOf(store.get('in/none'))).toBe('configuration.access-denied')
    control().configure({ mayList: true })
  })

  it('a request that hangs is given up when the transport is closed', async () => {
    control().misbehave({ kind: 'applied-then-timeout' })
    const transport = fileTransport(store)
    const request = { via: 'file', intent: 'assert', name: 'file.put', covers: [], put: [{ path: 'in/a', content: bytes('x') }] } as const
    const answer = await transport.send(request, { timeoutMs: 200, signal: new AbortController().signal })
    expect(answer).toEqual({ via: 'none', sent: true, reason: 'unavailable.timeout' })
    control().behave()
    expect(text(await store.get('in/a'))).toBe('x')
  })
})

describe('a bucket with rules of its own', () => {
  afterEach(() => control().configure({ owner: '123456789012', encryption: 'none' }))

  it('that must be asked to encrypt, is', async () => {
    control().configure({ encryption: 'aws:kms' })
    expect(await reasonOf(store.put([{ path: 'in/a.json', content: bytes('x') }]))).toBe('configuration.access-denied')
    const asking = open({ encryption: { algorithm: 'aws:kms', keyId: 'alias/share' } })
    expect(await reasonOf(asking.put([{ path: 'in/a.json', content: bytes('x') }]))).toBe('done')
    await asking.close()
  })

  it('is not written to, nor read, where it belongs to somebody else', async () => {
    const careful = open({ bucketOwner: '123456789012' })
    expect(await reasonOf(careful.put([{ path: 'in/a.json', content: bytes('x') }]))).toBe('done')
    control().configure({ owner: '999999999999' })
    expect(await reasonOf(careful.put([{ path: 'in/b.json', content: bytes('x') }]))).toBe('configuration.access-denied')
    expect(await reasonOf(careful.get('in/a.json'))).toBe('configuration.access-denied')
    await careful.close()
  })
})

it.each([
  [{ endpoint: 'http://store.example' }, 'endpoint'],
  [{ bucket: 'a.b', pathStyle: false }, 'pathStyle'],
])('refuses settings that cannot be used: %j', (changed, field) => {
  expect(() => open(changed)).toThrow(field)
})
