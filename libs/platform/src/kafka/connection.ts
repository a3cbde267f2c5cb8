import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import kafkajs from 'kafkajs'
import { asError, HeedError } from '../errors/index.ts'
import { once } from '../lifecycle/index.ts'
import type { Logger } from '../log/index.ts'
import { createAdmin } from './admin.ts'
import { patchClient } from './client-patches.ts'
import { createConsumer } from './consumer.ts'
import { kafkaErrorText } from './errors.ts'
import { patchFetchDecoder } from './fetch-decoder.ts'
import { createPublisher } from './publisher.ts'
import { replay } from './replay.ts'
import { ensureTopics } from './topics.ts'
import type { Kafka } from './types.ts'

export interface BrokerAddress {
  host: string
  port: number
}

export interface KafkaOptions {
  /** `host:port` of one or more brokers; the others are found through them. */
  brokers: readonly string[]
  /** Shows up in the broker's quotas and logs. */
  clientId: string
  log: Logger
  /** TLS to the broker with the machine's certificate authorities. */
  tls?: boolean
  /** Where to connect instead of the address that a broker says it has: for tunnels. */
  route?: (address: BrokerAddress) => BrokerAddress
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
}

/** A handle on the broker. Nothing is connected yet: publishers and consumers connect by themselves and again after an outage. */
export function connectKafka(options: KafkaOptions): Kafka {
  const { brokers, clientId, log, tls = false, sasl, route } = options
  if (brokers.length === 0) throw new HeedError('kafka.no-brokers', 'no broker address is given')
  patchClient()
  patchFetchDecoder()
  const client = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId,
    ssl: tls,
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
    ...(route === undefined ? {} : { socketFactory: routedSocket(route) }),
    connectionTimeout: 3_000,
    authenticationTimeout: 10_000,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logLevel: log.debugEnabled ? kafkajs.logLevel.INFO : kafkajs.logLevel.NOTHING,
    // The client calls everything an error that it then retries; what matters is logged by the code around it.
    logCreator:
      () =>
      ({ namespace, label, log: entry }) =>
        log.debug({ client: namespace, clientLevel: label, text: entry.message }, 'kafka.client'),
  })
  const admin = createAdmin(client)
  return {
    ensureTopics: (topics) => admin.use((connected) => ensureTopics(connected, topics, log)),
    publisher: (publisherOptions) => createPublisher(client, log, publisherOptions),
    consumer: (consumerOptions) => createConsumer(client, admin, consumerOptions),
    replay: (replayOptions) => replay(client, admin, replayOptions),
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

function routedSocket(route: NonNullable<KafkaOptions['route']>): kafkajs.ISocketFactory {
  return ({ host, port, ssl, onConnect }) => {
    const target = route({ host, port })
    const socket = ssl ? connectTls({ ...ssl, ...target, servername: host }, onConnect) : connect(target, onConnect)
    return socket.setKeepAlive(true, 60_000)
  }
}

function saslOptions(sasl: NonNullable<KafkaOptions['sasl']>): kafkajs.SASLOptions {
  const { mechanism, username, password } = sasl
  switch (mechanism) {
    case 'plain':
      return { mechanism: 'plain', username, password }
    case 'scram-sha-256':
      return { mechanism: 'scram-sha-256', username, password }
    case 'scram-sha-512':
      return { mechanism: 'scram-sha-512', username, password }
    default:
      return mechanism satisfies never
  }
}
