import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isSeq, parse, parseDocument } from 'yaml'
import { startTestHub, type TestHub } from './test-hub.ts'

let test: TestHub
const folder = mkdtempSync(join(tmpdir(), 'heed-partners-'))

/** The policy that is served, with the entries of the connector's README added to it. */
function policyWithPartners(): string {
  const root = new URL('../../', import.meta.url)
  const readme = readFileSync(new URL('services/connectors/hashed-email/README.md', root), 'utf8')
  const [, entries = ''] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? []
  const policy = parseDocument(readFileSync(new URL('deploy/policy/qualified3d.yaml', root), 'utf8'))
  const recipients = policy.get('recipients')
  if (!isSeq(recipients)) throw new Error('recipients')
  for (const entry of parse(entries) as unknown[]) recipients.add(policy.createNode(entry))
  const file = join(folder, 'policy.yaml')
  writeFileSync(file, policy.toString())
  return file
}

beforeAll(async () => {
  test = await startTestHub({ policyFile: policyWithPartners(), connectors: ['hashed-email'] })
})
afterAll(async () => {
  await test.stop()
  rmSync(folder, { recursive: true, force: true })
})
afterEach(() => {
  for (const vendor of ['s3', 'liveramp', 'liveintent', 'optizmo'] as const) test.sandbox[vendor].control.behave()
})

const sharing = ['third-party-marketing']
const linking = ['cross-device-linking']
const deliveryOf = async (changeId: string, recipient: string) => {
  // the trail may not have heard of it yet
  const { status } = await test.clients.audit.getChangeStatus({ changeId }).catch(() => ({ status: null }))
  return status?.deliveries.find(({ recipientId }) => recipientId === recipient)
}
const waits = (changeId: string, recipient: string, reasons: readonly string[]) =>
  test.until(async () => reasons.includes((await deliveryOf(changeId, recipient))?.waitReason ?? ''), `${recipient} says why it waits`)
const reaches = (changeId: string, recipient: string, state: string) =>
  test.until(async () => (await deliveryOf(changeId, recipient))?.state === `DELIVERY_STATE_${state}`, `${recipient} is ${state}`)
/** Long enough for every back-off; jobs and windows come due as well. */
const later = () => test.clock.turn(20 * 60_000)

describe('an opt-out', () => {
  it('reaches every partner that the policy names, each in its own way', async () => {
    test.sandbox.liveintent.control.know(['ada@example.org'])
    const change = await test.optOut('ada@example.org', [...sharing, ...linking])
    const status = await test.settled(change.changeId)
    const states = Object.fromEntries(status.deliveries.map(({ recipientId, state }) => [recipientId, state]))
    for (const recipient of ['share-bucket', 'liveramp', 'liveintent', 'optizmo', 'select-third-parties', 'cross-device-partners'])
      expect([recipient, states[recipient]]).toEqual([recipient, 'DELIVERY_STATE_CONFIRMED'])
    const asked = { address: 'ada@example.org' }
    expect(test.sandbox.s3.control.person(asked)).toMatchObject([{ partner: 'heed-share', suppressed: true }])
    expect(test.sandbox.liveramp.control.person(asked)).toMatchObject([{ optOut: 'COMPLETED', deletion: 'none', requests: 1 }])
    expect(test.sandbox.liveintent.control.person(asked)).toMatchObject([{ restricted: true, scope: 'Advertiser/4711', transactions: 1 }])
    expect(test.sandbox.optizmo.control.person(asked)).toMatchObject([{ suppressed: true }])
  })

  it('leaves no key of a partner in the log', () => {
    const { s3, liveramp, liveintent, optizmo } = test.sandbox
    for (const secret of [s3.secretAccessKey, liveramp.secretKey, liveintent.token, optizmo.apiKey])
      expect(test.log()).not.toContain(secret)
    expect(test.log()).not.toContain('ada@example.org')
  })
})

describe('a bucket', () => {
  const control = () => test.sandbox.s3.control
  const suppressed = (address: string) =>
    control()
      .person({ address })
      .some((one) => one.suppressed)

  it.each([
    ['that is throttled', 'rate-limited', ['rate_limited']],
    ['whose key has ended', 'expired-credentials', ['auth_failed']],
    ['whose key was revoked', 'revoked-key', ['auth_failed']],
  ] as const)('%s holds up its own recipient only, and is told when it is well again', async (_, kind, reasons) => {
    control().misbehave({ kind })
    const change = await test.optOut(`${kind}@example.org`, sharing)
    await reaches(change.changeId, 'select-third-parties', 'CONFIRMED')
    await waits(change.changeId, 'share-bucket', reasons)
    expect(suppressed(`${kind}@example.org`)).toBe(false)
    control().behave()
    later()
    await reaches(change.changeId, 'share-bucket', 'CONFIRMED')
    expect(suppressed(`${kind}@example.org`)).toBe(true)
  })

  it('that applied a put and never answered holds each file once', async () => {
    const files = () =>
      control()
        .keys('heed-share')
        .filter((key) => /^in\/.*csv\.gz$/.test(key)).length
    const before = files()
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1, match: { method: 'PUT' } })
    const change = await test.optOut('silent@example.org', sharing)
    await test.until(() => files() === before + 1, 'the file is there')
    later()
    await reaches(change.changeId, 'share-bucket', 'CONFIRMED')
    expect(files()).toBe(before + 1)
    expect(control().person({ address: 'silent@example.org' })).toMatchObject([{ suppressed: true, scopes: ['all'] }])
  })

  it('whose partner refuses one row leaves that person to a person, and confirms the other of the same file', async () => {
    control().know(['odd@example.org'])
    control().misbehave({ kind: 'poison', match: { address: 'odd@example.org' } })
    await test.clients.propagation.pauseRecipient({ recipientId: 'share-bucket', reason: 'so that both go in one file' })
    const [odd, even] = [await test.optOut('odd@example.org', sharing), await test.optOut('even@example.org', sharing)]
    for (const { changeId } of [odd, even]) await waits(changeId, 'share-bucket', ['paused'])
    await test.clients.propagation.resumeRecipient({ recipientId: 'share-bucket', reason: 'both are there' })
    await reaches(odd.changeId, 'share-bucket', 'NEEDS_PERSON')
    await reaches(even.changeId, 'share-bucket', 'CONFIRMED')
    expect(['odd@example.org', 'even@example.org'].map(suppressed)).toEqual([false, true])
  })

  it('is told when somebody consents anew', async () => {
    await test.settled((await test.optOut('back@example.org', sharing)).changeId)
    expect(suppressed('back@example.org')).toBe(true)
    await test.settled((await test.optIn('back@example.org', sharing)).changeId)
    expect(suppressed('back@example.org')).toBe(false)
  })
})

describe('an interface (LiveRamp)', () => {
  const control = () => test.sandbox.liveramp.control
  const stateOf = (address: string) => control().person({ address })[0]

  it.each([
    ['that is throttled', { kind: 'rate-limited', retryAfterSeconds: 60 }, ['rate_limited']],
    ['whose key was revoked', { kind: 'revoked-key' }, ['auth_failed']],
    ['that is down', { kind: 'down' }, ['recipient_unavailable', 'breaker_open', 'unknown_outcome']],
  ] as const)('%s holds up its own recipient only, and is told when it is well again', async (_, fault, reasons) => {
    // a token that was got before still counts unless it is called back
    control().recallTokens()
    control().misbehave(fault)
    const change = await test.optOut(`${fault.kind}@example.org`, linking)
    await reaches(change.changeId, 'cross-device-partners', 'CONFIRMED')
    await waits(change.changeId, 'liveramp', reasons)
    expect(stateOf(`${fault.kind}@example.org`)).toBeUndefined()
    control().behave()
    later()
    await reaches(change.changeId, 'liveramp', 'CONFIRMED')
    expect(stateOf(`${fault.kind}@example.org`)).toMatchObject({ optOut: 'COMPLETED', requests: 1 })
  })

  it('that took a request and never answered has it once', async () => {
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1, match: { method: 'POST', path: '/v1/requests' } })
    const change = await test.optOut('unheard@example.org', linking)
    await test.until(() => stateOf('unheard@example.org') !== undefined, 'the request is there')
    later()
    await reaches(change.changeId, 'liveramp', 'CONFIRMED')
    expect(stateOf('unheard@example.org')).toMatchObject({ optOut: 'COMPLETED', requests: 1, asked: 2 })
  })

  it('that fails for one person leaves her to a person, and nobody else', async () => {
    control().misbehave({ kind: 'poison', match: { address: 'one@example.org' } })
    const [one, other] = [await test.optOut('one@example.org', linking), await test.optOut('other@example.org', linking)]
    await reaches(one.changeId, 'liveramp', 'NEEDS_PERSON')
    await reaches(other.changeId, 'liveramp', 'CONFIRMED')
  })

  it('has no word for a consent: nothing is claimed', async () => {
    await test.settled((await test.optOut('again@example.org', linking)).changeId)
    const back = await test.optIn('again@example.org', linking)
    await test.settled(back.changeId)
    expect(await deliveryOf(back.changeId, 'liveramp')).toMatchObject({ state: 'DELIVERY_STATE_NOT_APPLICABLE' })
    expect(stateOf('again@example.org')).toMatchObject({ optOut: 'COMPLETED', asked: 1 })
  })
})
