import type { ResolvedIdentifier } from '@heed/connector-kit'
import { type Sandbox, startSandbox } from '@heed/sandbox'
import {
  anErasure,
  anOptIn,
  anOptOut,
  type Driven,
  driven,
  emailIdentifiers,
  recipientId,
  type TaskOptions,
  TurnedClock,
} from '@heed/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { linkedinAds } from './connector.ts'

const purposes = { recipientId: 'linkedin', purposes: ['social-audiences', 'interest-based-advertising'] }
const emails = (...addresses: string[]) => addresses.flatMap((address) => emailIdentifiers(address, 'nows-sha256-hex'))
const optOut = (address: string, options: TaskOptions = {}) => anOptOut(address, { ...purposes, identifiers: emails(address), ...options })
const optIn = (address: string, options: TaskOptions = {}) => anOptIn(address, { ...purposes, identifiers: emails(address), ...options })
const gaid: ResolvedIdentifier = { kind: 'gaid', form: 'raw', value: 'c0a8f3d2-5b41-4e77-9d0a-2f6b8e1c4a93' }

const customers = '12345678'
const visitors = '12345679'
let sandbox: Sandbox
beforeAll(async () => {
  const segments = [customers, visitors].map((id) => ({ id, name: id }))
  sandbox = await startSandbox({ port: 0, vendors: ['linkedin'], linkedin: { segments, settleMs: 0 } })
})
afterAll(() => sandbox.stop())

const control = () => sandbox.linkedin.control
const open: Driven[] = []
function connected(more: object = {}, refreshToken?: string): Driven {
  const { url, tokenUrl, clientId, clientSecret } = sandbox.linkedin
  const driver = driven(linkedinAds, {
    settings: {
      baseUrl: url,
      tokenUrl,
      credentials: { clientId: 'env:ID', clientSecret: 'env:SECRET', refreshToken: 'env:REFRESH' },
      apiVersion: '202607',
      segments: [customers, visitors],
      ...more,
    },
    env: { ID: clientId, SECRET: clientSecret, REFRESH: refreshToken ?? sandbox.linkedin.refreshToken },
    recipientId: recipientId('linkedin'),
    clock,
  })
  open.push(driver)
  return driver
}
let clock = new TurnedClock()
const segmentsOf = (address: string) =>
  control()
    .person({ address })
    .filter(({ member }) => member)
    .map(({ audienceId }) => audienceId)
    .sort()
const outcomes = async (told: ReturnType<Driven['assert']>) => [...(await told).values()]
const accepted = { kind: 'accepted', final: true, receipt: expect.stringMatching(/^[\w-]+:prod-demo:[\w-]+$/) }

beforeEach(() => {
  clock = new TurnedClock()
  control().reset()
})
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close()
})

describe('LinkedIn, played', () => {
  it('takes a person out of every segment, under every identifier', async () => {
    control().seedMember(customers, { addresses: ['jane@example.org'] })
    control().seedMember(visitors, { addresses: ['jane.doe+promo@example.com'] })
    control().seedMember(visitors, { addresses: ['kim@example.org'], deviceIds: [gaid.value] })
    const jane = optOut('jane@example.org', { identifiers: emails('jane@example.org', 'Jane.Doe+promo@example.com') })
    const kim = optOut('kim@example.org', { identifiers: [gaid] })
    expect(await outcomes(connected().assert([jane, kim]))).toEqual([accepted, accepted])
    expect(['jane@example.org', 'jane.doe+promo@example.com', 'kim@example.org'].flatMap(segmentsOf)).toEqual([])
  })

  it('adds who said so, and forgets whoever is to be forgotten, in one request', async () => {
    control().know(['ada@example.org'])
    control().seedMember(customers, 'dee@example.org')
    await connected({ segments: [customers] }).assert([
      optIn('ada@example.org'),
      anErasure('dee@example.org', { ...purposes, identifiers: emails('dee@example.org') }),
    ])
    expect([segmentsOf('ada@example.org'), segmentsOf('dee@example.org')]).toEqual([[customers], []])
    expect(
      control()
        .requestTotals()
        .filter(({ path }) => path.endsWith('/users')),
    ).toMatchObject([{ requests: 1, items: 2 }])
  })

  it('knows the longer hash too', async () => {
    control().seedMember(customers, 'jane@example.org')
    await connected().assert([optOut('jane@example.org', { identifiers: emailIdentifiers('jane@example.org', 'nows-sha512-hex') })])
    expect(segmentsOf('jane@example.org')).toEqual([])
  })

  it('removes ten thousand people by two requests', async () => {
    control().seedMembers(customers, { count: 10_000 })
    const tasks = Array.from({ length: 10_000 }, (_, index) => optOut(`person-${index + 1}@example.com`))
    const driver = connected({ segments: [customers] })
    const kinds = new Set((await outcomes(driver.assert(tasks))).map(({ kind }) => kind))
    expect(kinds).toEqual(new Set(['accepted']))
    expect(
      control()
        .beliefs()
        .filter(({ member }) => member),
    ).toEqual([])
    expect(
      control()
        .requestTotals()
        .filter(({ path }) => path.endsWith('/users')),
    ).toMatchObject([{ requests: 2, items: 10_000 }])
  })

  it('sets a poisoned element aside, and tries again one that was unavailable', async () => {
    for (const name of ['ada', 'bob', 'cy']) control().seedMember(customers, `${name}@example.org`)
    control().misbehave({ kind: 'poison', match: { address: 'bob@example.org' } })
    control().misbehave({ kind: 'element-unavailable', match: { address: 'cy@example.org' } })
    const tasks = ['ada', 'bob', 'cy'].map((name) => optOut(`${name}@example.org`))
    const driver = connected({ segments: [customers] })
    expect(await outcomes(driver.assert(tasks))).toEqual([
      accepted,
      { kind: 'rejected', reason: 'item.invalid' },
      { kind: 'deferred', reason: 'unavailable.server-error' },
    ])
    expect(['ada', 'bob', 'cy'].map((name) => segmentsOf(`${name}@example.org`).length)).toEqual([0, 1, 1])
  })

  it('believes nothing of an answer with another number of elements, and may be told twice', async () => {
    control().seedMember(customers, 'ada@example.org')
    control().misbehave({ kind: 'wrong-count', count: 1 })
    const driver = connected({ segments: [customers] })
    const tasks = [optOut('ada@example.org'), optOut('bob@example.org')]
    expect(await outcomes(driver.assert(tasks))).toEqual(Array(2).fill({ kind: 'deferred', reason: 'unavailable.answer-incomplete' }))
    expect(await outcomes(driver.assert(tasks))).toEqual([accepted, accepted])
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1, match: { path: 'users' } })
    expect(await outcomes(driver.assert(tasks))).toEqual(Array(2).fill({ kind: 'deferred', reason: 'unavailable.reset' }))
    expect(segmentsOf('ada@example.org')).toEqual([])
  })

  it('renews a token that was recalled, and says when the refresh token is no good', async () => {
    const driver = connected()
    await driver.assert([optOut('ada@example.org')])
    control().recallTokens()
    expect(await outcomes(driver.assert([optOut('bob@example.org')]))).toEqual([accepted])
    expect(await outcomes(connected({}, 'revoked').assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'auth.token-refused' },
    ])
  })

  it('waits longer each time for a limit that says nothing', async () => {
    control().misbehave({ kind: 'rate-limited' })
    const driver = connected({ segments: [customers] })
    const task = optOut('ada@example.org')
    const waits: unknown[] = []
    for (const turn of [60, 120, 240, 480]) {
      for (const outcome of await outcomes(driver.assert([task]))) waits.push(outcome)
      clock.turn(turn * 1000)
    }
    expect(waits).toEqual(
      [60, 120, 240, 480].map((seconds) => ({ kind: 'deferred', reason: 'unavailable.rate-limited', retryAfterSeconds: seconds })),
    )
    const untilMidnight = 86_400 - (Math.floor(clock.now() / 1000) % 86_400)
    const [last] = await outcomes(driver.assert([task]))
    expect(last?.kind === 'deferred' && Math.abs((last.retryAfterSeconds ?? 0) - untilMidnight) <= 5).toBe(true)
  })

  it.each([
    ['server-error', 'unavailable.server-error'],
    ['bad-gateway-html', 'unavailable.server-error'],
    ['forbidden-no-body', 'auth.forbidden'],
    ['no-access', 'auth.forbidden'],
    ['version-sunset', 'configuration.version-ended'],
    ['locked', 'unavailable.locked'],
    ['revoked-key', 'auth.token-refused'],
  ] as const)('rejects nobody while it is in trouble: %s', async (kind, reason) => {
    control().misbehave({ kind })
    expect(await outcomes(connected().assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason }])
  })

  it.each([
    [{ segments: ['1'] }, 'configuration.segment-missing'],
    [{ apiVersion: '202501' }, 'configuration.version-ended'],
  ])('rejects nobody where the set-up is wrong: %j', async (more, reason) => {
    expect(await outcomes(connected(more).assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason }])
  })
})
