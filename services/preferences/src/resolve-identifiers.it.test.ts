import { createHash } from 'node:crypto'
import { GrpcFault, status } from '@heed/platform/grpc'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

let harness: Harness
const stack = () => ({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })
beforeAll(async () => {
  harness = await startHarness({
    ...stack(),
    withoutRelay: true,
    callers: {
      mailchimp: ['identifiers:resolve:mailchimp'],
      linkedin: ['identifiers:resolve:linkedin'],
      writer: ['preferences:write'],
      'ad-desk': ['identifiers:hand-over:advertising-operations'],
      moderator: ['identifiers:hand-over:community-moderation'],
    },
  })
})
afterAll(() => harness.stop())

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const gaidOf = (mark: string) => `${mark}802e-fb9c-47ad-9866-0794d394c912`

/** A person with an address, a phone, a device and a user id; `mark` is four hex digits that make all of them its own. */
async function ada(mark: string): Promise<string> {
  const { subjectId } = await harness.client.setPreferences(anOptOut(`${mark}-1`, `Ada.${mark}@Example.org`))
  await harness.client.linkIdentifiers({
    requestId: `${mark}-2`,
    subject: { subjectId },
    identifiers: [
      { kind: 'IDENTIFIER_KIND_PHONE', value: `+44 20 718${Number.parseInt(mark, 16)}` },
      { kind: 'IDENTIFIER_KIND_GAID', value: gaidOf(mark) },
      { kind: 'IDENTIFIER_KIND_USER_ID', value: `user-${mark}` },
    ],
  })
  return subjectId
}

const disclosures = (subjectId: string) =>
  harness.app.store.acts.find({ type: 'heed.disclosure.made.v1', 'items.subjectId': subjectId as never }).toArray()

describe('ResolveIdentifiers', () => {
  it('gives a recipient exactly the kinds and forms that the policy grants it', async () => {
    const subjectId = await ada('abcd')
    const mailchimp = await harness.identifiersOf('mailchimp').resolveIdentifiers({ recipientId: 'mailchimp', items: [{ subjectId }] })
    expect(mailchimp.subjects).toEqual([
      {
        subjectId,
        standing: 'SUBJECT_STANDING_ACTIVE',
        newestVersion: 2,
        identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', form: 'raw', value: 'Ada.abcd@Example.org', former: false }],
      },
    ])
    const linkedin = await harness.identifiersOf('linkedin').resolveIdentifiers({ recipientId: 'linkedin', items: [{ subjectId }] })
    expect(linkedin.subjects[0]?.identifiers).toEqual([
      { kind: 'IDENTIFIER_KIND_EMAIL', form: 'nows-sha256-hex', value: sha256('ada.abcd@example.org'), former: false },
      { kind: 'IDENTIFIER_KIND_GAID', form: 'raw', value: gaidOf('abcd'), former: false },
    ])
  })

  it('serves every recipient of the policy with what its grants name, and nothing else', async () => {
    const subjectId = await ada('bbbb')
    for (const recipient of harness.policy.recipients) {
      const { subjects } = await harness.identifiers.resolveIdentifiers({ recipientId: recipient.id, items: [{ subjectId }] })
      const granted = new Set(recipient.grants.map(({ kind, form }) => `${kind} ${form}`))
      const handed = (subjects[0]?.identifiers ?? []).map(
        ({ kind, form }) => `${kind.replace('IDENTIFIER_KIND_', '').toLowerCase().replaceAll('_', '-')} ${form}`,
      )
      expect(handed.filter((one) => !granted.has(one))).toEqual([])
    }
  })

  it('refuses a caller whose scope names another recipient, and one that has none', async () => {
    const subjectId = await ada('cccc')
    for (const [caller, recipientId] of [
      ['mailchimp', 'linkedin'],
      ['writer', 'mailchimp'],
      ['mailchimp', 'no-such-recipient'],
      ['mailchimp', 'Not An Id'],
    ] as const) {
      await expect(harness.identifiersOf(caller).resolveIdentifiers({ recipientId, items: [{ subjectId }] })).rejects.toMatchObject({
        code: status.PERMISSION_DENIED,
      })
    }
    expect(await disclosures(subjectId)).toEqual([])
  })

  it('records each hand-over with kinds and forms, for the delivery that asked, and without a value', async () => {
    const subjectId = await ada('dddd')
    const deliveryId = `mailchimp/${subjectId}/2`
    await harness.identifiersOf('mailchimp').resolveIdentifiers({ recipientId: 'mailchimp', items: [{ subjectId, deliveryId }] })
    const [row, ...more] = await disclosures(subjectId)
    expect(more).toEqual([])
    expect(row).toMatchObject({
      by: 'mailchimp',
      recipientId: 'mailchimp',
      policyVersion: harness.policy.version,
      forms: [[{ kind: 'email', form: 'raw', count: 1 }]],
      items: [{ subjectId, deliveryId, form: 0 }],
    })
    expect(JSON.stringify(row)).not.toMatch(/example/i)
  })

  it('hands over nothing where the hand-over cannot be recorded', async () => {
    const subjectId = await ada('eeee')
    const admin = harness.mongo.database('admin').db?.admin()
    await admin?.command({
      configureFailPoint: 'failCommand',
      mode: { times: 1 },
      data: { failCommands: ['insert'], appName: harness.prefix, errorCode: 96 },
    })
    await expect(
      harness.identifiersOf('mailchimp').resolveIdentifiers({ recipientId: 'mailchimp', items: [{ subjectId }] }),
    ).rejects.toBeInstanceOf(GrpcFault)
    expect(await disclosures(subjectId)).toEqual([])
  })

  it.each(['identifier', 'data key'])(
    'answers for a subject whose %s is damaged that it is unreadable, and for the others as ever',
    async (what) => {
      const [damaged, sound] = [await ada(what === 'identifier' ? '1a1a' : '1b1b'), await ada(what === 'identifier' ? '2a2a' : '2b2b')]
      const { identifiers, subjects } = harness.app.store
      const bytes = Buffer.alloc(60, 7)
      if (what === 'identifier') await identifiers.updateOne({ subjectId: damaged as never, kind: 'phone' }, { $set: { sealed: bytes } })
      else await subjects.updateOne({ _id: damaged as never }, { $set: { 'dataKey.sealed': bytes } })
      const answer = await harness
        .identifiersOf('mailchimp')
        .resolveIdentifiers({ recipientId: 'mailchimp', items: [{ subjectId: damaged }, { subjectId: sound }] })
      expect(answer.subjects).toMatchObject([
        { subjectId: damaged, standing: 'SUBJECT_STANDING_UNREADABLE', identifiers: [], newestVersion: 2 },
        { subjectId: sound, standing: 'SUBJECT_STANDING_ACTIVE', identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL' }] },
      ])
      expect(await disclosures(damaged)).toEqual([])
      expect(await disclosures(sound)).toHaveLength(1)
      expect(harness.lines.filter((line) => line.includes('vault.unreadable') && line.includes(damaged))).toHaveLength(1)
    },
  )

  it('says which subjects are unknown or erased, and records nothing for them', async () => {
    const subjectId = await ada('ffff')
    await harness.app.store.subjects.updateOne({ _id: subjectId as never }, { $set: { erasedAt: new Date() } })
    const unknown = `s-${'0'.repeat(26)}`
    const { subjects } = await harness
      .identifiersOf('mailchimp')
      .resolveIdentifiers({ recipientId: 'mailchimp', items: [{ subjectId }, { subjectId: unknown }] })
    expect(subjects).toMatchObject([
      { standing: 'SUBJECT_STANDING_ERASED', identifiers: [] },
      { subjectId: unknown, standing: 'SUBJECT_STANDING_UNKNOWN', identifiers: [], newestVersion: 0 },
    ])
    expect(await disclosures(subjectId)).toEqual([])
  })

  it.each([
    ['no items', [], 'items'],
    ['a subject id that is none', [{ subjectId: 'ada@example.org' }], 'items[0].subject_id'],
    [
      'a delivery to another recipient',
      [{ subjectId: `s-${'0'.repeat(26)}`, deliveryId: `linkedin/s-${'0'.repeat(26)}/1` }],
      'items[0].delivery_id',
    ],
  ])('refuses %s', async (_, items, field) => {
    await expect(harness.identifiersOf('mailchimp').resolveIdentifiers({ recipientId: 'mailchimp', items })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      violations: [{ field }],
    })
  })

  it('answers for thousands in the order of the questions', async () => {
    async function* items() {
      for (let n = 0; n < 2_000; n += 1) yield { item: anOptOut(`many-${n}`, `many-${n}@example.org`) }
    }
    const ids: string[] = []
    for await (const { accepted } of harness.client.streamPreferences(items())) ids.push(accepted?.subjectId ?? '')
    const { subjects } = await harness
      .identifiersOf('mailchimp')
      .resolveIdentifiers({ recipientId: 'mailchimp', items: ids.toReversed().map((subjectId) => ({ subjectId })) })
    expect(subjects.map(({ identifiers }) => identifiers[0]?.value)).toEqual(
      Array.from({ length: 2_000 }, (_, n) => `many-${1_999 - n}@example.org`),
    )
    expect(await harness.client.getPreferences({ subject: byEmail('many-7@example.org') })).toMatchObject({ subjectId: ids[7] })
  })
})

describe('ResolveIdentifiers without values', () => {
  it('says which kinds there are, hands nothing over, and records nothing', async () => {
    const subjectId = await ada('a1a1')
    const { subjects } = await harness.identifiers.resolveIdentifiers({
      recipientId: 'campaign-manager-360',
      items: [{ subjectId }],
      withoutValues: true,
    })
    expect(subjects[0]).toMatchObject({
      standing: 'SUBJECT_STANDING_ACTIVE',
      identifiers: [{ kind: 'IDENTIFIER_KIND_GAID', form: 'raw', value: '' }],
    })
    expect(await disclosures(subjectId)).toEqual([])
  })
})

describe('HandOverIdentifiers', () => {
  const duty = (subjectId: string, version = 2) => `campaign-manager-360/${subjectId}/${version}`

  it('gives the role whose duty it is exactly what the policy grants that recipient, and records to whom', async () => {
    const subjectId = await ada('b1b1')
    const { subject } = await harness
      .identifiersOf('ad-desk')
      .handOverIdentifiers({ deliveryId: duty(subjectId), handedTo: 'Lin, advertising' })
    expect(subject?.identifiers).toEqual([{ kind: 'IDENTIFIER_KIND_GAID', form: 'raw', value: gaidOf('b1b1'), former: false }])
    expect(await disclosures(subjectId)).toMatchObject([
      {
        by: 'ad-desk',
        recipientId: 'campaign-manager-360',
        handedTo: { role: 'advertising-operations', person: 'Lin, advertising' },
        items: [{ subjectId, deliveryId: duty(subjectId) }],
      },
    ])
    expect(harness.lines.join('\n')).not.toContain(gaidOf('b1b1'))
  })

  it('refuses another role, a caller without any, and a connector', async () => {
    const subjectId = await ada('c1c1')
    for (const caller of ['moderator', 'writer', 'mailchimp']) {
      await expect(
        harness.identifiersOf(caller).handOverIdentifiers({ deliveryId: duty(subjectId), handedTo: 'Lin' }),
        caller,
      ).rejects.toMatchObject({ code: status.PERMISSION_DENIED })
    }
    expect(await disclosures(subjectId)).toEqual([])
  })

  it.each([
    ['a delivery of a connector', (id: string) => `mailchimp/${id}/2`, 'Lin', 'delivery_id'],
    ['what is no delivery', () => 'x', 'Lin', 'delivery_id'],
    ['nobody to hand them to', (id: string) => duty(id), ' ', 'handed_to'],
    ['an address in place of a name', (id: string) => duty(id), 'lin@example.com', 'handed_to'],
  ])('refuses %s', async (_, deliveryOf, handedTo, field) => {
    const subjectId = await ada('d1d1')
    await expect(harness.identifiers.handOverIdentifiers({ deliveryId: deliveryOf(subjectId), handedTo })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      violations: [{ field }],
    })
  })

  it('knows no delivery of a version or a subject that never was, and hands nothing over for it', async () => {
    const subjectId = await ada('e1e1')
    for (const deliveryId of [duty(subjectId, 99), duty(`s-${'0'.repeat(26)}`)]) {
      await expect(harness.identifiersOf('ad-desk').handOverIdentifiers({ deliveryId, handedTo: 'Lin' })).rejects.toMatchObject({
        code: status.NOT_FOUND,
      })
    }
    expect(await disclosures(subjectId)).toEqual([])
  })
})
