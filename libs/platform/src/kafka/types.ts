import type { CheckResult, Part, RunningPart } from '../lifecycle/index.ts'
import type { Logger } from '../log/index.ts'
import type { Metrics } from '../metrics/index.ts'

/** A record to be published. */
export interface OutgoingRecord {
  topic: string
  /** Records of one key stay in order. */
  key: string
  /** Null deletes the key from a compacted topic. */
  value: string | Buffer | null
  headers?: Readonly<Record<string, string>>
}

/** Sends records, in the order of the calls for each key. */
export interface Publisher extends RunningPart {
  /**
   * Resolves when every record is stored by all in-sync replicas, never before. Rejects with `PublishError` when that could
   * not be reached in time; some of the records may then be stored nevertheless, so publish them again: readers take a repeated record for the same one.
   */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  /** Whether the last attempt to reach the broker succeeded; true before the first. */
  readonly healthy: boolean
}

export interface PublisherOptions {
  /** How long a call to `publish` may take, retries included. 30 s unless told. */
  deliveryTimeoutMs?: number
  /** At most so many records may wait; more are refused with `PublishError`. 20,000 unless told. */
  maxQueue?: number
  /** At most so many records in one request. 1,000 unless told. */
  maxBatch?: number
}

/** A record as it was read. */
export interface ConsumedRecord {
  key: string | null
  value: Buffer | null
  headers: Readonly<Record<string, string>>
  /** A decimal number, larger than a double can hold. */
  offset: string
  /** Milliseconds since 1970. */
  timestamp: number
  /**
   * Why this stands for a whole batch that could not be decoded, such as `compression zstd`; `value` then holds the bytes of its
   * records and `offset` is the batch's last. It belongs among the dead letters.
   */
  unreadable?: string | undefined
}

/** Records of one partition, in order. */
export interface ConsumedBatch {
  topic: string
  partition: number
  records: readonly ConsumedRecord[]
  /** Tells the group that this member lives. Long work is covered by a timer; call it where the event loop was blocked. */
  heartbeat(): Promise<void>
  /** Whether the partition has been, or is about to be, given to another member: stop early, nothing is lost. */
  isStale(): boolean
}

export interface ConsumerOptions {
  groupId: string
  /** Names, or a pattern; topics that come to match it later are picked up within `topicRefreshMs`. */
  topics: readonly string[] | RegExp
  /** A group without offsets starts at the oldest record. The only value: a reader that skips what was there loses duties. */
  fromBeginning: true
  /** Bytes of one fetch; 2 MiB unless told. A batch never mixes partitions. */
  maxBatchBytes?: number
  /** Records of one call to `handle`; 1,000 unless told. */
  maxBatchRecords?: number
  /** Partitions handled at the same time; 1 unless told. */
  concurrency?: number
  /**
   * Small batches are handled at most once in so many ms, those of all partitions at the same time: what arrives meanwhile comes with them, and a stream of single records
   * costs little more than their number. The first after a rest is handled at once. 0 unless told.
   */
  gatherMs?: number
  /**
   * What was handled is committed once in so many ms at the most, and when the consumer stops or is asked whether it has caught up: a crash repeats that much more. For readers
   * to whom a repeat is cheap, many of whom serve few records: a commit costs as much as what it commits. 0, the same as at once, unless told.
   */
  commitEveryMs?: number
  /**
   * Does the work. Offsets are committed after it resolves: a crash before that repeats, never loses. When it throws, the same
   * records come again after a back-off; other partitions go on meanwhile.
   */
  handle(batch: ConsumedBatch): Promise<void>
  log: Logger
  metrics?: Metrics
  /** How often a pattern is matched against the topics that exist; 30 s unless told. */
  topicRefreshMs?: number
  /** How long a member may be silent before the others take over, also after a crash of this one; 10 s unless told. */
  sessionTimeoutMs?: number
}

/** A member of a consumer group. */
export interface Consumer extends Part {
  /** Reads no more until `resume`; stays a member. */
  pause(): void
  resume(): void
  /** Records that the group has not committed yet. */
  lag(): Promise<number>
  /**
   * Resolves when everything that was on the topics at the time of the call is handled and committed by the group. A broker that
   * is away for less than a minute is waited for.
   */
  caughtUp(): Promise<void>
  /** For readiness: joined, not silent, and not failing to handle for longer than a minute. */
  health(): CheckResult
}

export interface TopicSpec {
  name: string
  partitions: number
  /** Keeps the newest record of each key for ever. */
  compact?: boolean
  /** A compacted record stays for at least so long, so that slow readers see every step. */
  minLagMs?: number
  /** For a topic that is not compacted: how long a record stays. */
  retentionMs?: number
}

export interface ReplayOptions {
  topics: readonly string[] | RegExp
  /** From the oldest record of each partition, or only the newest `last` of each (fewer where compaction or a time limit has removed some). */
  from: 'start' | { readonly last: number }
  /** A throw ends the replay with that error. Records of one partition come in order. */
  handle(batch: ConsumedBatch): Promise<void>
  signal?: AbortSignal
}

/** The broker, as far as this project uses it. */
export interface Kafka extends RunningPart {
  /** Makes the topics that don't exist; those that do are left as they are. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>
  publisher(options?: PublisherOptions): Publisher
  consumer(options: ConsumerOptions): Consumer
  /** Reads to the end as it was at the call, once, without leaving offsets behind. Resolves with the number of records. */
  replay(options: ReplayOptions): Promise<number>
  /** For readiness: whether a broker answers. */
  health(): Promise<CheckResult>
}
