import { randomUUID } from 'node:crypto'
import { topicPlans, topicsOf } from '@heed/contracts'
import { mustBeTold, type Policy } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { type CallerRow, type GrpcServer, grpcServer, mongoCallers } from '@heed/platform/grpc'
import type { Consumer, Kafka } from '@heed/platform/kafka'
import type { Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import { type CheckResult, type LeaseRow, lease, type MongoConnection } from '@heed/platform/mongo'
import { type BackfillRow, backfillRows } from './backfill-rows.ts'
import { backfillRunner } from './backfill-runner.ts'
import { fanOut } from './fan-out.ts'
import { propagationApi } from './grpc-api.ts'
import { type PolicyRow, policyStore } from './policy-store.ts'
import { policyWatch } from './policy-watch.ts'
import { policyLoadedRecord } from './records.ts'
import type { Snapshots } from './snapshots.ts'

/** What propagation runs with. */
export interface PropagationOptions {
  readonly policy: Policy
  /** SHA-256 of the policy file, as the trail has it. */
  readonly policySha256: string
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

const leaseMs = 10_000
// A change may concern every recipient; with the policy that ships with Heed a batch comes to nearly ten thousand deliveries, one backfill page to as many as it has subjects.
const batchRecords = 500
const publisherQueue = 200_000
// Batches of that many partitions share a request to the broker.
const partitionsAtOnce = 6

/** The service, not started. `main.ts`, the hub and the tests start the same thing. */
export function propagationApp(options: PropagationOptions): PropagationApp {
  const { policy, kafka, mongo, snapshots, clock, metrics } = options
  const log = options.log.child({ room: 'propagation' })
  const database = `${options.dbPrefix}_propagation`
  const topics = topicsOf(options.topicPrefix)
  const publisher = kafka.publisher({ maxQueue: publisherQueue })
  const backfills = backfillRows(mongo.collection<BackfillRow>(database, 'backfills'), clock)
  const policies = policyStore(mongo.collection<PolicyRow>(database, 'policies'), clock)
  const served = { policy, sha256: options.policySha256 }
  const runner = backfillRunner({
    rows: backfills,
    lease: lease({
      collection: mongo.collection<LeaseRow>(database, 'leases'),
      name: 'backfills',
      holder: randomUUID(),
      ttlMs: leaseMs,
      clock,
    }),
    leaseMs,
    policy,
    policies,
    topics,
    snapshots,
    publisher,
    clock,
    log,
  })

  const changes = metrics.counter({ name: 'heed_propagation_changes_total', help: 'Changes fanned out' })
  const unreadable = metrics.counter({ name: 'heed_propagation_unreadable_total', help: 'Records that became dead letters' })
  const deliveries = metrics.counter({ name: 'heed_propagation_deliveries_total', help: 'Deliveries published', labels: ['recipient'] })
  const consumer = kafka.consumer({
    groupId: `${options.topicPrefix}.propagation`,
    topics: [topics.preferences],
    fromBeginning: true,
    maxBatchRecords: batchRecords,
    concurrency: partitionsAtOnce,
    handle: async (batch) => {
      const startedAt = performance.now()
      const made = fanOut(policy, topics, batch, clock.now())
      // all that the batch comes to is stored before its offsets are: a crash in between repeats deliveries, which connectors know by their version
      await publisher.publish(made.records)
      changes.add({}, made.changes)
      unreadable.add({}, made.unreadable.length)
      for (const [recipient, count] of made.deliveries) deliveries.add({ recipient }, count)
      for (const letter of made.unreadable) log.error({ topic: batch.topic, partition: batch.partition, ...letter }, 'record.unreadable')
      const durationMs = Math.round(performance.now() - startedAt)
      log.debug({ partition: batch.partition, changes: made.changes, records: made.records.length, durationMs }, 'changes.fanned-out')
    },
    log,
    metrics,
  })
  const server = grpcServer({
    name: 'propagation',
    port: options.port,
    ...(options.host === undefined ? {} : { host: options.host }),
    services: [
      propagationApi({
        policy,
        policySha256: options.policySha256,
        policies,
        topics,
        publisher,
        snapshots,
        backfills,
        wake: runner.wake,
        clock,
      }),
    ],
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
            ),
          )
          await publisher.publish([policyLoadedRecord(topics, policy, options.policySha256, clock.now())])
          return { stop: () => publisher.stop() }
        },
      },
      { name: 'fan-out', start: () => consumer.start() },
      policyWatch({ served, policies, clock, log, metrics }),
      runner,
      server,
    ],
    server,
    consumer,
    readiness: async () => [consumer.health(), await mongo.health(), await kafka.health()],
  }
}
