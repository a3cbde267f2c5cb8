import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import kafkajs from 'kafkajs'
import type { Logger } from '../log/index.ts'
import { patchBatchEncoder } from './batch-encoder.ts'
import { patchClient } from './client-patches.ts'
import { patchFetchDecoder } from './fetch-decoder.ts'

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
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
  /** Where to connect instead of the address that a broker says it has: for tunnels. */
  route?: (address: BrokerAddress) => BrokerAddress
}

/** A kafkajs client; nothing is connected yet. */
export interface Client {
  readonly kafkajs: kafkajs.Kafka
  /**
   * Breaks the connections on which this client waits for records. kafkajs waits for the answer to a fetch before it stops, and
   * a fetch waits for records as long as it may: without this a stop takes seconds.
   */
  breakFetches(): void
}

export type MakeClient = () => Client

/** Mends the client library and answers with a maker of clients: one for each run of a consumer, one for all the rest. */
export function clientMaker(options: KafkaOptions): MakeClient {
  patchClient()
  patchFetchDecoder()
  patchBatchEncoder()
  const { brokers, clientId, log, tls = false, sasl, route = (address) => address } = options
  return () => {
    const fetches: Fetches = { sockets: new Set(), broken: false }
    const client = new kafkajs.Kafka({
      brokers: [...brokers],
      clientId,
      ssl: tls,
      ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
      socketFactory: ({ host, port, ssl, onConnect }) => {
        const target = route({ host, port })
        const socket = ssl ? connectTls({ ...ssl, ...target, servername: host }, onConnect) : connect(target, onConnect)
        noteFetches(socket, fetches)
        return socket.setKeepAlive(true, 60_000)
      },
      connectionTimeout: 3_000,
      authenticationTimeout: 10_000,
      requestTimeout: 10_000,
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
      logLevel: log.debugEnabled ? kafkajs.logLevel.INFO : kafkajs.logLevel.NOTHING,
      // The client calls everything an error that it then retries; what matters is logged by the code around it.
      logCreator: () => (entry) =>
        log.debug({ client: entry.namespace, clientLevel: entry.label, text: entry.log.message }, 'kafka.client'),
    })
    return {
      kafkajs: client,
      breakFetches: () => {
        fetches.broken = true
        for (const socket of fetches.sockets) breakSocket(socket)
      },
    }
  }
}

const fetchApiKey = 1

interface Fetches {
  readonly sockets: Set<Socket>
  /** Also the next one that is sent is broken. */
  broken: boolean
}

// With an error: kafkajs does not notice a socket that closes without one.
const breakSocket = (socket: Socket) => socket.destroy(new Error('the consumer stops'))

/** Remembers the socket once a fetch is sent on it; a request starts with its length and the number of its API. */
function noteFetches(socket: Socket, fetches: Fetches): void {
  const write = socket.write.bind(socket) as (...given: unknown[]) => boolean
  socket.write = (...given: unknown[]) => {
    const [data] = given
    if (Buffer.isBuffer(data) && data.length >= 6 && data.readInt16BE(4) === fetchApiKey) {
      fetches.sockets.add(socket)
      // Known from now on; its further requests need no look.
      socket.write = write as typeof socket.write
      if (fetches.broken) setImmediate(() => breakSocket(socket))
    }
    return write(...given)
  }
  socket.once('close', () => fetches.sockets.delete(socket))
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
