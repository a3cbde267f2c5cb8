import { status } from '@heed/platform/grpc'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { anOptIn, anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

const stack = () => ({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })
const duties = { open: async () => 0, close: () => undefined }

let running: Harness[] = []
afterEach(async () => {
  await Promise.all(running.map((harness) => harness.stop()))
  running = []
})
const start = async (options: Partial<Parameters<typeof startHarness>[0]> = {}): Promise<Harness> => {
  const harness = await startHarness({ ...stack(), withoutRelay: true, duties, erasure: { copiesMs: 0 }, ...options })
  running.push(harness)
  return harness
}
const email = (value: string) => ({ kind: 'IDENTIFIER_KIND_EMAIL', value }) as const
const list = (requestId: string, ...values: string[]) => [{ requestId, reference: 'list:7', identifiers: values.map(email) }]
const mailAllowed = async (harness: Harness, value: string) =>
  (await harness.client.checkPermission({ subject: byEmail(value), recipientId: 'mailchimp' })).allowed

describe('an import of suppressions', () => {
  it('keeps of an unknown person a keyed hash and nothing else, and refuses what is older', async () => {
    const harness = await start()
    const before = Date.now() - 5_000
    expect(await harness.client.importSuppressions(list('i-1', 'gone@example.org'))).toMatchObject({ suppressed: 1, known: 0, denied: 0 })
    const { store } = harness.app
    expect([await store.subjects.countDocuments(), await store.identifiers.countDocuments(), await store.changes.countDocuments()]).toEqual(
      [0, 0, 0],
    )
    expect(await store.suppressions.find().toArray()).toEqual([{ _id: expect.stringMatching(/^email:/), since: expect.any(Date) }])
    expect(await mailAllowed(harness, 'Gone@Example.org')).toBe(false)
    await expect(harness.client.setPreferences(anOptIn('s-1', 'gone@example.org', before))).rejects.toMatchObject({
      reason: 'EVIDENCE_NOT_NEWER',
    })
    expect(await store.identifiers.countDocuments()).toBe(0)
    await harness.client.setPreferences(anOptIn('s-2', 'gone@example.org', Date.now() + 1_000))
    expect(await mailAllowed(harness, 'gone@example.org')).toBe(true)
  })

  it('denies everything of a person who is known, so that recipients are told', async () => {
    const harness = await start()
    const { subjectId } = await harness.client.setPreferences(anOptIn('s-1', 'ada@example.org', Date.now() - 1_000))
    expect(await harness.client.importSuppressions(list('i-1', 'ada@example.org', 'gone@example.org'))).toMatchObject({
      suppressed: 1,
      denied: 1,
    })
    const held = await harness.client.getPreferences({ subject: byEmail('ada@example.org') })
    expect(held).toMatchObject({ subjectId, version: 2 })
    expect(held.chosen.every(({ choice }) => choice === 'CHOICE_DENIED')).toBe(true)
  })

  it('sent again, or overlapping another one, changes nothing, and is one act', async () => {
    const harness = await start()
    await harness.client.setPreferences(anOptOut('s-1', 'ada@example.org'))
    await harness.client.importSuppressions(list('i-1', 'ada@example.org', 'gone@example.org'))
    expect(await harness.client.importSuppressions(list('i-1', 'ada@example.org', 'gone@example.org'))).toMatchObject({
      suppressed: 0,
      known: 1,
    })
    expect(await harness.client.importSuppressions(list('i-2', 'ada@example.org', 'gone@example.org'))).toMatchObject({
      known: 1,
      unchanged: 1,
    })
    expect((await harness.client.getPreferences({ subject: byEmail('ada@example.org') })).version).toBe(2)
    expect(await harness.app.store.acts.countDocuments({ type: 'heed.suppressions.imported.v1' })).toBe(2)
  })

  it('says which of many are wrong, by their place, and takes the others', async () => {
    const harness = await start()
    const many = Array.from({ length: 2_500 }, (_, index) => (index % 1_000 === 7 ? 'no address' : `p${index}@example.org`))
    const messages = [0, 1_000, 2_000].flatMap((from) => list('i-1', ...many.slice(from, from + 1_000)))
    const answer = await harness.client.importSuppressions(messages)
    expect(answer).toMatchObject({ suppressed: 2_497, refused: 3 })
    expect(answer.refusals.map(({ index }) => index)).toEqual([7, 1_007, 2_007])
    expect(JSON.stringify(answer.refusals)).not.toContain('no address')
  })

  it('is refused without the right, without a reference, and with another id in the middle', async () => {
    const harness = await start({ callers: { writer: ['preferences:write'] } })
    await expect(harness.clientOf('writer').importSuppressions(list('i-1', 'a@example.org'))).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    })
    const nameless = [{ requestId: 'i-1', identifiers: [email('a@example.org')] }]
    await expect(harness.client.importSuppressions(nameless)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    await expect(
      harness.client.importSuppressions([...list('i-1', 'a@example.org'), ...list('i-2', 'b@example.org')]),
    ).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    })
    await expect(harness.client.importSuppressions([])).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  })
})

describe('a list before an upload', () => {
  const question = (requestId: string, ...values: string[]) => ({
    requestId,
    recipientId: 'meta',
    identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', form: 'plain-sha256-hex' } as const],
    subjects: values.map(byEmail),
    reference: 'upload:1',
  })

  it('is filtered, and who is about to be handed over is recorded, once', async () => {
    const harness = await start()
    await harness.client.setPreferences(anOptOut('s-1', 'no@example.org', 'social-audiences'))
    await harness.client.importSuppressions(list('i-1', 'gone@example.org'))
    const answer = await harness.client.authorizeDisclosure(question('d-1', 'no@example.org', 'new@example.org', 'gone@example.org'))
    expect(answer).toMatchObject({ allowed: 1, denied: 2 })
    expect(answer.results.map(({ allowed }) => allowed)).toEqual([false, true, false])
    // nothing is kept of somebody who is suppressed
    expect(answer.results[2]?.subjectId).toBe('')
    await harness.client.authorizeDisclosure(question('d-1', 'no@example.org', 'new@example.org', 'gone@example.org'))
    const acts = await harness.app.store.acts.find({ type: 'heed.disclosure.made.v1' }).toArray()
    expect(acts).toEqual([
      expect.objectContaining({
        recipientId: 'meta',
        by: 'tester',
        reference: 'upload:1',
        forms: [[{ kind: 'email', form: 'plain-sha256-hex', count: 1 }]],
        items: [{ subjectId: answer.results[1]?.subjectId, form: 0 }],
      }),
    ])
  })

  it('asked again under the same id is answered as of now', async () => {
    const harness = await start()
    expect((await harness.client.authorizeDisclosure(question('d-1', 'ada@example.org'))).allowed).toBe(1)
    await harness.client.setPreferences(anOptOut('s-1', 'ada@example.org', 'social-audiences'))
    expect((await harness.client.authorizeDisclosure(question('d-1', 'ada@example.org'))).allowed).toBe(0)
    await expect(harness.client.authorizeDisclosure(question('d-1', 'bob@example.org'))).rejects.toMatchObject({
      reason: 'REQUEST_ID_REUSED',
    })
  })

  it('is refused for a form that the policy does not grant, and without the right', async () => {
    const harness = await start({ callers: { writer: ['preferences:write'] } })
    const raw = { ...question('d-1', 'ada@example.org'), identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', form: 'raw' } as const] }
    await expect(harness.client.authorizeDisclosure(raw)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, reason: 'NOT_GRANTED' })
    await expect(harness.clientOf('writer').authorizeDisclosure(question('d-2', 'ada@example.org'))).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    })
    expect(await harness.app.store.subjects.countDocuments()).toBe(0)
  })
})
