import { readPolicyDocument } from '@heed/contracts'
import { systemClock } from '@heed/platform/clock'
import { describeConfig, readConfig } from '@heed/platform/config'
import { operationsServer } from '@heed/platform/http'
import { connectKafka } from '@heed/platform/kafka'
import { runUntil, shutdownSignal } from '@heed/platform/lifecycle'
import { createLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { connectMongo } from '@heed/platform/mongo'
import { auditApp } from './app.ts'
import { auditProcessShape } from './config.ts'
import { loadLogSettings, shownKeys } from './log/log-settings.ts'

const config = readConfig(process.env, auditProcessShape)
const log = createLogger('audit', { level: config.LOG_LEVEL })
log.info(describeConfig(config), 'starting')
const signal = shutdownSignal()
const metrics = createMetrics({ processFigures: true })
const policyDocument = await readPolicyDocument(config.HEED_POLICY_FILE)
const { policy } = policyDocument
const mongo = await connectMongo({ uri: config.MONGODB_URI, appName: 'heed-audit', log })
const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'heed-audit', log })

const trail = await loadLogSettings(config, log)
if (trail !== undefined) log.info({ origin: trail.origin, keys: shownKeys(trail), folder: trail.folder }, 'trail.keys')
const audit = auditApp(config, { mongo, kafka, policy, policyDocument, log, clock: systemClock, metrics, trail })

try {
  await runUntil(
    signal,
    [operationsServer({ port: config.HEED_OPERATIONS_PORT, metrics, readiness: audit.readiness, log }), ...audit.parts],
    log,
  )
} finally {
  await kafka.stop()
  await mongo.stop()
}
