import type { ResolvedIdentifier } from '@heed/connector-kit'
import { type Sandbox, startSandbox } from '@heed/sandbox'
import { anErasure, anOptIn, anOptOut, type Driven, driven, emailIdentifiers, recipientId, type TaskOptions } from '@heed/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { googleAds } from './connector.ts'

const ads = { recipientId: 'google-ads', purposes: ['interest-based-advertising'] }
const emails = (...addresses: string[]) => addresses.flatMap((address) => emailIdentifiers(address, 'google-sha256-hex'))
const optOut = (address: string, options: TaskOptions = {}) => anOptOut(address, { ...ads, identifiers: emails(address), ...options })
const optIn = (address: string, options: TaskOptions = {}) => anOptIn(address, { ...ads, identifiers: emails(address), ...options })
const userId: ResolvedIdentifier = { kind: 'user-id', form: 'raw', value: 'crm-000481' }
const idfa: ResolvedIdentifier = { kind: 'idfa', form: 'raw', value: 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93' }

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['google-data-manager'] })
})
afterAll(() => sandbox.stop())

const lists = (first: number) => ['contact', 'mobile', 'user-id'].map((holds, index) => ({ id: String(first + index), holds }))
const accounts = {
  GOOGLE_ADS: { operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '4085550199' }, lists: lists(7712345001) },
  DISPLAY_VIDEO_ADVERTISER: {
    operatingAccount: { accountType: 'DISPLAY_VIDEO_ADVERTISER', accountId: '4085550277' },
    lists: lists(7712345101),
  },
}

const open: Driven[] = []
function connected(more: object = {}, credential?: string): Driven {
  const { url, serviceAccountKey, tokenUrl } = sandbox.googleDataManager
  const driver = driven(googleAds, {
    settings: { baseUrl: url, tokenUrl, credential: 'env:KEY', firstPollSeconds: 1, ...accounts.GOOGLE_ADS, ...more },
    env: { KEY: credential ?? serviceAccountKey },
    recipientId: recipientId('google-ads'),
  })
  open.push(driver)
  return driver
}

const control = () => sandbox.googleDataManager.control
const membersOf = (address: string) =>
  control()
    .person({ address })
    .filter(({ member }) => member)
    .map(({ audienceId }) => audienceId)
    .sort()
const outcomes = async (told: ReturnType<Driven['assert']>) => [...(await told).values()]

beforeEach(() => control().reset())
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close()
})

describe('Google Ads and Display & Video, played', () => {
  it.each(['GOOGLE_ADS', 'DISPLAY_VIDEO_ADVERTISER'] as const)('takes a person off every list of %s', async (type) => {
    const person = { addresses: ['jane.doe@example.com'], deviceIds: [idfa.value], userIds: [userId.value] }
    control().seedEverywhere(person)
    const task = optOut('jane.doe@example.com', { identifiers: [...emails('jane.doe@example.com'), userId, idfa] })
    expect(await outcomes(connected(accounts[type]).assert([task]))).toEqual([{ kind: 'confirmed' }])
    const other = type === 'GOOGLE_ADS' ? accounts.DISPLAY_VIDEO_ADVERTISER : accounts.GOOGLE_ADS
    expect(membersOf('jane.doe@example.com')).toEqual(other.lists.map(({ id }) => id))
  })

  it('takes a Gmail address off a list that was filled by the rule of before 2026', async () => {
    control().seedFormerMember('7712345001', 'jane.doe+promo@gmail.com')
    control().seedMember('7712345101', 'jane.doe+promo@gmail.com')
    await connected().assert([optOut('jane.doe+promo@gmail.com')])
    expect(membersOf('jane.doe+promo@gmail.com')).toEqual(['7712345101'])
  })

  it('adds who said so, and forgets whoever is to be forgotten', async () => {
    control().know(['ada@example.org', 'dee@example.org'])
    control().seedMember('7712345001', 'dee@example.org')
    const told = connected().assert([
      optIn('ada@example.org'),
      anErasure('dee@example.org', { ...ads, identifiers: emails('dee@example.org') }),
    ])
    expect(await outcomes(told)).toEqual([{ kind: 'confirmed' }, { kind: 'confirmed' }])
    expect([membersOf('ada@example.org'), membersOf('dee@example.org')]).toEqual([['7712345001'], []])
  })

  it('removes ten thousand people by one request', async () => {
    control().seedMembers('7712345001', { count: 10_000 })
    const told = connected().assert(Array.from({ length: 10_000 }, (_, index) => optOut(`person-${index + 1}@example.com`)))
    expect(new Set((await outcomes(told)).map(({ kind }) => kind))).toEqual(new Set(['confirmed']))
    expect(
      control()
        .beliefs()
        .filter(({ member }) => member),
    ).toEqual([])
    const writes = control()
      .requestTotals()
      .filter(({ path }) => path.includes('audienceMembers'))
    expect(writes.map(({ method, path }) => [method, path])).toEqual([['POST', '/v1/audienceMembers:remove']])
  })

  it('sets a poisoned member aside and tells of the others in the same step', async () => {
    control().seedMembers('7712345001', { count: 3 })
    control().misbehave({ kind: 'poison', match: { address: 'person-2@example.com' } })
    const tasks = [1, 2, 3].map((n) => optOut(`person-${n}@example.com`))
    const told = await connected().assert(tasks)
    expect(tasks.map(({ deliveryId }) => told.get(deliveryId))).toEqual([
      { kind: 'confirmed' },
      { kind: 'rejected', reason: 'item.refused' },
      { kind: 'confirmed' },
    ])
    expect([1, 2, 3].map((n) => membersOf(`person-${n}@example.com`).length)).toEqual([0, 1, 0])
  })

  it('asks the kit to halve a batch of which some failed later, and to send all of it again for a fault of the vendor', async () => {
    control().seedMembers('7712345001', { count: 2 })
    const tasks = [1, 2].map((n) => optOut(`person-${n}@example.com`))
    control().misbehave({ kind: 'poison-late', match: { address: 'person-2@example.com' } })
    expect(await outcomes(connected().assert(tasks))).toEqual(Array(2).fill({ kind: 'deferred', reason: 'batch.partly-processed' }))
    control().behave()
    for (const kind of ['partial-late', 'fails-late'] as const) {
      control().misbehave({ kind, count: 1 })
      expect(await outcomes(connected().assert(tasks))).toEqual(Array(2).fill({ kind: 'deferred', reason: 'unavailable.internal-error' }))
    }
  })

  it('follows a status that is unknown for a while', async () => {
    control().misbehave({ kind: 'status-unknown', count: 3 })
    expect(await outcomes(connected().assert([optOut('ada@example.org')]))).toEqual([{ kind: 'confirmed' }])
  })

  it('renews a token that was recalled', async () => {
    const driver = connected()
    await driver.assert([optOut('ada@example.org')])
    control().recallTokens()
    expect(await outcomes(driver.assert([optOut('bob@example.org')]))).toEqual([{ kind: 'confirmed' }])
  })

  it('signs in as a user on behalf of a project, and with a bare token', async () => {
    const { clientId, clientSecret, refreshToken, projectId, accessToken } = sandbox.googleDataManager
    const user = JSON.stringify({ type: 'authorized_user', client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken })
    expect(await outcomes(connected({ project: projectId }, user).assert([optOut('ada@example.org')]))).toEqual([{ kind: 'confirmed' }])
    expect(await outcomes(connected({}, user).assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'auth.permission-denied' },
    ])
    expect(await outcomes(connected({}, accessToken).assert([optOut('ada@example.org')]))).toEqual([{ kind: 'confirmed' }])
  })

  it.each([
    ['rate-limited', 'unavailable.rate-limited'],
    ['server-error', 'unavailable.server-error'],
    ['bad-gateway-html', 'unavailable.server-error'],
    ['revoked-key', 'auth.token-refused'],
    ['forbidden-no-body', 'auth.forbidden'],
  ] as const)('rejects nobody while it is in trouble: %s', async (kind, reason) => {
    control().misbehave({ kind })
    const [outcome] = await outcomes(connected().assert([optOut('ada@example.org')]))
    expect(outcome).toMatchObject({ kind: 'deferred', reason })
  })

  it('may be told twice: what was applied and never answered is applied once more', async () => {
    control().seedMember('7712345001', 'ada@example.org')
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1, match: { path: 'audienceMembers' } })
    const driver = connected()
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason: 'unavailable.reset' }])
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([{ kind: 'confirmed' }])
    expect(membersOf('ada@example.org')).toEqual([])
  })

  it('says when a day is spent', async () => {
    control().configure({ perDay: 1 })
    const driver = connected()
    await driver.begin([optOut('ada@example.org')])
    expect(await outcomes(driver.assert([optOut('bob@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'unavailable.daily-quota-spent', retryAfterSeconds: 7_200 },
    ])
    control().configure({ perDay: 100_000 })
  })

  it.each([
    [{ lists: [{ id: '1', holds: 'contact' }] }, 'configuration.invalid-user-list-id'],
    [{ lists: [{ id: '7712345002', holds: 'contact' }] }, 'configuration.invalid-user-list-type'],
    [{ operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '1' } }, 'auth.permission-denied'],
  ])('rejects nobody where the set-up is wrong: %j', async (more, reason) => {
    expect(await outcomes(connected(more).assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason }])
  })
})
