import { loopback } from './ports.ts'

/** What a stack is for: a hub that stays, a test run that must start fast, or a measurement. */
export type StackPurpose = 'run' | 'test' | 'bench'

/** What the broker's settings depend on. */
export interface KafkaSettings {
  brokerPort: number
  controllerPort: number
  dataDir: string
  /** Where clients find the broker; the loopback address by default. Another one means a container: the broker then listens on all addresses of its own. */
  advertisedHost?: string
}

/** The broker's settings: one node that is broker and controller (KRaft). */
export function kafkaSettings(settings: KafkaSettings): Record<string, string | number | boolean> {
  const { brokerPort, controllerPort, dataDir, advertisedHost } = settings
  const listenHost = advertisedHost === undefined ? loopback : '0.0.0.0'
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${loopback}:${controllerPort}`,
    listeners: `PLAINTEXT://${listenHost}:${brokerPort},CONTROLLER://${loopback}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${advertisedHost ?? loopback}:${brokerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': dataDir,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    'num.network.threads': 2,
    'num.io.threads': 2,
    'background.threads': 2,
    'group.coordinator.threads': 1,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    // Each partition's first record makes two index files of this size and fills them with zeros: with 10 MB, the default, some seventy partitions keep a core busy for seconds.
    'log.index.size.max.bytes': 1_048_576,
    // After a SIGKILL the controller waits for the dead broker's lease: 9 s by default.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 1000,
    // An idle controller writes a no-op record (and an fsync) twice a second by default, to show followers that it lives. Here are none.
    'metadata.max.idle.interval.ms': 0,
  }
}

/** The broker's `server.properties`. */
export function kafkaProperties(settings: KafkaSettings): string {
  return `${Object.entries(kafkaSettings(settings))
    .map(([key, value]) => `${key}=${escapeValue(String(value))}`)
    .join('\n')}\n`
}

/** The same settings as environment variables of the `apache/kafka` image: `node.id` is `KAFKA_NODE_ID`. */
export function kafkaEnvironment(settings: KafkaSettings, clusterId: string, purpose: StackPurpose): Record<string, string> {
  const settled = Object.entries(kafkaSettings(settings)).map(([key, value]) => [
    `KAFKA_${key.replaceAll('.', '_').toUpperCase()}`,
    String(value),
  ])
  return {
    ...Object.fromEntries(settled),
    CLUSTER_ID: clusterId,
    KAFKA_HEAP_OPTS: kafkaJavaFlags(purpose)
      .filter((flag) => flag.startsWith('-X'))
      .join(' '),
  }
}

/** A value of a Java properties file: backslashes doubled, a leading blank kept, what is not Latin-1 as `\u` escapes (java.util.Properties). */
export function escapeValue(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replace(/^ /, '\\ ')
    .replaceAll('\n', '\\n')
    .replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The Java flags of the broker: a small heap, one collector thread, warnings on standard error. */
export function kafkaJavaFlags(purpose: StackPurpose): string[] {
  return [
    '-Xms256m',
    '-Xmx512m',
    '-XX:+UseSerialGC',
    // The first compiler tier only: starts faster and needs less memory, at the price of peak speed.
    ...(purpose === 'bench' ? [] : ['-XX:TieredStopAtLevel=1']),
    '-XX:-UsePerfData',
    '-Djava.awt.headless=true',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
  ]
}
