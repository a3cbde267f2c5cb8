import { status } from '@heed/platform/grpc'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

const stack = () => ({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })

class Crash extends Error {}

let running: Harness[] = []
afterEach(async () => {
  await Promise.all(running.map((harness) => harness.stop()))
  running = []
})
const start = async (options: Partial<Parameters<typeof startHarness>[0]> = {}): Promise<Harness> => {
  const harness = await startHarness({ ...stack(), withoutRelay: true, ...options })
  running.push(harness)
  return harness
}
/** A service that stops short at one point, and one that comes after it on the same data. */
const crashingAt = async (point: string) => {
  let fired = 0
  const interrupt = (reached: string) => {
    if (reached !== point) return
    fired += 1
    throw new Crash(reached)
  }
  const broken = await start({ interrupt })
  const next = await start({ prefix: broken.prefix, keys: broken.keys })
  return { broken, next, fired: () => fired }
}

describe('a crash while a new person comes in', () => {
  it.each(['subject-stored', 'identifier-stored'])(
    'after %s leaves nothing torn: the repeated request makes one subject',
    async (point) => {
      const { broken, next, fired } = await crashingAt(point)
      const request = anOptOut('r-1', 'torn@example.org')
      await expect(broken.client.setPreferences(request)).rejects.toMatchObject({ code: status.INTERNAL })
      expect(fired()).toBe(1)
      const answer = await next.client.setPreferences(request)
      expect(answer).toMatchObject({ version: 1, changed: true })
      expect(await next.client.getPreferences({ subject: byEmail('torn@example.org') })).toMatchObject({ subjectId: answer.subjectId })
      expect(await next.app.store.identifiers.countDocuments()).toBe(1)
      expect(await next.app.store.changes.countDocuments()).toBe(1)
    },
  )
})

describe('a database that takes the row and loses its answer', () => {
  it('leaves the outcome open, and the repeated request finds what came of it', async () => {
    const harness = await start()
    const first = await harness.client.setPreferences(anOptOut('w-1', 'unsure@example.org'))
    const admin = harness.mongo.database('admin').db?.admin()
    const failPoint = (mode: unknown, data = {}) => admin?.command({ configureFailPoint: 'failCommand', mode, data })
    // the row is written, and the answer says that nobody knows whether a majority has it
    await failPoint(
      { times: 1 },
      { failCommands: ['insert'], appName: harness.prefix, writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
    )
    const request = anOptOut('w-2', 'unsure@example.org', 'analytics')
    await expect(harness.client.setPreferences(request)).rejects.toMatchObject({ code: status.UNAVAILABLE })
    await failPoint('off')
    expect(await harness.client.setPreferences(request)).toMatchObject({ subjectId: first.subjectId, version: 2, changed: true })
    expect(await harness.app.store.changes.countDocuments({ subjectId: first.subjectId as never })).toBe(2)
  })

  it('that is away refuses with UNAVAILABLE and a time to wait, and takes the same request later', async () => {
    const harness = await start()
    const admin = harness.mongo.database('admin').db?.admin()
    const failPoint = (mode: unknown, data = {}) => admin?.command({ configureFailPoint: 'failCommand', mode, data })
    await harness.client.setPreferences(anOptOut('a-1', 'away@example.org'))
    // twice: the driver repeats a write once by itself
    await failPoint({ times: 2 }, { failCommands: ['insert'], appName: harness.prefix, closeConnection: true })
    const request = anOptOut('a-2', 'away@example.org', 'analytics')
    await expect(harness.client.setPreferences(request)).rejects.toMatchObject({ code: status.UNAVAILABLE, retryAfterSeconds: 1 })
    await failPoint('off')
    expect(await harness.client.setPreferences(request)).toMatchObject({ version: 2, changed: true })
  })
})

describe('a crash while identifiers are linked', () => {
  const link = (requestId: string) => ({
    requestId,
    subject: byEmail('one@example.org'),
    identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', value: 'two@example.org' } as const],
    origin: 'ORIGIN_KIND_PERSON' as const,
  })

  it('after the identifier is stored: the repeated request still tells of it', async () => {
    const { broken, next, fired } = await crashingAt('identifiers-claimed')
    await next.client.setPreferences(anOptOut('l-1', 'one@example.org'))
    await expect(broken.client.linkIdentifiers(link('l-2'))).rejects.toMatchObject({ code: status.INTERNAL })
    expect(fired()).toBe(1)
    expect(await next.client.linkIdentifiers(link('l-2'))).toMatchObject({ version: 2 })
  })

  it('is finished by the sweep where nobody repeats the request', async () => {
    const { broken, next } = await crashingAt('identifiers-claimed')
    const { subjectId } = await next.client.setPreferences(anOptOut('l-1', 'one@example.org'))
    await expect(broken.client.linkIdentifiers(link('l-2'))).rejects.toMatchObject({ code: status.INTERNAL })
    expect(await next.app.finishLinks(new Date(Date.now() + 1_000))).toBe(1)
    expect(await next.client.getPreferences({ subject: byEmail('two@example.org') })).toMatchObject({ subjectId, version: 2 })
    expect(await next.app.finishLinks(new Date(Date.now() + 1_000))).toBe(0)
  })

  it.each(['merge-absorbed', 'merge-closed'])('after %s: no denial is forgotten, and the merge comes to its end', async (point) => {
    const { broken, next, fired } = await crashingAt(point)
    const older = await next.client.setPreferences(anOptOut('m-1', 'one@example.org', 'analytics'))
    const younger = await next.client.setPreferences(anOptOut('m-2', 'two@example.org'))
    await expect(broken.client.linkIdentifiers(link('m-3'))).rejects.toMatchObject({ code: status.INTERNAL })
    expect(fired()).toBe(1)
    const check = (value: string) => next.client.checkPermission({ subject: byEmail(value), recipientId: 'mailchimp' })
    for (const address of ['one@example.org', 'two@example.org']) expect(await check(address)).toMatchObject({ allowed: false })
    await next.app.finishLinks(new Date(Date.now() + 1_000))
    expect(await next.client.getPreferences({ subject: { subjectId: younger.subjectId } })).toMatchObject({
      subjectId: older.subjectId,
      mergedFromSubjectId: younger.subjectId,
    })
    expect(await next.app.store.changes.countDocuments({ closing: { $exists: true } })).toBe(0)
    expect(await next.app.finishLinks(new Date(Date.now() + 1_000))).toBe(0)
  })
})
