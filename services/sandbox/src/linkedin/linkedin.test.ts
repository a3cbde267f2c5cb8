import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, clientOf } from '../audience/test-client.ts'
import { type Sandbox, startSandbox } from '../index.ts'

let sandbox: Sandbox
let call: (method: string, path: string, body?: unknown, more?: Record<string, string>) => Promise<Answer>
const SEGMENT = '12345678'
const USERS = `/rest/dmpSegments/${SEGMENT}/users`
const jane = 'jane.doe@example.com'
const HASH = '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d'
const DEVICE = 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93'
const HEADERS = { 'linkedin-version': '202607', 'x-restli-protocol-version': '2.0.0' }
const BATCH = { ...HEADERS, 'x-restli-method': 'BATCH_CREATE' }
const control = () => sandbox.linkedin.control
const isIn = (question: { address?: string; hash?: string }) => control().person(question)[0]?.member
const element = (action: string, idType: string, idValue: string) => ({ action, userIds: [{ idType, idValue }] })
const batch = (...elements: object[]) => call('POST', USERS, { elements }, BATCH)
const hex = (text: string, algorithm = 'sha256') => createHash(algorithm).update(text).digest('hex')
const statuses = ({ json }: Answer): number[] => json.elements.map(({ status }: { status: number }) => status)

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['linkedin'] })
  call = clientOf(sandbox.linkedin.url, { authorization: `Bearer ${sandbox.linkedin.accessToken}` })
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  control().reset()
  control().configure({ applyDelayMs: 0, perMinute: 600, perDay: 100_000, appleIdfa: false, maxElements: 5000 })
})

describe('a batch', () => {
  it('answers 200 and says of each element what became of it, by the example of the sheet', async () => {
    control().seedMember(SEGMENT, jane)
    const answer = await batch(
      element('REMOVE', 'SHA256_EMAIL', HASH),
      element('REMOVE', 'SHA256_EMAIL', 'not-a-hash'),
      element('ADD', 'GOOGLE_AID', DEVICE),
    )
    expect(answer.status).toBe(200)
    expect(answer.json.elements).toEqual([
      { status: 201 },
      { status: 400, error: expect.objectContaining({ status: 400, message: expect.any(String) }) },
      { status: 201 },
    ])
    for (const header of ['x-li-uuid', 'x-li-fabric', 'x-li-request-id']) expect(answer.headers.get(header)).not.toBeNull()
    expect([isIn({ address: jane }), isIn({ hash: DEVICE })]).toEqual([false, true])
  })
  it('takes a person out by the hash of either kind, with Gmail dots and suffixes kept', async () => {
    const promo = 'jane.doe+promo@example.com'
    for (const [address, type, hash] of [
      [promo, 'SHA256_EMAIL', 'c3374bcfe3572e09f37602e0e179782352c5e117a4a3767824abbaa21bbdef8b'],
      [
        ' Jane.Doe@ example.com',
        'SHA512_EMAIL',
        '358c75d37759d9df9ed01d23ef5c11ddc7e69b5ee818e60c868cd271de55b54ce641d3028f46a5d5def6c5a938d251efb80ec33a307c321837a055734df1064c',
      ],
      ['j.doe+x@gmail.com', 'SHA256_EMAIL', hex('j.doe+x@gmail.com')],
    ] as const) {
      control().seedMember(SEGMENT, address)
      expect(statuses(await batch(element('REMOVE', type, hash)))).toEqual([201])
      expect(isIn({ hash })).toBe(false)
    }
  })
  it('answers 201 to removing who is gone and to adding who is there', async () => {
    const twice = [element('REMOVE', 'SHA256_EMAIL', HASH), element('ADD', 'GOOGLE_AID', DEVICE), element('ADD', 'GOOGLE_AID', DEVICE)]
    expect(statuses(await batch(...twice))).toEqual([201, 201, 201])
  })
  it('promises no order for one person who is in it twice', async () => {
    const outcomes = new Set<unknown>()
    for (let n = 0; n < 30; n += 1) {
      await batch(element('ADD', 'SHA256_EMAIL', HASH), element('REMOVE', 'SHA256_EMAIL', HASH))
      outcomes.add(isIn({ hash: HASH }))
    }
    expect(outcomes).toEqual(new Set([true, false]))
  })
  it.each([
    ['upper-case hex', element('REMOVE', 'SHA256_EMAIL', HASH.toUpperCase())],
    ['a raw address', element('REMOVE', 'SHA256_EMAIL', jane)],
    ['a hash of the other kind', element('REMOVE', 'SHA512_EMAIL', HASH)],
    ['a hashed device id', element('REMOVE', 'GOOGLE_AID', HASH)],
    ['an Apple id', element('REMOVE', 'APPLE_IDFA', DEVICE)],
    ['an unknown type', element('REMOVE', 'PHONE', HASH)],
    ['an unknown action', element('DELETE', 'SHA256_EMAIL', HASH)],
    ['nobody', { action: 'REMOVE', userIds: [] }],
    ['a stray field', { ...element('REMOVE', 'SHA256_EMAIL', HASH), email: jane }],
  ])('refuses an element with %s alone', async (_what, bad) => {
    expect(statuses(await batch(bad, element('REMOVE', 'SHA256_EMAIL', HASH)))).toEqual([400, 201])
  })
  it('takes Apple ids only where that is switched on', async () => {
    control().configure({ appleIdfa: true })
    expect(statuses(await batch(element('REMOVE', 'APPLE_IDFA', DEVICE)))).toEqual([201])
  })
  it('has 1 to 5,000 elements', async () => {
    const many = (count: number) => batch(...Array(count).fill(element('REMOVE', 'SHA256_EMAIL', HASH)))
    expect([(await many(0)).status, (await many(5000)).status, (await many(5001)).status]).toEqual([400, 200, 400])
  })
  it('holds at once, or a while later', async () => {
    control().seedMember(SEGMENT, jane)
    control().configure({ applyDelayMs: 48 * 3_600_000 })
    await batch(element('REMOVE', 'SHA256_EMAIL', HASH))
    expect([isIn({ address: jane }), (await call('GET', `/rest/dmpSegments/${SEGMENT}`, undefined, HEADERS)).json.status]).toEqual([
      true,
      'UPDATING',
    ])
    await sandbox.clock.advance(72 * 3600)
    expect(isIn({ address: jane })).toBe(false)
  })
})

describe('headers', () => {
  const remove = element('REMOVE', 'SHA256_EMAIL', HASH)
  it('name a living version and the protocol', async () => {
    const statusWith = async (change: Record<string, string>) =>
      (await call('POST', USERS, { elements: [remove] }, { ...BATCH, ...change })).status
    expect(await statusWith({})).toBe(200)
    expect(await statusWith({ 'linkedin-version': '202401' })).toBe(426)
    expect(await statusWith({ 'linkedin-version': '209901' })).toBe(426)
    expect(await statusWith({ 'linkedin-version': 'v2' })).toBe(400)
    expect(await statusWith({ 'x-restli-protocol-version': '1.0.0' })).toBe(400)
    expect(await statusWith({ 'content-type': 'text/plain' })).toBe(415)
    expect((await call('POST', USERS, { elements: [remove] }, {})).json.code).toBe('VERSION_MISSING')
  })
  it('make the body a batch: without the method it is one bare element', async () => {
    control().seedMember(SEGMENT, jane)
    expect((await call('POST', USERS, { elements: [remove] }, HEADERS)).status).toBe(400)
    expect(isIn({ address: jane })).toBe(true)
    expect(await call('POST', USERS, remove, HEADERS)).toMatchObject({ status: 201, text: '' })
    expect(isIn({ address: jane })).toBe(false)
  })
})

describe('limits', () => {
  const status = async () => (await batch(element('REMOVE', 'SHA256_EMAIL', HASH))).status
  it('are told by a bare 429', async () => {
    control().configure({ perMinute: 1 })
    await status()
    const refused = await batch(element('REMOVE', 'SHA256_EMAIL', HASH))
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, null])
    await sandbox.clock.advance(61)
    expect(await status()).toBe(200)
  })
  it('of a day end at midnight UTC', async () => {
    control().configure({ perDay: 1 })
    expect([await status(), await status()]).toEqual([200, 429])
    await sandbox.clock.advance(86_400 - ((sandbox.clock.now() / 1000) % 86_400) + 1)
    expect(await status()).toBe(200)
  })
})

describe('segments', () => {
  const made = { name: 'New', sourcePlatform: 'HEED', sourceSegmentId: 's1', account: 'urn:li:sponsoredAccount:123', type: 'USER' }
  it('are made, found, and take nobody for five seconds', async () => {
    const { status, headers } = await call('POST', '/rest/dmpSegments', { ...made, destinations: [{ destination: 'LINKEDIN' }] }, HEADERS)
    const id = headers.get('x-restli-id') ?? ''
    expect(status).toBe(201)
    const add = () => call('POST', `/rest/dmpSegments/${id}/users`, element('ADD', 'SHA256_EMAIL', HASH), HEADERS)
    expect((await add()).status).toBe(404)
    await sandbox.clock.advance(6)
    expect((await add()).status).toBe(201)
    const account = encodeURIComponent(made.account)
    const found = await call('GET', `/rest/dmpSegments?q=account&account=${account}&sourceSegmentId=s1`, undefined, HEADERS)
    expect(found.json.elements).toMatchObject([{ id: Number(id), name: 'New', status: 'READY' }])
    expect((await call('GET', '/rest/dmpSegments/99', undefined, HEADERS)).status).toBe(404)
  })
  it('belong to the own account', async () => {
    const other = { ...made, account: 'urn:li:sponsoredAccount:9', destinations: [] }
    expect((await call('POST', '/rest/dmpSegments', other, HEADERS)).status).toBe(403)
  })
})

describe('signing in', () => {
  const form = (change: Record<string, string> = {}) => {
    const { clientId, clientSecret, refreshToken } = sandbox.linkedin
    const fields = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId, client_secret: clientSecret }
    return clientOf(sandbox.linkedin.url)('POST', '/oauth/v2/accessToken', new URLSearchParams({ ...fields, ...change }))
  }
  const removeWith = (token: string) =>
    call('POST', USERS, { elements: [element('REMOVE', 'SHA256_EMAIL', HASH)] }, { ...BATCH, authorization: `Bearer ${token}` })

  it('is renewed for sixty days', async () => {
    const { json } = await form()
    expect(json).toMatchObject({ expires_in: 5_184_000, refresh_token: sandbox.linkedin.refreshToken })
    expect((await removeWith(json.access_token)).status).toBe(200)
    await sandbox.clock.advance(5_184_000)
    expect((await removeWith(json.access_token)).json.code).toBe('EXPIRED_ACCESS_TOKEN')
    const next = (await form()).json.access_token
    control().recallTokens()
    expect((await removeWith(next)).status).toBe(401)
    expect((await call('POST', USERS, {}, { ...BATCH, authorization: '' })).json.code).toBe('EMPTY_ACCESS_TOKEN')
  })
  it.each([
    ['refresh_token', 400],
    ['client_secret', 401],
    ['grant_type', 400],
  ])('refuses a wrong %s', async (field, status) => {
    expect((await form({ [field]: 'wrong' })).status).toBe(status)
  })
})

describe('switches', () => {
  const remove = element('REMOVE', 'SHA256_EMAIL', HASH)
  const person = (n: number) => element('REMOVE', 'SHA256_EMAIL', hex(`person-${n}@example.com`))
  beforeEach(() => control().seedMembers(SEGMENT, { count: 3 }))
  const left = () =>
    control()
      .beliefs()
      .flatMap(({ member, address }) => (member ? [address] : []))

  it.each([
    ['rate-limited', 429],
    ['no-access', 403],
    ['version-sunset', 426],
    ['locked', 423],
    ['server-error', 500],
    ['revoked-key', 401],
    ['bad-gateway-html', 502],
    ['forbidden-no-body', 403],
  ] as const)('%s: %i', async (kind, status) => {
    control().misbehave({ kind, count: 1 })
    expect((await batch(remove)).status).toBe(status)
  })
  it('poison and element-unavailable concern one element each', async () => {
    control().misbehave({ kind: 'poison', match: { address: 'person-1@example.com' } })
    control().misbehave({ kind: 'element-unavailable', match: { address: 'person-2@example.com' }, count: 1 })
    expect(statuses(await batch(person(1), person(2), person(3)))).toEqual([400, 503, 201])
    expect(left()).toEqual(['person-1@example.com', 'person-2@example.com'])
    expect(statuses(await batch(person(2)))).toEqual([201])
  })
  it('wrong-count: applied, but an answer is missing', async () => {
    control().misbehave({ kind: 'wrong-count', count: 1 })
    expect(statuses(await batch(person(1), person(2), person(3)))).toEqual([201, 201])
    expect(left()).toEqual([])
  })
  it('applied-then-timeout', async () => {
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1 })
    await expect(batch(person(1))).rejects.toThrow()
    expect(left()).toHaveLength(2)
  })
})

it('logs neither people nor credentials', async () => {
  await batch(element('REMOVE', 'SHA256_EMAIL', HASH))
  const log = JSON.stringify([control().requests(), control().requestTotals()])
  for (const secret of [HASH, sandbox.linkedin.accessToken]) expect(log).not.toContain(secret)
})
