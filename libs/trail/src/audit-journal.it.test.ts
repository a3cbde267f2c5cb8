import { randomUUID } from 'node:crypto'
import { emptyJournalDigest, journalDigest, type TrailEvent } from '@heed/contracts'
import { silentLogger } from '@heed/platform/log'
import { connectMongo, type MongoConnection } from '@heed/platform/mongo'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { auditJournal } from './audit-journal.ts'
import { findings } from './audit-report.ts'
import { type AuditedStores, auditedStores } from './audit-stores.ts'
import { entryOf } from './entry.ts'

let mongo: MongoConnection
let stores: AuditedStores
const prefix = `journal-${randomUUID().slice(0, 8)}`

beforeAll(async () => {
  mongo = await connectMongo({ uri: inject('mongoUri'), appName: prefix, log: silentLogger })
  stores = auditedStores(mongo, prefix)
})
afterAll(async () => {
  await mongo.database(`${prefix}_audit`).dropDatabase()
  await mongo.database(`${prefix}_preferences`).dropDatabase()
  await mongo.stop()
})

const batches = [1, 2, 3, 4].map((number) => ({ _id: number, ids: [`accounts:${number}-a`, `accounts:${number}-b`] }))

/** What the trail says of the first so many batches. */
function counted(position: number): TrailEvent {
  const sha256 = batches
    .slice(0, position)
    .reduce((before, { _id, ids }) => journalDigest(before, { number: _id, ids }), emptyJournalDigest)
  const data = { actId: `journal/${position}`, at: 1_772_357_400_000, by: 'services/preferences', position, changes: position * 2, sha256 }
  return { type: 'heed.journal.counted.v1', data }
}

beforeEach(async () => {
  await stores.log.entries.deleteMany({})
  await stores.batches.deleteMany({})
  await stores.journal.deleteMany({})
  await stores.batches.insertMany(batches)
  const changes = mongo.collection<{ _id: string; subjectId: string }>(`${prefix}_preferences`, 'changes')
  await changes.insertMany(batches.flatMap(({ ids }) => ids.map((_id) => ({ _id, subjectId: `s-${_id}` }))))
  await stores.log.entries.insertMany([1, 3].map((position, at) => ({ _id: at, ...entryOf(counted(position), 0) })))
})

async function said(): Promise<{ journals: number; listed: string[] }> {
  const found = findings(10)
  await auditJournal({ stores, found, size: 2, rowsAtOnce: 2 })
  return { journals: found.counts.journals, listed: found.sofar().listed.map(({ check, about }) => `${check}: ${about}`) }
}

describe('the journal against what the trail counted', () => {
  it('agrees where it only grew', async () => {
    expect(await said()).toEqual({ journals: 2, listed: [] })
  })

  it('is found to differ where a batch was emptied, exchanged or put between', async () => {
    await stores.batches.updateOne({ _id: 2 }, { $set: { ids: ['accounts:2-a'] } })
    expect(await said()).toEqual({ journals: 1, listed: ['journal.differs: the journal up to batch 3'] })
    await stores.batches.updateOne({ _id: 2 }, { $set: { ids: ['accounts:2-b', 'accounts:2-a'] } })
    expect(await said()).toEqual({ journals: 1, listed: ['journal.differs: the journal up to batch 3'] })
    await stores.batches.updateOne({ _id: 2 }, { $set: { ids: ['accounts:2-a', 'accounts:2-b', 'accounts:x'] } })
    expect(await said()).toEqual({ journals: 1, listed: ['journal.differs: the journal up to batch 3'] })
  })

  it('is found to be cut off, or to have a hole', async () => {
    await stores.batches.deleteMany({ _id: { $gte: 3 } })
    expect((await said()).listed).toEqual(['journal.truncated: the journal up to batch 3'])
    await stores.batches.deleteMany({ _id: 1 })
    expect((await said()).listed).toEqual(['journal.truncated: batch 1 of the journal'])
  })

  it('is found to have lost changes that were counted', async () => {
    await stores.journal.deleteMany({ _id: { $in: ['accounts:1-a', 'accounts:1-b', 'accounts:2-a'] } })
    expect((await said()).listed).toEqual(['journal.truncated: the journal'])
  })
})
