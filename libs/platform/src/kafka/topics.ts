import type kafkajs from 'kafkajs'
import { systemClock } from '../clock/index.ts'
import { HeedError } from '../errors/index.ts'
import type { Logger } from '../log/index.ts'
import type { TopicSpec } from './types.ts'

const readyTimeoutMs = 15_000

/** Makes what is missing. Asking for a topic that exists leaves it as it is: its records would move to other partitions otherwise. */
export async function ensureTopics(admin: kafkajs.Admin, topics: readonly TopicSpec[], log: Logger): Promise<void> {
  // Listed first: kafkajs asks for the metadata of a topic that is not there for ten seconds.
  if (topics.length === 0) return
  const existing = new Set(await admin.listTopics())
  const missing = topics.filter(({ name }) => !existing.has(name))
  if (missing.length > 0) {
    // createTopics answers false, and does not throw, when another process was faster. It is not asked to wait for the leaders:
    // a broker that has not heard of the new topic yet makes that wait fail.
    await admin.createTopics({
      waitForLeaders: false,
      timeout: 10_000,
      topics: missing.map((topic) => ({ topic: topic.name, numPartitions: topic.partitions, configEntries: configEntries(topic) })),
    })
    log.info({ topics: missing.map(({ name }) => name) }, 'kafka.topics-created')
  }
  const found = await ready(
    admin,
    topics.map(({ name }) => name),
  )
  for (const { name, partitions } of found) {
    const wanted = topics.find((topic) => topic.name === name)?.partitions
    if (wanted !== undefined && wanted !== partitions.length) {
      log.warn({ topic: name, partitions: partitions.length, wanted }, 'kafka.topic-differs')
    }
  }
}

/** The topics as the broker knows them, once every partition has a leader. */
async function ready(admin: kafkajs.Admin, names: readonly string[]): Promise<kafkajs.ITopicMetadata[]> {
  const giveUpAt = Date.now() + readyTimeoutMs
  for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 500)) {
    const listed = new Set(await admin.listTopics())
    if (names.every((name) => listed.has(name))) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [...names] })
      if (topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return topics
    }
    if (Date.now() > giveUpAt) throw new HeedError('kafka.topics-not-ready', 'the new topics have no leader yet')
    await systemClock.sleep(waitMs)
  }
}

/** What makes a topic keep the newest of each key, or everything for a time. */
export function configEntries(topic: TopicSpec): { name: string; value: string }[] {
  const entries = [{ name: 'cleanup.policy', value: topic.compact === true ? 'compact' : 'delete' }]
  if (topic.compact === true && topic.minLagMs !== undefined) entries.push({ name: 'min.compaction.lag.ms', value: String(topic.minLagMs) })
  if (topic.retentionMs !== undefined) entries.push({ name: 'retention.ms', value: String(topic.retentionMs) })
  return entries
}
