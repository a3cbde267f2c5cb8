import { GrpcFault, status } from '@heed/platform/grpc'
import { describe, expect, it } from 'vitest'
import { refusalFault } from './faults.ts'

describe('a refused decision on the wire', () => {
  it('is INVALID_ARGUMENT where the request can never be right, and names the fields as the proto does', () => {
    const fault = refusalFault([
      { field: 'choices[1]', code: 'not-refusable', message: 'a' },
      { field: 'evidence.collectedAt', code: 'evidence-not-newer', message: 'b' },
      { field: 'origin.kind', code: 'origin-cannot-grant', message: 'c' },
      { field: 'origin.reference', code: 'malformed-reference', message: 'd' },
    ])
    expect(fault).toBeInstanceOf(GrpcFault)
    expect([fault.code, fault.reason]).toEqual([status.INVALID_ARGUMENT, 'NOT_REFUSABLE'])
    expect(fault.violations.map(({ field }) => field)).toEqual([
      'choices[1].purpose',
      'evidence.collected_at',
      'origin',
      'origin_reference',
    ])
  })

  it('is FAILED_PRECONDITION where only what is held stands against it', () => {
    expect(refusalFault([{ field: 'evidence.collectedAt', code: 'evidence-not-newer', message: '' }]).code).toBe(status.FAILED_PRECONDITION)
  })
})
