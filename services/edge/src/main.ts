import { configurationChangedRecord, parseLinkKeys, readPolicyFile, topicsOf } from '@heed/contracts'
import { systemClock } from '@heed/platform/clock'
import { describeConfig, logLevel, portNumber, readConfig } from '@heed/platform/config'
import { configurationRecord, rememberedInFolder, toldOnKafka } from '@heed/platform/configuration'
import { operationsServer } from '@heed/platform/http'
import { connectKafka } from '@heed/platform/kafka'
import { runUntil, shutdownSignal } from '@heed/platform/lifecycle'
import { createLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { edgeApp } from './app.ts'
import { callbackKeys } from './callback-keys.ts'
import { edgeShape } from './config.ts'
import { preferencesOverGrpc } from './preferences-links.ts'

const config = readConfig(process.env, { ...edgeShape, LOG_LEVEL: logLevel, HEED_OPERATIONS_PORT: portNumber(7199) })
const log = createLogger('edge', { level: config.LOG_LEVEL })
log.info(describeConfig(config), 'starting')
const metrics = createMetrics({ processFigures: true })
const keys = parseLinkKeys(config.HEED_LINK_KEYS)
const preferences = preferencesOverGrpc({ address: config.HEED_PREFERENCES_ADDRESS, key: config.HEED_EDGE_CALLER_KEY })

// clicks need no broker: what recipients report by themselves does
const kafka = config.KAFKA_BROKERS === undefined ? undefined : connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'heed-edge', log })
const publisher = kafka?.publisher()
const policy = config.HEED_POLICY_FILE === undefined ? undefined : await readPolicyFile(config.HEED_POLICY_FILE)

const edge = edgeApp({
  port: config.HEED_EDGE_PORT,
  dataDir: config.HEED_DATA_DIR,
  spoolMaxBytes: config.HEED_EDGE_SPOOL_MAX_BYTES,
  degradedAfterMs: config.HEED_EDGE_SPOOL_DEGRADED_SECONDS * 1000,
  trustedProxies: config.HEED_EDGE_TRUSTED_PROXIES,
  invalidPerMinute: config.HEED_EDGE_INVALID_PER_MINUTE,
  keys: () => keys,
  sender: config.HEED_EDGE_SENDER,
  preferences,
  ...(publisher === undefined || policy === undefined
    ? {}
    : {
        callbacks: {
          keysOf: callbackKeys(policy, process.env),
          publish: (records) => publisher.publish(records),
          topics: topicsOf(config.HEED_TOPIC_PREFIX),
        },
      }),
  log,
  clock: systemClock,
  metrics,
})

// without a broker nobody can be told
const configuration =
  kafka === undefined
    ? []
    : [
        configurationRecord({
          config,
          memory: rememberedInFolder(config.HEED_DATA_DIR),
          tell: toldOnKafka(kafka, (change) => ({
            topic: topicsOf(config.HEED_TOPIC_PREFIX).acts,
            ...configurationChangedRecord('services/edge', change, systemClock.now()),
          })),
          clock: systemClock,
          log,
        }),
      ]

await runUntil(
  shutdownSignal(),
  [...edge.parts, ...configuration, operationsServer({ port: config.HEED_OPERATIONS_PORT, metrics, readiness: edge.readiness, log })],
  log,
)
preferences.close()
await publisher?.stop()
await kafka?.stop()
