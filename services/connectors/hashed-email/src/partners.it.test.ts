import { type Sandbox, startSandbox } from '@heed/sandbox'
import { anErasure, anOptIn, anOptOut, type Driven, driven, emailIdentifiers, recipientId } from '@heed/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hashedEmail } from './connector.ts'

let sandbox: Sandbox
const open: Driven[] = []
beforeAll(async () => {
  const quick = { workMs: 40 }
  sandbox = await startSandbox({
    port: 0,
    vendors: ['liveramp', 'liveintent', 'optizmo'],
    liveramp: quick,
    liveintent: quick,
    optizmo: quick,
  })
})
afterAll(() => sandbox.stop())
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close()
})

const purposes = { recipientId: 'cross-device-partners', purposes: ['cross-device-linking', 'interest-based-advertising'] }
const connected = (settings: Record<string, unknown>, env: Record<string, string>): Driven => {
  const driver = driven(hashedEmail, { settings, env, recipientId: recipientId('cross-device-partners') })
  open.push(driver)
  return driver
}
const outcomes = async (told: ReturnType<Driven['assert']>) => [...(await told).values()]
const confirmed = { kind: 'confirmed' }

describe('LiveRamp, played', () => {
  const control = () => sandbox.liveramp.control
  const serviceAccount = (changed: Record<string, unknown> = {}, env: Record<string, string> = {}) => {
    const { url, tokenUrl, organisation, accountId, secretKey } = sandbox.liveramp
    const credentials = { accountId: 'env:ACCOUNT', secretKey: 'env:KEY' }
    const settings = { transport: 'liveramp', baseUrl: url, tokenUrl, organisation, credentials, ...changed }
    return connected(settings, { ACCOUNT: accountId, KEY: secretKey, ...env })
  }
  const optOut = (address: string) => anOptOut(address, purposes)
  beforeEach(() => control().reset())

  it('is asked for each address of a person, and confirms when all are worked off', async () => {
    const identifiers = [...emailIdentifiers('ada@example.org'), ...emailIdentifiers('ada@example.com')]
    expect(
      await outcomes(serviceAccount().assert([anOptOut('ada@example.org', { ...purposes, identifiers }), optOut('bob@example.org')])),
    ).toEqual([confirmed, confirmed])
    expect(['ada@example.org', 'ada@example.com', 'bob@example.org'].flatMap((address) => control().person({ address }))).toMatchObject(
      Array(3).fill({ optOut: 'COMPLETED', requests: 1, asked: 1 }),
    )
  })

  it('takes a token that is given as well', async () => {
    const { url, organisation, token } = sandbox.liveramp
    const driver = connected({ transport: 'liveramp', baseUrl: url, organisation, credential: 'env:TOKEN' }, { TOKEN: token })
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([confirmed])
  })

  it('is signed in to anew when its tokens were called back', async () => {
    const driver = serviceAccount()
    await driver.assert([optOut('ada@example.org')])
    control().recallTokens()
    expect(await outcomes(driver.assert([optOut('bob@example.org')]))).toEqual([confirmed])
  })

  it('that applied and never answered has one request, and answers the repeat with its number', async () => {
    const driver = serviceAccount()
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1, match: { method: 'POST' } })
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason: 'unavailable.reset' }])
    expect(await outcomes(driver.assert([optOut('ada@example.org')]))).toEqual([confirmed])
    expect(control().person({ address: 'ada@example.org' })).toMatchObject([{ requests: 1, asked: 2 }])
  })

  it('deletes where somebody is to be forgotten, and has no opt-in', async () => {
    const told = serviceAccount().assert([anErasure('dee@example.org', purposes), anOptIn('cy@example.org', purposes)])
    expect(await outcomes(told)).toEqual(expect.arrayContaining([confirmed, { kind: 'notApplicable', reason: 'not-applicable.no-opt-in' }]))
    expect(control().person({ address: 'dee@example.org' })).toMatchObject([{ optOut: 'none', deletion: 'COMPLETED' }])
  })

  it('that fails for one person leaves her to a person, and confirms the others', async () => {
    control().misbehave({ kind: 'poison', match: { address: 'bob@example.org' } })
    expect(await outcomes(serviceAccount().assert(['ada', 'bob', 'cy'].map((name) => optOut(`${name}@example.org`))))).toEqual(
      expect.arrayContaining([confirmed, { kind: 'rejected', reason: 'item.failed-at-partner' }, confirmed]),
    )
  })

  it('that forgot a number is asked once more', async () => {
    control().misbehave({ kind: 'forgotten' })
    expect(await outcomes(serviceAccount().assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'unavailable.request-unknown' },
    ])
  })

  it.each([
    ['rate-limited', 'unavailable.rate-limited'],
    ['server-error', 'unavailable.server-error'],
    ['bad-gateway-html', 'unavailable.server-error'],
    ['forbidden-no-body', 'auth.forbidden'],
    ['revoked-key', 'auth.token-refused'],
  ] as const)('rejects nobody while it is in trouble: %s', async (kind, reason) => {
    control().misbehave({ kind })
    expect(await outcomes(serviceAccount().assert([optOut('ada@example.org')]))).toMatchObject([{ kind: 'deferred', reason }])
    expect(control().beliefs()).toEqual([])
  })

  it.each([
    [{ organisation: 'ORG-OTHER' }, {}, 'auth.forbidden'],
    [{}, { KEY: 'another' }, 'auth.token-refused'],
    [{}, { KEY: '' }, 'configuration.credential-missing'],
  ])('rejects nobody where the set-up is wrong: %j %j', async (changed, env, reason) => {
    expect(await outcomes(serviceAccount(changed, env).assert([optOut('ada@example.org')]))).toMatchObject([{ kind: 'deferred', reason }])
  })
})

describe('LiveIntent, played', () => {
  const control = () => sandbox.liveintent.control
  const driver = (changed: Record<string, unknown> = {}, token = sandbox.liveintent.token) =>
    connected(
      {
        transport: 'liveintent',
        baseUrl: sandbox.liveintent.url,
        credential: 'env:TOKEN',
        scope: { kind: 'Advertiser', id: sandbox.liveintent.advertiser },
        ...changed,
      },
      { TOKEN: token },
    )
  const hashes = (...addresses: string[]) =>
    addresses.flatMap((address) =>
      (['legacy-md5-hex', 'legacy-sha1-hex', 'plain-sha256-hex'] as const).flatMap((form) => emailIdentifiers(address, form)),
    )
  const optOut = (address: string, ...more: string[]) => anOptOut(address, { ...purposes, identifiers: hashes(address, ...more) })
  beforeEach(() => {
    control().reset()
    control().configure({ reportsOnly: false })
    control().know([['ada@example.org', 'Ada.L@gmail.com'], 'bob@example.org', 'cy@example.org'])
  })

  it('is asked once for a person, by every hash of hers, in the spelling that it goes by', async () => {
    expect(await outcomes(driver().assert([optOut('ada@example.org', 'Ada.L@gmail.com'), optOut('bob@example.org')]))).toEqual([
      confirmed,
      confirmed,
    ])
    expect(control().person({ address: 'ada.l@gmail.com' })).toMatchObject([{ restricted: true, transactions: 1, hashes: { length: 6 } }])
    expect(
      control()
        .requestTotals()
        .filter(({ method }) => method === 'POST'),
    ).toMatchObject([{ requests: 2, items: 2 }])
  })

  it('that applied and never answered is asked again, under the same reference, for the same state', async () => {
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1, match: { method: 'POST' } })
    const told = driver()
    expect(await outcomes(told.assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason: 'unavailable.reset' }])
    expect(await outcomes(told.assert([optOut('ada@example.org')]))).toEqual([confirmed])
    expect(control().person({ address: 'ada@example.org' })).toMatchObject([{ restricted: true, transactions: 2 }])
    expect(new Set(control().submitters()).size).toBe(1)
  })

  it('that shows no transactions has accepted, and no more is claimed', async () => {
    control().configure({ reportsOnly: true })
    expect(await outcomes(driver().assert([optOut('ada@example.org')]))).toMatchObject([{ kind: 'accepted', final: true }])
  })

  it('that never ends with one is left at its word', async () => {
    control().misbehave({ kind: 'never-completed', match: { address: 'ada@example.org' } })
    expect(await outcomes(driver({ looks: 3 }).assert([optOut('ada@example.org'), optOut('bob@example.org')]))).toMatchObject([
      { kind: 'accepted', final: true },
      confirmed,
    ])
  })

  it('refuses one person alone', async () => {
    control().misbehave({ kind: 'poison', match: { address: 'bob@example.org' } })
    const told = driver().assert(['ada', 'bob', 'cy'].map((name) => optOut(`${name}@example.org`)))
    expect(await outcomes(told)).toEqual(
      expect.arrayContaining([confirmed, { kind: 'rejected', reason: 'item.refused-by-partner' }, confirmed]),
    )
  })

  it.each([
    [{ scope: { kind: 'Advertiser', id: 99 } }, undefined, 'configuration.scope-not-allowed'],
    [{ scope: { kind: 'Global' }, allowWideScope: true }, undefined, 'configuration.scope-not-allowed'],
    [{}, 'another', 'auth.forbidden'],
  ])('rejects nobody where the set-up is wrong: %j %s', async (changed, token, reason) => {
    expect(await outcomes(driver(changed, token).assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason }])
  })

  it.each([
    ['rate-limited', 'unavailable.rate-limited'],
    ['server-error', 'unavailable.server-error'],
    ['revoked-key', 'auth.forbidden'],
  ] as const)('rejects nobody while it is in trouble: %s', async (kind, reason) => {
    control().misbehave({ kind })
    expect(await outcomes(driver().assert([optOut('ada@example.org')]))).toMatchObject([{ kind: 'deferred', reason }])
  })
})

describe('OPTIZMO, played', () => {
  const control = () => sandbox.optizmo.control
  const driver = (changed: Record<string, unknown> = {}, key = sandbox.optizmo.apiKey) =>
    connected(
      { transport: 'optizmo', baseUrl: sandbox.optizmo.url, credential: 'env:KEY', listId: sandbox.optizmo.listId, ...changed },
      { KEY: key },
    )
  const optOut = (address: string) => anOptOut(address, { ...purposes, form: 'legacy-md5-hex' })
  const suppressed = (address: string) =>
    control()
      .person({ address })
      .some((one) => one.suppressed)
  beforeEach(() => {
    control().reset()
    control().configure({ perMinute: 600, keyHeader: 'either' })
    control().know(['ada@example.org', 'bob@example.org'])
  })

  it('imports everybody by one file, and confirms when that is through', async () => {
    const people = Array.from({ length: 500 }, (_, index) => `person-${index}@example.org`)
    expect(new Set((await outcomes(driver().assert(people.map(optOut)))).map(({ kind }) => kind))).toEqual(new Set(['confirmed']))
    expect(people.every(suppressed)).toBe(true)
    expect(
      control()
        .requestTotals()
        .filter(({ method }) => method === 'PUT'),
    ).toMatchObject([{ requests: 1, items: 500 }])
  })

  it.each(['authorization', 'api_key'] as const)('is given its key as %s', async (keyHeader) => {
    control().configure({ keyHeader })
    expect(await outcomes(driver({ keyHeader }).assert([optOut('ada@example.org')]))).toEqual([confirmed])
  })

  it('takes plain addresses, where the list wants them', async () => {
    expect(await outcomes(driver({ lines: 'plain' }).assert([anOptOut('ADA@example.org', purposes)]))).toEqual([confirmed])
    expect(suppressed('ada@example.org')).toBe(true)
  })

  it('that applied an upload and never answered is given it again, to no effect', async () => {
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1, match: { method: 'PUT' } })
    const told = driver()
    expect(await outcomes(told.assert([optOut('ada@example.org')]))).toEqual([{ kind: 'deferred', reason: 'unavailable.reset' }])
    expect(await outcomes(told.assert([optOut('ada@example.org')]))).toEqual([confirmed])
    expect(
      control()
        .beliefs()
        .filter((one) => one.suppressed),
    ).toHaveLength(1)
  })

  it('that throws away a line does not say which: the file is given in halves', async () => {
    control().misbehave({ kind: 'poison', match: { address: 'bob@example.org' } })
    expect(await outcomes(driver().assert([optOut('ada@example.org'), optOut('bob@example.org')]))).toEqual(
      Array(2).fill({ kind: 'deferred', reason: 'batch.malformed-lines' }),
    )
  })

  it.each([
    ['no-counts', { kind: 'accepted', final: true }],
    ['import-fails', { kind: 'deferred', reason: 'unavailable.import-failed' }],
    ['import-removed', { kind: 'deferred', reason: 'unavailable.import-removed' }],
    ['upload-refused', { kind: 'deferred', reason: 'unavailable.upload-refused' }],
    ['rate-limited', { kind: 'deferred', reason: 'unavailable.rate-limited', retryAfterSeconds: 30 }],
    ['revoked-key', { kind: 'deferred', reason: 'auth.unauthenticated' }],
  ] as const)('in %s: %j', async (kind, outcome) => {
    control().misbehave({ kind })
    expect(await outcomes(driver().assert([optOut('ada@example.org')]))).toMatchObject([outcome])
  })

  it('refuses an upload with a type, which its address was not signed for: hence none is sent', async () => {
    expect(await outcomes(driver({ uploadType: 'text/plain' }).assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'unavailable.upload-refused' },
    ])
  })

  it('of another list rejects nobody', async () => {
    expect(await outcomes(driver({ listId: 'another' }).assert([optOut('ada@example.org')]))).toEqual([
      { kind: 'deferred', reason: 'auth.forbidden' },
    ])
  })
})
