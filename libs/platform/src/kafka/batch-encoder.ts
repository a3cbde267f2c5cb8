import { createRequire } from 'node:module'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import crc32c from 'kafkajs/src/protocol/recordBatch/crc32C/index.js'

// kafkajs 2.2.4 makes a zeroed buffer of 1 KiB for each record and one more for each header of it, and another for every length that it writes:
// more work than all else that publishing costs. Here a batch is written once, into a buffer of its size.
//
// Layout of a batch and of a record: https://kafka.apache.org/documentation/#recordbatch

/** A record as the client's producer hands it on. */
export interface EncodableRecord {
  readonly key?: Buffer | string | null
  readonly value: Buffer | string | null
  readonly headers?: Readonly<Record<string, Buffer | string | (Buffer | string)[]>>
  readonly timestamp?: unknown
}

/** What stands once for all records of a batch. */
export interface BatchHead {
  readonly timestamp: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstSequence: number
}

const headBytes = 61
const magic = 2
const none = -1

const zigZag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0

function varIntBytes(value: number): number {
  let rest = zigZag(value)
  let bytes = 1
  while (rest > 0x7f) {
    rest >>>= 7
    bytes += 1
  }
  return bytes
}

const lengthOf = (content: Buffer | string): number => (typeof content === 'string' ? Buffer.byteLength(content) : content.length)

const fieldBytes = (content: Buffer | string | null | undefined): number => {
  if (content === null || content === undefined) return varIntBytes(none)
  const length = lengthOf(content)
  return varIntBytes(length) + length
}

type Header = readonly [name: string, value: Buffer | string]

function headersOf({ headers }: EncodableRecord): Header[] {
  const list: Header[] = []
  if (headers === undefined) return list
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (Array.isArray(value)) for (const one of value) list.push([name, one])
    else if (value !== undefined) list.push([name, value])
  }
  return list
}

/** Length of what follows a record's own length: attributes and timestamp (a byte each), place, key, value, headers. */
function bodyBytes(record: EncodableRecord, place: number, headers: readonly Header[]): number {
  let bytes = 2 + varIntBytes(place) + fieldBytes(record.key) + fieldBytes(record.value) + varIntBytes(headers.length)
  for (const [name, value] of headers) bytes += fieldBytes(name) + fieldBytes(value)
  return bytes
}

/** The batch of these records, all with the same timestamp, uncompressed, outside transactions. */
export function encodeBatch(records: readonly EncodableRecord[], head: BatchHead): Buffer {
  const headers = records.map(headersOf)
  const bodies = records.map((record, place) => bodyBytes(record, place, headers[place] ?? []))
  const batch = Buffer.allocUnsafe(headBytes + bodies.reduce((sum, body) => sum + varIntBytes(body) + body, 0))
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(0, 12)
  batch.writeInt8(magic, 16)
  batch.writeInt16BE(0, 21)
  batch.writeInt32BE(records.length - 1, 23)
  batch.writeBigInt64BE(BigInt(head.timestamp), 27)
  batch.writeBigInt64BE(BigInt(head.timestamp), 35)
  batch.writeBigInt64BE(head.producerId, 43)
  batch.writeInt16BE(head.producerEpoch, 51)
  batch.writeInt32BE(head.firstSequence, 53)
  batch.writeInt32BE(records.length, 57)

  let at = headBytes
  const varInt = (value: number) => {
    let rest = zigZag(value)
    while (rest > 0x7f) {
      batch[at] = (rest & 0x7f) | 0x80
      at += 1
      rest >>>= 7
    }
    batch[at] = rest
    at += 1
  }
  const field = (content: Buffer | string | null | undefined) => {
    if (content === null || content === undefined) {
      varInt(none)
      return
    }
    const length = lengthOf(content)
    varInt(length)
    if (typeof content === 'string') batch.write(content, at, length, 'utf8')
    else content.copy(batch, at)
    at += length
  }
  for (const [place, record] of records.entries()) {
    varInt(bodies[place] ?? 0)
    // attributes, of which there are none, and the distance from the batch's timestamp
    batch[at] = 0
    batch[at + 1] = 0
    at += 2
    varInt(place)
    field(record.key)
    field(record.value)
    const own = headers[place] ?? []
    varInt(own.length)
    for (const [name, value] of own) {
      field(name)
      field(value)
    }
  }
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

interface PartitionData {
  readonly partition: number
  readonly messages: readonly EncodableRecord[]
  readonly firstSequence?: number
}

interface ProduceOptions {
  readonly acks: number
  readonly timeout: number
  readonly transactionalId?: string | null
  readonly producerId?: { toString(): string }
  readonly producerEpoch?: number
  readonly compression?: number
  readonly topicData: readonly { readonly topic: string; readonly partitions: readonly PartitionData[] }[]
}

interface ProduceRequest {
  encode: () => Promise<Encoder>
}

/** Versions that add nothing to the third and call it. */
const laterVersions = [4, 5, 6, 7]

const patched = Symbol.for('heed.kafkajs.batch-encoder')

/**
 * Replaces the client's writing of produce requests (versions 3 and up, which load it when the first of them is sent; those that have loaded it are
 * loaded anew). What it does not know (transactions, compression, timestamps of one's own) is left to the client's own.
 */
export function patchBatchEncoder(): void {
  const require = createRequire(import.meta.url)
  const pathOf = (version: number) => require.resolve(`kafkajs/src/protocol/requests/produce/v${version}/request.js`)
  const loaded = require.cache[pathOf(3)]
  if (loaded !== undefined) {
    if (patched in (loaded.exports as object)) return
    for (const version of laterVersions) delete require.cache[pathOf(version)]
  }
  const original = require(pathOf(3)) as (options: ProduceOptions) => ProduceRequest
  const request = (options: ProduceOptions): ProduceRequest => {
    const made = original(options)
    return isPlain(options) ? Object.assign(made, { encode: async () => encodeRequest(options) }) : made
  }
  Object.assign(require.cache[pathOf(3)] ?? {}, { exports: Object.assign(request, { [patched]: true }) })
}

function isPlain({ transactionalId, compression, topicData }: ProduceOptions): boolean {
  if ((transactionalId ?? null) !== null || (compression ?? 0) !== 0) return false
  return topicData.every(({ partitions }) =>
    partitions.every(({ messages }) => messages.every(({ timestamp }) => timestamp === undefined || timestamp === null)),
  )
}

/** Produce Request, version 3: transactional id, acks, timeout, topics (name, partitions (number, batch)). */
function encodeRequest({ acks, timeout, producerId, producerEpoch, topicData }: ProduceOptions): Encoder {
  const timestamp = Date.now()
  const head = { timestamp, producerId: BigInt((producerId ?? none).toString()), producerEpoch: producerEpoch ?? 0 }
  const topics = topicData.map(({ topic, partitions }) => {
    const encoded = partitions.map(({ partition, messages, firstSequence }) => {
      const batch = encodeBatch(messages, { ...head, firstSequence: firstSequence ?? 0 })
      return new Encoder(batch.length + 8).writeInt32(partition).writeInt32(batch.length).writeBuffer(batch)
    })
    return new Encoder(sizeOf(encoded) + topic.length * 3 + 6).writeString(topic).writeArray(encoded)
  })
  return new Encoder(sizeOf(topics) + 12).writeString(null).writeInt16(acks).writeInt32(timeout).writeArray(topics)
}

const sizeOf = (encoders: readonly Encoder[]): number => encoders.reduce((sum, encoder) => sum + encoder.size(), 0)
