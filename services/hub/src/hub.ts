import { auditApp, auditShape, type LogSettings, loadLogSettings } from '@heed/audit'
import { configurationChangedRecord, readPolicyDocument, topicsOf } from '@heed/contracts'
import type { Policy } from '@heed/domain'
import { callbackKeys, type EdgeApp, edgeApp, preferencesOverGrpc } from '@heed/edge'
import { type Clock, systemClock } from '@heed/platform/clock'
import { readConfig } from '@heed/platform/config'
import { configurationRecord, rememberedInMongo, toldOnKafka } from '@heed/platform/configuration'
import { type CallerRow, mongoCallers } from '@heed/platform/grpc'
import { operationsServer } from '@heed/platform/http'
import { connectKafka, type Kafka } from '@heed/platform/kafka'
import { type Part, type RunningPart, startAll } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import { createMetrics, type Metrics } from '@heed/platform/metrics'
import { connectMongo, type MongoConnection } from '@heed/platform/mongo'
import { dutiesOverGrpc, loadKeys, preferencesApp, preferencesShape } from '@heed/preferences'
import { propagationApp, snapshotsOverGrpc } from '@heed/propagation'
import { type Connectors, connectorsOf } from './connectors.ts'
import { erasureFaultPoint, type FaultProbe, probedPublishing } from './fault-points.ts'
import { type HubCaller, hubCallers } from './hub-callers.ts'

/** The ports of a hub; 0 takes a free one. */
export interface HubPorts {
  readonly preferences: number
  readonly propagation: number
  readonly audit: number
  /** Of the log over HTTP; a free one unless told. */
  readonly trail?: number
  readonly edge: number
  readonly operations: number
}

/** What a hub in one process is made of. */
export interface HubOptions {
  readonly dataDir: string
  readonly brokers: readonly string[]
  readonly mongoUri: string
  readonly dbPrefix: string
  readonly topicPrefix: string
  readonly policyFile: string
  readonly ports: HubPorts
  /** Where `env:NAME` in the policy file's settings is looked up, and the services' own variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
  /** The machine's clock unless told; tests turn one. */
  readonly clock?: Clock
  /** With which settings the hub runs, as `readConfig` gave them; the trail is told where they are others than before. */
  readonly config?: object
  /** Only these kinds of connector run; all there are unless told. */
  readonly connectors?: readonly string[]
  /** For fault tests. */
  readonly probe?: FaultProbe
  /** Called as each service has started. */
  readonly started?: (name: string) => void
}

/** A hub that runs. */
export interface Hub {
  readonly addresses: {
    readonly preferences: string
    readonly propagation: string
    readonly audit: string
    /** The log of the trail over HTTP. */
    readonly trail: string
    readonly edge: string
    readonly operations: string
  }
  readonly keys: Readonly<Record<HubCaller, string>>
  readonly policy: Policy
  readonly dbPrefix: string
  readonly topicPrefix: string
  readonly edge: EdgeApp
  readonly connectors: Connectors
  readonly mongo: MongoConnection
  readonly kafka: Kafka
  readonly metrics: Metrics
  /** How the log of the trail is kept. */
  readonly trail: LogSettings | undefined
  /** Resolves when nothing is under way any more: journal published, fanned out, every connector idle, everything in the trail. */
  settle(): Promise<void>
  /** Rejects when a part died that cannot come back by itself. */
  readonly failed: Promise<never>
  /** Stops all parts in reverse order, each after it has finished what it had. */
  stop(): Promise<void>
}

/** Composes all services into this process. It is the one place that may: in production each is a process of its own. */
export async function startHub(options: HubOptions): Promise<Hub> {
  const { dataDir, dbPrefix, topicPrefix, ports, log, probe, started = () => undefined } = options
  const clock = options.clock ?? systemClock
  const metrics = createMetrics({ processFigures: true })
  const opened: (() => Promise<void> | void)[] = []
  const closeAll = async () => {
    for (const close of opened.toReversed()) await close()
  }
  try {
    const policyDocument = await readPolicyDocument(options.policyFile)
    const { policy, sha256: policySha256 } = policyDocument
    const { keys } = await loadKeys({ settings: options.env, environment: 'development', dataDir, log })
    const mongo = await connectMongo({ uri: options.mongoUri, appName: 'heed-hub', log, maxPoolSize: 40 })
    opened.push(() => mongo.stop())
    const kafka = connectKafka({ brokers: options.brokers, clientId: 'heed-hub', log })
    opened.push(() => kafka.stop())
    const callers = mongoCallers(mongo.collection<CallerRow>(`${dbPrefix}_callers`, 'callers'), clock)
    const callerKeys = await hubCallers(callers, dataDir)

    const run = async (name: string, parts: readonly Part[]): Promise<RunningPart> => {
      const running = await startAll(parts, log)
      opened.push(() => running.stop())
      started(name)
      return running
    }
    const local = (port: number) => `127.0.0.1:${port}`

    // audit starts later than preferences, which asks it what recipients have confirmed
    let auditAddress: string | undefined
    const duties = dutiesOverGrpc({ address: () => auditAddress, key: callerKeys.preferences })
    opened.push(() => duties.close())
    const { HEED_ERASURE_OPT_OUT_WAIT_SECONDS, HEED_ERASURE_LIMIT_DAYS, HEED_JOURNAL_COUNT_SECONDS } = preferencesShape
    const times = readConfig(options.env, { HEED_ERASURE_OPT_OUT_WAIT_SECONDS, HEED_ERASURE_LIMIT_DAYS, HEED_JOURNAL_COUNT_SECONDS })
    const preferences = preferencesApp(
      {
        dbPrefix,
        topicPrefix,
        port: ports.preferences,
        publicUrl: options.env.HEED_PUBLIC_URL ?? `http://127.0.0.1:${ports.edge}`,
        reflection: true,
        keys,
        erasure: { optOutWaitMs: times.HEED_ERASURE_OPT_OUT_WAIT_SECONDS * 1_000, limitMs: times.HEED_ERASURE_LIMIT_DAYS * 24 * 3_600_000 },
        journalCountMs: times.HEED_JOURNAL_COUNT_SECONDS * 1_000,
      },
      {
        mongo,
        kafka: probe === undefined ? kafka : probedPublishing(kafka, () => probe('change.inserted')),
        callers,
        policy,
        policySha256,
        log: log.child({ room: 'preferences' }),
        clock,
        metrics,
        duties,
        ...(probe === undefined
          ? {}
          : {
              interrupt: (name) => {
                const point = erasureFaultPoint(name)
                return point === undefined ? undefined : probe(point)
              },
            }),
        ...(probe === undefined ? {} : { afterRelayStep: (step) => (step === 'published' ? probe('change.published') : undefined) }),
      },
    )
    const running = [await run('preferences', preferences.parts)]
    const preferencesAddress = local(preferences.server.port)

    const snapshots = snapshotsOverGrpc({ address: preferencesAddress, key: callerKeys.propagation })
    opened.push(() => snapshots.close())
    const propagation = propagationApp({
      policy,
      policySha256,
      port: ports.propagation,
      dbPrefix,
      topicPrefix,
      reflection: true,
      mongo,
      kafka,
      snapshots,
      log,
      clock,
      metrics,
    })
    running.push(await run('propagation', propagation.parts))

    const auditConfig = readConfig(
      {
        ...options.env,
        HEED_ENV: 'development',
        HEED_AUDIT_PORT: String(ports.audit),
        HEED_TRAIL_PORT: String(ports.trail ?? 0),
        HEED_DB_PREFIX: dbPrefix,
        HEED_TOPIC_PREFIX: topicPrefix,
        HEED_DATA_DIR: dataDir,
      },
      auditShape,
    )
    const trail = await loadLogSettings(auditConfig, log)
    const audit = auditApp(auditConfig, { mongo, kafka, policy, policyDocument, log: log.child({ room: 'audit' }), clock, metrics, trail })
    running.push(await run('audit', audit.parts))
    auditAddress = local(audit.server.port)

    const connectors = await connectorsOf({
      policy,
      kinds: options.connectors,
      mongo,
      kafka,
      probe,
      dbPrefix,
      topicPrefix,
      preferencesAddress,
      key: callerKeys.connectors,
      env: options.env,
      log,
      clock,
      metrics,
    })
    opened.push(() => connectors.close())
    for (const { name, parts } of connectors.apps) running.push(await run(name, parts))

    const links = preferencesOverGrpc({ address: preferencesAddress, key: callerKeys.edge })
    opened.push(() => links.close())
    const callbacks = kafka.publisher()
    opened.push(() => callbacks.stop())
    const edge = edgeApp({
      port: ports.edge,
      dataDir,
      spoolMaxBytes: 512 * 1024 * 1024,
      degradedAfterMs: 60_000,
      trustedProxies: 0,
      invalidPerMinute: 60,
      keys: () => keys.links,
      sender: options.env.HEED_EDGE_SENDER,
      preferences: links,
      callbacks: {
        keysOf: callbackKeys(policy, options.env),
        publish: (records) => callbacks.publish(records),
        topics: topicsOf(topicPrefix),
      },
      log: log.child({ room: 'edge' }),
      clock,
      metrics,
    })
    running.push(await run('edge', edge.parts))

    const operations = operationsServer({
      port: ports.operations,
      metrics,
      log,
      readiness: async () => {
        const rooms = await Promise.all([
          preferences.readiness(),
          propagation.readiness(),
          audit.readiness(),
          edge.readiness(),
          connectors.readiness(),
        ])
        return rooms.flat()
      },
    })
    running.push(await run('operations', [operations]))
    const service = 'services/hub'
    const configuration =
      options.config === undefined
        ? []
        : [
            configurationRecord({
              config: options.config,
              memory: rememberedInMongo(mongo.collection(`${dbPrefix}_hub`, 'configuration'), service),
              tell: toldOnKafka(kafka, (change) => ({
                topic: topicsOf(topicPrefix).acts,
                ...configurationChangedRecord(service, change, clock.now()),
              })),
              clock,
              log,
            }),
          ]
    const told = await startAll(configuration, log)
    opened.push(() => told.stop())
    running.push(told)

    const failed = Promise.race(running.flatMap((part) => (part.failed === undefined ? [] : [part.failed])))
    failed.catch(() => undefined)
    return {
      addresses: {
        preferences: preferencesAddress,
        propagation: local(propagation.server.port),
        audit: local(audit.server.port),
        trail: audit.trailServer?.url ?? '',
        edge: edge.server.url,
        operations: operations.url,
      },
      keys: callerKeys,
      policy,
      dbPrefix,
      topicPrefix,
      edge,
      connectors,
      mongo,
      kafka,
      metrics,
      trail,
      settle: async () => {
        await edge.settle()
        await preferences.relay.settle()
        await propagation.consumer.caughtUp()
        await connectors.settle()
        await audit.caughtUp()
        await audit.checkpointed()
      },
      failed,
      stop: closeAll,
    }
  } catch (thrown) {
    await closeAll().catch((error: unknown) => log.error({ error }, 'hub.stop-failed'))
    throw thrown
  }
}
