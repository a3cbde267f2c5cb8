import { mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from './test-hub.ts'

let test: TestHub
/** Where Mailchimp's key stands in a file, as a cluster gives secrets to its processes: behind a link that is swapped. */
let secrets: string

async function keepKey(version: string, key: string): Promise<void> {
  await writeFile(join(secrets, version), key)
  await symlink(version, join(secrets, 'next'))
  await rename(join(secrets, 'next'), join(secrets, 'mailchimp-key'))
}

beforeAll(async () => {
  secrets = await mkdtemp(join(tmpdir(), 'heed-secrets-'))
  const policy = await readFile(new URL('../../deploy/policy/qualified3d.yaml', import.meta.url), 'utf8')
  const policyFile = join(secrets, 'policy.yaml')
  await writeFile(policyFile, policy.replace('env:MAILCHIMP_API_KEY', `file:${secrets}/mailchimp-key`))
  await keepKey('unissued', 'none yet-us19')
  test = await startTestHub({ policyFile })
  await keepKey('first', test.sandbox.mailchimp.apiKey)
})
afterAll(async () => {
  await test.stop()
  await rm(secrets, { recursive: true, force: true })
})
afterEach(async () => {
  await test.clients.propagation.resumeRecipient({ recipientId: 'mailchimp', reason: 'the next test begins' })
  test.sandbox.mailchimp.control.behave()
  test.sandbox.hashedEmail.control.behave()
})

const mailchimp = () => test.sandbox.mailchimp.control
const statusOf = (address: string) => mailchimp().person({ address })[0]?.status
const deliveryOf = async (changeId: string, recipient = 'mailchimp') => {
  // the trail may not have heard of it yet
  const { status } = await test.clients.audit.getChangeStatus({ changeId }).catch(() => ({ status: null }))
  return status?.deliveries.find(({ recipientId }) => recipientId === recipient)
}
const writes = () =>
  mailchimp()
    .requests()
    .filter(({ method }) => method !== 'GET')

describe('a recipient that is down', () => {
  it('delays no other, says why it waits, and is told when it is back', async () => {
    mailchimp().seedMember('l-marketing', 'ada@example.org')
    mailchimp().misbehave({ kind: 'down' })
    const change = await test.optOut('ada@example.org')
    await test.until(async () => (await deliveryOf(change.changeId, 'select-third-parties'))?.settled === true, 'the partner has confirmed')
    await test.until(
      async () =>
        ['recipient_unavailable', 'breaker_open', 'unknown_outcome'].includes((await deliveryOf(change.changeId))?.waitReason ?? ''),
      'the row says why it waits',
    )
    expect(await deliveryOf(change.changeId)).toMatchObject({ settled: false })
    mailchimp().behave()
    test.clock.turn(10 * 60_000)
    await test.settled(change.changeId)
    expect(statusOf('ada@example.org')).toBe('unsubscribed')
  })

  it('for a day is caught up with', async () => {
    mailchimp().misbehave({ kind: 'down' })
    const changes = []
    for (let index = 0; index < 20; index += 1) {
      mailchimp().seedMember('l-marketing', `day-${index}@example.org`)
      changes.push(await test.optOut(`day-${index}@example.org`, ['email-marketing']))
    }
    for (let hour = 0; hour < 24; hour += 4) test.clock.turn(4 * 3_600_000)
    const owed = async () =>
      (await test.clients.audit.listRecipientStatus({})).recipients.find(({ recipientId }) => recipientId === 'mailchimp')?.open ?? 0
    await test.until(async () => (await owed()) >= 20, 'all of them are owed')
    mailchimp().behave()
    test.clock.turn(10 * 60_000)
    for (const { changeId } of changes)
      expect((await test.settled(changeId)).deliveries.find(({ recipientId }) => recipientId === 'mailchimp')?.state).toMatch(
        // a day is over: some have been read back as well
        /^DELIVERY_STATE_(CONFIRMED|VERIFIED)$/,
      )
  })
})

describe('five flips while a recipient is away', () => {
  it('become one request, with the newest choice', async () => {
    mailchimp().seedMember('l-marketing', 'flip@example.org')
    await test.clients.propagation.pauseRecipient({ recipientId: 'mailchimp', reason: 'maintenance at the vendor' })
    const versions = []
    versions.push(await test.optOut('flip@example.org', ['email-marketing']))
    versions.push(await test.optIn('flip@example.org', ['email-marketing']))
    versions.push(await test.optOut('flip@example.org', ['email-marketing']))
    versions.push(await test.optIn('flip@example.org', ['email-marketing']))
    versions.push(await test.optOut('flip@example.org', ['email-marketing']))
    const newest = versions.at(-1)?.changeId ?? ''
    await test.until(async () => (await deliveryOf(newest))?.waitReason === 'paused', 'the newest waits for the pause to end')
    mailchimp().clearRequests()
    await test.clients.propagation.resumeRecipient({ recipientId: 'mailchimp', reason: 'maintenance is over' })
    await test.settled(newest)
    expect(writes()).toHaveLength(1)
    expect(statusOf('flip@example.org')).toBe('unsubscribed')
    await test.hub.settle()
    for (const { changeId } of versions.slice(0, -1))
      expect(await deliveryOf(changeId)).toMatchObject({ state: 'DELIVERY_STATE_SUPERSEDED', settled: true })
  })
})

describe('a vendor that applied and never answered', () => {
  it('is left alone for as long as it asks for, then told once more; nothing is guessed', async () => {
    mailchimp().seedMember('l-marketing', 'silent@example.org')
    mailchimp().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1 })
    const change = await test.optOut('silent@example.org', ['email-marketing'])
    await test.until(
      async () => (await deliveryOf(change.changeId))?.waitReason === 'unknown_outcome',
      'the outcome is known to be unknown',
    )
    expect(statusOf('silent@example.org')).toBe('unsubscribed')
    expect(await deliveryOf(change.changeId)).toMatchObject({ settled: false })
    test.clock.turn(11 * 60_000)
    expect((await test.settled(change.changeId)).deliveries.find(({ recipientId }) => recipientId === 'mailchimp')?.state).toBe(
      'DELIVERY_STATE_CONFIRMED',
    )
  })
})

describe('one poisoned member', () => {
  it('needs a person, and delays nobody else', async () => {
    const people = ['p-1@example.org', 'poison@example.org', 'p-2@example.org']
    for (const address of people) mailchimp().seedMember('l-marketing', address)
    mailchimp().misbehave({ kind: 'poison', match: { address: 'poison@example.org' } })
    const changes = []
    for (const address of people) changes.push(await test.optOut(address, ['email-marketing']))
    const [first, poisoned, second] = changes.map(({ changeId }) => changeId)
    await test.settled(first ?? '')
    await test.settled(second ?? '')
    await test.until(
      async () => (await deliveryOf(poisoned ?? ''))?.state === 'DELIVERY_STATE_NEEDS_PERSON',
      'the poisoned one needs a person',
    )
    expect(await deliveryOf(poisoned ?? '')).toMatchObject({ settled: false, waitReason: 'needs_person' })
    const deliveryId = (await deliveryOf(poisoned ?? ''))?.deliveryId ?? ''
    await test.clients.propagation.resolveDelivery({
      deliveryId,
      resolvedBy: 'privacy-officer',
      why: 'removed by hand in the vendor console',
    })
    await test.until(
      async () => (await deliveryOf(poisoned ?? ''))?.state === 'DELIVERY_STATE_RESOLVED',
      'it is resolved by a named person',
    )
  })
})

describe('a key that is rotated at the vendor', () => {
  it('stops the worker, rejects nobody, and everything goes out once its file holds the new one; nothing is restarted', async () => {
    mailchimp().seedMember('l-marketing', 'key@example.org')
    const newKey = mailchimp().rotateKey()
    const change = await test.optOut('key@example.org', ['email-marketing'])
    await test.until(async () => (await deliveryOf(change.changeId))?.waitReason === 'auth_failed', 'it waits for a good key')
    expect(statusOf('key@example.org')).toBe('subscribed')
    await keepKey('second', newKey)
    // looked at again after a quarter of an hour at the latest
    test.clock.turn(15 * 60_000)
    await test.settled(change.changeId)
    expect(statusOf('key@example.org')).toBe('unsubscribed')
    expect(test.log()).toContain('credential.renewed')
    expect(test.log()).not.toContain(newKey)
  })
})

describe('a vendor that somebody else put a person back into', () => {
  it('is found out by a sample where it can be read, and told again where it cannot', async () => {
    const address = 'again@example.org'
    const meta = () => test.sandbox.meta.control
    const isHeld = () =>
      meta()
        .person({ address })
        .some(({ member }) => member)
    mailchimp().seedMember('l-marketing', address)
    meta().seedEverywhere(address)
    const change = await test.optOut(address, ['email-marketing', 'social-audiences'])
    await test.settled(change.changeId)
    expect([statusOf(address), isHeld()]).toEqual(['unsubscribed', false])

    // an old list is uploaded at both
    mailchimp().seedMember('l-marketing', address)
    meta().seedEverywhere(address)
    test.clock.turn(31 * 24 * 3_600_000)
    await test.until(() => statusOf(address) === 'unsubscribed' && !isHeld(), 'both hold her wish again')
    const { deliveries } = await test.settled(change.changeId)
    expect(deliveries.find(({ recipientId }) => recipientId === 'mailchimp')?.settled).toBe(true)
    expect(deliveries.find(({ recipientId }) => recipientId === 'meta')).toMatchObject({ state: 'DELIVERY_STATE_ACCEPTED', settled: true })
    await test.hub.settle()
    const timeline = await test.clients.audit.listSubjectTimeline({ subjectId: change.changeId.split('/')[0] ?? '' })
    expect(JSON.stringify(timeline)).toContain('item.drifted')
    expect(test.log()).toContain('drift.found')
  })
})
