import { connect, createServer, type Server, type Socket } from 'node:net'
import { decodeEvent, emptyJournalDigest, journalDigest, topicsOf } from '@heed/contracts'
import type { ConsumedRecord } from '@heed/platform/kafka'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { anOptIn, anOptOut, byEmail, type Harness, startHarness } from './harness.ts'
import type { RelayStep } from './relay-changes.ts'

const stack = () => ({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })

let running: Harness[] = []
let servers: Server[] = []
afterEach(async () => {
  await Promise.all(running.map((harness) => harness.stop()))
  for (const server of servers) server.close()
  running = []
  servers = []
})
const start = async (options: Partial<Parameters<typeof startHarness>[0]> = {}): Promise<Harness> => {
  const harness = await startHarness({ ...stack(), ...options })
  running.push(harness)
  return harness
}
const after = (harness: Harness) => ({ prefix: harness.prefix, keys: harness.keys })

interface Published {
  readonly subjectId: string
  readonly version: number
  readonly record: ConsumedRecord
}

async function onTopic(harness: Harness, which: 'preferences' | 'acts' = 'preferences'): Promise<ConsumedRecord[]> {
  const records: ConsumedRecord[] = []
  await harness.kafka.replay({
    topics: [topicsOf(harness.prefix)[which]],
    from: 'start',
    handle: async (batch) => void records.push(...batch.records),
  })
  return records
}

async function published(harness: Harness): Promise<Published[]> {
  return (await onTopic(harness)).map((record) => {
    const decoded = decodeEvent(record, ['heed.preference.changed.v1'])
    if (!decoded.ok || decoded.event.type !== 'heed.preference.changed.v1') throw new Error('unreadable')
    return { subjectId: decoded.event.data.subjectId, version: decoded.event.data.version, record }
  })
}

function versionsBySubject(records: readonly Published[]): Map<string, number[]> {
  const versions = new Map<string, number[]>()
  for (const { subjectId, version } of records) versions.set(subjectId, [...(versions.get(subjectId) ?? []), version])
  return versions
}

/** Flips of some people, as a stream. */
async function flip(harness: Harness, people: number, flips: number, name = 'p'): Promise<void> {
  async function* items() {
    for (let n = 0; n < flips; n += 1) {
      for (let person = 0; person < people; person += 1) {
        const id = `${name}-${person}-${n}`
        const email = `${name}-${person}@example.org`
        yield { item: n % 2 ? anOptIn(id, email, Date.now() + 60_000 + n) : anOptOut(id, email) }
      }
    }
  }
  for await (const { refused } of harness.client.streamPreferences(items())) expect(refused ?? undefined).toBeUndefined()
}

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)

describe('the relay', () => {
  it('publishes every change once, in the order of versions for each subject, under the subject id', async () => {
    const harness = await start()
    await flip(harness, 60, 8)
    await harness.app.relay.settle()
    const records = await published(harness)
    const versions = versionsBySubject(records)
    expect(versions.size).toBe(60)
    for (const list of versions.values()) expect(list).toEqual(upTo(8))
    for (const { record, subjectId, version } of records) {
      expect(record.key).toBe(subjectId)
      expect(record.headers).toMatchObject({
        ce_type: 'heed.preference.changed.v1',
        ce_id: `${subjectId}/${version}`,
        ce_subject: subjectId,
      })
    }
    expect(await harness.app.store.changes.countDocuments({ publishedAt: null })).toBe(0)
  })

  it('publishes what a process left that was killed after the insert', async () => {
    const killed = await start({ withoutRelay: true })
    await flip(killed, 20, 4)
    expect(await killed.app.store.changes.countDocuments({ publishedAt: null })).toBe(80)
    const next = await start(after(killed))
    await next.app.relay.settle()
    for (const list of versionsBySubject(await published(next)).values()) expect(list).toEqual(upTo(4))
    expect(await next.app.store.changes.countDocuments({ publishedAt: null })).toBe(0)
  })

  it.each<[RelayStep, number]>([
    ['published', 2],
    ['batch-stored', 1],
  ])('loses nothing where it stops after the step %s, and keeps the order', async (step, times) => {
    const killed = await start({ withoutRelay: true })
    await flip(killed, 10, 3)
    let fired = 0
    let crash: () => void = () => undefined
    const crashed = new Promise<void>((resolve) => {
      crash = resolve
    })
    const broken = await start({
      ...after(killed),
      afterRelayStep: async (reached) => {
        if (reached !== step) return
        fired += 1
        crash()
        // a process that was killed never comes to the next step
        await new Promise(() => undefined)
      },
    })
    await crashed
    expect(fired).toBe(1)
    expect(await broken.app.store.changes.countDocuments({ publishedAt: null })).toBe(30)
    // what a killed process leaves behind is a lease that runs out
    await broken.app.store.leases.updateOne({ _id: 'relay' }, { $set: { expiresAt: new Date(0) } })
    const next = await start(after(killed))
    await next.app.relay.settle()
    for (const list of versionsBySubject(await published(next)).values()) {
      expect(list.length).toBe(3 * times)
      expect(list.slice(-3)).toEqual([1, 2, 3])
    }
    expect(await next.app.store.changes.countDocuments({ publishedAt: null })).toBe(0)
    running = running.filter((harness) => harness !== broken)
    void broken.stop()
  })

  it('repeats nothing of several batches that were stored and not marked yet', async () => {
    let stored = 0
    let crash: () => void = () => undefined
    const crashed = new Promise<void>((resolve) => {
      crash = resolve
    })
    const broken = await start({
      afterRelayStep: async (reached) => {
        if (reached !== 'batch-stored' || ++stored < 4) return
        crash()
        await new Promise(() => undefined)
      },
    })
    let done = false
    void crashed.then(() => {
      done = true
    })
    for (let round = 0; !done; round += 1) await flip(broken, 5, 2, `b${round}`)
    const batches = await broken.app.store.batches.find({}, { sort: { _id: 1 } }).toArray()
    expect(batches).toHaveLength(4)
    // it is the numbers that tell what may lack its mark
    expect(batches.every(({ _id, markedThrough }) => markedThrough !== undefined && markedThrough < _id)).toBe(true)
    await broken.app.store.leases.updateOne({ _id: 'relay' }, { $set: { expiresAt: new Date(0) } })
    const next = await start(after(broken))
    await next.app.relay.settle()
    for (const list of versionsBySubject(await published(next)).values()) expect(list).toEqual([1, 2])
    expect(await next.app.store.changes.countDocuments({ publishedAt: null })).toBe(0)
    running = running.filter((harness) => harness !== broken)
    void broken.stop()
  })

  it('works off a backlog of many batches in order, each change once', async () => {
    const killed = await start({ withoutRelay: true })
    await flip(killed, 900, 3)
    const next = await start(after(killed))
    await next.app.relay.settle()
    const versions = versionsBySubject(await published(next))
    expect(versions.size).toBe(900)
    for (const list of versions.values()) expect(list).toEqual([1, 2, 3])
    const batches = await next.app.store.batches.find({}, { sort: { _id: 1 } }).toArray()
    expect(batches.map(({ _id }) => _id)).toEqual(upTo(batches.length))
    expect(batches.reduce((rows, { ids }) => rows + ids.length, 0)).toBe(2_700)
    expect(await next.app.store.changes.countDocuments({ publishedAt: null })).toBe(0)
  })

  it('lets one row that nobody could read stay behind, says so, and goes on with the others', async () => {
    const killed = await start({ withoutRelay: true })
    await flip(killed, 5, 2)
    const damaged = await killed.app.store.changes.findOneAndUpdate({ version: 1 }, { $set: { 'origin.reference': 'not a reference' } })
    const next = await start(after(killed))
    await next.app.relay.settle()
    expect(await published(next)).toHaveLength(9)
    expect(await next.app.store.changes.find({ publishedAt: null }).toArray()).toMatchObject([
      { subjectId: damaged?.subjectId, version: 1 },
    ])
    const errors = next.lines.filter((line) => line.includes('relay.record-refused'))
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain(`${damaged?.subjectId}/1`)
    await flip(next, 5, 2, 'later')
    await next.app.relay.settle()
    expect(await published(next)).toHaveLength(19)
  })

  it('is led by one process at a time, and by another one after that has stopped', async () => {
    const first = await start()
    await first.app.relay.settle()
    const second = await start(after(first))
    await flip(second, 5, 2)
    await first.app.relay.settle()
    expect(await first.app.store.changes.countDocuments({ publishedAt: null })).toBe(0)
    await first.stop()
    await flip(second, 5, 2, 'q')
    await second.app.relay.settle()
    const versions = versionsBySubject(await published(second))
    expect(versions.size).toBe(10)
    for (const list of versions.values()) expect(list).toEqual([1, 2])
  })
})

describe('a broker that is away', () => {
  it('does not hold up intake; what was taken is published when it comes back, in order', async () => {
    const real = inject('kafkaBrokers').split(',')[0] ?? ''
    const [host = '', port = ''] = real.split(':')
    const sockets = new Set<Socket>()
    const proxy = createServer((socket) => {
      const upstream = connect(Number(port), host)
      for (const one of [socket, upstream]) {
        sockets.add(one)
        one.on('error', () => undefined)
        one.on('close', () => sockets.delete(one))
      }
      socket.pipe(upstream).pipe(socket)
    })
    servers.push(proxy)
    // a port that nobody listens on until the broker "comes back"
    const freePort = await new Promise<number>((resolve) => {
      proxy.listen(0, '127.0.0.1', () => {
        const address = proxy.address()
        const found = typeof address === 'object' && address !== null ? address.port : 0
        proxy.close(() => resolve(found))
      })
    })
    const harness = await start({ kafkaBrokers: [`127.0.0.1:${freePort}`] })
    const startedAt = performance.now()
    await flip(harness, 100, 3)
    expect(performance.now() - startedAt).toBeLessThan(20_000)
    expect(await harness.client.checkPermission({ subject: byEmail('p-1@example.org'), recipientId: 'mailchimp' })).toMatchObject({
      allowed: false,
    })
    expect(await harness.app.store.changes.countDocuments({ publishedAt: null })).toBe(300)
    expect((await harness.app.readiness()).every(({ ok }) => ok)).toBe(true)
    await new Promise<void>((resolve) => proxy.listen(freePort, '127.0.0.1', () => resolve()))
    await harness.app.relay.settle()
    for (const list of versionsBySubject(await published(harness)).values()) expect(list).toEqual([1, 2, 3])
    expect(await harness.app.store.changes.countDocuments({ publishedAt: null })).toBe(0)
    for (const socket of sockets) socket.destroy()
  })
})

describe('acts', () => {
  it('leave for the trail: links made and used, identifiers linked, hand-overs, the policy loaded', async () => {
    const harness = await start()
    const { links } = await harness.client.createUnsubscribeLinks({
      purpose: 'email-marketing/newsletter',
      subjects: [byEmail('a@example.org'), byEmail('b@example.org')],
    })
    await harness.client.setPreferences(anOptOut('a-1', 'a@example.org'))
    await harness.client.linkIdentifiers({
      requestId: 'a-2',
      subject: byEmail('a@example.org'),
      identifiers: [{ kind: 'IDENTIFIER_KIND_PHONE', value: '+44 20 7183 8750' }],
    })
    await harness.identifiers.resolveIdentifiers({ recipientId: 'mailchimp', items: links.map(({ subjectId }) => ({ subjectId })) })
    await harness.app.relay.settle()
    const events = (await onTopic(harness, 'acts')).map((record) => {
      const decoded = decodeEvent(record, [
        'heed.disclosure.made.v1',
        'heed.link.made.v1',
        'heed.link.used.v1',
        'heed.identifiers.linked.v1',
        'heed.policy.loaded.v1',
      ])
      if (!decoded.ok) throw new Error(decoded.reason)
      return { id: decoded.id, ...decoded.event }
    })
    const kinds = events.map(({ type }) => type).sort()
    expect(kinds).toEqual([
      'heed.disclosure.made.v1',
      'heed.disclosure.made.v1',
      'heed.identifiers.linked.v1',
      'heed.link.made.v1',
      'heed.link.made.v1',
      'heed.policy.loaded.v1',
    ])
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
    expect(events.find(({ type }) => type === 'heed.disclosure.made.v1')?.data).toMatchObject({
      recipientId: 'mailchimp',
      by: 'tester',
      identifiers: [{ kind: 'email', form: 'raw', count: 1 }],
    })
  })

  it('tell the trail how much of the journal was published, and which, once for each count, also after a crash', async () => {
    const counts = async (harness: Harness) =>
      (await onTopic(harness, 'acts'))
        .flatMap((record) => {
          const decoded = decodeEvent(record, ['heed.journal.counted.v1'])
          return decoded.ok && decoded.event.type === 'heed.journal.counted.v1' ? [decoded.event.data] : []
        })
        // they are on several partitions
        .sort((a, b) => a.position - b.position)
    const settled = async (harness: Harness) => {
      await harness.app.relay.settle()
      // what that published is counted, and the count published
      await harness.app.relay.settle()
      return counts(harness)
    }
    const digestUpTo = async (harness: Harness, position: number) => {
      const batches = await harness.app.store.batches.find({ _id: { $lte: position } }, { sort: { _id: 1 } }).toArray()
      return batches.reduce((before, { _id: number, ids }) => journalDigest(before, { number, ids }), emptyJournalDigest)
    }
    const harness = await start({ journalCountMs: 0 })
    await flip(harness, 3, 2)
    const first = (await settled(harness)).at(-1)
    expect(first).toMatchObject({ by: 'services/preferences', changes: 6 })
    expect(first?.sha256).toBe(await digestUpTo(harness, first?.position ?? 0))

    // killed after the act was stored and before the count was remembered
    const told = (await counts(harness)).length
    await harness.app.store.counts.deleteMany({})
    await harness.stop()
    const next = await start({ ...after(harness), journalCountMs: 0 })
    expect(await settled(next)).toHaveLength(told)
    await flip(next, 2, 1, 'later')
    const last = (await settled(next)).at(-1)
    expect(last).toMatchObject({ changes: 8 })
    expect(last?.sha256).toBe(await digestUpTo(next, last?.position ?? 0))
  })
})
