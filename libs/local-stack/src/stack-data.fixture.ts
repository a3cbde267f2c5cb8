import { Kafka, logLevel } from 'kafkajs'
import mongoose from 'mongoose'

const topic = 'kept'

/** Writes one message and one document, acknowledged by broker and journal. */
export async function write(stack: { kafka: { brokers: string[] }; mongodb: { uri: string } }, text: string): Promise<void> {
  await writeMessage(stack.kafka.brokers, text)
  await writeDocument(stack.mongodb.uri, text)
}

/** Sends one message, acknowledged by the broker. */
export async function writeMessage(brokers: string[], text: string): Promise<void> {
  const kafka = client(brokers)
  const admin = kafka.admin()
  await admin.connect()
  const topics = await admin.listTopics()
  if (!topics.includes(topic)) await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: [{ value: text }] })
  await producer.disconnect()
}

/** Inserts one document, acknowledged by the majority and the journal. */
export async function writeDocument(uri: string, text: string): Promise<void> {
  await withCollection(uri, (collection) => collection.insertOne({ text }, { writeConcern: { w: 'majority', j: true } }))
}

/** Every message's text, in order. */
export async function readMessages(brokers: string[]): Promise<string[]> {
  const kafka = client(brokers)
  const admin = kafka.admin()
  await admin.connect()
  const [offsets] = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const expected = Number(offsets?.high ?? 0) - Number(offsets?.low ?? 0)
  const consumer = kafka.consumer({ groupId: `reader-${Date.now()}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const texts: string[] = []
  await new Promise<void>((resolve, reject) => {
    if (expected === 0) return resolve()
    consumer
      .run({
        async eachMessage({ message }) {
          if (texts.push(String(message.value)) === expected) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return texts
}

/** Every document's text, in order of insertion. */
export async function readDocuments(uri: string): Promise<string[]> {
  return withCollection(uri, async (collection) =>
    (await collection.find().sort({ _id: 1 }).toArray()).map((document) => String(document.text)),
  )
}

function client(brokers: string[]): Kafka {
  return new Kafka({ clientId: 'local-stack-test', brokers, logLevel: logLevel.NOTHING, retry: { retries: 10 } })
}

async function withCollection<T>(uri: string, use: (collection: mongoose.mongo.Collection) => Promise<T>): Promise<T> {
  const connection = new mongoose.mongo.MongoClient(uri, { serverSelectionTimeoutMS: 5000 })
  try {
    return await use(connection.db('kept').collection('things'))
  } finally {
    await connection.close()
  }
}
