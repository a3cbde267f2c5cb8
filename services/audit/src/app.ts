import { type PolicyDocument, topicPlans, topicsOf } from '@heed/contracts'
import { mustBeTold, type Policy } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { type CallerRow, type GrpcServer, grpcServer, mongoCallers } from '@heed/platform/grpc'
import type { HttpServer } from '@heed/platform/http'
import type { Kafka } from '@heed/platform/kafka'
import type { Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import type { CheckResult, MongoConnection } from '@heed/platform/mongo'
import { logReader } from '@heed/trail'
import { auditApi } from './audit-api.ts'
import { auditStore } from './audit-store.ts'
import { ChangeSignals } from './change-signals.ts'
import type { AuditConfig } from './config.ts'
import { dutyWatch } from './duty-watch.ts'
import { listener } from './listener.ts'
import type { LogSettings, LogStep } from './log/keeper.ts'
import { verifierKeysOf } from './log/log-api.ts'
import { policyTexts } from './log/policy-texts.ts'
import { trailServer } from './log/trail-server.ts'
import { ownersOf } from './messages.ts'
import { cachedStatus } from './recipient-status.ts'
import { reportOutbox } from './report-rows.ts'

/** What audit stands on. */
export interface AuditAdapters {
  readonly mongo: MongoConnection
  readonly kafka: Kafka
  readonly policy: Policy
  /** The policy's own text, which evidence shows later. Without it bundles hold none. */
  readonly policyDocument?: PolicyDocument | undefined
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
  /** How the log over the entries is kept: `loadLogSettings`. Without it none is kept, and every question about it is refused. */
  readonly trail?: LogSettings | undefined
  /** For fault tests. */
  readonly afterLogStep?: (step: LogStep) => void | Promise<void>
}

/** Audit, ready to be started. */
export interface AuditApp {
  /** In the order of their start. */
  readonly parts: readonly Part[]
  readonly server: GrpcServer
  /** The log over HTTP; absent where none is kept. */
  readonly trailServer: HttpServer | undefined
  /** Whether this process is the one that appends to the trail. */
  readonly leading: boolean
  /** Resolves when all that was on the topics at the time of the call is in the trail. */
  caughtUp(): Promise<void>
  /** Resolves when every entry that is there is under a published checkpoint, whoever keeps the log. */
  checkpointed(): Promise<void>
  readiness(): Promise<CheckResult[]>
}

const statusMaxAgeMs = 1_000

/** The trail and the status of everything. `main.ts`, the hub and the tests start the same thing. */
export function auditApp(config: AuditConfig, adapters: AuditAdapters): AuditApp {
  const { mongo, kafka, policy, log, clock, metrics } = adapters
  const topics = topicsOf(config.HEED_TOPIC_PREFIX)
  const store = auditStore(mongo, config.HEED_DB_PREFIX)
  const signals = new ChangeSignals()
  const status = cachedStatus(store, clock, statusMaxAgeMs)
  let appended = 0

  const topicsPart: Part = {
    name: 'topics',
    start: async () => {
      const recipients = policy.recipients.filter(mustBeTold).map(({ id }) => id)
      if (adapters.policyDocument !== undefined) await texts.keep(adapters.policyDocument, clock.now())
      await kafka.ensureTopics(topicPlans(topics, recipients))
      return { stop: () => Promise.resolve() }
    },
  }

  const trail = listener({
    kafka,
    store,
    topics,
    groupId: config.HEED_AUDIT_GROUP ?? `${config.HEED_TOPIC_PREFIX}.audit`,
    policy,
    written: (touched, entries) => {
      appended += entries
      signals.tell(touched)
    },
    log,
    clock,
    metrics,
    leaseMs: config.HEED_AUDIT_LEASE_MS,
    logSettings: adapters.trail,
    afterLogStep: adapters.afterLogStep,
  })

  const watch = dutyWatch({
    store,
    ownerOf: ownersOf(policy),
    leading: () => trail.leading,
    lag: trail.lag,
    appended: () => appended,
    log,
    clock,
    metrics,
    everyMs: config.HEED_AUDIT_WATCH_MS,
    graceMs: config.HEED_AUDIT_FAN_OUT_GRACE_MS,
  })

  const outbox = reportOutbox({ store, kafka, topics, clock, log })
  const reports = { store, policy, clock, counted: () => outbox.wake() }
  const reader = logReader(store.log, (sequence) => log.error({ sequence }, 'trail.row-differs'))
  const texts = policyTexts(mongo, config.HEED_DB_PREFIX)
  const evidence =
    adapters.trail === undefined
      ? undefined
      : {
          reader,
          entries: store.entries,
          policies: texts,
          verifierKeys: verifierKeysOf(adapters.trail),
        }
  const served =
    adapters.trail === undefined
      ? undefined
      : trailServer({ port: config.HEED_TRAIL_PORT, store: store.log, reader, settings: adapters.trail, log })
  const server = grpcServer({
    name: 'audit',
    port: config.HEED_AUDIT_PORT,
    services: [
      auditApi({
        store,
        policy,
        signals,
        status,
        clock,
        reports,
        leading: () => trail.leading,
        reader,
        logSettings: adapters.trail,
        evidence,
      }),
    ],
    callers: mongoCallers(mongo.collection<CallerRow>(`${config.HEED_DB_PREFIX}_callers`, 'callers'), clock),
    log,
    metrics,
    reflection: config.HEED_ENV !== 'production',
    clock,
  })

  return {
    parts: [topicsPart, trail, watch, outbox, server, ...(served === undefined ? [] : [served])],
    server,
    trailServer: served,
    get leading() {
      return trail.leading
    },
    caughtUp: trail.caughtUp,
    checkpointed: trail.checkpointed,
    readiness: async () => [await mongo.health(), await kafka.health(), ...trail.health()],
  }
}
