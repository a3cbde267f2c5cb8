// Appends entries and keeps the log over them, and ends itself by SIGKILL at the n-th time that the log comes to a step. Run by the crash tests.
import { topicsOf } from '@heed/contracts'
import { parseSignerKey } from '@heed/merkle-log'
import { systemClock } from '@heed/platform/clock'
import { connectKafka } from '@heed/platform/kafka'
import { createLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { connectMongo } from '@heed/platform/mongo'
import { auditStore } from '../audit-store.ts'
import { logKeeper } from '../log/keeper.ts'
import { sequencer } from '../sequencer.ts'
import { arrival } from './events.ts'
import { crashLives } from './lives.ts'
import { examplePolicy } from './policy.ts'

const { KILL_AT: at, DB_PREFIX: dbPrefix = '', TOPIC_PREFIX: topicPrefix = '', TRAIL_KEY = '', TRAIL_DIR: folder } = process.env
let left = Number(process.env.KILL_AFTER)

const log = createLogger('audit', { level: 'error' })
const clock = systemClock
const metrics = createMetrics()
const mongo = await connectMongo({ uri: process.env.MONGODB_URI ?? '', appName: 'heed-audit', log })
const kafka = connectKafka({ brokers: (process.env.KAFKA_BROKERS ?? '').split(','), clientId: 'heed-audit', log })
const store = auditStore(mongo, dbPrefix)
await store.ensureIndexes()
const key = parseSignerKey(TRAIL_KEY)
const keeper = await logKeeper({
  settings: { origin: key.name, keys: [key], oldKeys: [], witnesses: [], folder, checkpointMs: 20 },
  store,
  kafka,
  publisher: kafka.publisher(),
  topics: topicsOf(topicPrefix),
  fence: 1,
  clean: () => Promise.resolve(),
  afterStep: (step) => {
    if (step !== at) return
    left -= 1
    if (left > 0) return
    process.kill(process.pid, 'SIGKILL')
    // the signal comes before the next step is made
    return new Promise(() => undefined)
  },
  log,
  clock,
  metrics,
})
const trail = await sequencer({ store, policy: examplePolicy(), fence: 1, written: keeper.wake, log, clock, metrics })
for (const life of crashLives()) await trail.append(life.map(arrival))
await keeper.settle()
