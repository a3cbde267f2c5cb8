import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Logger, silentLogger } from '@heed/platform/log'
import { type Sandbox, startSandbox } from '@heed/sandbox'
import { anErasure, anOptIn, anOptOut, type Driven, driven, emailIdentifiers, recipientId, type TaskOptions } from '@heed/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { microsoftAds } from './connector.ts'

const purposes = { recipientId: 'microsoft-advertising', purposes: ['interest-based-advertising'] }
const emails = (...addresses: string[]) => addresses.flatMap((address) => emailIdentifiers(address, 'plain-sha256-hex'))
const optOut = (address: string, options: TaskOptions = {}) => anOptOut(address, { ...purposes, identifiers: emails(address), ...options })
const optIn = (address: string, options: TaskOptions = {}) => anOptIn(address, { ...purposes, identifiers: emails(address), ...options })

const customers = '834700001'
const visitors = '9223372036854775807'
let sandbox: Sandbox
let folder: string
let file: string
beforeAll(async () => {
  const audiences = [customers, visitors].map((id) => ({ id, name: id }))
  sandbox = await startSandbox({ port: 0, vendors: ['microsoft'], microsoft: { audiences, rotation: 'ends-old' } })
  folder = await mkdtemp(join(tmpdir(), 'heed-microsoft-'))
  file = join(folder, 'refresh-token')
})
afterAll(async () => {
  await sandbox.stop()
  await rm(folder, { recursive: true })
})

const control = () => sandbox.microsoft.control
const open: Driven[] = []
function connected(more: object = {}, log: Logger = silentLogger): Driven {
  const { url, tokenUrl, clientId, clientSecret, developerToken, customerId, customerAccountId } = sandbox.microsoft
  const driver = driven(microsoftAds, {
    settings: {
      baseUrl: url,
      tokenUrl,
      credentials: { clientId: 'env:ID', clientSecret: 'env:SECRET', developerToken: 'env:DEVELOPER' },
      refreshTokenFile: file,
      customerId,
      customerAccountId,
      audiences: [customers, visitors],
      checkAudiences: false,
      ...more,
    },
    env: { ID: clientId, SECRET: clientSecret, DEVELOPER: developerToken },
    recipientId: recipientId('microsoft-advertising'),
    log,
  })
  open.push(driver)
  return driver
}
const listsOf = (address: string) =>
  control()
    .person({ address })
    .filter(({ member }) => member)
    .map(({ audienceId }) => audienceId)
    .sort()
const outcomes = async (told: ReturnType<Driven['assert']>) => [...(await told).values()]
const accepted = { kind: 'accepted', final: true, receipt: expect.stringMatching(/^[0-9a-f-]{36}$/) }

beforeEach(async () => {
  control().reset()
  control().configure({ perMinute: 1_000, errorStatus: 'alternate', termsAccepted: true, rotation: 'ends-old' })
  await writeFile(file, sandbox.microsoft.refreshToken)
})
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close()
})

describe('Microsoft Advertising, played', () => {
  it('has a list that nobody configured: it is named in the log, once a day, and nothing waits for that', async () => {
    const told: unknown[] = []
    const log: Logger = { ...silentLogger, error: (...line) => void told.push(line) }
    const driver = connected({ audiences: [customers], checkAudiences: true }, log)
    for (const name of ['ada', 'bob']) expect(await outcomes(driver.assert([optOut(`${name}@example.org`)]))).toEqual([accepted])
    await expect
      .poll(() => told)
      .toEqual([[{ recipientId: 'microsoft-advertising', audiences: [visitors] }, 'microsoft-ads.lists-not-told']])
  })

  it('takes a person off every list, under every address', async () => {
    control().seedMember(customers, 'jane@example.org')
    control().seedMember(visitors, 'jane.doe+promo@example.com')
    const jane = optOut('jane@example.org', { identifiers: emails(' Jane@Example.org ', 'jane.doe+promo@example.com') })
    expect(await outcomes(connected().assert([jane]))).toEqual([accepted])
    expect([listsOf('jane@example.org'), listsOf('jane.doe+promo@example.com')]).toEqual([[], []])
  })

  it('adds who said so, and forgets whoever is to be forgotten', async () => {
    control().know(['ada@example.org'])
    control().seedMember(customers, 'dee@example.org')
    await connected().assert([
      optIn('ada@example.org'),
      anErasure('dee@example.org', { ...purposes, identifiers: emails('dee@example.org') }),
    ])
    expect([listsOf('ada@example.org'), listsOf('dee@example.org')]).toEqual([[customers, visitors], []])
  })

  it('removes ten thousand people by one request for each thousand', async () => {
    control().seedMembers(customers, { count: 10_000 })
    const driver = connected({ audiences: [customers] })
    for (let from = 0; from < 10_000; from += 1_000) {
      const tasks = Array.from({ length: 1_000 }, (_, index) => optOut(`person-${from + index + 1}@example.com`))
      expect(new Set((await outcomes(driver.assert(tasks))).map(({ kind }) => kind))).toEqual(new Set(['accepted']))
    }
    expect(
      control()
        .beliefs()
        .filter(({ member }) => member),
    ).toEqual([])
    expect(
      control()
        .requestTotals()
        .filter(({ path }) => path.endsWith('/Apply')),
    ).toMatchObject([{ requests: 10, items: 10_000 }])
  })

  it('refuses a poisoned person, puts off one that failed, and takes the others by two requests', async () => {
    const names = ['ada', 'bob', 'cy', 'dee']
    for (const name of names) control().seedMember(customers, `${name}@example.org`)
    control().misbehave({ kind: 'poison', match: { address: 'bob@example.org' } })
    control().misbehave({ kind: 'item-failed', match: { address: 'cy@example.org' }, count: 1 })
    const tasks = names.map((name) => optOut(`${name}@example.org`))
    const driver = connected({ audiences: [customers] })
    const told = await driver.assert(tasks)
    expect(tasks.map(({ deliveryId }) => told.get(deliveryId))).toEqual([
      accepted,
      { kind: 'rejected', reason: 'item.email-not-hashed' },
      { kind: 'deferred', reason: 'unavailable.server-error' },
      accepted,
    ])
    expect(names.map((name) => listsOf(`${name}@example.org`).length)).toEqual([0, 1, 1, 0])
    expect(await outcomes(driver.assert(tasks.slice(2, 3)))).toEqual([accepted])
  })

  it('believes nothing of an answer that says so, and may be told twice', async () => {
    control().seedMember(customers, 'ada@example.org')
    const driver = connected({ audiences: [customers] })
    control().misbehave({ kind: 'nothing-taken', count: 1 })
    const task = optOut('ada@example.org')
    expect(await outcomes(driver.assert([task]))).toEqual([{ kind: 'deferred', reason: 'unavailable.server-error' }])
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1, match: { path: 'Apply' } })
    expect(await outcomes(driver.assert([task]))).toEqual([{ kind: 'deferred', reason: 'unavailable.reset' }])
    expect(await outcomes(driver.assert([task]))).toEqual([accepted])
    expect(listsOf('ada@example.org')).toEqual([])
  })

  it('renews tokens that were recalled, whatever status that comes with, from refresh tokens that work once', async () => {
    const driver = connected({ audiences: [customers] })
    const held = new Set([await readFile(file, 'utf8')])
    for (let round = 0; round < 4; round += 1) {
      expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([accepted])
      held.add(await readFile(file, 'utf8'))
      control().recallTokens()
    }
    expect(held.size).toBe(5)
    // another process goes on with what stands in the file
    expect(await outcomes(connected({ audiences: [customers] }).assert([optOut('ada@example.org')]))).toEqual([accepted])
  })

  it('says when the refresh token is no good', async () => {
    await writeFile(file, 'revoked')
    expect(await outcomes(connected().assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason: 'auth.token-refused' }])
  })

  it.each(['expected', 'alternate'] as const)('rejects nobody while it is in trouble (statuses %s)', async (errorStatus) => {
    control().configure({ errorStatus })
    const driver = connected()
    for (const [kind, outcome] of [
      ['rate-limited', { kind: 'deferred', reason: 'unavailable.rate-limited', retryAfterSeconds: 60 }],
      ['rate-limited-bare', { kind: 'deferred', reason: 'unavailable.rate-limited' }],
      ['server-error', { kind: 'deferred', reason: 'unavailable.server-error' }],
      ['bad-gateway-html', { kind: 'deferred', reason: 'unavailable.server-error' }],
      ['forbidden-no-body', { kind: 'deferred', reason: 'auth.forbidden' }],
      ['no-access', { kind: 'deferred', reason: 'auth.no-right-to-account' }],
      ['login-refused', { kind: 'deferred', reason: 'auth.login-refused' }],
      ['wrong-identity', { kind: 'deferred', reason: 'auth.wrong-identity' }],
      ['revoked-key', { kind: 'deferred', reason: 'auth.token-refused' }],
    ] as const) {
      control().misbehave({ kind })
      expect([kind, ...(await outcomes(driver.assert([optOut('ada@example.org')])))]).toEqual([kind, outcome])
      control().behave()
    }
  })

  it('waits for the terms', async () => {
    control().configure({ termsAccepted: false })
    expect(await outcomes(connected().assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'configuration.terms-not-accepted' },
    ])
  })

  it.each([
    [{ audiences: ['1'] }, 'configuration.list-missing'],
    [{ customerAccountId: '1' }, 'auth.no-right-to-account'],
  ])('rejects nobody where the set-up is wrong: %j', async (more, reason) => {
    expect(await outcomes(connected(more).assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason }])
  })
})
