import type kafkajs from 'kafkajs'
import { unreadableHeader } from './fetch-decoder.ts'
import type { ConsumedRecord } from './types.ts'

/** A record as the client hands it over, in this project's form. Text that is no UTF-8 comes with replacement characters. */
export function toRecord(message: kafkajs.KafkaMessage): ConsumedRecord {
  return new ReadRecord(message)
}

// Headers are decoded when somebody asks: half of what reading a small record costs is decoding headers that nobody looks at.
class ReadRecord implements ConsumedRecord {
  readonly key: string | null
  readonly value: Buffer | null
  readonly offset: string
  readonly #message: kafkajs.KafkaMessage
  #headers: Readonly<Record<string, string>> | undefined

  constructor(message: kafkajs.KafkaMessage) {
    this.key = message.key === null ? null : message.key.toString('utf8')
    this.value = message.value
    this.offset = message.offset
    this.#message = message
  }

  get timestamp(): number {
    return Number(this.#message.timestamp)
  }

  get headers(): Readonly<Record<string, string>> {
    this.#headers ??= decodeHeaders(this.#message.headers)
    return this.#headers
  }

  // A record that carries this header by itself has a key; the stand-in of the decoder has none.
  get unreadable(): string | undefined {
    return this.key === null ? this.headers[unreadableHeader] : undefined
  }
}

function decodeHeaders(encoded: kafkajs.IHeaders | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name in encoded) {
    const value = encoded[name]
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined) headers[name] = typeof last === 'string' ? last : last.toString('utf8')
  }
  return headers
}

/** The offset after the given one: what is committed is the next to be read. */
export const nextOffset = (offset: string): string => (BigInt(offset) + 1n).toString()
