import protobuf from 'protobufjs'
import type { FaultDetails, FieldViolation } from './fault-details.ts'

// A map field: protobufjs reads `keyType`, which its types do not list for a field.
const stringMap = (id: number) => ({ keyType: 'string', type: 'string', id })

// google/rpc/status.proto and google/rpc/error_details.proto, as far as they are used here:
// https://github.com/googleapis/googleapis/tree/master/google/rpc
const root = protobuf.Root.fromJSON(
  {
    nested: {
      google: {
        nested: {
          protobuf: {
            nested: {
              Any: { fields: { type_url: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
              Duration: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
            },
          },
          rpc: {
            nested: {
              Status: {
                fields: {
                  code: { type: 'int32', id: 1 },
                  message: { type: 'string', id: 2 },
                  details: { rule: 'repeated', type: 'google.protobuf.Any', id: 3 },
                },
              },
              ErrorInfo: {
                fields: {
                  reason: { type: 'string', id: 1 },
                  domain: { type: 'string', id: 2 },
                  metadata: stringMap(3),
                },
              },
              RetryInfo: { fields: { retry_delay: { type: 'google.protobuf.Duration', id: 1 } } },
              BadRequest: { fields: { field_violations: { rule: 'repeated', type: 'FieldViolation', id: 1 } } },
              FieldViolation: { fields: { field: { type: 'string', id: 1 }, description: { type: 'string', id: 2 } } },
            },
          },
        },
      },
    },
  },
  new protobuf.Root(),
)

const Status = root.lookupType('google.rpc.Status')
const ErrorInfo = root.lookupType('google.rpc.ErrorInfo')
const RetryInfo = root.lookupType('google.rpc.RetryInfo')
const BadRequest = root.lookupType('google.rpc.BadRequest')

const prefix = 'type.googleapis.com/'
const urlOf = (type: protobuf.Type): string => prefix + type.fullName.slice(1)
const packed = (type: protobuf.Type, message: object) => ({ type_url: urlOf(type), value: type.encode(type.fromObject(message)).finish() })

/** The domain of every reason. */
export const errorDomain = 'heed'

interface Encodable {
  code: number
  message: string
  reason: string
  violations: readonly FieldViolation[]
  retryAfterSeconds: number | undefined
  metadata: Readonly<Record<string, string>>
}

/** A serialised `google.rpc.Status`. */
export function encodeDetails(fault: Encodable): Buffer {
  const details = [packed(ErrorInfo, { reason: fault.reason, domain: errorDomain, metadata: fault.metadata })]
  if (fault.violations.length > 0) details.push(packed(BadRequest, { field_violations: fault.violations }))
  if (fault.retryAfterSeconds !== undefined) {
    const seconds = Math.floor(fault.retryAfterSeconds)
    const nanos = Math.round((fault.retryAfterSeconds - seconds) * 1e9)
    details.push(packed(RetryInfo, { retry_delay: { seconds, nanos } }))
  }
  return Buffer.from(Status.encode(Status.fromObject({ code: fault.code, message: fault.message, details })).finish())
}

/** What the details say, or undefined when the bytes are no `google.rpc.Status`. */
export function decodeDetails(bytes: Uint8Array): Partial<Omit<FaultDetails, 'code' | 'message'>> | undefined {
  try {
    const message = Status.toObject(Status.decode(bytes), { arrays: true }) as { details: { type_url: string; value: Uint8Array }[] }
    const found: Partial<Omit<FaultDetails, 'code' | 'message'>> = {}
    for (const { type_url: url, value } of message.details) {
      if (url === urlOf(ErrorInfo)) {
        const info = ErrorInfo.toObject(ErrorInfo.decode(value), { defaults: true }) as { reason: string; metadata: Record<string, string> }
        if (info.reason !== '') found.reason = info.reason
        found.metadata = info.metadata
      } else if (url === urlOf(BadRequest)) {
        const bad = BadRequest.toObject(BadRequest.decode(value), { defaults: true, arrays: true }) as {
          field_violations: FieldViolation[]
        }
        found.violations = bad.field_violations
      } else if (url === urlOf(RetryInfo)) {
        const retry = RetryInfo.toObject(RetryInfo.decode(value), { longs: Number, defaults: true }) as {
          retry_delay: { seconds: number; nanos: number } | null
        }
        if (retry.retry_delay !== null) found.retryAfterSeconds = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
      }
    }
    return found
  } catch {
    return undefined
  }
}
