import { hash, randomUUID } from 'node:crypto'
import {
  type AnyEvent,
  decodeEvent,
  type EventData,
  type EventType,
  eventSchemas,
  loadService,
  type Topics,
  topicPlans,
  topicsOf,
} from '@heed/contracts'
import type { ApplyPolicyResponse__Output } from '@heed/contracts/gen/heed/propagation/v1/ApplyPolicyResponse.ts'
import type { BackfillProgress__Output } from '@heed/contracts/gen/heed/propagation/v1/BackfillProgress.ts'
import type { DiffPolicyResponse__Output } from '@heed/contracts/gen/heed/propagation/v1/DiffPolicyResponse.ts'
import type { RedeliverResponse__Output } from '@heed/contracts/gen/heed/propagation/v1/RedeliverResponse.ts'
import type { Policy } from '@heed/domain'
import { systemClock } from '@heed/platform/clock'
import { type CallerRow, closeClient, grpcClient, mongoCallers, type ServerStreamCall, type UnaryCall } from '@heed/platform/grpc'
import { connectKafka, type Kafka, type OutgoingRecord } from '@heed/platform/kafka'
import { startAll } from '@heed/platform/lifecycle'
import { createLogger, type Logger, silentLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { connectMongo, type MongoConnection } from '@heed/platform/mongo'
import { inject } from 'vitest'
import { type PropagationApp, propagationApp } from '../app.ts'
import { snapshotsOverGrpc } from '../snapshots.ts'
import { examplePolicy } from './policy.ts'
import { type PreferencesPlay, playPreferences } from './preferences-play.ts'

/** One backfill as an answer holds it. */
export interface BackfillAnswer {
  backfill: BackfillProgress__Output | null
}

/** The methods of the service as a caller has them. */
export interface PropagationClient {
  startBackfill: UnaryCall<{ recipientId: string; maxPerSecond?: number; reason: string }, BackfillAnswer>
  stopBackfill: UnaryCall<{ backfillId: string }, BackfillAnswer>
  resumeBackfill: UnaryCall<{ backfillId: string }, BackfillAnswer>
  listBackfills: UnaryCall<{ recipientId?: string }, { backfills: BackfillProgress__Output[] }>
  watchBackfill: ServerStreamCall<{ backfillId: string }, BackfillAnswer>
  redeliver: UnaryCall<{ subjectId: string; recipientIds?: string[]; reason: string }, RedeliverResponse__Output>
  pauseRecipient: UnaryCall<{ recipientId: string; reason: string }, object>
  resumeRecipient: UnaryCall<{ recipientId: string; reason: string }, object>
  resolveDelivery: UnaryCall<{ deliveryId: string; resolvedBy: string; why: string; evidence?: string }, object>
  diffPolicy: ServerStreamCall<{ policyText?: string }, DiffPolicyResponse__Output>
  applyPolicy: UnaryCall<{ reason: string; maxPerSecond?: number }, ApplyPolicyResponse__Output>
}

/** A running propagation. */
export interface RunningPropagation {
  readonly app: PropagationApp
  readonly client: PropagationClient
  /** A client with other scopes. */
  as(...scopes: string[]): Promise<PropagationClient>
  stop(): Promise<void>
}

/** A place of its own on the real broker and database. */
export interface House {
  /** The first part of the names of its topics and databases. */
  readonly prefix: string
  readonly topics: Topics
  readonly kafka: Kafka
  readonly mongo: MongoConnection
  readonly preferences: PreferencesPlay
  publish(...records: OutgoingRecord[]): Promise<void>
  /** Everything that stands on a topic, oldest first within a partition. */
  heard<Type extends EventType>(topic: string, type: Type): Promise<EventData<Type>[]>
  /** Starts one that serves the example policy, or another one. */
  propagation(served?: Policy): Promise<RunningPropagation>
  stop(): Promise<void>
}

/** Opens a house on the run's broker and database; `HEED_TEST_LOG` shows what it says. */
export async function openHouse(name: string): Promise<House> {
  const prefix = `${name}-${randomUUID().slice(0, 8)}`
  const log: Logger = process.env.HEED_TEST_LOG === undefined ? silentLogger : createLogger(name, { level: 'info', pretty: true })
  const mongo = await connectMongo({ uri: inject('mongoUri'), appName: prefix, log })
  const kafka = connectKafka({ brokers: inject('kafkaBrokers').split(','), clientId: prefix, log })
  const topics = topicsOf(prefix)
  const policy = examplePolicy()
  await kafka.ensureTopics(
    topicPlans(
      topics,
      policy.recipients.map(({ id }) => id),
    ),
  )
  const publisher = kafka.publisher()
  const callers = mongoCallers(mongo.collection<CallerRow>(`${prefix}_callers`, 'callers'), systemClock)
  const keyFor = async (...scopes: string[]) => (await callers.addCaller({ id: `c-${randomUUID().slice(0, 8)}`, scopes })).key
  const preferences = await playPreferences(callers)
  const running: RunningPropagation[] = []

  return {
    prefix,
    topics,
    kafka,
    mongo,
    preferences,
    publish: (...records) => publisher.publish(records),
    heard: async <Type extends EventType>(topic: string, type: Type) => {
      const found: EventData<Type>[] = []
      await kafka.replay({
        topics: [topic],
        from: 'start',
        handle: async ({ records }) => {
          for (const record of records) {
            const decoded = decodeEvent(record, Object.keys(eventSchemas) as EventType[])
            if (decoded.ok && isOf(decoded.event, type)) found.push(decoded.event.data as EventData<Type>)
          }
        },
      })
      return found
    },
    propagation: async (served = policy) => {
      const snapshots = snapshotsOverGrpc({ address: preferences.address, key: await keyFor('snapshots:scan') })
      const app = propagationApp({
        policy: served,
        policySha256: hash('sha256', JSON.stringify(served), 'hex'),
        port: 0,
        dbPrefix: prefix,
        topicPrefix: prefix,
        reflection: false,
        mongo,
        kafka,
        snapshots,
        log,
        clock: systemClock,
        metrics: createMetrics(),
      })
      const parts = await startAll(app.parts, log)
      const clients: PropagationClient[] = []
      const as = async (...scopes: string[]) => {
        const client = grpcClient<PropagationClient>(loadService('heed.propagation.v1.PropagationService'), {
          address: `127.0.0.1:${app.server.port}`,
          key: await keyFor(...scopes),
        })
        clients.push(client)
        return client
      }
      let stopped = false
      const one: RunningPropagation = {
        app,
        as,
        client: await as('propagation:operate'),
        stop: async () => {
          if (stopped) return
          stopped = true
          for (const client of clients) closeClient(client)
          await parts.stop()
          snapshots.close()
        },
      }
      running.push(one)
      return one
    },
    stop: async () => {
      for (const one of running) await one.stop()
      await preferences.stop()
      await publisher.stop()
      await kafka.stop()
      await mongo.database(`${prefix}_propagation`).dropDatabase()
      await mongo.database(`${prefix}_callers`).dropDatabase()
      await mongo.stop()
    },
  }
}

function isOf(event: AnyEvent, type: EventType): boolean {
  return event.type === type
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
