import type { RecipientId } from '@heed/domain'

/** A topic as the broker is asked for it. */
export interface TopicPlan {
  readonly name: string
  readonly partitions: number
  /** Keeps the newest record of each key for ever, and every record for at least `minLagMs`. */
  readonly compact?: true
  readonly minLagMs?: number
  /** For a topic that is not compacted: how long a record stays; -1 keeps everything. */
  readonly retentionMs?: number
}

// what the broker takes for "no limit"
const forever = -1
const day = 24 * 60 * 60 * 1000

/** The names of all topics under one prefix (`heed` unless several hubs share a broker). */
export interface Topics {
  readonly preferences: string
  readonly outcomes: string
  readonly deadLetters: string
  readonly acts: string
  readonly controls: string
  /** What recipients reported by themselves about work that they took. */
  readonly callbacks: string
  readonly checkpoints: string
  deliveries(recipient: RecipientId): string
  /** The recipient of a deliveries topic, or undefined for any other topic. */
  recipientOf(topic: string): string | undefined
  /** Matches the deliveries topic of every recipient. */
  readonly everyDelivery: RegExp
}

/** The topic names under a prefix. */
export function topicsOf(prefix: string): Topics {
  const escaped = prefix.replace(/[.\\+*?[^\]$(){}=!<>|:#-]/g, '\\$&')
  const everyDelivery = new RegExp(`^${escaped}\\.deliveries\\.([a-z0-9-]+)\\.v1$`)
  return {
    preferences: `${prefix}.preferences.v1`,
    outcomes: `${prefix}.outcomes.v1`,
    deadLetters: `${prefix}.dead-letters.v1`,
    acts: `${prefix}.acts.v1`,
    controls: `${prefix}.controls.v1`,
    callbacks: `${prefix}.callbacks.v1`,
    checkpoints: `${prefix}.checkpoints.v1`,
    deliveries: (recipient) => `${prefix}.deliveries.${recipient}.v1`,
    recipientOf: (topic) => everyDelivery.exec(topic)?.[1],
    everyDelivery,
  }
}

/**
 * Every topic that the hub needs for these recipients, with partitions and cleanup. Compacted topics keep each record for at least 90 days, so that a reader
 * that was away for a quarter still sees every version; the newest of each subject stays for ever.
 */
export function topicPlans(topics: Topics, recipients: readonly RecipientId[]): TopicPlan[] {
  const compacted = { compact: true, minLagMs: 90 * day } as const
  const timed = { retentionMs: 400 * day } as const
  return [
    { name: topics.preferences, partitions: 6, ...compacted },
    { name: topics.outcomes, partitions: 6, ...timed },
    { name: topics.acts, partitions: 3, ...timed },
    { name: topics.controls, partitions: 1, ...compacted },
    // one partition: the newest record is the newest checkpoint
    { name: topics.checkpoints, partitions: 1, retentionMs: forever },
    { name: topics.callbacks, partitions: 3, retentionMs: 90 * day },
    { name: topics.deadLetters, partitions: 1, ...timed },
    ...recipients.map((recipient) => ({ name: topics.deliveries(recipient), partitions: 3, ...compacted })),
  ]
}
