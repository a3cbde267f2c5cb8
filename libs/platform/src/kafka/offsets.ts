import type kafkajs from 'kafkajs'

/** The oldest and the next offset of one partition. */
export interface PartitionRange {
  topic: string
  partition: number
  low: bigint
  high: bigint
}

/** Which of the existing topics are meant. */
export async function matchingTopics(admin: kafkajs.Admin, topics: readonly string[] | RegExp): Promise<string[]> {
  if (!(topics instanceof RegExp)) return [...topics]
  const existing = await admin.listTopics()
  return existing.filter((name) => topics.test(name)).sort()
}

/** Where the partitions of the topics begin and end now. */
export async function partitionRanges(admin: kafkajs.Admin, topics: readonly string[]): Promise<PartitionRange[]> {
  const ranges = await Promise.all(
    topics.map(async (topic) =>
      (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => ({
        topic,
        partition,
        low: BigInt(low),
        high: BigInt(high),
      })),
    ),
  )
  return ranges.flat()
}

/** What the group has committed, by `topic/partition`; absent where it has committed nothing. */
export async function committedOffsets(admin: kafkajs.Admin, groupId: string, topics: readonly string[]): Promise<Map<string, bigint>> {
  const committed = new Map<string, bigint>()
  if (topics.length === 0) return committed
  for (const { topic, partitions } of await admin.fetchOffsets({ groupId, topics: [...topics] })) {
    for (const { partition, offset } of partitions) {
      if (!offset.startsWith('-')) committed.set(`${topic}/${partition}`, BigInt(offset))
    }
  }
  return committed
}

/** Records of the ranges that are not committed yet. */
export function recordsBehind(ranges: readonly PartitionRange[], committed: ReadonlyMap<string, bigint>): number {
  let behind = 0n
  for (const { topic, partition, low, high } of ranges) {
    const reached = committed.get(`${topic}/${partition}`) ?? low
    // A commit below the oldest record: the difference was deleted by time and cannot be read any more.
    const from = reached < low ? low : reached
    if (high > from) behind += high - from
  }
  return Number(behind)
}
