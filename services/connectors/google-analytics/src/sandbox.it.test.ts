import type { ResolvedIdentifier } from '@heed/connector-kit'
import { type Sandbox, startSandbox } from '@heed/sandbox'
import { anErasure, anOptOut, type Driven, driven, emailIdentifiers, recipientId } from '@heed/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { googleAnalytics } from './connector.ts'

const analytics = { recipientId: 'google-analytics', purposes: ['analytics', 'cross-device-linking'] }
const raw = (kind: ResolvedIdentifier['kind'], value: string): ResolvedIdentifier => ({ kind, form: 'raw', value })
const jane = {
  addresses: ['Jane.Doe+promo@Gmail.com'],
  phones: ['+1 415 555 0123'],
  userIds: ['crm-000481'],
  clientIds: ['1234567890.1700000000'],
  appInstanceIds: ['0123456789abcdef0123456789abcdef'],
}
const ids = [
  raw('user-id', 'crm-000481'),
  raw('browser-id', '1234567890.1700000000'),
  raw('app-instance-id', '0123456789abcdef0123456789abcdef'),
]
const identifiers = [...ids, raw('phone', '+14155550123'), ...emailIdentifiers('Jane.Doe+promo@Gmail.com', 'google-analytics-email')]

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['google-analytics'], googleAnalytics: { properties: ['312345678', '312345679'] } })
})
afterAll(() => sandbox.stop())

const control = () => sandbox.googleAnalytics.control
const open: Driven[] = []
function connected(more: object = {}): Driven {
  const { url, serviceAccountKey, tokenUrl } = sandbox.googleAnalytics
  const driver = driven(googleAnalytics, {
    settings: { baseUrl: url, tokenUrl, credential: 'env:KEY', properties: ['312345678', '312345679'], ...more },
    env: { KEY: serviceAccountKey },
    recipientId: recipientId('google-analytics'),
  })
  open.push(driver)
  return driver
}
const states = () =>
  new Set(
    control()
      .beliefs()
      .map(({ state }) => state),
  )
const outcomes = async (told: ReturnType<Driven['assert']>) => [...(await told).values()]
const bob = anOptOut('bob@example.org', { ...analytics, identifiers: [raw('user-id', 'crm-000482')] })

beforeEach(() => {
  control().reset()
  control().configure({ deletionsPerDay: 500 })
})
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close()
})

describe('Google Analytics, played', () => {
  it('has every property forget a person under every name, and gives its time as the receipt', async () => {
    for (const property of ['312345678', '312345679']) control().seedMember(property, jane)
    expect(states()).toEqual(new Set(['recorded']))
    const [outcome] = await outcomes(connected().assert([anOptOut('jane@example.org', { ...analytics, identifiers })]))
    expect(outcome).toMatchObject({ kind: 'accepted', final: true, receipt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) })
    expect(control().beliefs()).toHaveLength(10)
    expect(states()).toEqual(new Set(['deletion-requested']))
    expect(
      control()
        .requests()
        .map(({ remark }) => remark)
        .filter(Boolean),
    ).toEqual([])
  })

  it('takes the older interface for what that knows', async () => {
    control().seedMember('312345678', { ...jane, addresses: [], phones: [] })
    const told = connected({ api: 'v3', properties: ['312345678'] }).assert([anErasure('jane@example.org', { ...analytics, identifiers })])
    expect(await outcomes(told)).toMatchObject([{ kind: 'accepted', final: true }])
    expect(states()).toEqual(new Set(['deletion-requested']))
  })

  it('says when the day is spent', async () => {
    control().configure({ deletionsPerDay: 1 })
    const driver = connected({ properties: ['312345678'] })
    await driver.assert([bob])
    const [outcome] = await outcomes(driver.assert([bob]))
    expect(outcome).toEqual({ kind: 'deferred', reason: 'unavailable.daily-quota-spent', retryAfterSeconds: 21_600 })
  })

  it('renews a token that was recalled', async () => {
    const driver = connected()
    await driver.assert([bob])
    control().recallTokens()
    expect(await outcomes(driver.assert([bob]))).toMatchObject([{ kind: 'accepted' }])
  })

  it.each([
    ['rate-limited', /^unavailable\.rate-limited$/],
    ['quota-as-403', /^unavailable\.rate-limited$/],
    ['permission-denied', /^auth\.permission-denied$/],
    ['forbidden-no-body', /^auth\.forbidden$/],
    ['revoked-key', /^auth\.token-refused$/],
    ['unavailable', /^unavailable\.server-error$/],
    ['server-error', /^unavailable\.server-error$/],
    ['bad-gateway-html', /^unavailable\.server-error$/],
  ] as const)('rejects nobody while it is in trouble: %s', async (kind, reason) => {
    control().misbehave({ kind })
    const [outcome] = await outcomes(connected().assert([bob]))
    expect(outcome).toMatchObject({ kind: 'deferred', reason: expect.stringMatching(reason) })
  })

  it('asks a person about an identifier that it will not take', async () => {
    control().misbehave({ kind: 'poison', match: { hash: 'crm-000482' } })
    expect(await outcomes(connected().assert([bob]))).toEqual([{ kind: 'rejected', reason: 'item.invalid-argument' }])
  })

  it('rejects nobody where the property is not there', async () => {
    const told = connected({ properties: ['1'] }).assert([bob])
    expect(await outcomes(told)).toEqual([{ kind: 'deferred', reason: 'configuration.property-not-found' }])
  })
})
