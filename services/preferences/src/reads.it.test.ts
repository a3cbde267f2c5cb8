import { decodeEvent } from '@heed/contracts'
import { status } from '@heed/platform/grpc'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { anOptIn, anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(','), withoutRelay: true })
})
afterAll(() => harness.stop())

const nobody = `s-${'0'.repeat(26)}`

describe('CheckPermission', () => {
  it('answers for recipient, purpose and both, from the newest choice', async () => {
    await harness.client.setPreferences(anOptOut('c-1', 'check@example.org', 'email-marketing/newsletter'))
    const check = (question: object) => harness.client.checkPermission({ subject: byEmail('check@example.org'), ...question })
    expect(await check({ purpose: 'email-marketing/newsletter' })).toMatchObject({
      allowed: false,
      reason: 'PERMISSION_REASON_DENIED',
      version: 1,
    })
    expect(await check({ purpose: 'email-marketing/offers' })).toMatchObject({ allowed: true, reason: 'PERMISSION_REASON_DEFAULT_GRANTED' })
    expect(await check({ purpose: 'service-email' })).toMatchObject({ allowed: true, reason: 'PERMISSION_REASON_CANNOT_BE_REFUSED' })
    expect(await check({ recipientId: 'mailchimp', purpose: 'analytics' })).toMatchObject({
      allowed: false,
      reason: 'PERMISSION_REASON_NOT_SERVED',
    })
    await harness.client.setPreferences(anOptOut('c-2', 'check@example.org'))
    expect(await check({ recipientId: 'mailchimp' })).toMatchObject({ allowed: false, deniedPurposes: ['email-marketing'], version: 2 })
  })

  it('gives a stranger the defaults, and creates nobody by asking', async () => {
    expect(await harness.client.checkPermission({ subject: byEmail('stranger@example.org'), recipientId: 'mailchimp' })).toMatchObject({
      allowed: true,
      reason: 'PERMISSION_REASON_DEFAULT_GRANTED',
      version: 0,
    })
    await expect(harness.client.getPreferences({ subject: byEmail('stranger@example.org') })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    })
  })

  it('says that a subject id is unknown rather than that it is allowed', async () => {
    await expect(harness.client.checkPermission({ subject: { subjectId: nobody }, recipientId: 'mailchimp' })).rejects.toMatchObject({
      code: status.NOT_FOUND,
      reason: 'SUBJECT_UNKNOWN',
    })
    await expect(
      harness.client.batchCheckPermission({ subjects: [byEmail('a@example.org'), { subjectId: nobody }], recipientId: 'mailchimp' }),
    ).rejects.toMatchObject({ code: status.NOT_FOUND, violations: [{ field: 'subjects[1]' }] })
  })
})

describe('BatchCheckPermission', () => {
  it('answers a thousand in their order', async () => {
    async function* items() {
      for (let n = 0; n < 400; n += 1) yield { item: anOptOut(`b-${n}`, `batch-${n}@example.org`) }
    }
    for await (const { accepted } of harness.client.streamPreferences(items())) expect(accepted?.changed).toBe(true)
    const subjects = Array.from({ length: 1_000 }, (_, n) => byEmail(`batch-${n}@example.org`))
    const { results } = await harness.client.batchCheckPermission({ recipientId: 'mailchimp', subjects })
    expect(results.map(({ allowed }) => allowed)).toEqual(subjects.map((_, n) => n >= 400))
  })
})

describe('GetPreferences', () => {
  it('tells what was chosen by name and what holds for everything', async () => {
    await harness.client.setPreferences(anOptOut('g-1', 'get@example.org', 'email-marketing'))
    await harness.client.setPreferences(anOptIn('g-2', 'get@example.org', Date.now() + 1_000, 'analytics'))
    const { chosen, effective } = await harness.client.getPreferences({ subject: byEmail('get@example.org') })
    expect(chosen.map(({ purpose, choice, version }) => [purpose, choice, version])).toEqual([
      ['analytics', 'CHOICE_GRANTED', 2],
      ['email-marketing', 'CHOICE_DENIED', 1],
    ])
    const holds = Object.fromEntries(effective.map(({ purpose, choice }) => [purpose, choice]))
    expect(holds).toMatchObject({
      'email-marketing': 'CHOICE_DENIED',
      'email-marketing/newsletter': 'CHOICE_DENIED',
      'service-email': 'CHOICE_GRANTED',
      analytics: 'CHOICE_GRANTED',
    })
    expect(effective).toHaveLength(harness.policy.purposes.reduce((count, { topics }) => count + 1 + topics.length, 0))
  })
})

describe('PlanChange', () => {
  const plan = (subject: object, purpose = 'interest-based-advertising') =>
    harness.client.planChange({ subject, choices: [{ purpose, choice: 'CHOICE_DENIED' }], origin: 'ORIGIN_KIND_PERSON' })

  it('names who would be told, by whom, until when, and with which of the identifiers that there are', async () => {
    const { subjectId } = await harness.client.setPreferences(anOptOut('p-1', 'plan@example.org', 'analytics'))
    await harness.client.linkIdentifiers({
      requestId: 'p-2',
      subject: { subjectId },
      identifiers: [{ kind: 'IDENTIFIER_KIND_IDFA', value: '6D92078A-8246-4BA4-AE5B-76104861E7DC' }],
    })
    const { wouldChange, deliveries } = await plan({ subjectId })
    expect(wouldChange).toBe(true)
    const meta = deliveries.find(({ recipientId }) => recipientId === 'meta')
    expect(meta).toMatchObject({
      fulfilledBy: 'connector',
      wanted: expect.arrayContaining([{ purpose: 'interest-based-advertising', choice: 'CHOICE_DENIED' }]),
      identifiers: [
        { kind: 'IDENTIFIER_KIND_EMAIL', form: 'plain-sha256-hex', count: 1 },
        { kind: 'IDENTIFIER_KIND_IDFA', form: 'device-lower-case', count: 1 },
      ],
    })
    expect((meta?.deadlineAt?.seconds ?? 0) * 1000).toBeGreaterThan(Date.now())
    expect(deliveries.find(({ recipientId }) => recipientId === 'campaign-manager-360')).toMatchObject({ fulfilledBy: 'person' })
    expect(deliveries.some(({ recipientId }) => recipientId === 'mailchimp')).toBe(false)
  })

  it('changes nothing, and makes nobody known', async () => {
    const { deliveries } = await plan(byEmail('planned@example.org'), 'email-marketing')
    expect(deliveries.find(({ recipientId }) => recipientId === 'mailchimp')?.identifiers).toEqual([
      { kind: 'IDENTIFIER_KIND_EMAIL', form: 'raw', count: 1 },
    ])
    await expect(harness.client.getPreferences({ subject: byEmail('planned@example.org') })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    })
  })

  it('says what would be unchanged, and refuses what would be refused', async () => {
    await harness.client.setPreferences(anOptOut('p-3', 'plan-3@example.org'))
    expect(await plan(byEmail('plan-3@example.org'), 'email-marketing')).toEqual({ wouldChange: false, deliveries: [] })
    await expect(plan(byEmail('plan-3@example.org'), 'service-email')).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      reason: 'NOT_REFUSABLE',
    })
  })
})

describe('ScanSnapshots', () => {
  it('gives the newest snapshot of everyone once, in pages, from any cursor on', async () => {
    const fresh = await startHarness({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(','), withoutRelay: true })
    try {
      async function* items() {
        for (let n = 0; n < 1_100; n += 1)
          yield { item: anOptOut(`s-${n}`, `scan-${n}@example.org`, n % 2 ? 'analytics' : 'email-marketing/offers') }
        for (let n = 0; n < 100; n += 1) yield { item: anOptOut(`t-${n}`, `scan-${n}@example.org`, 'social-audiences') }
      }
      for await (const { refused } of fresh.client.streamPreferences(items())) expect(refused ?? undefined).toBeUndefined()
      // known, but without a choice: nothing to tell of
      await fresh.client.createUnsubscribeLinks({ purpose: 'email-marketing', subjects: [byEmail('silent@example.org')] })
      const merged = await fresh.client.linkIdentifiers({
        requestId: 'm-1',
        subject: byEmail('scan-1098@example.org'),
        identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', value: 'scan-1099@example.org' }],
      })

      const pages = []
      for await (const page of fresh.client.scanSnapshots({})) pages.push(page)
      const all = pages.flatMap(({ snapshots }) => snapshots)
      expect(pages.length).toBeGreaterThan(2)
      expect(all).toHaveLength(1_099)
      expect(all.map(({ subjectId }) => subjectId)).toEqual(all.map(({ subjectId }) => subjectId).sort())
      expect(all.some(({ subjectId }) => merged.mergedSubjectIds.includes(subjectId))).toBe(false)
      expect(all.filter(({ version }) => version === 2)).toHaveLength(101)
      for (const { subjectId, version, eventJson } of all.slice(0, 5)) {
        const decoded = decodeEvent({ value: Buffer.from(eventJson), headers: { ce_type: 'heed.preference.changed.v1' } }, [
          'heed.preference.changed.v1',
        ])
        expect(decoded).toMatchObject({ ok: true, event: { data: { subjectId, version } } })
      }

      const rest = []
      for await (const page of fresh.client.scanSnapshots({ cursor: pages[0]?.cursor ?? '' })) rest.push(...page.snapshots)
      expect(rest).toEqual(pages.slice(1).flatMap(({ snapshots }) => snapshots))

      const mail = []
      for await (const page of fresh.client.scanSnapshots({ purposes: ['email-marketing'] })) mail.push(...page.snapshots)
      expect(mail.length).toBeGreaterThanOrEqual(549)
      expect(mail.every(({ eventJson }) => eventJson.includes('email-marketing'))).toBe(true)

      const only = []
      for await (const page of fresh.client.scanSnapshots({ subjectId: merged.mergedSubjectIds[0] ?? '' })) only.push(...page.snapshots)
      expect(only).toHaveLength(1)
      expect(JSON.parse(only[0]?.eventJson ?? '{}')).toMatchObject({ mergedInto: merged.subjectId })
    } finally {
      await fresh.stop()
    }
  })

  it('refuses a cursor that is no subject id, and an unknown subject', async () => {
    const first = (request: object) => harness.client.scanSnapshots(request)[Symbol.asyncIterator]().next()
    await expect(first({ cursor: 'x' })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, violations: [{ field: 'cursor' }] })
    await expect(first({ purposes: ['nonsense'] })).rejects.toMatchObject({ violations: [{ field: 'purposes[0]' }] })
    await expect(first({ subjectId: nobody })).rejects.toMatchObject({ code: status.NOT_FOUND })
  })
})

describe('GetPolicy', () => {
  it('shows the policy in force', async () => {
    const shown = await harness.client.getPolicy({})
    expect(shown).toMatchObject({ id: 'qualified3d', version: harness.policy.version })
    expect(shown.purposes.find(({ key }) => key === 'service-email')).toMatchObject({
      refusable: false,
      clause: '5',
      defaultChoice: 'CHOICE_GRANTED',
    })
    expect(shown.recipients).toHaveLength(harness.policy.recipients.length)
    expect(shown.recipients.find(({ id }) => id === 'mailchimp')).toMatchObject({
      fulfilledBy: 'connector',
      connector: 'mailchimp',
      purposes: ['email-marketing'],
      grants: [{ kind: 'IDENTIFIER_KIND_EMAIL', form: 'raw' }],
    })
  })
})
