import type { ResolvedIdentifier } from '@heed/connector-kit'
import { type Sandbox, startSandbox } from '@heed/sandbox'
import { anErasure, anOptIn, anOptOut, type Driven, driven, emailIdentifiers, recipientId, type TaskOptions } from '@heed/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { metaAds } from './connector.ts'

const purposes = { recipientId: 'meta', purposes: ['social-audiences', 'interest-based-advertising'] }
const emails = (...addresses: string[]) => addresses.flatMap((address) => emailIdentifiers(address, 'plain-sha256-hex'))
const optOut = (address: string, options: TaskOptions = {}) => anOptOut(address, { ...purposes, identifiers: emails(address), ...options })
const optIn = (address: string, options: TaskOptions = {}) => anOptIn(address, { ...purposes, identifiers: emails(address), ...options })
const idfa: ResolvedIdentifier = { kind: 'idfa', form: 'device-lower-case', value: 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93' }
const userId: ResolvedIdentifier = { kind: 'user-id', form: 'raw', value: 'crm-000481' }

const customers = '23851234567890'
const visitors = '23851234567891'
let sandbox: Sandbox
beforeAll(async () => {
  const audiences = [customers, visitors].map((id) => ({ id, name: id }))
  sandbox = await startSandbox({ port: 0, vendors: ['meta'], meta: { audiences } })
})
afterAll(() => sandbox.stop())

const control = () => sandbox.meta.control
const open: Driven[] = []
function connected(more: object = {}): Driven {
  const { url, accessToken, appSecret, adAccount } = sandbox.meta
  const driver = driven(metaAds, {
    settings: { baseUrl: url, credential: 'env:TOKEN', adAccount, audiences: [customers], ...more },
    env: { TOKEN: accessToken, SECRET: appSecret, OTHER: 'another' },
    recipientId: recipientId('meta'),
  })
  open.push(driver)
  return driver
}
const audiencesOf = (address: string) =>
  control()
    .person({ address })
    .filter(({ member }) => member)
    .map(({ audienceId }) => audienceId)
    .sort()
const outcomes = async (told: ReturnType<Driven['assert']>) => [...(await told).values()]

beforeEach(() => {
  control().reset()
  control().configure({
    businessOwned: true,
    termsAccepted: true,
    requireAppSecretProof: false,
    callsPerHour: null,
    errorStatus: 'alternate',
  })
})
afterEach(async () => {
  for (const audience of [customers, visitors]) control().flag(audience, false)
  for (const driver of open.splice(0)) await driver.close()
})

describe('Meta, played', () => {
  it('takes a person out of every audience, those that nobody listed among them', async () => {
    control().seedEverywhere({ addresses: ['jane@example.org', 'jane@example.com'], deviceIds: [idfa.value], userIds: [userId.value] })
    const task = optOut('jane@example.org', { identifiers: [...emails('jane@example.org', 'jane@example.com'), userId, idfa] })
    expect(await outcomes(connected().assert([task]))).toEqual([{ kind: 'accepted', final: true }])
    expect(audiencesOf('jane@example.org')).toEqual([])
  })

  it('takes her out of the listed ones by a posted DELETE, and never adds her by it', async () => {
    control().know(['bob@example.org'])
    control().seedEverywhere('ada@example.org')
    const driver = connected({ removeFrom: 'audiences', deleteBy: 'post' })
    const [ada, bob] = await outcomes(driver.assert([optOut('ada@example.org'), optOut('bob@example.org')]))
    expect(ada).toMatchObject({ kind: 'accepted', receipt: expect.stringMatching(/^session \d+, received 2$/) })
    expect(bob).toEqual(ada)
    expect([audiencesOf('ada@example.org'), audiencesOf('bob@example.org')]).toEqual([[visitors], []])
  })

  it('adds who said so, and forgets whoever is to be forgotten', async () => {
    control().know(['ada@example.org'])
    control().seedEverywhere('dee@example.org')
    await connected().assert([
      optIn('ada@example.org'),
      anErasure('dee@example.org', { ...purposes, identifiers: emails('dee@example.org') }),
    ])
    expect([audiencesOf('ada@example.org'), audiencesOf('dee@example.org')]).toEqual([[customers], []])
  })

  it('removes ten thousand people by one request, and more than a request holds in a session', async () => {
    control().seedMembers(customers, { count: 10_000 })
    const tasks = Array.from({ length: 10_000 }, (_, index) => optOut(`person-${index + 1}@example.com`))
    await connected({ checkAccount: false }).assert(tasks)
    expect(
      control()
        .requestTotals()
        .map(({ requests }) => requests),
    ).toEqual([1])
    expect(
      control()
        .beliefs()
        .filter(({ member }) => member),
    ).toEqual([])
    const few = await connected({ checkAccount: false, rowsPerRequest: 2, removeFrom: 'audiences' }).assert(tasks.slice(0, 5))
    expect(new Set([...few.values()].map((outcome) => outcome.kind))).toEqual(new Set(['accepted']))
    expect(
      control()
        .requestTotals()
        .find(({ path }) => path.endsWith('/users'))?.requests,
    ).toBe(3)
  })

  it('says about how many rows could not be read, and refuses where that is all of them', async () => {
    control().misbehave({ kind: 'poison', match: { address: 'bob@example.org' } })
    const driver = connected({ removeFrom: 'audiences' })
    const both = await outcomes(driver.assert([optOut('ada@example.org'), optOut('bob@example.org')]))
    expect(both).toEqual(Array(2).fill({ kind: 'accepted', final: true, receipt: expect.stringMatching(/received 2, invalid about 1$/) }))
    expect(await outcomes(driver.assert([optOut('bob@example.org')]))).toEqual([{ kind: 'deferred', reason: 'batch.all-entries-invalid' }])
  })

  it('sends nothing where it would quietly do nothing', async () => {
    control().seedEverywhere('ada@example.org')
    control().configure({ businessOwned: false })
    const driver = connected()
    const task = optOut('ada@example.org')
    expect(await outcomes(driver.assert([task]))).toEqual([{ kind: 'deferred', reason: 'configuration.account-without-business' }])
    control().configure({ businessOwned: true, termsAccepted: false })
    expect(await outcomes(driver.assert([task]))).toEqual([{ kind: 'deferred', reason: 'configuration.terms-not-accepted' }])
    control().configure({ termsAccepted: true })
    expect(await outcomes(driver.assert([task]))).toEqual([{ kind: 'accepted', final: true }])
    expect(audiencesOf('ada@example.org')).toEqual([])
  })

  it('proves its token where the app demands it', async () => {
    control().configure({ requireAppSecretProof: true })
    const task = optOut('ada@example.org')
    expect(await outcomes(connected().assert([task]))).toEqual([{ kind: 'deferred', reason: 'auth.proof-refused' }])
    expect(await outcomes(connected({ credentials: { appSecret: 'env:OTHER' } }).assert([task]))).toEqual([
      { kind: 'deferred', reason: 'auth.proof-refused' },
    ])
    expect(await outcomes(connected({ credentials: { appSecret: 'env:SECRET' } }).assert([task]))).toEqual([
      { kind: 'accepted', final: true },
    ])
  })

  it.each(['ok', 'proper'] as const)('rejects nobody while an audience is flagged (errors %s)', async (errorStatus) => {
    control().configure({ errorStatus })
    control().flag(customers)
    const driver = connected({ removeFrom: 'audiences' })
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'configuration.audience-flagged' },
    ])
    expect(await outcomes(driver.assert([optIn('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'configuration.audience-flagged' },
    ])
  })

  it.each([
    ['rate-limited', { kind: 'deferred', reason: 'unavailable.rate-limited', retryAfterSeconds: 60 }],
    ['app-limited', { kind: 'deferred', reason: 'unavailable.rate-limited', retryAfterSeconds: 300 }],
    ['blocked', { kind: 'deferred', reason: 'auth.temporarily-blocked', retryAfterSeconds: 14_400 }],
    ['transient', { kind: 'deferred', reason: 'unavailable.temporary' }],
    ['server-error', { kind: 'deferred', reason: 'unavailable.temporary' }],
    ['bad-gateway-html', { kind: 'deferred', reason: 'unavailable.server-error' }],
    ['permission-denied', { kind: 'deferred', reason: 'auth.permission-denied' }],
    ['update-failed', { kind: 'deferred', reason: 'configuration.audience-not-updated' }],
    ['revoked-key', { kind: 'deferred', reason: expect.stringMatching(/^auth\.token-/) }],
  ] as const)('rejects nobody while it is in trouble: %s', async (kind, outcome) => {
    for (const errorStatus of ['ok', 'proper'] as const) {
      control().configure({ errorStatus })
      control().misbehave({ kind })
      expect(await outcomes(connected().assert([optOut('ada@example.org')]))).toEqual([outcome])
      control().behave()
    }
  })

  it.each([
    [{ adAccount: '1' }, 'configuration.object-missing'],
    [{ removeFrom: 'audiences', audiences: ['1'] }, 'configuration.object-missing'],
    [{ apiVersion: 'v9.0' }, 'configuration.unexpected-error'],
  ])('rejects nobody where the set-up is wrong: %j', async (more, reason) => {
    expect(await outcomes(connected(more).assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason }])
  })
})
