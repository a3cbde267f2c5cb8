import { configurationChangedRecord, readPolicyDocument, topicsOf } from '@heed/contracts'
import { systemClock } from '@heed/platform/clock'
import { describeConfig, readConfig } from '@heed/platform/config'
import { configurationRecord, rememberedInMongo, toldOnKafka } from '@heed/platform/configuration'
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

const configuration = configurationRecord({
  config,
  memory: rememberedInMongo(mongo.collection(`${config.HEED_DB_PREFIX}_audit`, 'configuration'), 'services/audit'),
  tell: toldOnKafka(kafka, (change) => ({
    topic: topicsOf(config.HEED_TOPIC_PREFIX).acts,
    ...configurationChangedRecord('services/audit', change, systemClock.now()),
  })),
  clock: systemClock,
  log,
})

try {
  await runUntil(
    signal,
    [operationsServer({ port: config.HEED_OPERATIONS_PORT, metrics, readiness: audit.readiness, log }), ...audit.parts, configuration],
    log,
  )
} finally {
  await kafka.stop()
  await mongo.stop()
}
