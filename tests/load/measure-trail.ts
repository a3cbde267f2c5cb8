import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { changeFromEvent, topicPlans, topicsOf } from '@heed/contracts'
import { encodeBundle, verifyBundle } from '@heed/evidence'
import { EMPTY_EDGE, extendEdge, generateSignerKey, type SignerKey, verifierOf } from '@heed/merkle-log'
import { systemClock } from '@heed/platform/clock'
import { connectKafka } from '@heed/platform/kafka'
import { silentLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { connectMongo } from '@heed/platform/mongo'
import { auditedStores, auditLog, binaryOf, inThreads, type JournalRow, logReader, logStore, tileKey } from '@heed/trail'
import { exampleBundle, trusted } from '../../libs/evidence/src/example.fixture.ts'
import { auditStore, type EntryRow } from '../../services/audit/src/audit-store.ts'
import { type LogKeeper, logKeeper } from '../../services/audit/src/log/keeper.ts'
import { type Sequencer, sequencer } from '../../services/audit/src/sequencer.ts'
import { arrival, recipient, subject } from '../../services/audit/src/testing/events.ts'
import { lifeOf } from '../../services/audit/src/testing/lives.ts'
import { examplePolicy } from '../../services/audit/src/testing/policy.ts'
import { type Figure, quantile } from './figure.ts'
import type { BenchHub } from './harness.ts'

/** A writer of the trail with its log, as audit runs it, on a place of its own; the hub beside it is idle. */
interface BenchTrail {
  readonly trail: Sequencer
  readonly keeper: LogKeeper
  readonly prefix: string
  readonly database: string
  readonly key: SignerKey
  /** When each published checkpoint came, and how many entries it covers. */
  readonly checkpoints: { readonly size: number; readonly atMs: number }[]
  readonly mongo: Awaited<ReturnType<typeof connectMongo>>
  stop(): Promise<void>
}

async function openTrail(hub: BenchHub): Promise<BenchTrail> {
  const prefix = `bench-${randomUUID().slice(0, 8)}`
  const log = silentLogger
  const clock = systemClock
  const metrics = createMetrics()
  const mongo = await connectMongo({ uri: hub.file.mongoUri, appName: 'bench', log })
  const kafka = connectKafka({ brokers: hub.file.kafkaBrokers, clientId: 'bench', log })
  const topics = topicsOf(prefix)
  await kafka.ensureTopics(topicPlans(topics, []))
  const store = auditStore(mongo, prefix)
  await store.ensureIndexes()
  const publisher = kafka.publisher()
  const checkpoints: { size: number; atMs: number }[] = []
  const key = generateSignerKey(`example.org/${prefix}`, 'ed25519')
  const origin = key.name
  const keeper = await logKeeper({
    settings: { origin, keys: [key], oldKeys: [], witnesses: [], folder: undefined, checkpointMs: 200 },
    store,
    kafka,
    publisher,
    topics,
    fence: 1,
    clean: () => Promise.resolve(),
    afterStep: async (step) => {
      if (step !== 'checkpoint-published') return
      const size = (await store.log.log.findOne({ _id: 'log' }))?.published?.size ?? 0
      checkpoints.push({ size, atMs: performance.now() })
    },
    log,
    clock,
    metrics,
  })
  const trail = await sequencer({ store, policy: examplePolicy(), fence: 1, written: () => keeper.wake(), log, clock, metrics })
  const database = `${prefix}_audit`
  return {
    trail,
    keeper,
    prefix,
    database,
    key,
    checkpoints,
    mongo,
    stop: async () => {
      await trail.stop()
      await keeper.stop()
      await publisher.stop()
      await kafka.stop()
      await mongo.database(database).dropDatabase()
      await mongo.stop()
    },
  }
}

const mailchimp = recipient('mailchimp')
const lives = (count: number, from: number) =>
  Array.from({ length: count }, (_, index) => lifeOf({ recipientId: mailchimp, subjectId: subject(from + index), version: 1 }))
    .flat()
    .map(arrival)

/** Entries a second for ten seconds, until all of them are under a published checkpoint; the ceiling is a raw insertMany of the same rows with their indexes. */
export async function measureAppend(hub: BenchHub): Promise<Figure[]> {
  const { trail, keeper, database, mongo, stop } = await openTrail(hub)
  try {
    const startedAt = performance.now()
    let told = 0
    const one = async () => {
      while (performance.now() - startedAt < 10_000) {
        const from = told
        told += 300
        await trail.append(lives(300, from))
      }
    }
    // two at a time: what comes while a round runs shares the next one
    await Promise.all([one(), one(), one()])
    await keeper.settle()
    const value = (keeper.size * 1_000) / (performance.now() - startedAt)

    const source = mongo.collection<EntryRow>(database, 'entries')
    const rows = await source.find({}, { limit: 2_000, sort: { _id: 1 } }).toArray()
    const raw = mongo.collection<EntryRow>(database, 'raw')
    await raw.createIndexes([
      { key: { entryId: 1 }, unique: true },
      { key: { kind: 1, _id: 1 }, partialFilterExpression: { kind: 'subject-erased' } },
      { key: { subjectId: 1, _id: 1 }, partialFilterExpression: { subjectId: { $exists: true } } },
    ])
    const rawStartedAt = performance.now()
    let inserted = 0
    while (performance.now() - rawStartedAt < 5_000) {
      const base = inserted
      await raw.insertMany(
        rows.map((row, index) => ({ ...row, _id: base + index, entryId: `${base}-${row.entryId}` })),
        { ordered: true },
      )
      inserted += rows.length
    }
    const ceiling = (inserted * 1_000) / (performance.now() - rawStartedAt)
    return [{ key: 'trail.append', value, unit: 'entries/s', ceiling, ratio: value / ceiling }]
  } finally {
    await stop()
  }
}

/** How long an entry waits for its checkpoint at 1,000 entries a second, from the commit of the entry to the publication. */
export async function measureCheckpoint(hub: BenchHub): Promise<Figure[]> {
  const { trail, keeper, checkpoints, stop } = await openTrail(hub)
  try {
    const committed: { size: number; atMs: number }[] = []
    const startedAt = performance.now()
    let told = 0
    for (let tick = 0; tick < 300; tick += 1) {
      // 30 entries every 30 ms
      await systemClock.sleep(Math.max(0, startedAt + tick * 30 - performance.now()))
      await trail.append(lives(10, told))
      told += 10
      committed.push({ size: told * 3, atMs: performance.now() })
    }
    await keeper.settle()
    const delays = committed.flatMap(({ size, atMs }) => {
      const covering = checkpoints.find((checkpoint) => checkpoint.size >= size)
      return covering === undefined ? [] : [Math.max(0, covering.atMs - atMs)]
    })
    return [{ key: 'trail.checkpoint.p99', value: quantile(delays, 0.99), unit: 'ms' }]
  } finally {
    await stop()
  }
}

const leaves = Number(process.env.HEED_BENCH_LEAVES ?? 10_000_000)

/** Inclusion proofs of random entries, one at a time, verified before they count, in a tree of 10 million leaves (HEED_BENCH_LEAVES for another size) whose hashes are made up. */
export async function measureProof(hub: BenchHub): Promise<Figure[]> {
  const prefix = `bench-${randomUUID().slice(0, 8)}`
  const mongo = await connectMongo({ uri: hub.file.mongoUri, appName: 'bench', log: silentLogger })
  try {
    const store = logStore(mongo, prefix)
    let edge = EMPTY_EDGE
    while (edge.size < leaves) {
      const bytes = randomBytes(32 * Math.min(65_536, leaves - edge.size))
      const grown = extendEdge(
        edge,
        Array.from({ length: bytes.length / 32 }, (_, at) => bytes.subarray(at * 32, at * 32 + 32)),
      )
      edge = grown.edge
      // partial tiles are replaced as they grow
      await store.tiles.bulkWrite(
        grown.tiles.map((tile) => ({
          replaceOne: {
            filter: { _id: tileKey(tile) },
            replacement: { width: tile.width, hashes: binaryOf(tile.hashes), fence: 1 },
            upsert: true,
          },
        })),
        { ordered: false },
      )
    }
    // what was written a moment ago is on the disk: the database does nothing beside
    await mongo.database('admin').db?.command({ fsync: 1 })
    const reader = logReader(store)
    const times: number[] = []
    for (let count = 0; count < 2_100; count += 1) {
      const startedAt = performance.now()
      await reader.prove([randomInt(leaves)], leaves)
      // the first ones fill what is kept in memory
      if (count >= 100) times.push(performance.now() - startedAt)
    }
    return [{ key: 'trail.proof.p99', value: quantile(times, 0.99), unit: 'ms' }]
  } finally {
    await mongo.database(`${prefix}_audit`).dropDatabase()
    await mongo.stop()
  }
}

const auditedSubjects = 80_000

/** The whole audit of 240,000 entries, with their journal and deliveries: entries a second from the first row that is read to the verdict. */
export async function measureAudit(hub: BenchHub): Promise<Figure[]> {
  const { trail, keeper, prefix, key, mongo, stop } = await openTrail(hub)
  try {
    const journal = mongo.collection<JournalRow>(`${prefix}_preferences`, 'changes')
    await journal.createIndexes([{ key: { subjectId: 1, version: -1 }, unique: true }])
    for (let from = 0; from < auditedSubjects; from += 500) {
      const arrivals = lives(500, from)
      await trail.append(arrivals)
      await journal.insertMany(
        arrivals.flatMap(({ event }): JournalRow[] => {
          if (event.type !== 'heed.preference.changed.v1') return []
          const { id, snapshot, acceptedAt, ...rest } = changeFromEvent(event.data)
          return [{ _id: id, ...snapshot, ...rest, acceptedAt: new Date(acceptedAt), publishedAt: new Date(acceptedAt) }]
        }),
      )
    }
    await keeper.settle()
    const startedAt = performance.now()
    const report = await auditLog({
      stores: auditedStores(mongo, prefix),
      trust: { origin: key.name, logKeys: [verifierOf(key)] },
      beside: inThreads(
        { uri: hub.file.mongoUri, databasePrefix: prefix },
        new URL('../../services/cli/dist/audit-thread.js', import.meta.url),
      ),
    })
    if (!report.ok) throw new Error(`the audit found ${report.differences} differences: ${JSON.stringify(report.listed[0])}`)
    return [{ key: 'trail.audit', value: (report.counts.entries * 1_000) / (performance.now() - startedAt), unit: 'entries/s' }]
  } finally {
    await mongo.database(`${prefix}_preferences`).dropDatabase()
    await stop()
  }
}

/** Checking the evidence of one change after start-up: the 99th of a hundred, each with all of its signatures and proofs. */
export async function measureVerify(): Promise<Figure[]> {
  const bytes = encodeBundle(await exampleBundle())
  const times: number[] = []
  for (let count = 0; count < 120; count += 1) {
    const startedAt = performance.now()
    const verdict = verifyBundle(bytes, trusted)
    // the first ones are compiled while they run
    if (count >= 20) times.push(performance.now() - startedAt)
    if (!verdict.ok) throw new Error('the example does not verify')
  }
  return [{ key: 'trail.verify', value: quantile(times, 0.99), unit: 'ms' }]
}
