import { status } from '@heed/platform/grpc'
import { describe, expect, it } from 'vitest'
import { erase, erasureHarnesses, finish, type HarnessOptions, mailAllowed } from './erasure.fixture.ts'
import { anOptIn, anOptOut, byEmail } from './harness.ts'

const start = erasureHarnesses()

describe('after an erasure', () => {
  const erased = async (options: HarnessOptions = {}) => {
    const harness = await start(options)
    const before = await harness.client.setPreferences(anOptIn('s-1', 'ada@example.org', Date.now() - 60_000))
    const erasedAt = Date.now()
    await harness.client.eraseSubject(erase('e-1', 'ada@example.org'))
    await finish(harness)
    return { harness, before, erasedAt }
  }

  it('a re-import stays refused and keeps nothing', async () => {
    const { harness, erasedAt } = await erased()
    const old = anOptIn('r-1', 'ada@example.org', erasedAt - 1_000)
    await expect(harness.client.setPreferences(old)).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      reason: 'EVIDENCE_NOT_NEWER',
    })
    const imported = { ...anOptIn('r-2', 'ada@example.org', Date.now()), origin: 'ORIGIN_KIND_IMPORT' as const }
    await expect(harness.client.setPreferences(imported)).rejects.toMatchObject({ reason: 'ORIGIN_CANNOT_GRANT' })
    expect(await harness.app.store.identifiers.countDocuments()).toBe(0)
    expect(await mailAllowed(harness, 'ada@example.org')).toBe(false)
  })

  it('a refusal makes a new subject that starts with everything denied', async () => {
    const { harness, before, erasedAt } = await erased()
    const answer = await harness.client.setPreferences(anOptOut('r-1', 'ada@example.org'))
    expect(answer).toMatchObject({ version: 1, changed: false })
    expect(answer.subjectId).not.toBe(before.subjectId)
    const preferences = await harness.client.getPreferences({ subject: byEmail('ada@example.org') })
    expect(preferences.chosen.every(({ choice }) => choice === 'CHOICE_DENIED')).toBe(true)
    expect(preferences.chosen.length).toBeGreaterThan(5)
    await expect(harness.client.setPreferences(anOptIn('r-2', 'ada@example.org', erasedAt - 1_000))).rejects.toMatchObject({
      reason: 'EVIDENCE_NOT_NEWER',
    })
  })

  it('fresh evidence of the person makes a new subject with what she granted, and nothing else', async () => {
    const { harness, before } = await erased()
    const answer = await harness.client.setPreferences(anOptIn('r-1', 'ada@example.org', Date.now()))
    expect(answer).toMatchObject({ version: 2, changed: true })
    expect(answer.subjectId).not.toBe(before.subjectId)
    expect(await mailAllowed(harness, 'ada@example.org')).toBe(true)
    expect((await harness.client.checkPermission({ subject: byEmail('ada@example.org'), purpose: 'analytics' })).allowed).toBe(false)
    // and she can be erased once more
    expect((await harness.client.eraseSubject(erase('e-2', 'ada@example.org'))).status).toMatchObject({ subjectId: answer.subjectId })
    await finish(harness)
    expect(await mailAllowed(harness, 'ada@example.org')).toBe(false)
  })

  it('a suppressed identifier that is linked brings its denials along', async () => {
    const { harness } = await erased()
    await harness.client.setPreferences(anOptIn('r-1', 'bob@example.org', Date.now()))
    expect(await mailAllowed(harness, 'bob@example.org')).toBe(true)
    const identifiers = [{ kind: 'IDENTIFIER_KIND_EMAIL', value: 'ada@example.org' } as const]
    await harness.client.linkIdentifiers({
      requestId: 'l-1',
      subject: byEmail('bob@example.org'),
      identifiers,
      origin: 'ORIGIN_KIND_INTERNAL_SERVICE',
    })
    for (const address of ['ada@example.org', 'bob@example.org']) expect(await mailAllowed(harness, address)).toBe(false)
  })

  it('a link in an old mail says so, a mail to her makes a subject that is denied, and a batch of checks knows her', async () => {
    const harness = await start()
    await harness.client.setPreferences(anOptOut('s-1', 'ada@example.org', 'analytics'))
    const row = await harness.app.store.subjects.findOne({})
    await harness.client.eraseSubject(erase('e-1', 'ada@example.org'))
    await finish(harness)
    const use = {
      linkRef: row?.linkRef ?? '',
      scope: 'all',
      method: 'ORIGIN_KIND_ONE_CLICK' as const,
      tokenFingerprint: '0123abcd',
      keyId: 'l1',
      usedAt: { seconds: 1, nanos: 0 },
      requestId: 'click-1',
    }
    const { results } = await harness.client.useUnsubscribeLinks({ uses: [use, { ...use, linkRef: '0'.repeat(32), requestId: 'click-2' }] })
    expect(results.map(({ result }) => result)).toEqual(['LINK_USE_ERASED', 'LINK_USE_UNKNOWN'])
    await harness.client.createUnsubscribeLinks({ purpose: 'email-marketing', subjects: [byEmail('ada@example.org')] })
    const checks = { recipientId: 'mailchimp', subjects: [byEmail('ada@example.org'), byEmail('new@example.org')] }
    expect((await harness.client.batchCheckPermission(checks)).results.map(({ allowed }) => allowed)).toEqual([false, true])
  })

  it('another process that remembers the old owner finds the new one', async () => {
    const one = await start()
    const other = await start({ prefix: one.prefix, keys: one.keys })
    const before = await other.client.setPreferences(anOptOut('s-1', 'ada@example.org'))
    await one.client.eraseSubject(erase('e-1', 'ada@example.org'))
    await finish(one)
    expect(await mailAllowed(other, 'ada@example.org')).toBe(false)
    const answer = await other.client.setPreferences(anOptIn('r-1', 'ada@example.org', Date.now()))
    expect(answer).toMatchObject({ version: 2 })
    expect(answer.subjectId).not.toBe(before.subjectId)
  })

  it('a repeated request of before is refused, since nobody can tell any more whether it is the same', async () => {
    const { harness } = await erased()
    const repeated = anOptIn('s-1', 'ada@example.org', Date.now() - 60_000)
    await expect(
      harness.client.setPreferences({
        ...repeated,
        evidence: { ...repeated.evidence, collectedAt: { seconds: Math.floor(Date.now() / 1000) + 5, nanos: 0 } },
      }),
    ).rejects.toMatchObject({
      reason: 'SUBJECT_ERASED',
    })
  })

  it('changes of her are not scanned for backfills any more', async () => {
    const { harness } = await erased()
    await harness.client.setPreferences(anOptOut('s-9', 'bob@example.org'))
    const seen: string[] = []
    for await (const { snapshots } of harness.client.scanSnapshots({})) seen.push(...snapshots.map(({ subjectId }) => subjectId))
    expect(seen).toHaveLength(1)
  })
})

describe('a known child', () => {
  it('is erased as such, and no evidence is ever new enough', async () => {
    const harness = await start()
    const { subjectId } = await harness.client.setPreferences(anOptIn('s-1', 'kid@example.org', Date.now() - 1_000))
    const { status: erasure } = await harness.client.markKnownChild({
      requestId: 'c-1',
      subject: byEmail('kid@example.org'),
      reference: 'desk:9',
    })
    expect(erasure).toMatchObject({ subjectId, cause: 'ERASURE_CAUSE_KNOWN_CHILD', stage: 'ERASURE_STAGE_REQUESTED' })
    await finish(harness)
    expect(await harness.app.store.acts.findOne({ _id: `erased/${subjectId}/completed` })).toMatchObject({
      cause: 'known-child',
      reference: 'desk:9',
    })
    await expect(harness.client.setPreferences(anOptIn('s-2', 'kid@example.org', Date.now()))).rejects.toMatchObject({
      reason: 'KNOWN_CHILD',
    })
    expect(await harness.app.store.identifiers.countDocuments()).toBe(0)
    // a refusal is taken, and the new subject stays barred
    expect(await harness.client.setPreferences(anOptOut('s-3', 'kid@example.org'))).toMatchObject({ version: 1 })
    await expect(harness.client.setPreferences(anOptIn('s-4', 'kid@example.org', Date.now()))).rejects.toMatchObject({
      reason: 'KNOWN_CHILD',
    })
  })

  it('stays one where she asked for the erasure herself, before or during it', async () => {
    const harness = await start()
    await harness.client.eraseSubject(erase('e-1', 'kid@example.org'))
    await harness.client.markKnownChild({ requestId: 'c-1', subject: byEmail('kid@example.org'), reference: 'desk:9' })
    await finish(harness)
    await expect(harness.client.setPreferences(anOptIn('s-1', 'kid@example.org', Date.now()))).rejects.toMatchObject({
      reason: 'KNOWN_CHILD',
    })
    await harness.client.eraseSubject(erase('e-2', 'teen@example.org'))
    await finish(harness)
    await harness.client.markKnownChild({ requestId: 'c-2', subject: byEmail('teen@example.org'), reference: 'desk:10' })
    await expect(harness.client.setPreferences(anOptIn('s-2', 'teen@example.org', Date.now()))).rejects.toMatchObject({
      reason: 'KNOWN_CHILD',
    })
  })
})
