import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect, inject, it } from 'vitest'
import { directKafka, freshName } from './kafka/testing/broker.ts'
import { silentLogger } from './log/index.ts'
import { connectMongo } from './mongo/index.ts'
import { runCounter } from './readme-example.ts'

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

it('the README shows code that is this code', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${readFileSync(new URL('./readme-example.ts', import.meta.url), 'utf8')}\`\`\``)
})

it('the README shows code that works', async () => {
  const [topic, database, port] = [freshName('readme'), freshName('readme'), await freePort()]
  const kafka = directKafka(inject('kafkaBrokers'))
  const mongo = await connectMongo({ uri: inject('mongoUri'), appName: 'platform-test', log: silentLogger })
  await kafka.ensureTopics([{ name: topic, partitions: 2 }])
  const publisher = kafka.publisher()
  await publisher.publish(['a', 'b', 'a'].map((key) => ({ topic, key, value: '{}' })))
  const stopping = new AbortController()
  const running = runCounter(
    {
      KAFKA_BROKERS: inject('kafkaBrokers'),
      MONGODB_URI: inject('mongoUri'),
      COUNTER_TOPIC: topic,
      COUNTER_DATABASE: database,
      PORT: String(port),
    },
    stopping.signal,
  )
  const counts = () => mongo.collection(database, 'counts').find().sort({ _id: 1 }).project({ records: 1 }).toArray()
  await expect.poll(counts, { timeout: 20_000 }).toEqual([
    { _id: 'a', records: 2 },
    { _id: 'b', records: 1 },
  ])
  await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status, { timeout: 20_000 }).toBe(200)
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('heed_kafka_records_handled_total')
  stopping.abort()
  await running
  await mongo.database(database).dropDatabase()
  await Promise.all([publisher.stop(), kafka.stop(), mongo.stop()])
})
