import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { type TopicPlan, topicPlans, topicsOf } from '@heed/contracts'
import { mustBeTold, type Policy } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { type CallerRow, type GrpcServer, grpcServer, mongoCallers } from '@heed/platform/grpc'
import type { Consumer, Kafka, TopicSpec } from '@heed/platform/kafka'
import type { Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import { type CheckResult, type LeaseRow, lease, type MongoConnection } from '@heed/platform/mongo'
import { actsOn } from './acts.ts'
import { backfillsIn } from './backfills.ts'
import { fanOut } from './fan-out.ts'
import { propagationApi } from './grpc-api.ts'
import type { Snapshots } from './snapshots.ts'

/** What propagation runs with. */
export interface PropagationOptions {
  readonly policy: Policy
  /** The bytes of the policy file: their hash goes into the trail. */
  readonly policyBytes: Uint8Array
  readonly port: number
  readonly host?: string
  readonly dbPrefix: string
  readonly topicPrefix: string
  readonly reflection: boolean
  readonly mongo: MongoConnection
  readonly kafka: Kafka
  readonly snapshots: Snapshots
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
}

/** The running service: its parts in the order of their start. */
export interface PropagationApp {
  readonly parts: readonly Part[]
  readonly server: GrpcServer
  readonly consumer: Consumer
  readiness(): Promise<CheckResult[]>
}

/** A topic as the broker is asked for it. */
export function topicSpec({ name, partitions, cleanup }: TopicPlan): TopicSpec {
  return {
    name,
    partitions,
    ...(cleanup.kind === 'compact' ? { compact: true, minLagMs: cleanup.minLagMs } : { retentionMs: cleanup.retentionMs }),
  }
}

/** The service, not started. `main.ts`, the hub and the tests start the same thing. */
export function propagationApp(options: PropagationOptions): PropagationApp {
  const { policy, kafka, mongo, snapshots, clock, metrics } = options
  const log = options.log.child({ room: 'propagation' })
  const database = `${options.dbPrefix}_propagation`
  const topics = topicsOf(options.topicPrefix)
  const publisher = kafka.publisher()
  const acts = actsOn(topics, publisher, clock)
  const backfills = backfillsIn({
    mongo,
    database,
    lease: lease({
      collection: mongo.collection<LeaseRow>(database, 'leases'),
      name: 'backfills',
      holder: `${hostname()}:${process.pid}:${randomUUID()}`,
      ttlMs: 15_000,
      clock,
    }),
    policy,
    topics,
    snapshots,
    publisher,
    acts,
    clock,
    log,
  })
  const consumer = kafka.consumer({
    groupId: `${options.topicPrefix}.propagation`,
    topics: [topics.preferences],
    fromBeginning: true,
    handle: fanOut({ policy, topics, publisher, clock, log, metrics }),
    log,
    metrics,
  })
  const server = grpcServer({
    name: 'propagation',
    port: options.port,
    ...(options.host === undefined ? {} : { host: options.host }),
    services: [propagationApi({ policy, topics, publisher, snapshots, backfills, acts, clock })],
    callers: mongoCallers(mongo.collection<CallerRow>(`${options.dbPrefix}_callers`, 'callers'), clock),
    log,
    metrics,
    reflection: options.reflection,
  })
  return {
    parts: [
      {
        name: 'topics',
        start: async () => {
          await kafka.ensureTopics(
            topicPlans(
              topics,
              policy.recipients.filter(mustBeTold).map(({ id }) => id),
            ).map(topicSpec),
          )
          await acts.policyLoaded(policy, options.policyBytes)
          return { stop: () => publisher.stop() }
        },
      },
      { name: 'fan-out', start: () => consumer.start() },
      backfills.runner,
      server,
    ],
    server,
    consumer,
    readiness: async () => [consumer.health(), await mongo.health(), await kafka.health()],
  }
}
