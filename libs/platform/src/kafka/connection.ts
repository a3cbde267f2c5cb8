import { asError, HeedError } from '../errors/index.ts'
import { once } from '../lifecycle/index.ts'
import { createAdmin } from './admin.ts'
import { clientMaker, type KafkaOptions } from './client.ts'
import { createConsumer } from './consumer.ts'
import { kafkaErrorText } from './errors.ts'
import { createPublisher } from './publisher.ts'
import { replay } from './replay.ts'
import { ensureTopics } from './topics.ts'
import type { Kafka } from './types.ts'

/** A handle on the broker. Nothing is connected yet: publishers and consumers connect by themselves and again after an outage. */
export function connectKafka(options: KafkaOptions): Kafka {
  const { brokers, log } = options
  if (brokers.length === 0) throw new HeedError('kafka.no-brokers', 'no broker address is given')
  const makeClient = clientMaker(options)
  const client = makeClient().kafkajs
  const admin = createAdmin(client)
  return {
    ensureTopics: (topics) => admin.use((connected) => ensureTopics(connected, topics, log)),
    publisher: (publisherOptions) => createPublisher(client, log, publisherOptions),
    consumer: (consumerOptions) => createConsumer(makeClient, admin, consumerOptions),
    replay: (replayOptions) => replay(makeClient, admin, replayOptions),
    health: async () => {
      try {
        await admin.use((connected) => connected.describeCluster())
        return { name: 'kafka', ok: true }
      } catch (thrown) {
        return { name: 'kafka', ok: false, detail: kafkaErrorText(asError(thrown)) }
      }
    },
    stop: once(() => admin.stop()),
  }
}
