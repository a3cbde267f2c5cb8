import { afterEach, describe, expect, inject, it } from 'vitest'
import type { Duties } from './duties.ts'
import { anOptIn, byEmail, type Harness, startHarness } from './harness.ts'

const stack = () => ({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })
const allSettled: Duties = { open: async () => 0, close: () => undefined }

class Crash extends Error {}

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

const request = { requestId: 'e-1', subject: byEmail('ada@example.org'), reference: 'desk:1' }
const dueAtOnce = (harness: Harness) =>
  harness.app.store.erasures.updateMany({ lookAt: { $exists: true } }, { $set: { lookAt: new Date(0) } })

// every place between two writes, in the order in which an erasure passes them
const points = [
  'erasure-noted',
  'erasure-denied',
  'erasure-told',
  'erasure-suppressed',
  'erasure-counted',
  'erasure-keys-destroyed',
  'erasure-identifiers-deleted',
  'erasure-journal-stripped',
]

describe('a crash in the middle of an erasure', () => {
  it.each(points)('at %s: the next process carries it to the same end, once', async (point) => {
    let fired = 0
    const interrupt = (reached: string) => {
      if (reached !== point || fired > 0) return
      fired += 1
      throw new Crash(reached)
    }
    const broken = await start({ interrupt })
    const next = await start({ prefix: broken.prefix, keys: broken.keys })
    const { subjectId } = await broken.client.setPreferences(anOptIn('s-1', 'ada@example.org', Date.now() - 5_000))
    const links = [{ kind: 'IDENTIFIER_KIND_PHONE', value: '+15555550100' } as const]
    await broken.client.linkIdentifiers({
      requestId: 'l-1',
      subject: byEmail('ada@example.org'),
      identifiers: links,
      origin: 'ORIGIN_KIND_PERSON',
    })
    const answered = await broken.client.eraseSubject(request).then(
      () => true,
      () => false,
    )
    // the process that crashed gets no further than the point
    for (let round = 0; round < 3 && fired === 0; round += 1) {
      await dueAtOnce(broken)
      await broken.app.advanceErasures()
    }
    expect(fired).toBe(1)
    expect(answered).toBe(point !== 'erasure-noted' && point !== 'erasure-denied')
    expect((await next.client.listErasures({})).erasures).toHaveLength(1)
    for (let round = 0; round < 6; round += 1) {
      await dueAtOnce(next)
      await next.app.advanceErasures()
    }
    // a caller without an answer repeats its request, and hears of the same erasure
    expect((await next.client.eraseSubject({ ...request, subject: { subjectId }, requestId: 'e-2' })).status).toMatchObject({
      subjectId,
      stage: 'ERASURE_STAGE_COMPLETED',
      denialChangeId: `${subjectId}/3`,
      erasureChangeId: `${subjectId}/4`,
    })
    const { store } = next.app
    expect(await store.identifiers.countDocuments()).toBe(0)
    expect(await store.subjects.countDocuments({ dataKey: { $exists: true } })).toBe(0)
    expect(await store.suppressions.countDocuments({ _id: { $regex: '^(?:email|phone):' } })).toBe(2)
    expect((await store.changes.find({}, { sort: { version: 1 } }).toArray()).map(({ version }) => version)).toEqual([1, 2, 3, 4])
    const acts = await store.acts.find({ type: 'heed.subject.erased.v1' }).toArray()
    const destroyed = {
      identifiers: [
        { kind: 'email', count: 1 },
        { kind: 'phone', count: 1 },
      ],
    }
    expect(acts).toHaveLength(4)
    for (const stage of ['identifiers-destroyed', 'completed'])
      expect(acts).toContainEqual(expect.objectContaining({ stage, ...destroyed }))
    expect((await next.client.checkPermission({ subject: byEmail('ada@example.org'), recipientId: 'mailchimp' })).allowed).toBe(false)
  })
})

describe('an erasure that trips', () => {
  it('holds up no other, and is tried again later', async () => {
    let trips = 1
    const interrupt = (reached: string) => {
      if (reached === 'erasure-suppressed' && trips-- > 0) throw new Crash(reached)
    }
    const harness = await start({ interrupt })
    await harness.client.eraseSubject(request)
    await harness.client.eraseSubject({ requestId: 'e-2', subject: byEmail('bob@example.org'), reference: 'desk:2' })
    await dueAtOnce(harness)
    await harness.app.advanceErasures()
    const { erasures } = await harness.client.listErasures({})
    expect(erasures.map(({ stage }) => stage).sort()).toEqual(['ERASURE_STAGE_IDENTIFIERS_DESTROYED', 'ERASURE_STAGE_RECIPIENTS_TOLD'])
    for (let round = 0; round < 3; round += 1) {
      await dueAtOnce(harness)
      await harness.app.advanceErasures()
    }
    expect((await harness.client.listErasures({})).erasures).toEqual([])
  })
})
