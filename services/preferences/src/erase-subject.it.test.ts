import { type SubjectId, subjectIdOf } from '@heed/domain'
import { status } from '@heed/platform/grpc'
import { describe, expect, it } from 'vitest'
import { erase, erasureHarnesses, finish, mailAllowed, saying } from './erasure.fixture.ts'
import { anOptIn, anOptOut, byEmail, type Harness } from './harness.ts'

const start = erasureHarnesses()

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
