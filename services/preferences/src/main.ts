import { configurationChangedRecord, readPolicyDocument, topicsOf } from '@heed/contracts'
import { systemClock } from '@heed/platform/clock'
import { brokerList, describeConfig, logLevel, portNumber, readConfig } from '@heed/platform/config'
import { configurationRecord, rememberedInMongo, toldOnKafka } from '@heed/platform/configuration'
import { type CallerRow, mongoCallers } from '@heed/platform/grpc'
import { operationsServer } from '@heed/platform/http'
import { connectKafka } from '@heed/platform/kafka'
import { runUntil, shutdownSignal } from '@heed/platform/lifecycle'
import { createLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { connectMongo } from '@heed/platform/mongo'
import { z } from 'zod'
import { preferencesApp } from './app.ts'
import { preferencesShape } from './config.ts'
import { dutiesOverGrpc } from './duties.ts'
import { loadKeys } from './keys.ts'

const config = readConfig(process.env, {
  ...preferencesShape,
  MONGODB_URI: { schema: z.string().min(1), secret: true },
  KAFKA_BROKERS: brokerList,
  HEED_POLICY_FILE: z.string().default('deploy/policy/qualified3d.yaml'),
  HEED_OPERATIONS_PORT: portNumber(7199),
  LOG_LEVEL: logLevel,
})
const log = createLogger('preferences', { level: config.LOG_LEVEL })
log.info(describeConfig(config), 'starting')
const { policy, sha256: policySha256 } = await readPolicyDocument(config.HEED_POLICY_FILE)
const { keys } = await loadKeys({ settings: config, environment: config.HEED_ENV, dataDir: config.HEED_DATA_DIR, log })
const metrics = createMetrics({ processFigures: true })
const mongo = await connectMongo({ uri: config.MONGODB_URI, appName: 'preferences', log })
const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'preferences', log })

const auditKey = config.HEED_PREFERENCES_CALLER_KEY
const duties =
  config.HEED_AUDIT_ADDRESS === undefined || auditKey === undefined
    ? undefined
    : dutiesOverGrpc({ address: () => config.HEED_AUDIT_ADDRESS, key: auditKey })
if (duties === undefined)
  log.warn(
    { variables: ['HEED_AUDIT_ADDRESS', 'HEED_PREFERENCES_CALLER_KEY'] },
    'erasures.without-audit: they wait for their times to pass',
  )

const app = preferencesApp(
  {
    dbPrefix: config.HEED_DB_PREFIX,
    topicPrefix: config.HEED_TOPIC_PREFIX,
    port: config.HEED_PREFERENCES_PORT,
    host: config.HEED_PREFERENCES_HOST,
    publicUrl: config.HEED_PUBLIC_URL,
    ...(config.HEED_UNSUBSCRIBE_MAILTO === undefined ? {} : { unsubscribeMailto: config.HEED_UNSUBSCRIBE_MAILTO }),
    reflection: config.HEED_REFLECTION ?? config.HEED_ENV === 'development',
    keys,
    erasure: {
      optOutWaitMs: config.HEED_ERASURE_OPT_OUT_WAIT_SECONDS * 1_000,
      limitMs: config.HEED_ERASURE_LIMIT_DAYS * 24 * 3_600_000,
    },
    journalCountMs: config.HEED_JOURNAL_COUNT_SECONDS * 1_000,
  },
  {
    mongo,
    kafka,
    callers: mongoCallers(mongo.collection<CallerRow>(`${config.HEED_DB_PREFIX}_callers`, 'callers'), systemClock),
    policy,
    policySha256,
    log,
    clock: systemClock,
    metrics,
    ...(duties === undefined ? {} : { duties }),
  },
)

const configuration = configurationRecord({
  config,
  memory: rememberedInMongo(mongo.collection(`${config.HEED_DB_PREFIX}_preferences`, 'configuration'), 'services/preferences'),
  tell: toldOnKafka(kafka, (change) => ({
    topic: topicsOf(config.HEED_TOPIC_PREFIX).acts,
    ...configurationChangedRecord('services/preferences', change, systemClock.now()),
  })),
  clock: systemClock,
  log,
})

try {
  await runUntil(
    shutdownSignal(),
    [...app.parts, configuration, operationsServer({ port: config.HEED_OPERATIONS_PORT, metrics, readiness: app.readiness, log })],
    log,
  )
} finally {
  duties?.close()
  await Promise.all([kafka.stop(), mongo.stop()])
}
