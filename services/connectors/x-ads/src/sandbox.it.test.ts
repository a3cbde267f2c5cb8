import { createHash } from 'node:crypto'
import type { ResolvedIdentifier } from '@heed/connector-kit'
import { deriveForm, type IdentifierKind } from '@heed/domain'
import { type Logger, silentLogger } from '@heed/platform/log'
import { type Sandbox, startSandbox } from '@heed/sandbox'
import { anErasure, anOptIn, anOptOut, type Driven, driven, recipientId, type TaskOptions } from '@heed/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { xAds } from './connector.ts'

const identifier = (kind: IdentifierKind, form: string, text: string): ResolvedIdentifier => {
  const [value = ''] = deriveForm(kind, text, form, (name, utf8) => createHash(name).update(utf8).digest())
  return { kind, form, value }
}
const email = (address: string) => identifier('email', 'plain-sha256-hex', address)
const purposes = { recipientId: 'x', purposes: ['social-audiences', 'interest-based-advertising'] }
const optOut = (address: string, options: TaskOptions = {}) => anOptOut(address, { ...purposes, identifiers: [email(address)], ...options })
const optIn = (address: string, options: TaskOptions = {}) => anOptIn(address, { ...purposes, identifiers: [email(address)], ...options })

const customers = '1exmp'
const visitors = '2exmp'
let sandbox: Sandbox
beforeAll(async () => {
  const audiences = [customers, visitors].map((id) => ({ id, name: id }))
  sandbox = await startSandbox({ port: 0, vendors: ['x'], x: { audiences, doNotReachList: true } })
})
afterAll(() => sandbox.stop())

const control = () => sandbox.x.control
const open: Driven[] = []
function connected(more: object = {}, tokenSecret?: string, log: Logger = silentLogger): Driven {
  const { url, accountId, consumerKey, consumerSecret, token } = sandbox.x
  const driver = driven(xAds, {
    settings: {
      baseUrl: url,
      credentials: { consumerKey: 'env:CK', consumerSecret: 'env:CS', accessToken: 'env:AT', accessTokenSecret: 'env:ATS' },
      accountId,
      audiences: [customers, visitors],
      checkAudiences: false,
      ...more,
    },
    env: { CK: consumerKey, CS: consumerSecret, AT: token, ATS: tokenSecret ?? sandbox.x.tokenSecret },
    recipientId: recipientId('x'),
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
const accepted = { kind: 'accepted', final: true }

beforeEach(() => {
  control().reset()
  control().configure({ perMinute: 1_500 })
})
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close()
})

describe('X, played', () => {
  it('has an audience that nobody configured: it is named in the log, once a day, and nothing waits for that', async () => {
    const told: unknown[] = []
    const log: Logger = { ...silentLogger, error: (...line) => void told.push(line) }
    const driver = connected({ audiences: [customers], checkAudiences: true }, undefined, log)
    for (const name of ['ada', 'bob']) expect(await outcomes(driver.assert([optOut(`${name}@example.org`)]))).toEqual([accepted])
    await expect.poll(() => told).toEqual([[{ recipientId: 'x', audiences: [visitors] }, 'x-ads.audiences-not-told']])
  })

  it('takes a person out of every audience by any of her keys', async () => {
    const device = 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93'
    control().seedMember(customers, { addresses: ['jane@example.org'] })
    control().seedMember(visitors, { addresses: ['kim@example.org'], phones: ['+14155550123'] })
    control().seedMember(visitors, { addresses: ['lee@example.org'], userIds: ['crm-000481'] })
    control().seedMember(customers, { addresses: ['mia@example.org'], deviceIds: [device] })
    const told = connected().assert([
      optOut('jane@example.com', { identifiers: [email('jane@example.com'), email('Jane@example.org')] }),
      optOut('kim@example.com', { identifiers: [email('kim@example.com'), identifier('phone', 'e164-sha256-hex', '+14155550123')] }),
      optOut('lee@example.com', { identifiers: [{ kind: 'user-id', form: 'raw', value: 'crm-000481' }] }),
      optOut('mia@example.com', { identifiers: [identifier('idfa', 'device-sha256-hex', device)] }),
    ])
    expect(await outcomes(told)).toEqual(Array(4).fill(accepted))
    expect(['jane', 'kim', 'lee', 'mia'].flatMap((name) => listsOf(`${name}@example.org`))).toEqual([])
    expect(control().requestTotals()).toMatchObject([{ requests: 2, items: 8 }])
  })

  it('adds who said so, and forgets whoever is to be forgotten, in one request', async () => {
    control().know(['ada@example.org'])
    control().seedMember(customers, 'dee@example.org')
    const driver = connected({ audiences: [customers] })
    await driver.assert([optIn('ada@example.org'), anErasure('dee@example.org', { ...purposes, identifiers: [email('dee@example.org')] })])
    expect([listsOf('ada@example.org'), listsOf('dee@example.org')]).toEqual([[customers], []])
    expect(control().requestTotals()).toMatchObject([{ requests: 1, items: 2 }])
  })

  it('puts whoever opts out on the Do Not Reach List, and takes her off it when she comes back', async () => {
    control().know(['ada@example.org'])
    control().seedMember(customers, 'ada@example.org')
    const driver = connected({ doNotReachList: sandbox.x.doNotReachListId })
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([accepted])
    expect(listsOf('ada@example.org')).toEqual([sandbox.x.doNotReachListId])
    await driver.assert([optIn('ada@example.org', { version: 2 })])
    expect(listsOf('ada@example.org')).toEqual([customers, visitors])
  })

  it('removes ten thousand people by one request for each 2,500', async () => {
    control().seedMembers(customers, { count: 10_000 })
    const driver = connected({ audiences: [customers] })
    for (let from = 0; from < 10_000; from += 2_500) {
      const tasks = Array.from({ length: 2_500 }, (_, index) => optOut(`person-${from + index + 1}@example.com`))
      expect(new Set((await outcomes(driver.assert(tasks))).map(({ kind }) => kind))).toEqual(new Set(['accepted']))
    }
    expect(
      control()
        .beliefs()
        .filter(({ member }) => member),
    ).toEqual([])
    expect(control().requestTotals()).toMatchObject([{ requests: 4, items: 10_000 }])
  })

  it('keeps a body of many devices below the limit of the vendor', async () => {
    const tasks = Array.from({ length: 300 }, (_, person) =>
      optOut(`p${person}@example.org`, {
        identifiers: Array.from({ length: 400 }, (_, own) => ({
          kind: 'gaid' as const,
          form: 'device-sha256-hex',
          value: createHash('sha256').update(`${person}/${own}`).digest('hex'),
        })),
      }),
    )
    const driver = connected({ audiences: [customers] })
    expect(new Set((await outcomes(driver.assert(tasks))).map(({ kind }) => kind))).toEqual(new Set(['accepted']))
    expect(control().requestTotals()).toMatchObject([{ requests: 2, status: 200 }])
  })

  it('refuses a poisoned person, and takes all others in the same attempt', async () => {
    const names = ['ada', 'bob', 'cy', 'dee']
    for (const name of names) control().seedMember(customers, `${name}@example.org`)
    control().misbehave({ kind: 'poison', match: { address: 'bob@example.org' } })
    const told = connected({ audiences: [customers] }).assert(names.map((name) => optOut(`${name}@example.org`)))
    expect(await outcomes(told)).toEqual(
      expect.arrayContaining([accepted, accepted, { kind: 'rejected', reason: 'item.invalid' }, accepted]),
    )
    expect(names.map((name) => listsOf(`${name}@example.org`).length)).toEqual([0, 1, 0, 0])
  })

  it('repeats what was counted wrongly, once at once and then in halves', async () => {
    control().seedMember(customers, 'ada@example.org')
    const driver = connected({ audiences: [customers] })
    const tasks = [optOut('ada@example.org'), optOut('bob@example.org')]
    control().misbehave({ kind: 'miscount', count: 1 })
    expect(await outcomes(driver.assert(tasks))).toEqual([accepted, accepted])
    expect(listsOf('ada@example.org')).toEqual([])
    control().misbehave({ kind: 'miscount' })
    expect(await outcomes(driver.assert(tasks))).toEqual(Array(2).fill({ kind: 'deferred', reason: 'batch.counts-differ' }))
  })

  it('may be told twice: what was applied and never answered is applied once more', async () => {
    control().seedMember(customers, 'ada@example.org')
    const driver = connected({ audiences: [customers] })
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1 })
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason: 'unavailable.reset' }])
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([accepted])
    expect(listsOf('ada@example.org')).toEqual([])
  })

  it('waits until the reset that the vendor names, the account’s before the token’s', async () => {
    const driver = connected({ audiences: [customers] })
    const waits = async () => {
      const [outcome] = await outcomes(driver.assert([optOut('ada@example.org')]))
      return outcome?.kind === 'deferred' && outcome.reason === 'unavailable.rate-limited' ? outcome.retryAfterSeconds : undefined
    }
    control().misbehave({ kind: 'account-limited', retryAfterSeconds: 300, count: 1 })
    expect(await waits()).toBeGreaterThan(295)
    control().misbehave({ kind: 'rate-limited', retryAfterSeconds: 20, count: 1 })
    const own = await waits()
    expect(own !== undefined && own > 15 && own <= 21).toBe(true)
  })

  it.each([
    ['over-capacity', { kind: 'deferred', reason: 'unavailable.server-error', retryAfterSeconds: 5 }],
    ['server-error', { kind: 'deferred', reason: 'unavailable.server-error' }],
    ['bad-gateway-html', { kind: 'deferred', reason: 'unavailable.server-error' }],
    ['forbidden-no-body', { kind: 'deferred', reason: 'auth.forbidden' }],
    ['locked', { kind: 'deferred', reason: 'unavailable.locked' }],
    ['cancelled', { kind: 'deferred', reason: 'unavailable.cancelled' }],
    ['not-allowed', { kind: 'deferred', reason: 'auth.app-not-allowed' }],
    ['revoked-key', { kind: 'deferred', reason: 'auth.unauthorized' }],
  ] as const)('rejects nobody while it is in trouble: %s', async (kind, outcome) => {
    control().misbehave({ kind })
    expect(await outcomes(connected().assert([optOut('ada@example.org')]))).toEqual([outcome])
  })

  it.each([
    [{ audiences: ['9exmp'] }, 'configuration.audience-not-found'],
    [{ accountId: 'other' }, 'auth.account-not-found'],
    [{ doNotReachList: '9dnr' }, 'configuration.audience-not-found'],
  ])('rejects nobody where the set-up is wrong: %j', async (more, reason) => {
    expect(await outcomes(connected(more).assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason }])
  })

  it('is not believed with another secret', async () => {
    expect(await outcomes(connected({}, 'another').assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'auth.unauthorized' },
    ])
  })
})
