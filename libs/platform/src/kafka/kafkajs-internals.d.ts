// The inner modules of the client that are patched or used by a patch.

declare module 'kafkajs/src/network/requestQueue/index.js' {
  const RequestQueue: { prototype: object }
  export default RequestQueue
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    offset: number
    constructor(buffer: Buffer)
    readInt16(): number
    readInt32(): number
    readInt64(): { toString(): string }
    readString(): string
    readBytes(length: number): Buffer
    canReadBytes(length: number): boolean
    readArray<T>(reader: (decoder: Decoder) => T): T[]
    readArrayAsync<T>(reader: (decoder: Decoder) => Promise<T>): Promise<T[]>
  }
}

declare module 'kafkajs/src/protocol/recordBatch/v0/decoder.js' {
  import type Decoder from 'kafkajs/src/protocol/decoder.js'
  export default function decodeRecordBatch(decoder: Decoder): Promise<{ records: unknown[] }>
}

declare module 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js' {
  import type Decoder from 'kafkajs/src/protocol/decoder.js'
  export default function decodeMessages(decoder: Decoder): Promise<unknown[]>
}

declare module 'kafkajs/src/protocol/requests/fetch/v11/response.js' {
  const response: { decode(raw: Buffer): Promise<object>; parse(data: object): Promise<object> }
  export default response
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    /** With room for so many bytes before it has to grow. */
    constructor(initialSize?: number)
    readonly buffer: Buffer
    writeInt16(value: number): this
    writeInt32(value: number): this
    writeString(value: string | null): this
    writeBuffer(value: Buffer): this
    writeArray(values: readonly Encoder[]): this
    size(): number
  }
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  export default function crc32C(bytes: Buffer): number
}
