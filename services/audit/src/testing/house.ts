import { randomUUID } from 'node:crypto'
import { encodeEvent, loadService, type Topics, type TrailEvent, topicPlans, topicsOf } from '@heed/contracts'
import type { ChangeStatus__Output } from '@heed/contracts/gen/heed/audit/v1/ChangeStatus.ts'
import type { ExportEvidenceRequest } from '@heed/contracts/gen/heed/audit/v1/ExportEvidenceRequest.ts'
import type { ExportEvidenceResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ExportEvidenceResponse.ts'
import type { GetChangeStatusResponse__Output } from '@heed/contracts/gen/heed/audit/v1/GetChangeStatusResponse.ts'
import type { GetCheckpointRequest } from '@heed/contracts/gen/heed/audit/v1/GetCheckpointRequest.ts'
import type { GetCheckpointResponse__Output } from '@heed/contracts/gen/heed/audit/v1/GetCheckpointResponse.ts'
import type { ListEntriesRequest } from '@heed/contracts/gen/heed/audit/v1/ListEntriesRequest.ts'
import type { ListEntriesResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ListEntriesResponse.ts'
import type { ListOpenDeliveriesRequest } from '@heed/contracts/gen/heed/audit/v1/ListOpenDeliveriesRequest.ts'
import type { ListOpenDeliveriesResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ListOpenDeliveriesResponse.ts'
import type { ListRecipientStatusResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ListRecipientStatusResponse.ts'
import type { ListSubjectTimelineRequest } from '@heed/contracts/gen/heed/audit/v1/ListSubjectTimelineRequest.ts'
import type { ListSubjectTimelineResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ListSubjectTimelineResponse.ts'
import type { ProveConsistencyRequest } from '@heed/contracts/gen/heed/audit/v1/ProveConsistencyRequest.ts'
import type { ProveConsistencyResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ProveConsistencyResponse.ts'
import type { ProveInclusionRequest } from '@heed/contracts/gen/heed/audit/v1/ProveInclusionRequest.ts'
import type { ProveInclusionResponse__Output } from '@heed/contracts/gen/heed/audit/v1/ProveInclusionResponse.ts'
import { generateSignerKey } from '@heed/merkle-log'
import { systemClock } from '@heed/platform/clock'
import { type CallerRow, closeClient, grpcClient, mongoCallers, type ServerStreamCall, type UnaryCall } from '@heed/platform/grpc'
import { connectKafka, type Kafka, type OutgoingRecord } from '@heed/platform/kafka'
import { startAll } from '@heed/platform/lifecycle'
import { createLogger, type Logger, silentLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { connectMongo, type MongoConnection } from '@heed/platform/mongo'
import { inject } from 'vitest'
import { type AuditApp, auditApp } from '../app.ts'
import { type AuditStore, auditStore } from '../audit-store.ts'
import type { AuditConfig } from '../config.ts'
import type { LogSettings, LogStep } from '../log/keeper.ts'
import { examplePolicy } from './policy.ts'

/** The methods of the service as a caller has them. */
export interface AuditClient {
  getChangeStatus: UnaryCall<{ changeId: string }, GetChangeStatusResponse__Output>
  watchChangeStatus: ServerStreamCall<{ changeId: string }, { status: ChangeStatus__Output | null }>
  listSubjectTimeline: UnaryCall<ListSubjectTimelineRequest, ListSubjectTimelineResponse__Output>
  listRecipientStatus: UnaryCall<Record<never, never>, ListRecipientStatusResponse__Output>
  listOpenDeliveries: UnaryCall<ListOpenDeliveriesRequest, ListOpenDeliveriesResponse__Output>
  getCheckpoint: UnaryCall<GetCheckpointRequest, GetCheckpointResponse__Output>
  proveInclusion: UnaryCall<ProveInclusionRequest, ProveInclusionResponse__Output>
  proveConsistency: UnaryCall<ProveConsistencyRequest, ProveConsistencyResponse__Output>
  listEntries: ServerStreamCall<ListEntriesRequest, ListEntriesResponse__Output>
  exportEvidence: ServerStreamCall<ExportEvidenceRequest, ExportEvidenceResponse__Output>
}

/** A running audit. */
export interface RunningAudit {
  readonly app: AuditApp
  readonly client: AuditClient
  readonly metrics: ReturnType<typeof createMetrics>
  stop(): Promise<void>
}

/** How an audit process is started. */
export interface StartOptions {
  readonly databasePrefix?: string
  readonly config?: Partial<AuditConfig>
  readonly log?: Logger
  readonly trail?: LogSettings
  readonly afterLogStep?: (step: LogStep) => void | Promise<void>
}

/** A place of its own on the real broker and database. */
export interface House {
  /** The first part of the names of its topics and databases. */
  readonly prefix: string
  readonly topics: Topics
  readonly mongo: MongoConnection
  readonly kafka: Kafka
  /** Publishes what happened, in this order, each on its topic. */
  tell(...events: TrailEvent[]): Promise<void>
  publish(...records: OutgoingRecord[]): Promise<void>
  store(databasePrefix?: string): AuditStore
  /** Starts an audit process; with another prefix it has a database and a consumer group of its own. */
  audit(options?: StartOptions): Promise<RunningAudit>
  /** How the log in that database is kept unless told: always by the same key, without files. */
  logSettings(databasePrefix?: string): LogSettings
  stop(): Promise<void>
}

/** A log of that name with a new key, kept without files. */
export function exampleLog(origin: string): LogSettings {
  return { origin, keys: [generateSignerKey(origin, 'ed25519')], oldKeys: [], witnesses: [], folder: undefined, checkpointMs: 50 }
}

/** The topic and key of an event. */
export function placeOf(topics: Topics, event: TrailEvent): { topic: string; key: string } {
  switch (event.type) {
    case 'heed.preference.changed.v1':
      return { topic: topics.preferences, key: event.data.subjectId }
    case 'heed.delivery.requested.v1':
      return { topic: topics.deliveries(event.data.recipientId), key: event.data.subjectId }
    case 'heed.delivery.attempted.v1':
      return { topic: topics.outcomes, key: event.data.subjectId }
    case 'heed.recipient.paused.v1':
      return { topic: topics.controls, key: event.data.recipientId }
    case 'heed.delivery.resolved.v1':
      return { topic: topics.controls, key: event.data.deliveryId }
    case 'heed.record.unreadable.v1':
      return { topic: topics.deadLetters, key: event.data.topic }
    case 'heed.disclosure.made.v1':
    case 'heed.link.made.v1':
    case 'heed.link.used.v1':
    case 'heed.identifiers.linked.v1':
    case 'heed.subject.erased.v1':
    case 'heed.disclosure.reported.v1':
      return { topic: topics.acts, key: event.data.subjectId }
    case 'heed.suppressions.imported.v1':
    case 'heed.operator.acted.v1':
    case 'heed.policy.loaded.v1':
    case 'heed.configuration.changed.v1':
    case 'heed.journal.counted.v1':
      return { topic: topics.acts, key: event.data.actId }
    default:
      return event satisfies never
  }
}

/** The record of an event. */
export function recordOf(topics: Topics, event: TrailEvent): OutgoingRecord {
  const { topic, key } = placeOf(topics, event)
  return { topic, ...encodeEvent(event.type, key, event.data, { id: randomUUID(), source: 'services/example', time: Date.now() }) }
}

/** Opens a house on the run's broker and database; `HEED_TEST_LOG` shows what it says. */
export async function openHouse(name: string): Promise<House> {
  const prefix = `${name}-${randomUUID().slice(0, 8)}`
  const shown = process.env.HEED_TEST_LOG === undefined ? silentLogger : createLogger(name, { level: 'info', pretty: true })
  const mongo = await connectMongo({ uri: inject('mongoUri'), appName: prefix, log: shown })
  const kafka = connectKafka({ brokers: inject('kafkaBrokers').split(','), clientId: prefix, log: shown })
  const publisher = kafka.publisher()
  const topics = topicsOf(prefix)
  await kafka.ensureTopics(
    topicPlans(
      topics,
      examplePolicy().recipients.map(({ id }) => id),
    ).map(({ name: topic, partitions }) => ({ name: topic, partitions })),
  )
  const running: RunningAudit[] = []
  const databases = new Set<string>()
  const settings = new Map<string, LogSettings>()
  const logSettings = (databasePrefix = prefix): LogSettings => {
    const made = settings.get(databasePrefix) ?? exampleLog(`example.org/${databasePrefix}`)
    settings.set(databasePrefix, made)
    return made
  }

  const house: House = {
    prefix,
    topics,
    mongo,
    kafka,
    tell: (...events) => publisher.publish(events.map((event) => recordOf(topics, event))),
    publish: (...records) => publisher.publish(records),
    store: (databasePrefix = prefix) => auditStore(mongo, databasePrefix),
    logSettings,
    audit: async ({ databasePrefix = prefix, config = {}, log = shown, trail, afterLogStep } = {}) => {
      databases.add(databasePrefix)
      const metrics = createMetrics()
      const app = auditApp(
        {
          HEED_ENV: 'development',
          HEED_AUDIT_PORT: 0,
          HEED_DB_PREFIX: databasePrefix,
          HEED_TOPIC_PREFIX: prefix,
          HEED_AUDIT_GROUP: databasePrefix === prefix ? undefined : `${databasePrefix}.audit`,
          HEED_AUDIT_LEASE_MS: 1_500,
          HEED_AUDIT_WATCH_MS: 200,
          HEED_AUDIT_FAN_OUT_GRACE_MS: 500,
          HEED_DATA_DIR: '.heed',
          HEED_TRAIL: 'keep',
          HEED_TRAIL_KEYS: undefined,
          HEED_TRAIL_OLD_KEYS: undefined,
          HEED_TRAIL_WITNESSES: undefined,
          HEED_TRAIL_DIR: undefined,
          HEED_TRAIL_PORT: 0,
          HEED_TRAIL_CHECKPOINT_MS: 50,
          ...config,
        },
        {
          mongo,
          kafka,
          policy: examplePolicy(),
          log,
          clock: systemClock,
          metrics,
          trail: trail ?? logSettings(databasePrefix),
          ...(afterLogStep === undefined ? {} : { afterLogStep }),
        },
      )
      const parts = await startAll(app.parts, log)
      const callers = mongoCallers(mongo.collection<CallerRow>(`${databasePrefix}_callers`, 'callers'), systemClock)
      const { key } = await callers.addCaller({ id: `reader-${randomUUID().slice(0, 8)}`, scopes: ['audit:read'] })
      const client = grpcClient<AuditClient>(loadService('heed.audit.v1.AuditService'), { address: `127.0.0.1:${app.server.port}`, key })
      let stopped = false
      const one: RunningAudit = {
        app,
        client,
        metrics,
        stop: async () => {
          if (stopped) return
          stopped = true
          closeClient(client)
          await parts.stop()
        },
      }
      running.push(one)
      return one
    },
    stop: async () => {
      for (const one of running) await one.stop()
      await publisher.stop()
      await kafka.stop()
      for (const databasePrefix of databases) {
        await mongo.database(`${databasePrefix}_audit`).dropDatabase()
        await mongo.database(`${databasePrefix}_callers`).dropDatabase()
      }
      await mongo.stop()
    },
  }
  return house
}

/** Everything of the projections that does not tell in which order things arrived. */
export async function projections(store: AuditStore) {
  const changes = await store.changes.find({}, { sort: { _id: 1 }, projection: { sequence: 0, appendedAt: 0 } }).toArray()
  const deliveries = await store.deliveries.find({}, { sort: { _id: 1 } }).toArray()
  const recipients = await store.recipients.find({}, { sort: { _id: 1 } }).toArray()
  const entries = await store.entries.find({}, { sort: { entryId: 1 }, projection: { _id: 0 } }).toArray()
  // a count that went back to zero is as good as one that was never touched
  const counts = recipients.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== 0)))
  return { changes, deliveries, recipients: counts, entries }
}

/** Resolves once the condition holds; rejects with what was seen last after the time has passed. */
export async function until<T>(look: () => Promise<T>, holds: (seen: T) => boolean, timeoutMs = 20_000): Promise<T> {
  const giveUpAt = Date.now() + timeoutMs
  for (;;) {
    const seen = await look()
    if (holds(seen)) return seen
    if (Date.now() > giveUpAt) throw new Error(`still not so: ${String(JSON.stringify(seen)).slice(0, 2_000)}`)
    await systemClock.sleep(25)
  }
}
