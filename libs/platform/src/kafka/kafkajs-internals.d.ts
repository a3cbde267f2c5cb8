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
