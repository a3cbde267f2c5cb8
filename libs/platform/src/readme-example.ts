import { brokerList, portNumber, readConfig } from '@heed/platform/config'
import { operationsServer } from '@heed/platform/http'
import { connectKafka } from '@heed/platform/kafka'
import { runUntil } from '@heed/platform/lifecycle'
import { createLogger } from '@heed/platform/log'
import { createMetrics } from '@heed/platform/metrics'
import { connectMongo } from '@heed/platform/mongo'
import { z } from 'zod'

/** A whole service: counts the records of each key of a topic, until it is asked to stop. */
export async function runCounter(env: Record<string, string | undefined>, stopping: AbortSignal): Promise<void> {
  const config = readConfig(env, {
    KAFKA_BROKERS: brokerList,
    MONGODB_URI: { schema: z.string(), secret: true, describe: 'where the counts are kept' },
    COUNTER_TOPIC: z.string(),
    COUNTER_DATABASE: z.string().default('counter'),
    PORT: portNumber(7199),
  })
  const log = createLogger('counter', { level: 'info' })
  const metrics = createMetrics({ processFigures: true })
  const mongo = await connectMongo({ uri: config.MONGODB_URI, appName: 'counter', log })
  const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'counter', log })

  // A key's newest offset is kept with it, so that a record that comes twice counts once.
  const counts = mongo.collection<{ _id: string; records: number; newest: number }>(config.COUNTER_DATABASE, 'counts')
  const counter = kafka.consumer({
    groupId: `counter.${config.COUNTER_TOPIC}`,
    topics: [config.COUNTER_TOPIC],
    fromBeginning: true,
    log,
    metrics,
    handle: async ({ records }) => {
      const seen = records.map(({ key, offset }) => ({ _id: key ?? '', newest: Number(offset) }))
      await counts.bulkWrite(
        seen.map(({ _id }) => ({
          updateOne: { filter: { _id }, update: { $setOnInsert: { records: 0, newest: -1 } }, upsert: true },
        })),
      )
      await counts.bulkWrite(
        seen.map(({ _id, newest }) => ({
          updateOne: { filter: { _id, newest: { $lt: newest } }, update: { $inc: { records: 1 }, $set: { newest } } },
        })),
      )
    },
  })
  const readiness = async () => [await mongo.health(), await kafka.health(), counter.health()]
  try {
    await runUntil(stopping, [counter, operationsServer({ port: config.PORT, metrics, readiness, log })], log)
  } finally {
    await Promise.all([kafka.stop(), mongo.stop()])
  }
}
