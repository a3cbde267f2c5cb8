import { isAscii } from 'node:buffer'
import { type FieldViolation, GrpcFault } from './faults.ts'

/** Stands in the place of a request that could not be read, so that the call is refused like any other and shows up in log and figures. */
export class UnreadableRequest {
  readonly fault: GrpcFault

  constructor(violations: readonly FieldViolation[]) {
    this.fault = GrpcFault.badRequest(violations, 'REQUEST_UNREADABLE')
  }
}

const notAMessage = [{ field: '', description: 'the bytes are no message of this method' }]

/** A deserializer that answers with an `UnreadableRequest` instead of throwing, and does not let broken text pass. */
export function safeDeserializer(deserialize: (bytes: Buffer) => unknown): (bytes: Buffer) => unknown {
  return (bytes) => {
    let request: unknown
    try {
      request = deserialize(bytes)
    } catch {
      return new UnreadableRequest(notAMessage)
    }
    // protobufjs decodes bytes that are no UTF-8 to replacement characters; proto3 wants them refused
    // (https://protobuf.dev/programming-guides/proto3/#scalar). Pure ASCII, which is nearly everything, needs no walk.
    if (isAscii(bytes)) return request
    const field = brokenText(request, '')
    return field === undefined ? request : new UnreadableRequest([{ field, description: 'the text is not valid UTF-8' }])
  }
}

/** The path of the first string with a replacement character. */
function brokenText(value: unknown, path: string): string | undefined {
  if (typeof value === 'string') return value.includes('\uFFFD') ? path : undefined
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined
  for (const [name, inner] of Object.entries(value)) {
    if (name.includes('\uFFFD')) return path
    const found = brokenText(inner, Array.isArray(value) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`)
    if (found !== undefined) return found
  }
  return undefined
}
