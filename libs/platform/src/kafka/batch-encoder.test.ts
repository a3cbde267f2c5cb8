import { createRequire } from 'node:module'
import { fc, test } from '@fast-check/vitest'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type EncodableRecord, encodeBatch, patchBatchEncoder } from './batch-encoder.ts'

const require = createRequire(import.meta.url)
const inner = (path: string) => require(`kafkajs/src/protocol/${path}`)

interface Request {
  encode(): Promise<{ buffer: Buffer }>
}
/** The client's own, as it is without the patch; a copy, so that the patch still finds it unloaded. */
let original: (options: object) => Request
let current: (options: object) => Request
beforeAll(() => {
  const path = require.resolve('kafkajs/src/protocol/requests/produce/v3/request.js')
  original = require(path)
  delete require.cache[path]
  patchBatchEncoder()
  current = (options) => inner('requests/produce/index.js').protocol({ version: 7 })(options).request
})

const contents = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
)
const records: fc.Arbitrary<EncodableRecord> = fc.record({
  key: fc.oneof(contents, fc.constant(null)),
  value: fc.oneof(contents, fc.constant(null)),
  headers: fc.dictionary(fc.string({ maxLength: 12 }), fc.oneof(contents, fc.array(contents, { maxLength: 3 })), { maxKeys: 9 }),
})
const requests = fc.record({
  acks: fc.constant(-1),
  timeout: fc.nat(60_000),
  producerId: fc.oneof(
    fc.constant(undefined),
    fc.nat(),
    fc.bigInt(0n, 2n ** 62n).map((id) => inner('../utils/long.js').fromValue(id)),
  ),
  producerEpoch: fc.nat(30_000),
  compression: fc.constant(0),
  topicData: fc.array(
    fc.record({
      topic: fc.string({ minLength: 1, maxLength: 40 }),
      partitions: fc.array(
        fc.record({
          partition: fc.nat(50),
          firstSequence: fc.nat(1_000_000),
          messages: fc.array(records, { minLength: 1, maxLength: 200 }),
        }),
        { maxLength: 3 },
      ),
    }),
    { maxLength: 3 },
  ),
})

const bytesOf = async (made: Request): Promise<string> => (await made.encode()).buffer.toString('hex')

describe('a produce request', () => {
  test.prop([requests], { numRuns: 60 })('is byte for byte what the client itself would write', async (options) => {
    vi.useFakeTimers({ now: 1_790_000_000_000, toFake: ['Date'] })
    try {
      expect(await bytesOf(current(options))).toBe(await bytesOf(original(options)))
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    ['timestamps of its own', { messages: [{ key: 'a', value: 'b', timestamp: '1700000000000' }] }, {}],
    ['a transaction', { messages: [{ key: 'a', value: 'b' }] }, { transactionalId: 't' }],
  ])('with %s is left to the client', async (_, partition, rest) => {
    const options = {
      acks: -1,
      timeout: 1,
      producerEpoch: 0,
      compression: 0,
      topicData: [{ topic: 't', partitions: [{ partition: 0, firstSequence: 0, ...partition }] }],
      ...rest,
    }
    vi.useFakeTimers({ now: 1_790_000_000_000, toFake: ['Date'] })
    try {
      expect(await bytesOf(current(options))).toBe(await bytesOf(original(options)))
    } finally {
      vi.useRealTimers()
    }
  })

  it('is patched once: doing it again changes nothing', () => {
    expect(() => patchBatchEncoder()).not.toThrow()
  })
})

describe('a batch', () => {
  it('takes lengths of every size of number', () => {
    const sizes = [0, 63, 64, 8_191, 8_192, 1_048_575]
    const batch = encodeBatch(
      sizes.map((size) => ({ key: null, value: Buffer.alloc(size, 7) })),
      { timestamp: 1, producerId: 5n, producerEpoch: 2, firstSequence: 9 },
    )
    expect(batch.readInt32BE(8)).toBe(batch.length - 12)
    expect(batch.readInt32BE(57)).toBe(sizes.length)
  })
})
