import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { HeedError } from '../errors/index.ts'
import type { FaultDetails, FieldViolation } from './fault-details.ts'
import { decodeDetails, encodeDetails } from './status-details.ts'

/**
 * A refusal as it goes over the wire: a gRPC status with `google.rpc.Status` details (ErrorInfo of the domain `heed`,
 * BadRequest, RetryInfo; https://google.aip.dev/193). The server throws it, the client rejects with it.
 */
export class GrpcFault extends HeedError {
  readonly code: number
  readonly violations: readonly FieldViolation[]
  readonly retryAfterSeconds: number | undefined
  readonly metadata: Readonly<Record<string, string>>

  constructor(details: FaultDetails, options?: ErrorOptions) {
    super(details.reason, details.message, options)
    this.code = details.code
    this.violations = details.violations ?? []
    this.retryAfterSeconds = details.retryAfterSeconds
    this.metadata = details.metadata ?? {}
  }

  /** INVALID_ARGUMENT with the fields named. */
  static badRequest(violations: readonly FieldViolation[], reason = 'BAD_REQUEST'): GrpcFault {
    const fields = violations.map(({ field }) => field).join(', ')
    return new GrpcFault({ code: status.INVALID_ARGUMENT, reason, message: `the request is not valid: ${fields}`, violations })
  }

  /** NOT_FOUND: there is no such thing, or the caller may not know of it. */
  static notFound(reason: string, message: string): GrpcFault {
    return new GrpcFault({ code: status.NOT_FOUND, reason, message })
  }

  /** UNAVAILABLE: nothing is wrong with the request; the same one may succeed later. */
  static unavailable(reason: string, message: string, retryAfterSeconds = 1, cause?: Error): GrpcFault {
    return new GrpcFault({ code: status.UNAVAILABLE, reason, message, retryAfterSeconds }, cause === undefined ? undefined : { cause })
  }
}

/** `OK`, `INVALID_ARGUMENT`, …: the name of a status code. */
export const statusName = (code: number): string => status[code] ?? `CODE_${code}`

const detailsKey = 'grpc-status-details-bin'

/** What grpc-js sends for the fault. */
export function faultStatus(fault: GrpcFault): { code: number; details: string; metadata: Metadata } {
  const metadata = new Metadata()
  metadata.set(detailsKey, encodeDetails(fault))
  return { code: fault.code, details: fault.message, metadata }
}

/** The fault that a call ended with. A status without readable details keeps its code, with the code's name as reason. */
export function decodeFault(error: ServiceError): GrpcFault {
  const [bytes] = error.metadata?.get(detailsKey) ?? []
  const details = Buffer.isBuffer(bytes) ? decodeDetails(bytes) : undefined
  return new GrpcFault(
    { reason: statusName(error.code), ...details, code: error.code, message: error.details || statusName(error.code) },
    { cause: error },
  )
}

export type { FaultDetails, FieldViolation } from './fault-details.ts'
export { status }
