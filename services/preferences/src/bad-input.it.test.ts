import { loadService } from '@heed/contracts'
import type { SetPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import { closeClient, GrpcFault, grpcClient, status, type UnaryCall } from '@heed/platform/grpc'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { anOptIn, anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({
    mongoUri: inject('mongoUri'),
    kafkaBrokers: inject('kafkaBrokers').split(','),
    withoutRelay: true,
    callers: { reader: ['preferences:read'], writer: ['preferences:write'] },
  })
})
afterAll(() => harness.stop())

const rows = async () => {
  const { changes, subjects, identifiers, requests } = harness.app.store
  return Promise.all([changes.countDocuments(), subjects.countDocuments(), identifiers.countDocuments(), requests.countDocuments()])
}
let rowsBefore: number[] = []
beforeEach(async () => {
  rowsBefore = await rows()
})

const fault = async (call: Promise<unknown>): Promise<GrpcFault> => {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(thrown instanceof GrpcFault)) throw new Error('it was taken')
  return thrown
}
const nothingChanged = async () => expect(await rows()).toEqual(rowsBefore)

const good = () => anOptOut('bad-1', 'bad@example.org')
const hour = 3_600_000

describe('SetPreferences refuses', () => {
  it.each<[string, Partial<SetPreferencesRequest>, string, string]>([
    ['no request id', { requestId: '' }, 'request_id', 'BAD_REQUEST'],
    ['a request id with other characters', { requestId: 'a b' }, 'request_id', 'BAD_REQUEST'],
    ['a request id that is too long', { requestId: 'x'.repeat(129) }, 'request_id', 'BAD_REQUEST'],
    ['no subject', { subject: null }, 'subject', 'SUBJECT_MISSING'],
    ['an empty subject', { subject: {} }, 'subject', 'SUBJECT_MISSING'],
    ['a subject id that is none', { subject: { subjectId: 's-1' } }, 'subject.subject_id', 'BAD_REQUEST'],
    ['an unspecified kind', { subject: { identifier: { value: 'a@example.org' } } }, 'subject.identifier.kind', 'UNKNOWN_IDENTIFIER_KIND'],
    [
      'an unknown kind',
      { subject: { identifier: { kind: 99 as never, value: 'a' } } },
      'subject.identifier.kind',
      'UNKNOWN_IDENTIFIER_KIND',
    ],
    ['a malformed address', { subject: byEmail('no address') }, 'subject.identifier.value', 'MALFORMED_IDENTIFIER'],
    ['a hash instead of an address', { subject: byEmail('a'.repeat(64)) }, 'subject.identifier.value', 'MALFORMED_IDENTIFIER'],
    [
      'a phone number without country',
      { subject: { identifier: { kind: 'IDENTIFIER_KIND_PHONE', value: '020 7183 8750' } } },
      'subject.identifier.value',
      'MALFORMED_IDENTIFIER',
    ],
    ['no choices', { choices: [] }, 'choices', 'EMPTY'],
    [
      'too many choices',
      { choices: Array.from({ length: 65 }, () => ({ purpose: 'analytics', choice: 'CHOICE_DENIED' as const })) },
      'choices',
      'TOO_MANY',
    ],
    ['an unknown purpose', { choices: [{ purpose: 'nonsense', choice: 'CHOICE_DENIED' }] }, 'choices[0].purpose', 'UNKNOWN_PURPOSE'],
    [
      'an unknown topic',
      { choices: [{ purpose: 'email-marketing/nonsense', choice: 'CHOICE_DENIED' }] },
      'choices[0].purpose',
      'UNKNOWN_PURPOSE',
    ],
    ['an unspecified choice', { choices: [{ purpose: 'analytics' }] }, 'choices[0].choice', 'UNKNOWN_CHOICE'],
    [
      'a refusal of what cannot be refused',
      { choices: [{ purpose: 'service-email', choice: 'CHOICE_DENIED' }] },
      'choices[0].purpose',
      'NOT_REFUSABLE',
    ],
    ['an unknown origin', { origin: 77 as never }, 'origin', 'UNKNOWN_ORIGIN'],
    ['a reference that could hold a person', { originReference: 'Ada <ada@example.org>' }, 'origin_reference', 'BAD_REQUEST'],
    ['a version below zero', { expectedVersion: -1 }, 'expected_version', 'BAD_REQUEST'],
    ['an opt-in without evidence', { choices: [{ purpose: 'analytics', choice: 'CHOICE_GRANTED' }] }, 'evidence', 'EVIDENCE_MISSING'],
    [
      'evidence of no kind',
      { ...anOptIn('bad-1', 'bad@example.org', Date.now()), evidence: { reference: 'x', collectedAt: { seconds: 1 } } },
      'evidence.kind',
      'BAD_REQUEST',
    ],
    [
      'evidence of no time',
      { ...anOptIn('bad-1', 'bad@example.org', Date.now()), evidence: { kind: 'EVIDENCE_KIND_FORM', reference: 'x' } },
      'evidence.collected_at',
      'BAD_REQUEST',
    ],
    ['evidence from the future', anOptIn('bad-1', 'bad@example.org', Date.now() + hour), 'evidence.collected_at', 'EVIDENCE_IN_FUTURE'],
    [
      'evidence of last year',
      anOptIn('bad-1', 'bad@example.org', Date.now() - 400 * 24 * hour),
      'evidence.collected_at',
      'EVIDENCE_TOO_OLD',
    ],
    [
      'an opt-in from an unknown origin',
      { ...anOptIn('bad-1', 'bad@example.org', Date.now()), origin: 'ORIGIN_KIND_UNSPECIFIED' },
      'origin',
      'ORIGIN_CANNOT_GRANT',
    ],
    [
      'an opt-in from a vendor',
      { ...anOptIn('bad-1', 'bad@example.org', Date.now()), origin: 'ORIGIN_KIND_VENDOR' },
      'origin',
      'ORIGIN_CANNOT_GRANT',
    ],
  ])('%s', async (_, change, field, reason) => {
    const refused = await fault(harness.client.setPreferences({ ...good(), ...change }))
    expect(refused).toMatchObject({ code: status.INVALID_ARGUMENT, reason })
    expect(refused.violations.map((violation) => violation.field)).toContain(field)
    expect(refused.violations.every(({ description }) => description.length > 10)).toBe(true)
    await nothingChanged()
  })

  it('a subject that Heed has not given out', async () => {
    expect(await fault(harness.client.setPreferences({ ...good(), subject: { subjectId: `s-${'0'.repeat(26)}` } }))).toMatchObject({
      code: status.NOT_FOUND,
      reason: 'SUBJECT_UNKNOWN',
    })
    await nothingChanged()
  })

  it('text that is no UTF-8', async () => {
    const definition = loadService('heed.preferences.v1.PreferenceService')
    const method = definition.SetPreferences
    const bytes = Buffer.from(method.requestSerialize(anOptOut('utf-1', 'u', 'analytics')))
    // the address is the one-letter text after its tag and length
    const at = bytes.indexOf(Buffer.from([0x12, 0x01, 0x75]))
    bytes[at + 2] = 0xff
    const raw = grpcClient<{ setPreferences: UnaryCall<Buffer, unknown> }>(
      { SetPreferences: { ...method, requestSerialize: (value: Buffer) => value } as never },
      { address: `127.0.0.1:${harness.app.server.port}`, key: harness.callerKeys.tester ?? '' },
    )
    expect(at).toBeGreaterThan(0)
    const refused = await fault(raw.setPreferences(bytes))
    expect(refused).toMatchObject({
      code: status.INVALID_ARGUMENT,
      violations: [{ field: 'subject.identifier.value', description: expect.stringContaining('UTF-8') }],
    })
    closeClient(raw)
    await nothingChanged()
  })

  it('a message that is larger than any request needs to be', async () => {
    const refused = await fault(harness.client.setPreferences({ ...good(), originReference: 'x'.repeat(5 * 1024 * 1024) }))
    expect(refused.code).toBe(status.RESOURCE_EXHAUSTED)
    await nothingChanged()
  })

  it('callers without a key, with an unknown one, and without the scope', async () => {
    const keyless = harness.clientOf('nobody-of-that-name')
    expect(await fault(keyless.setPreferences(good()))).toMatchObject({ code: status.UNAUTHENTICATED, reason: 'KEY_MISSING' })
    expect(await fault(harness.clientOf('reader').setPreferences(good()))).toMatchObject({
      code: status.PERMISSION_DENIED,
      metadata: { scope: 'preferences:write' },
    })
    expect(await fault(harness.clientOf('writer').getPreferences({ subject: byEmail('bad@example.org') }))).toMatchObject({
      code: status.PERMISSION_DENIED,
    })
    await nothingChanged()
  })
})

describe('the other calls refuse', () => {
  it.each<[string, (client: Harness['client']) => Promise<unknown>, string]>([
    ['a check of nothing', (client) => client.checkPermission({ subject: byEmail('a@example.org') }), 'recipient_id'],
    [
      'an unknown recipient',
      (client) => client.checkPermission({ subject: byEmail('a@example.org'), recipientId: 'nobody' }),
      'recipient_id',
    ],
    ['an unknown purpose', (client) => client.checkPermission({ subject: byEmail('a@example.org'), purpose: 'nonsense' }), 'purpose'],
    ['a check of nobody', (client) => client.checkPermission({ recipientId: 'mailchimp' }), 'subject'],
    ['a batch of none', (client) => client.batchCheckPermission({ recipientId: 'mailchimp', subjects: [] }), 'subjects'],
    [
      'a batch of too many',
      (client) =>
        client.batchCheckPermission({ recipientId: 'mailchimp', subjects: Array.from({ length: 1_001 }, () => byEmail('a@example.org')) }),
      'subjects',
    ],
    [
      'a batch with one that is malformed',
      (client) => client.batchCheckPermission({ recipientId: 'mailchimp', subjects: [byEmail('a@example.org'), byEmail('b')] }),
      'subjects[1].identifier.value',
    ],
    ['a plan without choices', (client) => client.planChange({ subject: byEmail('a@example.org') }), 'choices'],
    ['links for nobody', (client) => client.createUnsubscribeLinks({ purpose: 'email-marketing', subjects: [] }), 'subjects'],
    [
      'links for too many',
      (client) =>
        client.createUnsubscribeLinks({
          purpose: 'email-marketing',
          subjects: Array.from({ length: 10_001 }, () => byEmail('a@example.org')),
        }),
      'subjects',
    ],
    ['clicks of none', (client) => client.useUnsubscribeLinks({ uses: [] }), 'uses'],
    ['clicks of too many', (client) => client.useUnsubscribeLinks({ uses: Array.from({ length: 501 }, () => ({})) }), 'uses'],
    [
      'a link to nothing',
      (client) => client.linkIdentifiers({ requestId: 'l-1', subject: byEmail('a@example.org'), identifiers: [] }),
      'identifiers',
    ],
    [
      'a link to too much',
      (client) =>
        client.linkIdentifiers({
          requestId: 'l-1',
          subject: byEmail('a@example.org'),
          identifiers: Array.from({ length: 33 }, (_, n) => ({ kind: 'IDENTIFIER_KIND_EMAIL' as const, value: `${n}@example.org` })),
        }),
      'identifiers',
    ],
    [
      'a link to a device without tracking',
      (client) =>
        client.linkIdentifiers({
          requestId: 'l-1',
          subject: byEmail('a@example.org'),
          identifiers: [{ kind: 'IDENTIFIER_KIND_IDFA', value: '00000000-0000-0000-0000-000000000000' }],
        }),
      'identifiers[0].value',
    ],
  ])('%s', async (_, call, field) => {
    const refused = await fault(call(harness.client))
    expect(refused.code).toBe(status.INVALID_ARGUMENT)
    expect(refused.violations.map((violation) => violation.field)).toEqual([field])
    await nothingChanged()
  })
})

describe('a stream', () => {
  it('refuses an item without content and goes on', async () => {
    const answers = []
    for await (const answer of harness.client.streamPreferences([{}, { item: anOptOut('stream-1', 'stream@example.org') }]))
      answers.push(answer)
    expect(answers).toMatchObject([
      { requestId: '', refused: { code: status.INVALID_ARGUMENT, violations: [{ field: 'item' }] } },
      { accepted: { version: 1 } },
    ])
  })
})
