import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { silentLogger } from '../log/index.ts'
import { connectMongo, groupCommit, type MongoConnection } from './index.ts'

describe('groupCommit', () => {
  let mongo: MongoConnection
  const database = `platform_${Math.random().toString(36).slice(2)}`

  beforeAll(async () => {
    mongo = await connectMongo({ uri: inject('mongoUri'), appName: 'platform-test', log: silentLogger })
  })
  afterAll(async () => {
    await mongo.database(database).dropDatabase()
    await mongo.stop()
  })

  it('answers each caller with the result of its own row', async () => {
    const collection = mongo.collection<{ subject: string; version: number; request: string }>(database, 'rows')
    await collection.createIndex({ subject: 1, version: 1 }, { unique: true, name: 'subject-version' })
    await collection.createIndex({ request: 1 }, { unique: true, name: 'request' })
    const commits = groupCommit({ collection, maxBatch: 100, maxQueue: 1_000, log: silentLogger })
    const results = await Promise.all([
      commits.insert({ subject: 'a', version: 1, request: 'r1' }),
      commits.insert({ subject: 'a', version: 1, request: 'r2' }),
      commits.insert({ subject: 'a', version: 2, request: 'r1' }),
      commits.insert({ subject: 'b', version: 1, request: 'r3' }),
    ])
    expect(results).toEqual(['inserted', { duplicateKey: 'subject-version' }, { duplicateKey: 'request' }, 'inserted'])
    await commits.stop()
  })
})
