// The comparison with the origins in a thread of its own: see origins-beside.ts, which starts it.
import { parentPort, workerData } from 'node:worker_threads'
import { silentLogger } from '@heed/platform/log'
import { connectMongo } from '@heed/platform/mongo'
import { auditOrigins } from './audit-origins.ts'
import { auditedStores } from './audit-stores.ts'
import type { OriginsThread } from './origins-beside.ts'

const { uri, databasePrefix, task } = workerData as OriginsThread
const mongo = await connectMongo({ uri, appName: 'heed-audit', log: silentLogger })
try {
  const reached = async (at: unknown) => parentPort?.postMessage(at)
  await auditOrigins({ ...task, stores: auditedStores(mongo, databasePrefix), now: Date.now, reached })
} finally {
  await mongo.stop()
}
