import type kafkajs from 'kafkajs'
import { unreadableHeader } from './fetch-decoder.ts'
import type { ConsumedRecord } from './types.ts'

/** A record as the client hands it over, in this project's form. Text that is no UTF-8 comes with replacement characters. */
export function toRecord(message: kafkajs.KafkaMessage): ConsumedRecord {
  const headers: Record<string, string> = {}
  const unreadable = message.headers?.[unreadableHeader]
  for (const name in message.headers) {
    const value = message.headers[name]
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined) headers[name] = typeof last === 'string' ? last : last.toString('utf8')
  }
  return {
    key: message.key === null ? null : message.key.toString('utf8'),
    value: message.value,
    headers,
    offset: message.offset,
    timestamp: Number(message.timestamp),
    // A record that carries this header by itself has a key; the stand-in of the decoder has none.
    ...(message.key === null && unreadable !== undefined ? { unreadable: String(unreadable) } : {}),
  }
}

/** The offset after the given one: what is committed is the next to be read. */
export const nextOffset = (offset: string): string => (BigInt(offset) + 1n).toString()
