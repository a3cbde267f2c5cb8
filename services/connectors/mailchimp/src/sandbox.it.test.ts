import { type Sandbox, startSandbox } from '@heed/sandbox'
import { anErasure, anOptIn, anOptOut, type Driven, driven, recipientId } from '@heed/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { mailchimp } from './connector.ts'

let sandbox: Sandbox
beforeAll(async () => {
  const audiences = [
    { id: 'l-marketing', name: 'Marketing', interests: [{ id: 'i-offers', name: 'offers' }] },
    { id: 'l-shop', name: 'Shop' },
  ]
  sandbox = await startSandbox({ port: 0, vendors: ['mailchimp'], mailchimp: { audiences, batchStageMs: 1 } })
})
afterAll(() => sandbox.stop())

const control = () => sandbox.mailchimp.control
const open: Driven[] = []
function connected(more: object = {}, key = sandbox.mailchimp.apiKey): Driven {
  const driver = driven(mailchimp, {
    settings: {
      baseUrl: sandbox.mailchimp.url,
      credential: 'env:KEY',
      audiences: [{ id: 'l-marketing', topics: { 'email-marketing/offers': 'i-offers' } }, { id: 'l-shop' }],
      ...more,
    },
    env: { KEY: key },
    recipientId: recipientId('mailchimp'),
  })
  open.push(driver)
  return driver
}
const outcomes = async (told: ReturnType<Driven['assert']>) => [...(await told).values()]
const statusesOf = (address: string) =>
  control()
    .person({ address })
    .map(({ status }) => status)
const confirmed = { kind: 'confirmed' }

beforeEach(() => control().reset())
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close()
})

describe('Mailchimp, played', () => {
  it('unsubscribes a person in every audience that has her, and hands over nobody whom it does not have', async () => {
    control().seedMember('l-marketing', 'Ada@example.org')
    control().seedMember('l-shop', 'ada@example.org')
    expect(await outcomes(connected().assert([anOptOut('ada@example.org'), anOptOut('bob@example.org')]))).toEqual([
      confirmed,
      { kind: 'notApplicable', reason: 'not-applicable.not-a-member' },
    ])
    expect(statusesOf('ada@example.org')).toEqual(['unsubscribed', 'unsubscribed'])
    expect(statusesOf('bob@example.org')).toEqual([])
  })

  it('turns a topic off and leaves the contact as it is', async () => {
    control().seedMember('l-marketing', 'ada@example.org')
    const task = anOptOut('ada@example.org', { wanted: { 'email-marketing': 'granted', 'email-marketing/offers': 'denied' } })
    expect(await outcomes(connected().assert([task]))).toEqual([confirmed])
    expect(control().person({ address: 'ada@example.org' })).toMatchObject([{ status: 'subscribed' }])
  })

  it('subscribes who said so, and forgets whoever is to be forgotten', async () => {
    control().seedMember('l-marketing', 'dee@example.org')
    const told = connected({ audiences: [{ id: 'l-marketing' }] }).assert([anOptIn('cy@example.org'), anErasure('dee@example.org')])
    expect(await outcomes(told)).toEqual([confirmed, confirmed])
    expect([statusesOf('cy@example.org'), statusesOf('dee@example.org')]).toEqual([['subscribed'], ['forgotten']])
  })

  it('takes many in one batch of its own, and says of each what became of it', async () => {
    const people = Array.from({ length: 120 }, (_, index) => `p-${index}@example.org`)
    for (const address of people.slice(1)) control().seedMember('l-marketing', address)
    const told = await outcomes(connected({ audiences: [{ id: 'l-marketing' }] }).assert(people.map((address) => anOptOut(address))))
    expect(told.map(({ kind }) => kind)).toEqual(['notApplicable', ...Array(119).fill('confirmed')])
    expect(
      control()
        .requestTotals()
        .filter(({ method }) => method === 'POST'),
    ).toMatchObject([{ path: '/3.0/batches', requests: 1 }])
  })

  it.each([
    ['one by one', 1],
    ['in a batch', 60],
  ])('whose audience is missing ends no duty, %s: that is no missing contact', async (_, count) => {
    const people = Array.from({ length: count }, (_, index) => anOptOut(`p-${index}@example.org`))
    expect(await outcomes(connected({ audiences: [{ id: 'l-gone' }] }).assert(people))).toEqual(
      Array(count).fill({ kind: 'deferred', reason: 'configuration.audience-missing' }),
    )
  })

  it('opens by the token of an app as well', async () => {
    control().seedMember('l-marketing', 'ada@example.org')
    const driver = connected({ credentialIs: 'oauth-token', audiences: [{ id: 'l-marketing' }] }, sandbox.mailchimp.oauthToken)
    expect(await outcomes(driver.assert([anOptOut('ada@example.org')]))).toEqual([confirmed])
  })

  it('that applied and never answered is told once more', async () => {
    control().seedMember('l-marketing', 'ada@example.org')
    const driver = connected({ audiences: [{ id: 'l-marketing' }] })
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1 })
    expect(await outcomes(driver.assert([anOptOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason: 'unavailable.reset' }])
    expect(await outcomes(driver.assert([anOptOut('ada@example.org')]))).toEqual([confirmed])
    expect(statusesOf('ada@example.org')).toEqual(['unsubscribed'])
  })

  it('refuses a poisoned contact alone', async () => {
    for (const name of ['ada', 'bob']) control().seedMember('l-marketing', `${name}@example.org`)
    control().misbehave({ kind: 'poison', match: { address: 'bob@example.org' } })
    const told = connected({ audiences: [{ id: 'l-marketing' }] }).assert([anOptOut('ada@example.org'), anOptOut('bob@example.org')])
    expect(await outcomes(told)).toEqual([confirmed, { kind: 'rejected', reason: 'item.invalid' }])
  })

  it.each([
    ['rate-limited', 'unavailable.rate-limited'],
    ['forbidden-no-body', 'unavailable.rate-limited'],
    ['bad-gateway-html', 'unavailable.server-error'],
    ['server-error', 'unavailable.server-error'],
    ['revoked-key', 'auth.key-invalid'],
    ['user-disabled', 'auth.forbidden'],
    ['down', 'unavailable.reset'],
  ] as const)('rejects nobody while it is in trouble: %s', async (kind, reason) => {
    control().seedMember('l-marketing', 'ada@example.org')
    control().misbehave({ kind })
    expect(await outcomes(connected({ audiences: [{ id: 'l-marketing' }] }).assert([anOptOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason },
    ])
    expect(statusesOf('ada@example.org')).toEqual(['subscribed'])
  })

  it('confirms whoever left by herself, and never takes her in again', async () => {
    control().seedMember('l-marketing', 'ada@example.org')
    control().act('l-marketing', 'ada@example.org', 'unsubscribes')
    const driver = connected({ audiences: [{ id: 'l-marketing' }] })
    expect(await outcomes(driver.assert([anOptOut('ada@example.org')]))).toEqual([confirmed])
    expect(await outcomes(driver.assert([anOptIn('ada@example.org', { version: 2 })]))).toEqual([
      { kind: 'notApplicable', reason: 'not-applicable.needs-the-person-at-the-vendor' },
    ])
    expect(statusesOf('ada@example.org')).toEqual(['unsubscribed'])
  })
})
