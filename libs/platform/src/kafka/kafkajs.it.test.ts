import { inject } from 'vitest'
import { directKafka } from './testing/broker.ts'
import { testConsumer, testTopics } from './testing/consumer-conformance.ts'
import { testPublisher } from './testing/publisher-conformance.ts'

// The port on kafkajs. Any other client has to pass the same before it takes its place.
const makeKafka = () => directKafka(inject('kafkaBrokers'))

testTopics(makeKafka)
testPublisher(makeKafka)
testConsumer(makeKafka)
