import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runHeed } from '@heed/cli'
import { decodeEvent } from '@heed/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { startTestHub, type TestHub } from './test-hub.ts'

const servedFile = new URL('../../deploy/policy/qualified3d.yaml', import.meta.url).pathname

interface Document {
  version: string
  recipients: { id: string; purposes: string[]; retired?: { since: string; why: string } }[]
}

let test: TestHub
let folder: string
/** The policy without Microsoft: the first one of this company; and the one with it. */
let first: string
let second: string

/** The newest version: each is made from the one before. */
let newest: Document

/** Writes the next version of the policy. */
async function version(name: string, change: (document: Document) => void): Promise<string> {
  newest = structuredClone(newest)
  newest.version = name
  change(newest)
  const file = join(folder, `${name}.yaml`)
  await writeFile(file, stringify(newest))
  return file
}

const without = (document: Document, id: string) => {
  document.recipients = document.recipients.filter((recipient) => recipient.id !== id)
}
const purposesOf = (document: Document, id: string): string[] =>
  document.recipients.find((recipient) => recipient.id === id)?.purposes ?? []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-policies-'))
  const served = parse(await readFile(servedFile, 'utf8')) as Document
  newest = served
  first = await version('first', (document) => without(document, 'microsoft-advertising'))
  newest = served
  test = await startTestHub({ policyFile: first })
})
afterAll(async () => {
  await test.stop()
  await rm(folder, { recursive: true, force: true })
})

async function heed(...args: string[]) {
  const written = { out: '', err: '', code: 0 }
  const { preferences, propagation, audit } = test.hub.addresses
  written.code = await runHeed(args, {
    env: {
      HEED_PREFERENCES_ADDRESS: preferences,
      HEED_PROPAGATION_ADDRESS: propagation,
      HEED_AUDIT_ADDRESS: audit,
      HEED_CALLER_KEY: test.hub.keys.operator,
    },
    write: (text) => {
      written.out += text
    },
    writeError: (text) => {
      written.err += text
    },
  })
  return written
}

/** Whom each recipient was asked to be told of again, and not by a change of the person: recipient → subject ids. */
async function toldAgain(since: number): Promise<Record<string, string[]>> {
  const told: Record<string, Set<string>> = {}
  await test.hub.kafka.replay({
    topics: new RegExp(`^${test.hub.topicPrefix}\\.deliveries\\.`),
    from: 'start',
    handle: async ({ records }) => {
      for (const record of records) {
        const decoded = decodeEvent(record, ['heed.delivery.requested.v1'])
        if (!decoded.ok || decoded.event.type !== 'heed.delivery.requested.v1') continue
        const { assertion, recipientId, subjectId } = decoded.event.data
        if (assertion < since) continue
        told[recipientId] ??= new Set()
        told[recipientId].add(subjectId)
      }
    },
  })
  return Object.fromEntries(Object.entries(told).map(([recipient, subjects]) => [recipient, [...subjects].sort()]))
}

const last = (output: string): { recipients: { id: string; subjects: number; toldAnew: boolean; change: string }[]; scanned: number } =>
  JSON.parse(output.trim().split('\n').at(-1) ?? '')
const subject = async (address: string, purposes: readonly string[]) => (await test.optOut(address, purposes)).subjectId

describe('a policy with one recipient more', () => {
  it('touches exactly those who have said something that it serves, and they alone are backfilled', async () => {
    const ads = [
      await subject('ads-1@example.org', ['interest-based-advertising']),
      await subject('ads-2@example.org', ['interest-based-advertising', 'email-marketing']),
      (await test.optIn('ads-3@example.org', ['interest-based-advertising'])).subjectId,
    ].sort()
    await subject('mail@example.org', ['email-marketing'])
    await subject('analytics@example.org', ['analytics'])
    await test.hub.settle()

    second = await version('second', () => undefined)
    const diff = await heed('policy', 'diff', second, '--json')
    expect(last(diff.out)).toMatchObject({
      scanned: 5,
      recipients: [{ id: 'microsoft-advertising', change: 'ENTRY_CHANGE_ADDED', toldAnew: true, subjects: 3 }],
    })
    expect((await heed('policy', 'diff', second)).out).toContain('told again: 3')

    await test.restart({ policyFile: second })
    expect(test.log()).toContain('policy.not-applied')
    const since = test.clock.now()
    test.clock.turn(10)
    // a change that arrives meanwhile is told by itself
    const late = await subject('late@example.org', ['interest-based-advertising'])
    const applied = await heed('policy', 'apply', '--reason', 'Bing is new')
    expect([applied.code, applied.err]).toEqual([0, ''])
    expect(applied.out).toContain('takes the place of')
    const told = await toldAgain(since)
    expect(Object.keys(told)).toEqual(['microsoft-advertising'])
    expect(told['microsoft-advertising']?.filter((id) => id !== late)).toEqual(ads)
    for (const subjectId of ads) {
      await test.until(async () => {
        const { entries } = await test.clients.audit.listSubjectTimeline({ subjectId, pageSize: 500 })
        return entries.some(
          ({ kind, recipientId, factsJson }) =>
            kind === 'delivery-attempted' && recipientId === 'microsoft-advertising' && factsJson.includes('"accepted"'),
        )
      }, 'Microsoft was told')
    }
  })

  it('is applied once: asked again, the answer is the same and nobody is told again', async () => {
    const since = test.clock.now() + 1
    test.clock.turn(10)
    const again = await heed('policy', 'apply')
    expect(again.code).toBe(0)
    expect(again.out).toContain('was applied before')
    expect(await toldAgain(since)).toEqual({})
    expect((await heed('policy', 'diff')).out).toContain('they say the same')
    await test.restart({ policyFile: second })
    expect((await heed('policy', 'apply')).out).toContain('was applied before')
  })
})

describe('a policy in which one purpose moved', () => {
  it('touches the recipient that serves it now, of exactly those who have said something about it', async () => {
    expect(test.hub.policy.version).toBe('second')
    const third = await version('third', (document) => {
      const from = purposesOf(document, 'affiliates')
      from.splice(from.indexOf('email-marketing'), 1)
      purposesOf(document, 'select-third-parties').push('email-marketing')
    })
    const mailed = [
      await subject('mail@example.org', ['email-marketing']),
      await subject('ads-2@example.org', ['interest-based-advertising']),
      await subject('news@example.org', ['email-marketing/newsletter']),
    ].sort()
    await test.hub.settle()
    const diff = last((await heed('policy', 'diff', third, '--json')).out)
    expect(diff.recipients).toMatchObject([
      { id: 'select-third-parties', toldAnew: true, subjects: 3 },
      { id: 'affiliates', toldAnew: false, subjects: 0 },
    ])
    await test.restart({ policyFile: third })
    const since = test.clock.now()
    test.clock.turn(10)
    expect((await heed('policy', 'apply')).code).toBe(0)
    expect(await toldAgain(since)).toEqual({ 'select-third-parties': mailed })
    expect(test.hub.policy.version).toBe('third')
  })
})

describe('a policy that takes a recipient out', () => {
  it('says what is still owed to it, and a named person can end that', async () => {
    // held back first: what it is owed stays open
    await test.clients.propagation.pauseRecipient({ recipientId: 'product-suppliers', reason: 'it is leaving' })
    await test.hub.settle()
    const owed = await test.optOut('owed@example.org', ['supplier-sharing'])
    const open = async () =>
      (await test.clients.audit.listOpenDeliveries({ recipientId: 'product-suppliers' })).deliveries.map(({ deliveryId }) => deliveryId)
    const deliveryId = `product-suppliers/${owed.changeId}`
    await test.until(async () => (await open()).includes(deliveryId), 'it is owed')

    const fourth = await version('fourth', (document) => without(document, 'product-suppliers'))
    const diff = await heed('policy', 'diff', fourth)
    expect(diff.out).toContain('1 refused something there')
    expect(diff.out).toContain('stay owed')
    await test.restart({ policyFile: fourth })
    expect((await heed('policy', 'apply')).out).toContain('nobody has to be told again')
    await test.hub.settle()
    expect(await open()).toContain(deliveryId)
    expect((await heed('open', '--recipient', 'product-suppliers')).out).toContain(deliveryId)
    const resolved = await heed('resolve', deliveryId, '--by', 'privacy-officer', '--why', 'told by letter', '--evidence', 'letter:12')
    expect([resolved.code, resolved.err]).toEqual([0, ''])
    await test.until(async () => !(await open()).includes(deliveryId), 'it is ended')
  })

  it('which may still hold somebody keeps it as retired: refusals are told, and nobody may be used there', async () => {
    const fifth = await version('fifth', (document) => {
      const retired = document.recipients.find(({ id }) => id === 'microsoft-advertising')
      if (retired !== undefined) retired.retired = { since: '2026-11-23', why: 'No campaign runs there any more.' }
    })
    expect(last((await heed('policy', 'diff', fifth, '--json')).out).recipients).toMatchObject([
      { id: 'microsoft-advertising', change: 'ENTRY_CHANGE_CHANGED', toldAnew: false },
    ])
    await test.restart({ policyFile: fifth })
    const change = await test.optOut('after-retirement@example.org', ['interest-based-advertising'])
    const status = await test.settled(change.changeId)
    expect(status.deliveries.find(({ recipientId }) => recipientId === 'microsoft-advertising')).toMatchObject({
      state: 'DELIVERY_STATE_ACCEPTED',
      settled: true,
    })
    const consent = await test.optIn('after-retirement@example.org', ['interest-based-advertising'])
    expect((await test.settled(consent.changeId)).deliveries.map(({ recipientId }) => recipientId)).not.toContain('microsoft-advertising')
    const { allowed } = await test.clients.preferences.checkPermission({
      subject: { identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: 'after-retirement@example.org' } },
      recipientId: 'microsoft-advertising',
    })
    expect(allowed).toBe(false)
  })
})
