import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Sandbox, startSandbox } from '@heed/sandbox'
import { anErasure, anOptIn, anOptOut, type Driven, driven, recipientId, type TaskOptions } from '@heed/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { supplierFeed } from './connector.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({
    port: 0,
    vendors: ['supplier-feed'],
    supplierFeed: {
      partners: [
        { name: 'suppliers' },
        {
          name: 'affiliates',
          signature: 'ed25519',
          answers: 'by-call',
          identities: [
            { type: 'email', format: 'sha256', profile: 'plain-sha256-hex' },
            { type: 'controller_customer_id', format: 'raw', profile: null },
          ],
        },
      ],
    },
  })
})
afterAll(() => sandbox.stop())
const control = () => sandbox.supplierFeed.control
const open: Driven[] = []
beforeEach(() => control().reset())
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close()
})

const partner = (name: string) => {
  const found = sandbox.supplierFeed.partners.find((one) => one.name === name)
  if (found === undefined) throw new Error('no such partner')
  return found
}
function connected(name = 'suppliers', more: object = {}, env: Record<string, string> = {}): Driven {
  const { url, signingKey } = partner(name)
  const driver = driven(supplierFeed, {
    settings: {
      url,
      trustedHosts: new URL(url).host,
      credential: 'env:KEY',
      signature: name === 'affiliates' ? 'ed25519' : 'symmetric',
      acknowledgement: name === 'affiliates' ? 'callback' : 'in-response',
      ...more,
    },
    env: { HEED_ENV: 'development', KEY: signingKey, ...env },
    recipientId: recipientId(name),
  })
  open.push(driver)
  return driver
}
const options: TaskOptions = { recipientId: 'suppliers', purposes: ['supplier-sharing'], form: 'plain-sha256-hex' }
const optOut = (address: string, more: TaskOptions = {}) => anOptOut(address, { ...options, ...more })
const optIn = (address: string, more: TaskOptions = {}) => anOptIn(address, { ...options, ...more })
const states = (address: string) =>
  control()
    .person({ address })
    .map(({ partner: name, purpose, topic, state }) => [name, topic ?? purpose ?? 'everything', state].join(' '))
    .sort()
const outcomes = async (told: ReturnType<Driven['assert']>) => [...(await told).values()]
const statuses = () =>
  control()
    .requests()
    .map(({ status }) => status)

describe('a partner, played', () => {
  it('takes a refusal, a consent and an erasure, each once', async () => {
    const driver = connected()
    expect(await outcomes(driver.assert([optOut('ada@example.org'), optIn('bob@example.org')]))).toEqual([
      { kind: 'confirmed' },
      { kind: 'confirmed' },
    ])
    expect([states('ada@example.org'), states('bob@example.org')]).toEqual([
      ['suppliers supplier-sharing opted-out'],
      ['suppliers supplier-sharing opted-in'],
    ])
    await driver.assert([optOut('ada@example.org')])
    expect(control().ignored()).toEqual({ repeated: 1, stale: 0 })
    await driver.assert([anErasure('ada@example.org', { ...options, version: 2 })])
    expect(states('ada@example.org')).toEqual(['suppliers everything erased'])
  })

  it('is not misled by an older wish that arrives later', async () => {
    const driver = connected()
    await driver.assert([optOut('ada@example.org', { version: 5 })])
    expect(await outcomes(driver.assert([optIn('ada@example.org', { version: 4 })]))).toEqual([{ kind: 'confirmed' }])
    expect(states('ada@example.org')).toEqual(['suppliers supplier-sharing opted-out'])
    expect(control().ignored()).toEqual({ repeated: 0, stale: 1 })
  })

  it('takes a wish again that is asked for anew', async () => {
    const driver = connected()
    await driver.assert([optOut('ada@example.org')])
    await driver.assert([optOut('ada@example.org', { assertion: 17 })])
    expect(control().ignored()).toEqual({ repeated: 0, stale: 0 })
  })

  it('knows several identities of a person, and takes Ed25519 and a call afterwards for what they are', async () => {
    const task = optOut('ada@example.org', {
      recipientId: 'affiliates',
      wanted: { 'affiliate-sharing': 'denied', 'email-marketing/offers': 'denied' },
      identifiers: [...optOut('ada@example.org').identifiers, { kind: 'user-id', form: 'raw', value: 'crm-17' }],
    })
    const { jobs } = await connected('affiliates').begin([task])
    expect(jobs).toHaveLength(4)
    expect(states('ada@example.org')).toEqual(['affiliates affiliate-sharing opted-out', 'affiliates offers opted-out'])
    expect(control().person({ hash: 'crm-17' })).toHaveLength(2)
    await expect
      .poll(() =>
        control()
          .calls()
          .map(({ requestId }) => requestId)
          .sort(),
      )
      .toEqual(jobs.map(({ job }) => job.id).sort())
  })

  it('does not take what it has not agreed on', async () => {
    const driver = connected('suppliers')
    const raw = optOut('ada@example.org', { identifiers: [{ kind: 'email', form: 'raw', value: 'ada@example.org' }] })
    expect(await outcomes(driver.assert([raw]))).toEqual([{ kind: 'deferred', reason: 'item.refused' }])
    expect(states('ada@example.org')).toEqual([])
    expect(control().requests().at(-1)?.remark).toBe('identity.form-not-agreed')
  })
})

describe('a key', () => {
  it('that is another one is refused, for the ping already', async () => {
    const wrong = { KEY: `whsec_${Buffer.alloc(32, 1).toString('base64')}` }
    expect(await outcomes(connected('suppliers', {}, wrong).assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'auth.refused' },
    ])
    expect(states('ada@example.org')).toEqual([])
  })

  it('is rotated without a gap: both sign while the partner changes over', async () => {
    const before = partner('suppliers').signingKey
    const fresh = control().rotateKey('suppliers')
    for (const KEY of [before, fresh, `${fresh} ${before}`])
      expect(await outcomes(connected('suppliers', {}, { KEY }).assert([optOut('ada@example.org')]))).toEqual([{ kind: 'confirmed' }])
    await sandbox.clock.advance(86_401)
    expect(await outcomes(connected('suppliers', {}, { KEY: before }).assert([optOut('ada@example.org')]))).toMatchObject([
      { reason: 'auth.refused' },
    ])
    expect(await outcomes(connected('suppliers', {}, { KEY: `${before} ${fresh}` }).assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'confirmed' },
    ])
  })
})

describe('trouble', () => {
  it.each([
    ['redirect', 'configuration.redirected'],
    ['gone', 'configuration.endpoint-gone'],
    ['missing', 'configuration.endpoint-missing'],
    ['revoked-key', 'auth.refused'],
    ['forbidden-no-body', 'auth.refused'],
    ['server-error', 'unavailable.server-error'],
    ['bad-gateway-html', 'unavailable.server-error'],
    ['rate-limited', 'unavailable.rate-limited'],
    ['down', 'unavailable.reset'],
    ['poison', 'item.refused'],
  ] as const)('of the kind %s rejects nobody', async (kind, reason) => {
    const driver = connected()
    await driver.assert([optOut('first@example.org')])
    control().misbehave({ kind })
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason }])
    expect(states('ada@example.org')).toEqual([])
    control().behave()
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([{ kind: 'confirmed' }])
  })

  it.each([
    ['rate-limited', { retryAfterSeconds: 30 }],
    ['limited-until', { retryAfterSeconds: 30 }],
  ] as const)('that says how long it lasts is believed: %s', async (kind, more) => {
    control().misbehave({ kind, ...more })
    const [outcome] = await outcomes(connected().assert([optOut('ada@example.org')]))
    expect(outcome).toMatchObject({ reason: 'unavailable.rate-limited' })
    expect(outcome?.kind === 'deferred' ? outcome.retryAfterSeconds : 0).toBeGreaterThan(28)
    expect(outcome?.kind === 'deferred' ? outcome.retryAfterSeconds : 99).toBeLessThanOrEqual(31)
  })

  it('that ends one message for good is for a person', async () => {
    control().misbehave({ kind: 'aborts' })
    expect(await outcomes(connected().assert([optOut('ada@example.org')]))).toEqual([{ kind: 'rejected', reason: 'item.refused-for-good' }])
  })

  it('after the message was applied leads to a repeat, which changes nothing', async () => {
    const driver = connected()
    await driver.assert([optOut('first@example.org')])
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1 })
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason: 'unavailable.reset' }])
    expect(states('ada@example.org')).toEqual(['suppliers supplier-sharing opted-out'])
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([{ kind: 'confirmed' }])
    expect(control().ignored()).toEqual({ repeated: 1, stale: 0 })
  })

  it('with a body that is far too long is none: the status said it all', async () => {
    control().misbehave({ kind: 'huge-answer' })
    expect(await outcomes(connected().assert([optOut('ada@example.org')]))).toEqual([{ kind: 'confirmed' }])
  })

  it('with a body that never ends is a missing answer', { timeout: 20_000 }, async () => {
    control().misbehave({ kind: 'slow-answer' })
    expect(await outcomes(connected().assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason: 'unavailable.timeout' }])
    expect(states('ada@example.org')).toEqual(['suppliers supplier-sharing opted-out'])
  })

  it('of TLS, where somebody else answers on the port', async () => {
    const url = partner('suppliers').url.replace('http:', 'https:')
    expect(await outcomes(connected('suppliers', { url }).assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'unavailable.tls' },
    ])
    expect(statuses()).toEqual([])
  })
})

describe('the partner’s own call', () => {
  it('is signed as a call of ours is, comes once for each message, and is not sent where none is registered', async () => {
    const seen: string[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      seen.push((JSON.parse(body) as { request_status: string }).request_status)
      response.statusCode = seen.length === 1 ? 503 : 204
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    control().register('affiliates', `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/callbacks/affiliates`)
    await connected('affiliates').begin([optOut('ada@example.org', { recipientId: 'affiliates' })])
    await expect.poll(() => control().calls()).toMatchObject([{ status: 'completed', answers: [503, 204], over: true }])
    expect(seen).toEqual(['completed', 'completed'])
    server.closeAllConnections()
    server.close()
  })
})
