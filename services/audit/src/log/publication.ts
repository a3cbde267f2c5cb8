import { decodeEvent, type EventData, encodeEvent, type Topics } from '@heed/contracts'
import { type Checkpoint, type VerifierKey, verifyCheckpoint } from '@heed/merkle-log'
import type { Kafka, OutgoingRecord } from '@heed/platform/kafka'
import { LogRefusedError } from './faults.ts'

/** A checkpoint as it was found where checkpoints are published. */
export interface FoundCheckpoint {
  readonly checkpoint: Checkpoint
  readonly note: string
  /** Where it was found, for messages. */
  readonly place: string
}

/** The record of a checkpoint. The topic keeps every one for ever. */
export function checkpointRecord(topics: Topics, data: EventData<'heed.checkpoint.signed.v1'>): OutgoingRecord {
  const event = encodeEvent('heed.checkpoint.signed.v1', data.origin, data, {
    id: `${data.origin}/${data.size}`,
    source: 'services/audit',
    time: data.at,
  })
  return { topic: topics.checkpoints, ...event }
}

// Two, because a broker may hold the newest twice, and more cost nothing.
const newest = 20

/**
 * The largest checkpoint of this log among the newest records of the topic; undefined where there is none. Others may publish on the topic too: their origin tells them
 * apart. Throws `LogRefusedError` for a record that says it is of this log and that no key of it signed.
 */
export async function newestOnTopic(
  kafka: Pick<Kafka, 'replay'>,
  topics: Topics,
  origin: string,
  keys: readonly VerifierKey[],
): Promise<FoundCheckpoint | undefined> {
  let found: FoundCheckpoint | undefined
  await kafka.replay({
    topics: [topics.checkpoints],
    from: { last: newest },
    handle: async ({ records, topic }) => {
      for (const record of records) {
        const decoded = decodeEvent({ value: record.value, headers: record.headers }, ['heed.checkpoint.signed.v1'])
        if (!decoded.ok || decoded.event.type !== 'heed.checkpoint.signed.v1' || decoded.event.data.origin !== origin) continue
        const place = `record ${record.offset} of ${topic}`
        const one = readCheckpoint(decoded.event.data.note, origin, keys, place)
        if (found === undefined || one.checkpoint.size > found.checkpoint.size) found = one
      }
    },
  })
  return found
}

/**
 * Reads a checkpoint of this log. Throws `LogRefusedError` where it is none: somebody else writes where this log publishes, or the key was changed without the old one
 * beside it.
 */
export function readCheckpoint(note: string, origin: string, keys: readonly VerifierKey[], place: string): FoundCheckpoint {
  const verdict = verifyCheckpoint(note, { origin, logKeys: keys })
  if (verdict.ok) return { checkpoint: verdict.checkpoint, note, place }
  throw new LogRefusedError('trail.unreadable-checkpoint', `${place} is no checkpoint that a key of ${origin} signed: ${verdict.detail}`)
}
