import { Kafka, logLevel } from 'kafkajs'
import mongoose from 'mongoose'
import { describe, expect, inject, it } from 'vitest'
import { freshDatabaseName, freshTopicPrefix } from './fresh.ts'

describe('the stack of a test run', () => {
  it('gives a broker that takes topics', async () => {
    const kafka = new Kafka({ clientId: 'testkit', brokers: inject('kafkaBrokers').split(','), logLevel: logLevel.ERROR })
    const admin = kafka.admin()
    await admin.connect()
    try {
      const topic = `${freshTopicPrefix('testkit')}.things`
      await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true })
      expect(await admin.listTopics()).toContain(topic)
    } finally {
      await admin.disconnect()
    }
  })

  it('gives a database with transactions and fail points', async () => {
    const connection = await mongoose.createConnection(inject('mongoUri'), { dbName: freshDatabaseName('testkit') }).asPromise()
    try {
      await connection.transaction(async (session) => {
        await connection.collection('things').insertOne({ name: 'kept' }, { session })
      })
      expect(await connection.collection('things').countDocuments({ name: 'kept' })).toBe(1)
      const answer = await connection.db?.admin().command({ configureFailPoint: 'failCommand', mode: 'off' })
      expect(answer?.ok).toBe(1)
    } finally {
      await connection.dropDatabase()
      await connection.close()
    }
  })
})
