import type kafkajs from 'kafkajs'
import type { Logger } from '../log/index.ts'
import type { TopicSpec } from './types.ts'

/** Makes what is missing. Asking for a topic that exists leaves it as it is: its records would move to other partitions otherwise. */
export async function ensureTopics(admin: kafkajs.Admin, topics: readonly TopicSpec[], log: Logger): Promise<void> {
  // Listed first: kafkajs asks for the metadata of a topic that is not there for ten seconds.
  const existing = new Set(await admin.listTopics())
  const missing = topics.filter(({ name }) => !existing.has(name))
  if (missing.length > 0) {
    // createTopics answers false, and does not throw, when another process was faster.
    await admin.createTopics({
      waitForLeaders: true,
      timeout: 10_000,
      topics: missing.map((topic) => ({ topic: topic.name, numPartitions: topic.partitions, configEntries: configEntries(topic) })),
    })
    log.info({ topics: missing.map(({ name }) => name) }, 'kafka.topics-created')
  }
  const known = topics.filter(({ name }) => existing.has(name))
  if (known.length === 0) return
  const { topics: metadata } = await admin.fetchTopicMetadata({ topics: known.map(({ name }) => name) })
  for (const { name, partitions } of metadata) {
    const wanted = known.find((topic) => topic.name === name)?.partitions
    if (wanted !== undefined && wanted !== partitions.length) {
      log.warn({ topic: name, partitions: partitions.length, wanted }, 'kafka.topic-differs')
    }
  }
}

export function configEntries(topic: TopicSpec): { name: string; value: string }[] {
  const entries = [{ name: 'cleanup.policy', value: topic.compact === true ? 'compact' : 'delete' }]
  if (topic.compact === true && topic.minLagMs !== undefined) entries.push({ name: 'min.compaction.lag.ms', value: String(topic.minLagMs) })
  if (topic.retentionMs !== undefined) entries.push({ name: 'retention.ms', value: String(topic.retentionMs) })
  return entries
}
