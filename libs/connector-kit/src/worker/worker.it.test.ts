import type { DeliveryId } from '@heed/domain'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NoAnswer, PlannedRequest } from '../contract.ts'
import { lanes } from '../inbox/row.ts'
import {
  aDelivery,
  aDescriptor,
  answerOf,
  confirmed,
  exampleConnector,
  exampleDirectory,
  openRows,
  openWorkshop,
  recipient,
  status,
  subject,
  type TestRows,
  type TestWorkshop,
  type TestWorkshopOptions,
  toldOf,
} from '../testing.fixture.ts'

let opened: TestRows
const running: TestWorkshop[] = []
beforeAll(async () => {
  opened = await openRows()
})
afterAll(() => opened.end())
beforeEach(async () => {
  for (const name of ['inbox', 'flights', 'batches', 'batchItems', 'recipients', 'dayCounts', 'leases']) {
    await opened.connection.collection(opened.database, name).deleteMany({})
  }
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})

async function open(options: Partial<TestWorkshopOptions> = {}): Promise<TestWorkshop> {
  const workshop = await openWorkshop({ opened, ...options })
  running.push(workshop)
  return workshop
}
const people = (count: number, version = 1, choice: 'denied' | 'granted' = 'denied') =>
  Array.from({ length: count }, (_, index) => aDelivery(`p${index}`, version, choice))
const lostAnswer: NoAnswer = { via: 'none', sent: true, reason: 'unavailable.timeout' }
const refused: NoAnswer = { via: 'none', sent: false, reason: 'unavailable.refused' }

describe('a worker', () => {
  it('tells the vendor, and settles', async () => {
    const test = await open()
    await test.take(aDelivery('ada', 1))
    await test.settle()
    expect(test.vendor.holds('ada')).toMatchObject({ version: 1, choice: 'denied', address: `${subject('ada')}@example.org` })
    const row = await test.row('ada')
    expect(row).toMatchObject({ state: 'confirmed', attempts: 1, unknown: false })
    expect([row.lane, row.lease, row.dueAt, row.waitReason]).toEqual([undefined, undefined, undefined, undefined])
    expect(await test.outcomes('ada')).toMatchObject([{ version: 1, attempt: 1, step: 'asserted', outcome: { kind: 'confirmed' } }])
  })

  it('fills batches up to the vendor’s size', async () => {
    const test = await open()
    await test.take(...people(250))
    await test.settle()
    expect(test.vendor.asserts.map(({ covers }) => covers.length).sort((a, b) => a - b)).toEqual([50, 100, 100])
  })

  it('makes one request of five flips in an outage', async () => {
    const test = await open()
    test.vendor.script = () => refused
    await test.take(aDelivery('ada', 1))
    await test.settle()
    for (let version = 2; version <= 6; version += 1) await test.take(aDelivery('ada', version, version % 2 === 0 ? 'granted' : 'denied'))
    await test.settle()
    test.vendor.script = () => undefined
    test.vendor.requests.length = 0
    await test.after(600)
    expect(test.vendor.requests).toHaveLength(1)
    expect(test.vendor.told).toMatchObject([{ version: 6, choice: 'granted' }])
    const superseded = (await test.outcomes('ada')).filter(({ outcome }) => outcome.kind === 'superseded').map(({ version }) => version)
    expect(superseded.sort()).toEqual([1, 2, 3, 4, 5])
  })

  it('lets an opt-out overtake ten thousand waiting opt-ins', async () => {
    const test = await open({ descriptor: aDescriptor({ rate: { concurrentRequests: 1 }, batch: { maxTasks: 500 } }) })
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    test.vendor.script = async () => {
      await held
      return undefined
    }
    await test.take(...people(10_000, 1, 'granted'))
    await expect.poll(() => test.vendor.requests.length).toBe(1)
    await test.take(aDelivery('ada', 1))
    release()
    await test.settle()
    expect(test.vendor.requests[1]?.covers[0]).toBe(`${recipient()}/${subject('ada')}/1`)
    expect(test.vendor.told).toHaveLength(10_001)
  })

  it('has one request in flight for a subject, and asserts the newer wish after it', async () => {
    const test = await open()
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    test.vendor.script = async (request) => {
      if (toldOf(request).some(({ subjectId, version }) => subjectId === subject('ada') && version === 1)) await held
      return undefined
    }
    await test.take(aDelivery('ada', 1, 'granted'))
    await expect.poll(() => test.vendor.requests.length).toBe(1)
    await test.take(aDelivery('ada', 2), aDelivery('bob', 1))
    // a slow answer holds others up for a quarter of a second at the most
    await test.clock.advance(300)
    await expect.poll(() => test.vendor.holds('bob')).toBeDefined()
    expect(test.vendor.requests.flatMap(toldOf).filter(({ subjectId }) => subjectId === subject('ada'))).toHaveLength(1)
    release()
    await test.settle()
    expect(test.vendor.told.filter(({ subjectId }) => subjectId === subject('ada')).map(({ version }) => version)).toEqual([1, 2])
    expect(await test.row('ada')).toMatchObject({ version: 2, state: 'confirmed' })
    const kinds = (await test.outcomes('ada')).map(({ version, outcome }) => `${version} ${outcome.kind}`)
    expect(kinds).toEqual(['1 superseded', '1 confirmed', '2 confirmed'])
  })

  it('rests while a slow answer is awaited', async () => {
    let looks = 0
    const counted = new Proxy(opened.connection, {
      get: (target, name) => {
        if (name !== 'collection') return Reflect.get(target, name) as unknown
        return (_: string, collection: string) =>
          new Proxy(opened.connection.collection(opened.database, collection), {
            get: (rows, method) => {
              if (collection === 'inbox' && method === 'find') looks += 1
              const own = Reflect.get(rows, method) as unknown
              return typeof own === 'function' ? own.bind(rows) : own
            },
          })
      },
    })
    const test = await open({ mongo: counted })
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    test.vendor.script = async () => {
      await held
      return undefined
    }
    await test.take(aDelivery('ada', 1))
    await expect.poll(() => test.vendor.requests.length).toBe(1)
    // the machine's time passes, and the clock stands: nothing is due, so nothing is looked for
    await test.clock.advance(10_000)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const before = looks
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(looks - before).toBeLessThanOrEqual(2)
    release()
    await test.settle()
  })

  it('never sends an older version after a newer one, whatever happens in between', async () => {
    const moves = fc.array(
      fc.oneof(
        fc.record({ do: fc.constant('take' as const), who: fc.nat(2), version: fc.integer({ min: 1, max: 6 }) }),
        fc.record({ do: fc.constant('fail' as const), how: fc.constantFrom('lost', 'refused', 'status', 'limit', 'none') }),
        fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, 5, 400) }),
      ),
      { minLength: 3, maxLength: 14 },
    )
    const property = fc.asyncProperty(moves, async (some) => {
      for (const name of ['inbox', 'flights', 'leases']) await opened.connection.collection(opened.database, name).deleteMany({})
      const test = await openWorkshop({ opened, descriptor: aDescriptor({ quietAfterUnknownSeconds: 2 }) })
      const newest = new Map<number, number>()
      for (const move of some) {
        if (move.do === 'take') {
          newest.set(move.who, Math.max(newest.get(move.who) ?? 0, move.version))
          await test.take(aDelivery(`w${move.who}`, move.version, move.version % 2 ? 'denied' : 'granted'))
        } else if (move.do === 'fail') {
          const answers = { lost: lostAnswer, refused, status: status(500), limit: status(429, { 'retry-after': '3' }), none: undefined }
          test.vendor.script = () => answers[move.how as keyof typeof answers]
        } else await test.after(move.seconds)
        await test.settle()
      }
      test.vendor.script = () => undefined
      for (let round = 0; round < 4; round += 1) await test.after(1_000)
      for (const [who, version] of newest) {
        const told = test.vendor.told.filter(({ subjectId }) => subjectId === subject(`w${who}`)).map((one) => one.version)
        expect(told).toEqual([...told].sort((a, b) => a - b))
        expect(told.at(-1)).toBe(version)
        expect(await test.row(`w${who}`)).toMatchObject({ version, state: 'confirmed' })
      }
      await test.stop()
    })
    await fc.assert(property, { numRuns: 15 })
  }, 120_000)
})

describe('identifiers', () => {
  it('are asked for at the moment of sending, in one call for a batch, and rest nowhere', async () => {
    const identifiers = exampleDirectory()
    const test = await open({ identifiers })
    test.vendor.script = () => refused
    await test.take(...people(20))
    await test.settle()
    expect(identifiers.asked).toBe(20)
    const stored = JSON.stringify(await opened.rows.find().toArray()) + JSON.stringify(test.log.lines)
    expect(stored).not.toContain('@example.org')
  })

  it.each([
    ['no identifier is known', { identifiers: [] }, 'not-applicable.no-identifier'],
    ['the vendor can act on none', { identifiers: [{ kind: 'idfa' as const, form: 'raw', value: 'x' }] }, 'not-applicable.no-identifier'],
    ['the subject was merged', { standing: 'merged' as const }, 'not-applicable.merged'],
    ['the subject was erased', { standing: 'erased' as const }, 'not-applicable.erased'],
    ['nobody knows the subject', { standing: 'unknown' as const, identifiers: [] }, 'not-applicable.no-identifier'],
  ])('end a duty where %s', async (_, answer, reason) => {
    const test = await open({ identifiers: exampleDirectory(() => answer) })
    await test.take(aDelivery('ada', 1))
    await test.settle()
    expect(test.vendor.requests).toHaveLength(0)
    expect(await test.row('ada')).toMatchObject({ state: 'not_applicable' })
    expect(await test.outcomes('ada')).toMatchObject([{ outcome: { kind: 'notApplicable', reason } }])
  })

  it('that cannot be read of one subject are a person’s business, and no other subject waits for it', async () => {
    const unreadable = exampleDirectory((subjectId) =>
      subjectId === subject('bob') ? { standing: 'unreadable' as const, identifiers: [] } : {},
    )
    const test = await open({ identifiers: unreadable })
    await test.take(aDelivery('ada', 1), aDelivery('bob', 1), aDelivery('cy', 1))
    await test.settle()
    expect(await test.row('bob')).toMatchObject({ state: 'needs_person' })
    expect(await test.outcomes('bob')).toMatchObject([{ outcome: { kind: 'rejected', reason: 'item.identifiers-unreadable' } }])
    for (const name of ['ada', 'cy']) expect(test.vendor.holds(name)).toMatchObject({ version: 1 })
  })

  it('make a duty due again with the next version', async () => {
    let known = false
    const test = await open({ identifiers: exampleDirectory(() => (known ? {} : { identifiers: [] })) })
    await test.take(aDelivery('ada', 1))
    await test.settle()
    known = true
    await test.take(aDelivery('ada', 2))
    await test.settle()
    expect(test.vendor.holds('ada')).toMatchObject({ version: 2 })
  })

  it('that are away make everything wait, and nothing fail', async () => {
    let away = true
    const inner = exampleDirectory()
    const test = await open({
      identifiers: {
        resolve: (...args) => (away ? Promise.reject(new Error('UNAVAILABLE')) : inner.resolve(...args)),
      },
    })
    await test.take(aDelivery('ada', 1))
    await expect.poll(async () => (await test.row('ada')).attempts).toBe(0)
    await expect.poll(() => test.log.lines.some(({ event }) => event === 'batch.failed')).toBe(true)
    expect(await test.row('ada')).toMatchObject({ lane: lanes.optOut, attempts: 0 })
    away = false
    await test.after(30)
    await test.after(30)
    expect(test.vendor.holds('ada')).toBeDefined()
  })

  it('of a subject that has gone on are waited for a little, and not for ever', async () => {
    const test = await open({ identifiers: exampleDirectory(() => ({ newestVersion: 9 })) })
    await test.take(aDelivery('ada', 1))
    await test.settle()
    expect(test.vendor.requests).toHaveLength(0)
    for (let round = 0; round < 3; round += 1) await test.after(2)
    expect(test.vendor.holds('ada')).toMatchObject({ version: 1 })
  })
})

describe('a refused batch', () => {
  const poisoned = (...poison: string[]) => {
    const ids = new Set(poison.map((name) => subject(name)))
    return (request: PlannedRequest) => (toldOf(request).some(({ subjectId }) => ids.has(subjectId)) ? status(422) : undefined)
  }

  it('is split down to the bad item in few requests, and the others go through', async () => {
    const test = await open({ descriptor: aDescriptor({ batch: { maxTasks: 64 }, rate: { concurrentRequests: 1 } }) })
    test.vendor.script = poisoned('p37')
    await test.take(...people(64))
    await test.settle()
    expect(test.vendor.requests.length).toBeLessThanOrEqual(1 + 2 * 6)
    expect(test.vendor.told).toHaveLength(63)
    expect(await test.row('p37')).toMatchObject({ state: 'needs_person', lane: lanes.parked, waitReason: 'needs_person' })
    expect(await test.outcomes('p37')).toMatchObject([{ outcome: { kind: 'rejected', reason: 'item.refused' } }])
    expect(await test.outcomes('p3')).toMatchObject([{ attempt: 1, outcome: { kind: 'confirmed' } }])
  })

  it('is not put down to the recipient: its account stays open', async () => {
    const test = await open({ descriptor: aDescriptor({ batch: { maxTasks: 32 } }) })
    test.vendor.script = poisoned('p1', 'p9', 'p20')
    await test.take(...people(32))
    await test.settle()
    expect(test.log.lines.filter(({ event }) => event === 'recipient.blocked')).toEqual([])
    const parked = await opened.rows.find({ lane: lanes.parked }).toArray()
    expect(parked.map(({ subjectId }) => subjectId).sort()).toEqual(['p1', 'p9', 'p20'].map(subject).sort())
  })

  it('finds an item that the connector itself trips over', async () => {
    const descriptor = aDescriptor({ batch: { maxTasks: 16 } })
    const inner = exampleConnector(descriptor)
    const test = await open({
      connector: {
        ...inner,
        plan: (tasks, ...rest) => {
          if (tasks.some(({ subjectId }) => subjectId === subject('p5'))) throw new TypeError('ada@example.org is undefined')
          return inner.plan(tasks, ...rest)
        },
      },
    })
    await test.take(...people(16))
    await test.settle()
    expect(test.vendor.told).toHaveLength(15)
    expect(await test.outcomes('p5')).toMatchObject([{ outcome: { kind: 'rejected', reason: 'item.plan-failed' } }])
  })

  it('in a poisoned subject delays no other', async () => {
    const test = await open()
    test.vendor.script = poisoned('poison')
    await test.take(aDelivery('poison', 1))
    await test.settle()
    await test.take(aDelivery('ada', 1))
    await test.settle()
    expect(test.vendor.holds('ada')).toBeDefined()
  })
})

describe('an unknown outcome', () => {
  it('is asserted again after the quiet time, not before', async () => {
    const test = await open({ descriptor: aDescriptor({ quietAfterUnknownSeconds: 120 }) })
    test.vendor.script = () => lostAnswer
    await test.take(aDelivery('ada', 1))
    await test.settle()
    test.vendor.script = () => undefined
    expect(await test.row('ada')).toMatchObject({ waitReason: 'unknown_outcome', unknown: true })
    await test.after(119)
    expect(test.vendor.requests).toHaveLength(1)
    await test.after(1)
    expect(test.vendor.requests).toHaveLength(2)
    expect(await test.row('ada')).toMatchObject({ state: 'confirmed', unknown: false })
  })

  it('holds the next wish back as well, and says so to the connector', async () => {
    const seen: boolean[] = []
    const inner = exampleConnector(aDescriptor({ quietAfterUnknownSeconds: 120 }))
    const test = await open({
      connector: {
        ...inner,
        plan: (tasks, ...rest) => {
          seen.push(...tasks.map(({ unknownBefore }) => unknownBefore))
          return inner.plan(tasks, ...rest)
        },
      },
    })
    test.vendor.script = () => lostAnswer
    await test.take(aDelivery('ada', 1, 'granted'))
    await test.settle()
    test.vendor.script = () => undefined
    await test.take(aDelivery('ada', 2))
    await test.settle()
    expect(test.vendor.requests).toHaveLength(1)
    await test.after(121)
    expect(test.vendor.holds('ada')).toMatchObject({ version: 2, choice: 'denied' })
    expect(seen).toEqual([false, true])
  })

  it('is also an answer that does not speak of a delivery', async () => {
    const test = await open({ descriptor: aDescriptor({ quietAfterUnknownSeconds: 60 }) })
    test.vendor.script = (request) =>
      answerOf({ outcomes: request.covers.slice(1).map((deliveryId) => ({ deliveryId, outcome: { kind: 'confirmed' } })) })
    await test.take(...people(3))
    await test.settle()
    const open_ = await opened.rows.find({ lane: { $exists: true } }).toArray()
    expect(open_).toMatchObject([{ waitReason: 'unknown_outcome', unknown: true }])
    test.vendor.script = confirmed
    await test.after(61)
    expect(await opened.rows.countDocuments({ state: 'confirmed' })).toBe(3)
  })
})

describe('two requests for one delivery', () => {
  it('come to the less settled of their outcomes', async () => {
    const descriptor = aDescriptor()
    const inner = exampleConnector(descriptor)
    const test = await open({
      connector: {
        ...inner,
        plan: (tasks, settings, batch) =>
          inner
            .plan(tasks, settings, batch)
            .flatMap((request) => (request.via === 'http' ? ['/audience/1', '/audience/2'].map((path) => ({ ...request, path })) : [])),
      },
    })
    test.vendor.script = (request) =>
      request.via === 'http' && request.path === '/audience/2'
        ? answerOf({
            outcomes: request.covers.map((deliveryId: DeliveryId) => ({
              deliveryId,
              outcome: { kind: 'rejected', reason: 'item.not-there' },
            })),
          })
        : undefined
    await test.take(aDelivery('ada', 1))
    await test.settle()
    expect(await test.row('ada')).toMatchObject({ state: 'needs_person' })
  })
})
