import { status } from '@heed/platform/grpc'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { anOptIn, anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

const stack = () => ({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })

let one: Harness
// a second process on the same data, as far as the database can tell
let other: Harness

beforeAll(async () => {
  one = await startHarness({ ...stack(), withoutRelay: true })
  other = await startHarness({ ...stack(), withoutRelay: true, prefix: one.prefix, keys: one.keys })
})
afterAll(() => Promise.all([one.stop(), other.stop()]))

const versionsOf = async (subjectId: string): Promise<number[]> =>
  (await one.app.store.changes.find({ subjectId: subjectId as never }, { sort: { version: 1 } }).toArray()).map(({ version }) => version)

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)

async function* items(requests: ReturnType<typeof anOptOut>[]) {
  for (const item of requests) yield { item }
}

describe('SetPreferences', () => {
  it('journals a first choice as version 1 and says so', async () => {
    const answer = await one.client.setPreferences(anOptOut('first-1', 'first@example.org'))
    expect(answer).toMatchObject({ version: 1, changed: true, changeId: `${answer.subjectId}/1` })
    expect(await one.client.getPreferences({ subject: byEmail('FIRST@example.org') })).toMatchObject({
      subjectId: answer.subjectId,
      version: 1,
      chosen: [{ purpose: 'email-marketing', choice: 'CHOICE_DENIED', version: 1 }],
      identifierKinds: ['IDENTIFIER_KIND_EMAIL'],
    })
  })

  it('makes no new version where nothing is new', async () => {
    const first = await one.client.setPreferences(anOptOut('same-1', 'same@example.org'))
    expect(await one.client.setPreferences(anOptOut('same-2', 'same@example.org'))).toMatchObject({
      subjectId: first.subjectId,
      version: 1,
      changeId: first.changeId,
      changed: false,
    })
    expect(await versionsOf(first.subjectId)).toEqual([1])
  })

  it('takes a condition on the newest version', async () => {
    const { subjectId } = await one.client.setPreferences(anOptOut('cond-1', 'cond@example.org'))
    await expect(
      one.client.setPreferences({ ...anOptOut('cond-2', 'cond@example.org', 'analytics'), expectedVersion: 2 }),
    ).rejects.toMatchObject({ code: status.FAILED_PRECONDITION, reason: 'VERSION_MISMATCH', metadata: { newestVersion: '1' } })
    const request = { ...anOptOut('cond-3', 'cond@example.org', 'analytics'), expectedVersion: 1 }
    const answer = await one.client.setPreferences(request)
    expect(answer).toMatchObject({ subjectId, version: 2 })
    // the condition was met when the request was carried out: its repetition is not a new one
    expect(await one.client.setPreferences(request)).toEqual(answer)
  })

  it('keeps a denial against an older opt-in, and gives way to a newer one', async () => {
    const before = Date.now() - 60_000
    await one.client.setPreferences(anOptOut('fresh-1', 'fresh@example.org'))
    await expect(one.client.setPreferences(anOptIn('fresh-2', 'fresh@example.org', before))).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      reason: 'EVIDENCE_NOT_NEWER',
      violations: [{ field: 'evidence.collected_at' }],
    })
    expect(await one.client.setPreferences(anOptIn('fresh-3', 'fresh@example.org', Date.now() + 1_000))).toMatchObject({ version: 2 })
  })
})

describe('a request id', () => {
  it('stands for one change, however often and wherever the request arrives (I15)', async () => {
    const request = anOptOut('repeat-1', 'repeat@example.org')
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => (n % 2 ? one : other).client.setPreferences(request)))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(await versionsOf(answers[0]?.subjectId ?? '')).toEqual([1])
  })

  it('gives the same answer again after newer changes, and changes nothing', async () => {
    const request = anOptOut('late-1', 'late@example.org')
    const answer = await one.client.setPreferences(request)
    await one.client.setPreferences(anOptIn('late-2', 'late@example.org', Date.now() + 1_000))
    expect(await other.client.setPreferences(request)).toEqual(answer)
    expect(await versionsOf(answer.subjectId)).toEqual([1, 2])
  })

  it('is remembered where the request changed nothing: a late repetition does not undo a newer choice', async () => {
    await one.client.setPreferences(anOptOut('still-1', 'still@example.org'))
    const request = anOptOut('still-2', 'still@example.org')
    const unchanged = await one.client.setPreferences(request)
    const newer = await one.client.setPreferences(anOptIn('still-3', 'still@example.org', Date.now() + 1_000))
    expect(await other.client.setPreferences(request)).toEqual(unchanged)
    expect(await versionsOf(newer.subjectId)).toEqual([1, 2])
  })

  it.each(['reuse-changed', 'reuse-unchanged'])('is refused for another body (%s)', async (name) => {
    if (name === 'reuse-unchanged') await one.client.setPreferences(anOptOut(`${name}-0`, `${name}@example.org`))
    await one.client.setPreferences(anOptOut(name, `${name}@example.org`))
    await expect(other.client.setPreferences(anOptOut(name, `${name}@example.org`, 'analytics'))).rejects.toMatchObject({
      code: status.ALREADY_EXISTS,
      reason: 'REQUEST_ID_REUSED',
      violations: [{ field: 'request_id' }],
    })
  })

  it('lets one of two different requests through that arrive at once', async () => {
    const results = await Promise.allSettled(
      ['analytics', 'email-marketing', 'social-audiences', 'cross-device-linking'].map((purpose, n) =>
        (n % 2 ? one : other).client.setPreferences(anOptOut('twins', `twin-${n}@example.org`, purpose)),
      ),
    )
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
  })

  it('is its caller’s own', async () => {
    const callers = { 'caller-a': ['preferences:write'], 'caller-b': ['preferences:write'] }
    const third = await startHarness({ ...stack(), withoutRelay: true, callers })
    try {
      await third.clientOf('caller-a').setPreferences(anOptOut('mine', 'own@example.org'))
      expect(await third.clientOf('caller-b').setPreferences(anOptOut('mine', 'own@example.org', 'analytics'))).toMatchObject({
        version: 2,
      })
    } finally {
      await third.stop()
    }
  })
})

describe('concurrent writers', () => {
  it('of one subject make versions 1 to n without gap or repeat (I2)', async () => {
    const { subjectId } = await one.client.setPreferences(anOptOut('many-0', 'many@example.org'))
    const purposes = ['email-marketing', 'analytics', 'social-audiences', 'cross-device-linking']
    const writers = Array.from({ length: 64 }, async (_, writer) => {
      const { client } = writer % 2 ? one : other
      const purpose = purposes[writer % purposes.length] ?? ''
      const request =
        writer % 3 === 0
          ? anOptIn(`many-${writer}-1`, 'many@example.org', Date.now() + 60_000, purpose)
          : anOptOut(`many-${writer}-1`, 'many@example.org', purpose)
      return client.setPreferences(request)
    })
    const answers = await Promise.all(writers)
    const versions = await versionsOf(subjectId)
    expect(versions).toEqual(upTo(versions.length))
    const made = answers.filter(({ changed }) => changed).map(({ version }) => version)
    expect(new Set(made).size).toBe(made.length)
    expect(made.length + 1).toBe(versions.length)
    expect(versions.length).toBeGreaterThan(4)
  })

  it('who meet a new address at once make one subject', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 ? one : other).client.setPreferences(anOptOut(`meet-${n}`, 'Meet@example.org'))),
    )
    expect(new Set(answers.map(({ subjectId }) => subjectId)).size).toBe(1)
    expect(await versionsOf(answers[0]?.subjectId ?? '')).toEqual([1])
    expect(await one.app.store.identifiers.countDocuments({ subjectId: answers[0]?.subjectId as never })).toBe(1)
  })
})

describe('what this process remembers of a subject', () => {
  it('never decides against what another process wrote meanwhile', async () => {
    const address = 'stale@example.org'
    // remembered here: denied at version 1
    await one.client.setPreferences(anOptOut('stale-1', address))
    await other.client.setPreferences(anOptIn('stale-2', address, Date.now() + 1_000))
    expect(await one.client.setPreferences(anOptOut('stale-3', address))).toMatchObject({ version: 3, changed: true })
    await other.client.setPreferences(anOptOut('stale-4', address, 'analytics'))
    // not refused on the strength of the denial at version 3, nor taken where it is refused
    await other.client.setPreferences(anOptIn('stale-5', address, Date.now() + 2_000))
    expect(await one.client.setPreferences(anOptIn('stale-6', address, Date.now() + 1_500))).toMatchObject({ version: 5, changed: false })
  })

  it('meets no condition on a version that is not the newest, and misses none that is', async () => {
    const address = 'stale-version@example.org'
    await one.client.setPreferences(anOptOut('version-1', address))
    await other.client.setPreferences(anOptOut('version-2', address, 'analytics'))
    const conditional = (requestId: string, expectedVersion: number) =>
      one.client.setPreferences({ ...anOptOut(requestId, address, 'social-audiences'), expectedVersion })
    await expect(conditional('version-3', 1)).rejects.toMatchObject({ reason: 'VERSION_MISMATCH', metadata: { newestVersion: '2' } })
    await other.client.setPreferences(anOptOut('version-4', address, 'cross-device-linking'))
    expect(await conditional('version-5', 3)).toMatchObject({ version: 4 })
  })

  it('follows a merge that another process made', async () => {
    const older = await one.client.setPreferences(anOptOut('joined-1', 'joined-1@example.org'))
    const younger = await one.client.setPreferences(anOptOut('joined-2', 'joined-2@example.org', 'analytics'))
    await other.client.linkIdentifiers({
      requestId: 'joined-3',
      subject: byEmail('joined-1@example.org'),
      identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', value: 'joined-2@example.org' }],
      origin: 'ORIGIN_KIND_PERSON',
    })
    expect(await one.client.setPreferences(anOptOut('joined-4', 'joined-2@example.org', 'social-audiences'))).toMatchObject({
      subjectId: older.subjectId,
      changed: true,
    })
    expect(await versionsOf(younger.subjectId)).toEqual([1, 2])
  })
})

describe('StreamPreferences', () => {
  it('answers each item in order, and goes on after one that is refused', async () => {
    const requests = Array.from({ length: 1_200 }, (_, n) =>
      n % 100 === 50 ? anOptOut(`s-${n}`, 'not an address') : anOptOut(`s-${n}`, `stream-${n % 700}@example.org`),
    )
    const answers = []
    for await (const answer of one.client.streamPreferences(items(requests))) answers.push(answer)
    expect(answers.map(({ requestId }) => requestId)).toEqual(requests.map(({ requestId }) => requestId))
    const refused = answers.filter(({ result }) => result === 'refused')
    expect(refused).toHaveLength(12)
    expect(refused[0]?.refused).toMatchObject({
      code: status.INVALID_ARGUMENT,
      reason: 'MALFORMED_IDENTIFIER',
      violations: [{ field: 'subject.identifier.value' }],
    })
  })

  it('carries out the items of one person in their order', async () => {
    const flips = Array.from({ length: 40 }, (_, n) =>
      n % 2 ? anOptIn(`flip-${n}`, 'flip@example.org', Date.now() + 60_000 + n) : anOptOut(`flip-${n}`, 'flip@example.org'),
    )
    const versions = []
    for await (const { accepted } of one.client.streamPreferences(items(flips))) versions.push(accepted?.version)
    expect(versions).toEqual(upTo(40))
    expect(await one.client.getPreferences({ subject: byEmail('flip@example.org') })).toMatchObject({
      chosen: [{ purpose: 'email-marketing', choice: 'CHOICE_GRANTED', version: 40 }],
    })
  })

  it('shares inserts: a thousand changes cost far fewer', async () => {
    const requests = Array.from({ length: 1_000 }, (_, n) =>
      anOptOut(`group-${n}`, `stream-${n % 500}@example.org`, n < 500 ? 'analytics' : 'social-audiences'),
    )
    const database = one.mongo.database(`${one.prefix}_preferences`).db
    await database?.command({ profile: 2 })
    let changed = 0
    for await (const { accepted } of one.client.streamPreferences(items(requests))) changed += accepted?.changed ? 1 : 0
    await database?.command({ profile: 0 })
    const inserts = await database?.collection('system.profile').countDocuments({ op: 'insert', ns: `${one.prefix}_preferences.changes` })
    expect(changed).toBe(1_000)
    expect(inserts).toBeGreaterThan(0)
    expect(inserts).toBeLessThan(200)
  })

  it('reads no further than its window while nobody takes the answers', async () => {
    let sent = 0
    async function* endless() {
      for (;;) {
        sent += 1
        yield { item: anOptOut(`endless-${sent}`, `endless-${sent % 50}@example.org`) }
      }
    }
    const answers = one.client.streamPreferences(endless())[Symbol.asyncIterator]()
    await answers.next()
    // until nothing moves any more: the transport's own buffers are full on both sides
    let before = -1
    while (before !== sent) {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    expect(one.app.waiting()).toBeLessThanOrEqual(512)
    expect(sent).toBeLessThan(20_000)
    await answers.return?.(undefined)
  })
})
