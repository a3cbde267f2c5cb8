import { describe, expect, it } from 'vitest'
import { metadataRequest, readBrokerCount } from './kafka-probe.ts'

const response = (brokers: number) => {
  const bytes = Buffer.alloc(4 + 4 + 4 + 30)
  bytes.writeInt32BE(bytes.length - 4, 0)
  bytes.writeInt32BE(1, 4)
  bytes.writeInt32BE(brokers, 8)
  return bytes
}

describe('the Metadata probe', () => {
  it('announces its own length', () => {
    const request = metadataRequest()
    expect(request.readInt32BE(0)).toBe(request.length - 4)
    expect([request.readInt16BE(4), request.readInt16BE(6)]).toEqual([3, 1])
  })

  it('waits until the answer is whole, in however many pieces it comes', () => {
    const whole = response(1)
    for (let length = 0; length < whole.length; length++) expect(readBrokerCount(whole.subarray(0, length))).toBeUndefined()
    expect(readBrokerCount(whole)).toBe(1)
  })

  it('takes a broker that knows no live broker yet for not ready', () => {
    expect(readBrokerCount(response(0))).toBe(0)
    expect(readBrokerCount(response(-1))).toBe(0)
  })
})
