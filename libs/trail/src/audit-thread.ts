// One half of an audit in a thread of its own: see in-threads.ts, which starts it.
import { parentPort, workerData } from 'node:worker_threads'
import { silentLogger } from '@heed/platform/log'
import { connectMongo } from '@heed/platform/mongo'
import { auditLogHalf } from './audit-log-half.ts'
import { auditOrigins } from './audit-origins.ts'
import { auditedStores } from './audit-stores.ts'
import type { AuditThread } from './in-threads.ts'

const thread = workerData as AuditThread
const mongo = await connectMongo({ uri: thread.uri, appName: 'heed-audit', log: silentLogger })
try {
  const stores = auditedStores(mongo, thread.databasePrefix)
  const reached = async (at: unknown) => parentPort?.postMessage(at)
  if (thread.half === 'log') await auditLogHalf({ ...thread.task, stores, reached })
  else await auditOrigins({ ...thread.task, stores, now: Date.now, reached })
} finally {
  await mongo.stop()
}
