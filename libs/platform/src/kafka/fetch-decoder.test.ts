import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decodeBatches } from './fetch-decoder.ts'

describe('decodeBatches', () => {
  /** The header of a batch, with whatever follows it. */
  function batch(options: { base: bigint; lastDelta: number; count: number; attributes?: number; body?: Buffer }): Buffer {
    const { base, lastDelta, count, attributes = 0, body = Buffer.alloc(0) } = options
    const header = Buffer.alloc(61)
    header.writeBigInt64BE(base, 0)
    header.writeInt32BE(49 + body.length, 8)
    header.writeInt8(2, 16)
    header.writeInt16BE(attributes, 21)
    header.writeInt32BE(lastDelta, 23)
    header.writeBigInt64BE(1_700_000_000_000n, 35)
    header.writeInt32BE(count, 57)
    return Buffer.concat([header, body])
  }

  it('passes an emptied batch with a control record at its end', async () => {
    expect(await decodeBatches(batch({ base: 10n, lastDelta: 4, count: 0 }))).toMatchObject([{ offset: '14', isControlRecord: true }])
  })

  it.each([
    [2, 'compression snappy'],
    [3, 'compression lz4'],
    [4, 'compression zstd'],
    [1, 'broken records'],
    [0, 'broken records'],
  ])('names the reason for codec %d', async (attributes, reason) => {
    const body = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
    const messages = await decodeBatches(batch({ base: 5n, lastDelta: 2, count: 3, attributes, body }))
    expect(messages).toMatchObject([{ offset: '7', isControlRecord: false, value: body, key: null }])
    expect(String(messages[0]?.headers.heed_unreadable)).toBe(reason)
  })

  it('leaves a batch that was cut off for the next fetch', async () => {
    const whole = batch({ base: 0n, lastDelta: 0, count: 0 })
    const cut = batch({ base: 1n, lastDelta: 0, count: 1, body: randomBytes(100) }).subarray(0, 100)
    expect(await decodeBatches(Buffer.concat([whole, cut]))).toHaveLength(1)
    expect(await decodeBatches(cut.subarray(0, 20))).toEqual([])
  })
})
