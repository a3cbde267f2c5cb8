export { type BrokerAddress, connectKafka, type KafkaOptions } from './connection.ts'
export { ConsumerDied, PublishError } from './errors.ts'
export { maxRequestBytes } from './publisher.ts'
export * from './types.ts'
