import { randomBytes } from 'node:crypto'
import type { mongo } from 'mongoose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { silentLogger } from '../log/index.ts'
import { connectMongo, type GroupCommit, groupCommit, type InsertResult, isMongoUnavailable, type MongoConnection } from './index.ts'

interface Row {
  subject: string
  version: number
  request: string
}

describe('groupCommit', () => {
  const database = `platform_commit_${randomBytes(6).toString('hex')}`
  let connection: MongoConnection
  let collection: mongo.Collection<Row>
  let commits: GroupCommit<Row>
  let inserts: number

  beforeAll(async () => {
    connection = await connectMongo({ uri: inject('mongoUri'), appName: database, log: silentLogger, maxPoolSize: 5 })
    const events = connection.database(database).getClient()
    events.on('commandStarted', ({ commandName }) => {
      if (commandName === 'insert') inserts += 1
    })
  })
  afterAll(async () => {
    await connection.database(database).dropDatabase()
    await connection.stop()
  })
  beforeEach(async () => {
    inserts = 0
    collection = connection.collection<Row>(database, `rows_${randomBytes(4).toString('hex')}`)
    await collection.createIndex({ subject: 1, version: 1 }, { unique: true, name: 'subject-version' })
    await collection.createIndex({ request: 1 }, { unique: true, name: 'request' })
    commits = groupCommit({ collection, maxBatch: 100, maxQueue: 1_000, log: silentLogger })
  })
  afterEach(async () => {
    await failPoint('off')
    await commits.stop()
  })

  const row = (subject: string, version: number, request: string): Row => ({ subject, version, request })

  /** Makes the server fail the inserts of this test's own connection. */
  const failPoint = (mode: 'off' | { times: number }, data: object = {}) =>
    connection.database('admin').db?.command({
      configureFailPoint: 'failCommand',
      mode,
      ...(mode === 'off' ? {} : { data: { failCommands: ['insert'], appName: database, ...data } }),
    })

  it('answers each caller with the result of its own row', async () => {
    const results = await Promise.all([
      commits.insert(row('a', 1, 'r1')),
      commits.insert(row('a', 1, 'r2')),
      commits.insert(row('a', 2, 'r1')),
      commits.insert(row('b', 1, 'r3')),
    ])
    expect(results).toEqual(['inserted', { duplicateKey: 'subject-version' }, { duplicateKey: 'request' }, 'inserted'])
    expect(await collection.countDocuments()).toBe(2)
  })

  it('answers a list in its order', async () => {
    await commits.insert(row('a', 2, 'before'))
    expect(await commits.insertAll([row('a', 1, 'r1'), row('a', 2, 'r2'), row('a', 3, 'r3')])).toEqual([
      'inserted',
      { duplicateKey: 'subject-version' },
      'inserted',
    ])
    expect(await commits.insertAll([])).toEqual([])
  })

  it.each([1, 2])('lets exactly one of many rows of a version in, and tells each caller the truth (%d at a time)', async (concurrency) => {
    const own = groupCommit({ collection, maxBatch: 7, maxQueue: 10_000, log: silentLogger, concurrency })
    const rows = Array.from({ length: 400 }, (_, n) => row(`s${n % 10}`, 1 + (n % 13), `r${n % 300}`))
    const results = await Promise.all(rows.map((one) => own.insert({ ...one })))
    const stored = await collection.find().toArray()
    const inserted = rows.filter((_, n) => results[n] === 'inserted')
    expect(inserted.map(({ subject, version, request }) => `${subject}/${version}/${request}`).sort()).toEqual(
      stored.map(({ subject, version, request }) => `${subject}/${version}/${request}`).sort(),
    )
    for (const [n, result] of results.entries()) {
      const one = rows[n]
      if (result === 'inserted' || one === undefined) continue
      const holders = stored.filter(({ subject, version, request }) =>
        result.duplicateKey === 'request' ? request === one.request : subject === one.subject && version === one.version,
      )
      expect(holders).toHaveLength(1)
    }
    expect(own.queued).toBe(0)
    await own.stop()
  })

  it('writes what arrives meanwhile as one insert, no larger than allowed', async () => {
    const first = commits.insert(row('first', 1, 'first'))
    await new Promise((resolve) => setImmediate(resolve))
    const rest = Array.from({ length: 250 }, (_, n) => commits.insert(row('s', n, `r${n}`)))
    await Promise.all([first, ...rest])
    expect(inserts === 0 || inserts <= 4).toBe(true)
    expect(await collection.countDocuments()).toBe(251)
  })

  it('refuses what is more than may wait, stores none of it, and takes more later', async () => {
    const own = groupCommit({ collection, maxBatch: 10, maxQueue: 20, log: silentLogger })
    const taken = Array.from({ length: 20 }, (_, n) => own.insert(row('s', n, `r${n}`)))
    await expect(own.insert(row('s', 99, 'r99'))).rejects.toMatchObject({ reason: 'mongo.queue-full' })
    await expect(own.insertAll([row('s', 98, 'r98')])).rejects.toMatchObject({ reason: 'mongo.queue-full' })
    await Promise.all(taken)
    expect(await own.insert(row('s', 99, 'r99'))).toBe('inserted')
    expect(await collection.countDocuments()).toBe(21)
    await own.stop()
  })

  it('answers everything that it took before it stops, and takes no more', async () => {
    const taken = Array.from({ length: 150 }, (_, n) => commits.insert(row('s', n, `r${n}`)))
    await commits.stop()
    expect((await Promise.all(taken)).every((result: InsertResult) => result === 'inserted')).toBe(true)
    await expect(commits.insert(row('late', 1, 'late'))).rejects.toMatchObject({ reason: 'mongo.group-commit-stopped' })
  })

  it('tells all callers of a batch when the database fails, and goes on after', async () => {
    // Twice: the driver tries once more by itself.
    await failPoint({ times: 2 }, { closeConnection: true })
    const results = await Promise.allSettled([commits.insert(row('a', 1, 'r1')), commits.insert(row('b', 1, 'r2'))])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    for (const result of results) expect(result.status === 'rejected' && isMongoUnavailable(result.reason)).toBe(true)
    expect(await commits.insert(row('a', 1, 'r1'))).toBe('inserted')
  })

  it('does not take a write for durable that the majority has not confirmed', async () => {
    await failPoint({ times: 1 }, { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } })
    const results = await Promise.allSettled([commits.insert(row('a', 1, 'r1')), commits.insert(row('a', 1, 'r2'))])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('survives one lost connection without telling anybody', async () => {
    await failPoint({ times: 1 }, { closeConnection: true })
    expect(await Promise.all([commits.insert(row('a', 1, 'r1')), commits.insert(row('a', 1, 'r2'))])).toEqual([
      'inserted',
      { duplicateKey: 'subject-version' },
    ])
  })
})
