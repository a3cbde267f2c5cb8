import { randomBytes } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import { type SubjectId, subjectIdOf } from '@heed/domain'
import { silentLogger } from '@heed/platform/log'
import { connectMongo, type MongoConnection } from '@heed/platform/mongo'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { rowOf } from './journal.ts'
import { type Outbox, outbox } from './outbox.ts'
import { type ChangeRow, ensureIndexes, openStore, type Store } from './rows.ts'

const prefix = `t-${randomBytes(6).toString('hex')}`
let mongo: MongoConnection
let store: Store
beforeAll(async () => {
  mongo = await connectMongo({ uri: inject('mongoUri'), appName: prefix, log: silentLogger })
  store = openStore(mongo, prefix)
  await ensureIndexes(store)
})
afterAll(() => mongo.stop())

const subject = (): SubjectId => subjectIdOf(randomBytes(16))
const change = (subjectId: SubjectId, version: number): ChangeRow =>
  rowOf(
    {
      id: `${subjectId}/${version}` as never,
      snapshot: { subjectId, version, choices: {} },
      cause: 'choice',
      changed: [],
      linked: [],
      origin: { kind: 'person', caller: 'a-caller' },
      policyVersion: '1.0',
      acceptedAt: version,
    },
    {},
  )
const mark = (ids: readonly string[]) => store.changes.updateMany({ _id: { $in: [...ids] } }, { $set: { publishedAt: new Date() } })
/** Looks at the journal only when told to. */
const seldom = (limit = 1_000) => outbox({ store, limit, lookEveryMs: Number.POSITIVE_INFINITY })
const settled = async (waiting: Outbox): Promise<void> => {
  const rows = await waiting.next(0)
  waiting.published(rows)
  await mark(rows.map(({ _id }) => _id))
  waiting.marked(rows.map(({ _id }) => _id))
}

describe('an outbox', () => {
  it('gives out what was just stored without reading it', async () => {
    const waiting = seldom()
    await settled(waiting)
    const row = change(subject(), 1)
    waiting.offer([{ row, inTurn: true }])
    expect(waiting.mustLook(0)).toBe(false)
    // not even stored: it cannot have been read
    expect(await waiting.next(0)).toEqual([row])
  })

  it('gives out no version before the broker has the one below it', async () => {
    const waiting = seldom()
    await settled(waiting)
    const subjectId = subject()
    const [first, second, third] = [change(subjectId, 1), change(subjectId, 2), change(subjectId, 3)]
    await store.changes.insertMany([first, second, third])
    // the first was written by another process
    waiting.offer([
      { row: second, inTurn: false },
      { row: third, inTurn: false },
    ])
    expect((await waiting.next(0)).map(({ version }) => version)).toEqual([1, 2, 3])
  })

  it('gives out nothing twice: what a read of the journal brought before its writer did is with the broker already', async () => {
    const waiting = seldom()
    const row = change(subject(), 1)
    await store.changes.insertOne(row)
    const read = await waiting.next(0)
    expect(read.map(({ _id }) => _id)).toContain(row._id)
    waiting.published(read)
    waiting.offer([{ row, inTurn: true }])
    waiting.lookAgain()
    expect(await waiting.next(0)).toEqual([])
    await mark(read.map(({ _id }) => _id))
  })

  it('gives everything out that it had and that is not marked, once something went wrong', async () => {
    const waiting = seldom()
    await settled(waiting)
    const row = change(subject(), 1)
    await store.changes.insertOne(row)
    waiting.offer([{ row, inTurn: true }])
    expect(await waiting.next(0)).toHaveLength(1)
    waiting.reset()
    expect(await waiting.next(0)).toMatchObject([{ _id: row._id }])
    await mark([row._id])
  })

  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ act: fc.constant('own' as const), who: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('foreign' as const), who: fc.nat(2) }) },
    { weight: 3, arbitrary: fc.record({ act: fc.constantFrom('next', 'fail', 'mark', 'look') }) },
  )
  test.prop([fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 })], { numRuns: 40 })(
    'gives out every version of every subject once and in order, whoever wrote it and whatever is read when',
    async (steps, limit) => {
      const waiting = seldom(limit)
      const subjects = [subject(), subject(), subject()] as const
      const newest = new Map<SubjectId, ChangeRow>()
      const out = new Map<SubjectId, number[]>()
      let unmarked: string[] = []
      const markAll = async () => {
        await mark(unmarked)
        waiting.marked(unmarked)
        unmarked = []
      }
      const write = async (subjectId: SubjectId) => {
        // as a writer reads it: with the mark that it has by then
        const before = await store.changes.findOne({ subjectId }, { sort: { version: -1 } })
        const row = change(subjectId, (before?.version ?? 0) + 1)
        await store.changes.insertOne(row)
        newest.set(subjectId, row)
        return { row, inTurn: before === null || before.publishedAt !== null }
      }
      const publish = async (): Promise<number> => {
        const rows = await waiting.next(0)
        for (const { subjectId, version } of rows) out.set(subjectId, [...(out.get(subjectId) ?? []), version])
        waiting.published(rows)
        unmarked.push(...rows.map(({ _id }) => _id))
        return rows.length
      }
      for (const one of steps) {
        if (one.act === 'own' || one.act === 'foreign') {
          const handed = await write(subjects[one.who] ?? subjects[0])
          if (one.act === 'own') waiting.offer([handed])
        } else if (one.act === 'next') await publish()
        else if (one.act === 'look') waiting.lookAgain()
        else {
          await markAll()
          if (one.act === 'fail') waiting.reset()
        }
      }
      do waiting.lookAgain()
      while ((await publish()) > 0)
      await markAll()
      for (const [subjectId, { version }] of newest) expect(out.get(subjectId)).toEqual(Array.from({ length: version }, (_, n) => n + 1))
    },
  )
})
