import Decoder from 'kafkajs/src/protocol/decoder.js'
import decodeRecordBatch from 'kafkajs/src/protocol/recordBatch/v0/decoder.js'
import decodeLegacyMessages from 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js'
import fetchResponse from 'kafkajs/src/protocol/requests/fetch/v11/response.js'

// What kafkajs 2.2.4 does with the answer to a fetch, and must not:
//   - a batch that compaction has emptied (the broker keeps the last one of every producer) leaves a reader where it is, for ever,
//     when nothing else is left in its segment;
//   - one batch in a compression that it lacks (snappy, lz4, zstd), or with broken bytes, ends the consumer, also the next one.
// Here an emptied batch counts as read, and an unreadable one becomes one record that says so and carries the bytes.
//
// Layout of a batch: https://kafka.apache.org/documentation/#recordbatch

/** The header of the record that stands for a batch that could not be decoded. */
export const unreadableHeader = 'heed_unreadable'

const headerBytes = 61
const at = { length: 8, magic: 16, attributes: 21, lastOffsetDelta: 23, maxTimestamp: 35, count: 57 }
const controlFlag = 0x20
const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

interface Message {
  offset: string
  timestamp: string
  key: Buffer | null
  value: Buffer | null
  headers: Record<string, Buffer>
  attributes: number
  magicByte: number
  isControlRecord: boolean
  batchContext: object
}

const outsideTransactions = { inTransaction: false, isControlBatch: false, producerId: '-1' }

/** A record of its own making at the end of a batch; a control record is passed over, and its offset counts as reached. */
function standIn(batch: Buffer, lastOffset: bigint, unreadable?: string): Message {
  return {
    offset: lastOffset.toString(),
    timestamp: batch.readBigInt64BE(at.maxTimestamp).toString(),
    key: null,
    value: unreadable === undefined ? null : batch.subarray(headerBytes),
    headers: unreadable === undefined ? {} : { [unreadableHeader]: Buffer.from(unreadable) },
    attributes: 0,
    magicByte: 2,
    isControlRecord: unreadable === undefined,
    batchContext: outsideTransactions,
  }
}

/** The records of consecutive batches; a batch that the answer was too short for is left for the next fetch. */
export async function decodeBatches(bytes: Buffer): Promise<Message[]> {
  const messages: Message[] = []
  for (let from = 0; from + headerBytes <= bytes.length; ) {
    const end = from + 12 + bytes.readInt32BE(from + at.length)
    if (end > bytes.length) break
    const batch = bytes.subarray(from, end)
    from = end
    const lastOffset = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(at.lastOffsetDelta))
    const decoded = batch.readInt32BE(at.count) > 0 ? await decodeOne(batch, lastOffset) : []
    for (const message of decoded) messages.push(message)
    if (decoded.at(-1)?.offset !== lastOffset.toString()) messages.push(standIn(batch, lastOffset))
  }
  return messages
}

async function decodeOne(batch: Buffer, lastOffset: bigint): Promise<Message[]> {
  try {
    const { records } = await decodeRecordBatch(new Decoder(batch))
    return records as Message[]
  } catch {
    const attributes = batch.readInt16BE(at.attributes)
    // A control batch says nothing to a reader of records.
    if ((attributes & controlFlag) !== 0) return []
    const compression = compressions[attributes & 0x07] ?? 'unknown'
    const known = compression === 'none' || compression === 'gzip'
    return [standIn(batch, lastOffset, known ? 'broken records' : `compression ${compression}`)]
  }
}

async function decodeMessages(decoder: Decoder): Promise<unknown[]> {
  const start = decoder.offset
  const size = decoder.readInt32()
  if (size <= 0 || !decoder.canReadBytes(size)) return []
  const bytes = decoder.readBytes(size)
  if (bytes.length > at.magic && bytes.readInt8(at.magic) === 2) return decodeBatches(bytes)
  // Written before Kafka 0.11.
  decoder.offset = start
  return decodeLegacyMessages(decoder)
}

const decodePartition = async (decoder: Decoder) => ({
  partition: decoder.readInt32(),
  errorCode: decoder.readInt16(),
  highWatermark: decoder.readInt64().toString(),
  lastStableOffset: decoder.readInt64().toString(),
  lastStartOffset: decoder.readInt64().toString(),
  abortedTransactions: decoder.readArray((inner) => ({
    producerId: inner.readInt64().toString(),
    firstOffset: inner.readInt64().toString(),
  })),
  preferredReadReplica: decoder.readInt32(),
  messages: await decodeMessages(decoder),
})

const decodeTopic = async (decoder: Decoder) => ({
  topicName: decoder.readString(),
  partitions: await decoder.readArrayAsync(decodePartition),
})

/** Replaces the client's reading of fetch answers (version 11: every broker since Kafka 2.3). */
export function patchFetchDecoder(): void {
  fetchResponse.decode = async (raw: Buffer) => {
    const decoder = new Decoder(raw)
    return {
      // The broker leaves the waiting to the client; what it did not throttle is not reported as throttled.
      throttleTime: 0,
      clientSideThrottleTime: decoder.readInt32(),
      errorCode: decoder.readInt16(),
      sessionId: decoder.readInt32(),
      responses: await decoder.readArrayAsync(decodeTopic),
    }
  }
}
