import { type ChangeId, type SubjectId, subjectIdOf } from '@heed/domain'
import { status } from '@heed/platform/grpc'
import { afterEach, describe, expect, inject, it } from 'vitest'
import type { Duties } from './duties.ts'
import { anOptIn, anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

const stack = () => ({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })

/** What recipients have confirmed, as the test says. */
const saying = (open: (changeId: ChangeId) => number | undefined): Duties => ({
  open: async (changeId) => open(changeId),
  close: () => undefined,
})
const allSettled = saying(() => 0)

let running: Harness[] = []
afterEach(async () => {
  await Promise.all(running.map((harness) => harness.stop()))
  running = []
})
const start = async (options: Partial<Parameters<typeof startHarness>[0]> = {}): Promise<Harness> => {
  const harness = await startHarness({ ...stack(), withoutRelay: true, duties: allSettled, erasure: { copiesMs: 0 }, ...options })
  running.push(harness)
  return harness
}

/** Carries erasures on until nothing is due any more. */
const finish = async (harness: Harness) => {
  for (let round = 0; round < 50; round += 1) {
    await harness.app.store.erasures.updateMany({ lookAt: { $exists: true } }, { $set: { lookAt: new Date(0) } })
    await harness.app.advanceErasures()
    if ((await harness.app.store.erasures.countDocuments({ lookAt: { $exists: true } })) === 0) return
  }
  throw new Error('an erasure does not end')
}

const erase = (requestId: string, email: string, more = {}) => ({
  requestId,
  subject: byEmail(email),
  reference: `desk:${requestId}`,
  ...more,
})
const mailAllowed = async (harness: Harness, email: string) =>
  (await harness.client.checkPermission({ subject: byEmail(email), recipientId: 'mailchimp' })).allowed

/** Everything that the room's database holds, as text. */
async function dump(harness: Harness): Promise<string> {
  const database = harness.mongo.database(`${harness.prefix}_preferences`)
  const texts: string[] = []
  for (const { name } of await database.listCollections()) {
    for await (const row of database.collection(name).find()) texts.push(`${name} ${JSON.stringify(row)}`)
  }
  return texts.join('\n')
}

describe('an erasure', () => {
  it('is answered once everything is denied, and takes no grant from then on', async () => {
    const harness = await start()
    const { subjectId } = await harness.client.setPreferences(anOptIn('s-1', 'ada@example.org', Date.now() - 1_000))
    const { status: erasure } = await harness.client.eraseSubject(erase('e-1', 'ada@example.org'))
    expect(erasure).toMatchObject({
      subjectId,
      stage: 'ERASURE_STAGE_REQUESTED',
      cause: 'ERASURE_CAUSE_REQUEST',
      denialChangeId: `${subjectId}/2`,
      erasureChangeId: '',
      waitingFor: 'opt-outs',
      completedAt: null,
    })
    expect(await mailAllowed(harness, 'ada@example.org')).toBe(false)
    await expect(harness.client.setPreferences(anOptIn('s-2', 'ada@example.org', Date.now()))).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      reason: 'BEING_ERASED',
    })
    // a refusal is as true as before, and makes no version that would overtake the erasure
    expect(await harness.client.setPreferences(anOptOut('s-3', 'ada@example.org', 'email-marketing/newsletter'))).toMatchObject({
      version: 2,
      changed: false,
    })
  })

  it('has the recipients told once the opt-outs are settled, then destroys, then is completed; each stage is an act', async () => {
    const settled = new Set<string>()
    const harness = await start({ duties: saying((changeId) => (settled.has(changeId) ? 0 : 3)) })
    const { subjectId } = await harness.client.setPreferences(anOptOut('s-1', 'ada@example.org'))
    await harness.client.eraseSubject(erase('e-1', 'ada@example.org'))
    const look = async () => {
      await harness.app.store.erasures.updateMany({ lookAt: { $exists: true } }, { $set: { lookAt: new Date(0) } })
      await harness.app.advanceErasures()
      const { erasures } = await harness.client.listErasures({ subjectId })
      return erasures[0]
    }
    expect(await look()).toMatchObject({ stage: 'ERASURE_STAGE_REQUESTED', waitingFor: 'opt-outs', openDeliveries: 3 })
    settled.add(`${subjectId}/2`)
    expect(await look()).toMatchObject({
      stage: 'ERASURE_STAGE_RECIPIENTS_TOLD',
      erasureChangeId: `${subjectId}/3`,
      waitingFor: 'erasures',
      openDeliveries: 3,
    })
    // still resolved for those who are told to erase
    const asked = { recipientId: 'mailchimp', items: [{ subjectId, deliveryId: `mailchimp/${subjectId}/3` }] }
    expect((await harness.identifiers.resolveIdentifiers(asked)).subjects[0]).toMatchObject({
      standing: 'SUBJECT_STANDING_ACTIVE',
      identifiers: [{ value: 'ada@example.org' }],
    })
    settled.add(`${subjectId}/3`)
    expect(await look()).toMatchObject({ stage: 'ERASURE_STAGE_IDENTIFIERS_DESTROYED' })
    expect((await harness.identifiers.resolveIdentifiers(asked)).subjects[0]).toMatchObject({
      standing: 'SUBJECT_STANDING_ERASED',
      identifiers: [],
    })
    expect(await look()).toMatchObject({ stage: 'ERASURE_STAGE_COMPLETED', waitingFor: '', openDeliveries: 0 })
    expect((await harness.client.listErasures({})).erasures).toEqual([])
    const acts = await harness.app.store.acts.find({ type: 'heed.subject.erased.v1' }, { sort: { at: 1 } }).toArray()
    const told = { subjectId, cause: 'request', reference: 'desk:e-1', by: 'tester' }
    const destroyed = { because: 'recipients-settled', openDeliveries: 0, identifiers: [{ kind: 'email', count: 1 }] }
    expect(acts).toEqual([
      expect.objectContaining({ ...told, stage: 'requested', changeId: `${subjectId}/2` }),
      expect.objectContaining({ ...told, stage: 'recipients-told', changeId: `${subjectId}/3` }),
      expect.objectContaining({ ...told, ...destroyed, stage: 'identifiers-destroyed' }),
      expect.objectContaining({ ...told, ...destroyed, stage: 'completed' }),
    ])
  })

  it('covers every identifier that was linked and every subject that was merged', async () => {
    const harness = await start()
    const addresses = ['one@example.org', 'two@example.org', 'three@example.org']
    const first = await harness.client.setPreferences(anOptOut('s-1', 'one@example.org'))
    await harness.client.setPreferences(anOptIn('s-2', 'two@example.org', Date.now() - 1_000, 'analytics'))
    const identifiers = ['two@example.org', 'three@example.org'].map((value) => ({ kind: 'IDENTIFIER_KIND_EMAIL', value }) as const)
    await harness.client.linkIdentifiers({
      requestId: 'l-1',
      subject: byEmail('one@example.org'),
      identifiers,
      origin: 'ORIGIN_KIND_PERSON',
    })
    await harness.client.eraseSubject(erase('e-1', 'three@example.org'))
    await finish(harness)
    const { subjects, identifiers: sealed, suppressions } = harness.app.store
    expect(await sealed.countDocuments()).toBe(0)
    expect(await subjects.countDocuments({ dataKey: { $exists: true } })).toBe(0)
    expect(await suppressions.countDocuments({ _id: { $regex: '^email:' } })).toBe(3)
    for (const address of addresses) expect(await mailAllowed(harness, address)).toBe(false)
    const act = await harness.app.store.acts.findOne({ _id: `erased/${first.subjectId}/completed` })
    expect(act).toMatchObject({ mergedSubjectIds: [expect.stringMatching(/^s-/)], identifiers: [{ kind: 'email', count: 3 }] })
  })

  it('leaves no identifier, no evidence and no reference in the database, and no key', async () => {
    const harness = await start()
    const evidence = {
      kind: 'EVIDENCE_KIND_FORM' as const,
      reference: 'evidence-canary',
      collectedAt: { seconds: Math.floor(Date.now() / 1000) - 5, nanos: 0 },
    }
    await harness.client.setPreferences({ ...anOptIn('s-1', 'canary@example.org', 0), evidence, originReference: 'origin-canary' })
    const { subjectId } = await harness.client.getPreferences({ subject: byEmail('canary@example.org') })
    const before = await dump(harness)
    const links = await harness.client.createUnsubscribeLinks({ purpose: 'email-marketing', subjects: [{ subjectId }] })
    const { linkRef } = (await harness.app.store.subjects.findOne({ _id: subjectId as SubjectId })) ?? { linkRef: '' }
    expect(links.links).toHaveLength(1)
    const lookups = (await harness.app.store.identifiers.find().toArray()).map(({ _id }) => _id)
    for (const trace of ['evidence-canary', 'origin-canary', ...lookups]) expect(before).toContain(trace)
    await harness.client.eraseSubject(erase('e-1', 'canary@example.org'))
    await finish(harness)
    const after = await dump(harness)
    for (const trace of ['canary@example.org', 'evidence-canary', 'origin-canary', linkRef, ...lookups, 'sealed'])
      expect(after).not.toContain(trace)
    expect(await harness.app.store.changes.countDocuments({ subjectId: subjectId as SubjectId, erased: { $exists: false } })).toBe(0)
    expect(await harness.client.getPreferences({ subject: { subjectId } })).toMatchObject({ version: 3, identifierKinds: [] })
  })

  it('of an identifier that nobody knows makes a subject first, so that recipients are told', async () => {
    const harness = await start()
    const { status: erasure } = await harness.client.eraseSubject(erase('e-1', 'stranger@example.org'))
    expect(erasure).toMatchObject({ stage: 'ERASURE_STAGE_REQUESTED', subjectId: expect.stringMatching(/^s-/) })
    await finish(harness)
    expect(await harness.app.store.identifiers.countDocuments()).toBe(0)
  })

  it('asked twice is one erasure: by the same request, by another one, by another identifier, and after it is done', async () => {
    const harness = await start()
    await harness.client.setPreferences(anOptOut('s-1', 'ada@example.org'))
    const request = erase('e-1', 'ada@example.org')
    const { status: first } = await harness.client.eraseSubject(request)
    const same = { subjectId: first?.subjectId, requestedAt: first?.requestedAt, denialChangeId: first?.denialChangeId }
    expect((await harness.client.eraseSubject(request)).status).toMatchObject(same)
    expect((await harness.client.eraseSubject(erase('e-2', 'ada@example.org'))).status).toMatchObject(same)
    await expect(harness.client.eraseSubject({ ...request, reference: 'another' })).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED' })
    await finish(harness)
    expect((await harness.client.eraseSubject(request)).status).toMatchObject({ ...same, stage: 'ERASURE_STAGE_COMPLETED' })
    const byId = { requestId: 'e-3', subject: { subjectId: first?.subjectId ?? '' }, reference: 'desk:3' }
    expect((await harness.client.eraseSubject(byId)).status).toMatchObject({ ...same, stage: 'ERASURE_STAGE_COMPLETED' })
    // nothing says any more who she was
    expect((await harness.client.eraseSubject(erase('e-4', 'ada@example.org'))).status).toMatchObject({
      subjectId: '',
      stage: 'ERASURE_STAGE_COMPLETED',
      requestedAt: first?.requestedAt,
    })
    expect(await harness.app.store.erasures.countDocuments()).toBe(1)
    const again = await harness.client.eraseSubject({ ...erase('e-5', 'ada@example.org'), again: true })
    expect(again.status).toMatchObject({ stage: 'ERASURE_STAGE_REQUESTED' })
    expect(again.status?.subjectId).not.toBe(first?.subjectId)
  })

  it('is refused without a reference, with one that names somebody, and for an id that was never given out', async () => {
    const harness = await start({ callers: { writer: ['preferences:write', 'erasures:read'] } })
    const bare = { requestId: 'e-1', subject: byEmail('ada@example.org') }
    await expect(harness.client.eraseSubject(bare)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, reason: 'REFERENCE_MISSING' })
    await expect(harness.client.eraseSubject({ ...bare, reference: 'ada@example.org' })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    })
    const unknown = { requestId: 'e-2', subject: { subjectId: subjectIdOf(new Uint8Array(16)) }, reference: 'desk:1' }
    await expect(harness.client.eraseSubject(unknown)).rejects.toMatchObject({ code: status.NOT_FOUND })
    await expect(harness.clientOf('writer').eraseSubject(erase('e-3', 'ada@example.org'))).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    })
    await expect(harness.clientOf('writer').markKnownChild(erase('e-3', 'ada@example.org'))).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    })
    expect(await harness.app.store.subjects.countDocuments()).toBe(0)
  })

  it('goes on by its times where nobody can say what is settled, and says so', async () => {
    const harness = await start({ duties: saying(() => undefined), erasure: { optOutWaitMs: 3_600_000, limitMs: 7_200_000, copiesMs: 0 } })
    const { subjectId } = await harness.client.setPreferences(anOptOut('s-1', 'ada@example.org'))
    await harness.client.eraseSubject(erase('e-1', 'ada@example.org'))
    const look = async (agoMs: number) => {
      await harness.app.store.erasures.updateMany({}, { $set: { lookAt: new Date(0), requestedAt: new Date(Date.now() - agoMs) } })
      await harness.app.advanceErasures()
      return (await harness.client.listErasures({ subjectId })).erasures[0]
    }
    expect(await look(0)).toMatchObject({ stage: 'ERASURE_STAGE_REQUESTED', waitingFor: 'audit-unreachable' })
    expect(await look(3_600_000)).toMatchObject({ stage: 'ERASURE_STAGE_RECIPIENTS_TOLD', waitingFor: 'audit-unreachable' })
    expect(await look(7_200_000)).toMatchObject({ stage: 'ERASURE_STAGE_IDENTIFIERS_DESTROYED' })
    expect(await harness.app.store.acts.findOne({ _id: `erased/${subjectId}/identifiers-destroyed` })).toMatchObject({
      because: 'limit-passed',
    })
  })
})

describe('what is planned', () => {
  it('names who would stop, who would erase, who would not and why, and what stays; and changes nothing', async () => {
    const harness = await start()
    await harness.client.setPreferences(anOptOut('s-1', 'ada@example.org'))
    const plan = await harness.client.planErasure({ subject: byEmail('ada@example.org') })
    expect(plan.identifiers).toEqual([{ kind: 'IDENTIFIER_KIND_EMAIL', count: 1 }])
    expect(plan.denials.map(({ recipientId }) => recipientId)).toContain('meta')
    expect(plan.erasures).toContainEqual(
      expect.objectContaining({
        recipientId: 'mailchimp',
        fulfilledBy: 'connector',
        identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', form: 'raw', count: 1 }],
        deadlineAt: expect.objectContaining({ seconds: expect.any(Number) }),
      }),
    )
    expect(plan.erasures.map(({ recipientId }) => recipientId)).not.toContain('meta')
    expect(plan.notErased).toContainEqual(expect.objectContaining({ recipientId: 'meta', what: 'opted-out' }))
    expect(plan.notErased).toContainEqual(expect.objectContaining({ recipientId: 'stripe', what: 'not-told' }))
    expect(plan.kept.length).toBeGreaterThan(3)
    expect(plan.status).toBeNull()
    expect(await harness.app.store.changes.countDocuments()).toBe(1)
    await harness.client.eraseSubject(erase('e-1', 'ada@example.org'))
    const under = await harness.client.planErasure({ subject: byEmail('ada@example.org') })
    expect(under).toMatchObject({ denials: [], status: { stage: 'ERASURE_STAGE_REQUESTED' } })
  })
})

describe('after an erasure', () => {
  const erased = async (options: Partial<Parameters<typeof startHarness>[0]> = {}) => {
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

describe('while somebody is erased', () => {
  it('nothing is linked to her, and a crashed link does not stop the sweep', async () => {
    const harness = await start()
    await harness.client.setPreferences(anOptOut('s-1', 'ada@example.org'))
    await harness.client.setPreferences(anOptOut('s-2', 'bob@example.org'))
    await harness.client.eraseSubject(erase('e-1', 'ada@example.org'))
    const link = (requestId: string, subject: string, value: string) =>
      harness.client.linkIdentifiers({
        requestId,
        subject: byEmail(subject),
        identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', value }],
        origin: 'ORIGIN_KIND_PERSON',
      })
    await expect(link('l-1', 'ada@example.org', 'new@example.org')).rejects.toMatchObject({ reason: 'BEING_ERASED' })
    await expect(link('l-2', 'bob@example.org', 'ada@example.org')).rejects.toMatchObject({ reason: 'BEING_ERASED' })
    expect(await harness.app.store.identifiers.countDocuments()).toBe(2)
    await harness.app.finishLinks(new Date(Date.now() + 1_000))
    await finish(harness)
    await expect(link('l-3', 'bob@example.org', 'new@example.org')).resolves.toMatchObject({ added: 1 })
  })
})
