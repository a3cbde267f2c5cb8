import { configurationChangedRecord, readPolicyDocument, topicsOf } from '@heed/contracts'
import { systemClock } from '@heed/platform/clock'
import { brokerList, describeConfig, logLevel, portNumber, readConfig } from '@heed/platform/config'
import { configurationRecord, rememberedInMongo, toldOnKafka } from '@heed/platform/configuration'
import { operationsServer } from '@heed/platform/http'
import { connectKafka } from '@heed/platform/kafka'
import { runUntil, shutdownSignal } from '@heed/platform/lifecycle'
import { createLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { connectMongo } from '@heed/platform/mongo'
import { z } from 'zod'
import { propagationApp } from './app.ts'
import { propagationShape } from './config.ts'
import { snapshotsOverGrpc } from './snapshots.ts'

const config = readConfig(process.env, {
  ...propagationShape,
  KAFKA_BROKERS: brokerList,
  MONGODB_URI: { schema: z.string().min(1), secret: true },
  HEED_POLICY_FILE: z.string().min(1),
  LOG_LEVEL: logLevel,
  HEED_OPERATIONS_PORT: portNumber(7199),
})
const log = createLogger('propagation', { level: config.LOG_LEVEL })
log.info(describeConfig(config), 'starting')
const { policy, sha256: policySha256 } = await readPolicyDocument(config.HEED_POLICY_FILE)
const metrics = createMetrics({ processFigures: true })
const mongo = await connectMongo({ uri: config.MONGODB_URI, appName: 'heed-propagation', log })
const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'heed-propagation', log })
const snapshots = snapshotsOverGrpc({ address: config.HEED_PREFERENCES_ADDRESS, key: config.HEED_PROPAGATION_CALLER_KEY })

const propagation = propagationApp({
  policy,
  policySha256,
  port: config.HEED_PROPAGATION_PORT,
  host: config.HEED_PROPAGATION_HOST,
  dbPrefix: config.HEED_DB_PREFIX,
  topicPrefix: config.HEED_TOPIC_PREFIX,
  reflection: config.HEED_ENV !== 'production',
  mongo,
  kafka,
  snapshots,
  log,
  clock: systemClock,
  metrics,
})

const configuration = configurationRecord({
  config,
  memory: rememberedInMongo(mongo.collection(`${config.HEED_DB_PREFIX}_propagation`, 'configuration'), 'services/propagation'),
  tell: toldOnKafka(kafka, (change) => ({
    topic: topicsOf(config.HEED_TOPIC_PREFIX).acts,
    ...configurationChangedRecord('services/propagation', change, systemClock.now()),
  })),
  clock: systemClock,
  log,
})

await runUntil(
  shutdownSignal(),
  [
    ...propagation.parts,
    configuration,
    operationsServer({ port: config.HEED_OPERATIONS_PORT, metrics, readiness: propagation.readiness, log }),
  ],
  log,
)
snapshots.close()
await kafka.stop()
await mongo.stop()
