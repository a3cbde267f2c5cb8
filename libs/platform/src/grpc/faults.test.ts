import { fc, test } from '@fast-check/vitest'
import { Metadata, type ServiceError } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { decodeFault, faultStatus, GrpcFault, isRetryable, status } from './index.ts'

const received = (fault: GrpcFault): GrpcFault => decodeFault(Object.assign(new Error('x'), { ...faultStatus(fault) }) as ServiceError)

const details = fc.record({
  code: fc.constantFrom(status.INVALID_ARGUMENT, status.UNAVAILABLE, status.ALREADY_EXISTS),
  reason: fc.stringMatching(/^[A-Z][A-Z_]{0,20}$/),
  message: fc.string({ minLength: 1 }),
  violations: fc.array(fc.record({ field: fc.string(), description: fc.string() }), { maxLength: 4 }),
  metadata: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string(), { maxKeys: 3 }),
})

describe('a fault', () => {
  test.prop([details])('is the same after its way over the wire', (given) => {
    expect(received(new GrpcFault(given))).toMatchObject(given)
  })

  it.each([0, 0.25, 1, 86_400])('keeps a wait of %d seconds', (retryAfterSeconds) => {
    expect(
      received(new GrpcFault({ code: status.UNAVAILABLE, reason: 'X', message: 'x', retryAfterSeconds })).retryAfterSeconds,
    ).toBeCloseTo(retryAfterSeconds)
  })

  it('has no wait when none was said', () => {
    expect(received(new GrpcFault({ code: status.UNAVAILABLE, reason: 'X', message: 'x' })).retryAfterSeconds).toBeUndefined()
  })

  it('takes the name of the code where the details are absent or broken', () => {
    const metadata = new Metadata()
    metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff]))
    for (const given of [new Metadata(), metadata]) {
      const error = Object.assign(new Error('x'), { code: status.NOT_FOUND, details: 'gone', metadata: given }) as ServiceError
      expect(decodeFault(error)).toMatchObject({ code: status.NOT_FOUND, reason: 'NOT_FOUND', message: 'gone', violations: [] })
    }
  })

  it('says whether the same call may succeed later', () => {
    expect(isRetryable(GrpcFault.unavailable('X', 'x'))).toBe(true)
    expect(isRetryable(GrpcFault.badRequest([]))).toBe(false)
    expect(isRetryable(new Error('x'))).toBe(false)
  })
})
