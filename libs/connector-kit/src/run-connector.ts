import { configurationChangedRecord, loadService, readPolicyFile, topicsOf } from '@heed/contracts'
import { connectorOf } from '@heed/domain'
import { systemClock } from '@heed/platform/clock'
import { brokerList, describeConfig, logLevel, portNumber, readConfig } from '@heed/platform/config'
import { configurationRecord, rememberedInMongo, toldOnKafka } from '@heed/platform/configuration'
import { closeClient, grpcClient } from '@heed/platform/grpc'
import { operationsServer } from '@heed/platform/http'
import { connectKafka } from '@heed/platform/kafka'
import { runUntil, shutdownSignal } from '@heed/platform/lifecycle'
import { createLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { connectMongo } from '@heed/platform/mongo'
import { z } from 'zod'
import { connectorApp } from './app.ts'
import type { Connector } from './contract.ts'
import { grpcDirectory, type IdentifierClient } from './identifiers.ts'
import { SettingsError } from './settings.ts'

const prefix = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'letters, digits, _ and -, at most 40')

/** Every variable that a connector's own process reads, beside those that its recipients' settings name. */
export const connectorShape = {
  KAFKA_BROKERS: { schema: brokerList, describe: 'host:port of one or more brokers.' },
  MONGODB_URI: { schema: z.string().min(1), secret: true, describe: 'Connection string.' },
  HEED_POLICY_FILE: { schema: z.string().min(1), describe: 'The policy whose recipients of this kind are served.' },
  HEED_DB_PREFIX: { schema: prefix.default('heed'), describe: 'Databases are named <prefix>_connector_<kind>.' },
  HEED_TOPIC_PREFIX: { schema: prefix.default('heed'), describe: 'Topics are named <prefix>.deliveries.<recipient>.v1 and so on.' },
  HEED_PREFERENCES_ADDRESS: { schema: z.string().default('127.0.0.1:7101'), describe: 'host:port of the preferences service.' },
  HEED_CALLER_KEY: {
    schema: z.string().min(1),
    secret: true,
    describe: 'Key of a caller with the scope identifiers:resolve:<recipient> for each recipient.',
  },
  HEED_ENV: {
    schema: z.enum(['development', 'production']).default('production'),
    describe: 'development allows settings that reach endpoints on this machine.',
  },
  HEED_OPERATIONS_PORT: { schema: portNumber(7199), describe: 'Health and metrics; 0 takes a free one.' },
  LOG_LEVEL: { schema: logLevel, describe: 'debug, info, warn, error or silent.' },
} as const

/** The kind's name before any settings are known. */
const kindOf = <Settings>(connector: Connector<Settings>, kind: string | undefined): string => {
  if (kind !== undefined) return kind
  if (typeof connector.descriptor === 'function') throw new TypeError('a connector whose descriptor depends on settings needs its kind')
  return connector.descriptor.name
}

/** Runs a kind of connector as a process of its own until it is told to stop: all that its `main.ts` does. Everything comes from environment variables. */
export async function runConnector<Settings>(
  connector: Connector<Settings>,
  env: Readonly<Record<string, string | undefined>>,
  options: { readonly kind?: string } = {},
): Promise<void> {
  const kind = kindOf(connector, options.kind)
  const config = readConfig(env, connectorShape)
  const log = createLogger(`connector-${kind}`, { level: config.LOG_LEVEL })
  log.info(describeConfig(config), 'starting')
  const policy = await readPolicyFile(config.HEED_POLICY_FILE)
  const recipients = policy.recipients.filter((recipient) => connectorOf(recipient) === kind)
  if (recipients.length === 0) throw new SettingsError('HEED_POLICY_FILE', `no recipient is served by the connector ${kind}`)
  const metrics = createMetrics({ processFigures: true })
  const mongo = await connectMongo({ uri: config.MONGODB_URI, appName: `heed-connector-${kind}`, log })
  const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: `heed-connector-${kind}`, log })
  const client = grpcClient<IdentifierClient>(loadService('heed.identifiers.v1.IdentifierService'), {
    address: config.HEED_PREFERENCES_ADDRESS,
    key: config.HEED_CALLER_KEY,
  })
  const app = await connectorApp(connector, {
    recipients,
    mongo,
    kafka,
    identifiers: grpcDirectory(client),
    dbPrefix: config.HEED_DB_PREFIX,
    topicPrefix: config.HEED_TOPIC_PREFIX,
    env: { ...env, HEED_ENV: config.HEED_ENV },
    clock: systemClock,
    log,
    metrics,
    // other processes may take deliveries in for an account that this one works for
    sweepMs: 1_000,
  })
  const service = `connectors/${kind}`
  const configuration = configurationRecord({
    config,
    memory: rememberedInMongo(mongo.collection(`${config.HEED_DB_PREFIX}_connector_${kind}`, 'configuration'), service),
    tell: toldOnKafka(kafka, (change) => ({
      topic: topicsOf(config.HEED_TOPIC_PREFIX).acts,
      ...configurationChangedRecord(service, change, systemClock.now()),
    })),
    clock: systemClock,
    log,
  })
  try {
    const readiness = async () => [await mongo.health(), await kafka.health(), ...(await app.readiness())]
    const operations = operationsServer({ port: config.HEED_OPERATIONS_PORT, metrics, readiness, log })
    await runUntil(shutdownSignal(), [...app.parts, configuration, operations], log)
  } finally {
    closeClient(client)
    await kafka.stop()
    await mongo.stop()
  }
}
