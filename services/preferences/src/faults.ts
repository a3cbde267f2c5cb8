import type { Violation, ViolationCode } from '@heed/domain'
import { type FieldViolation, GrpcFault, status } from '@heed/platform/grpc'

/** `evidence-not-newer` and the like depend on what is held: the same request may be right at another time. */
function dependsOnState(code: ViolationCode): boolean {
  switch (code) {
    case 'purpose-denied':
    case 'evidence-not-newer':
    case 'subject-merged':
    case 'being-erased':
    case 'known-child':
      return true
    case 'unknown-purpose':
    case 'not-refusable':
    case 'origin-cannot-grant':
    case 'evidence-missing':
    case 'evidence-in-future':
    case 'evidence-too-old':
    case 'malformed-reference':
      return false
    default:
      return code satisfies never
  }
}

/** The domain names fields as it knows them; callers know them as the proto spells them. */
function wireField(field: string): string {
  if (field === 'origin.kind') return 'origin'
  if (field === 'origin.reference') return 'origin_reference'
  if (field === 'evidence.collectedAt') return 'evidence.collected_at'
  return field.startsWith('choices[') ? `${field}.purpose` : field
}

/** A refused decision as it goes over the wire: INVALID_ARGUMENT, or FAILED_PRECONDITION where only what is held stands against it. */
export function refusalFault(violations: readonly Violation[]): GrpcFault {
  const fields: FieldViolation[] = violations.map(({ field, message }) => ({ field: wireField(field), description: message }))
  const [first] = violations
  return new GrpcFault({
    code: violations.every(({ code }) => dependsOnState(code)) ? status.FAILED_PRECONDITION : status.INVALID_ARGUMENT,
    reason: (first?.code ?? 'bad-request').toUpperCase().replaceAll('-', '_'),
    message: `nothing was changed: ${fields.map(({ field }) => field).join(', ')}`,
    violations: fields,
  })
}

/** The request id stands for another request already. */
export function reusedRequestId(): GrpcFault {
  return new GrpcFault({
    code: status.ALREADY_EXISTS,
    reason: 'REQUEST_ID_REUSED',
    message: 'this request id stands for another request of yours; nothing was changed',
    violations: [{ field: 'request_id', description: 'repeat the request exactly, or choose a new id' }],
  })
}

/** No subject has this id, or no subject owns this identifier. */
export function unknownSubject(field = 'subject'): GrpcFault {
  return new GrpcFault({
    code: status.NOT_FOUND,
    reason: 'SUBJECT_UNKNOWN',
    message: 'there is no such subject',
    violations: [{ field, description: 'Heed knows no such subject' }],
  })
}

/** Somebody else was faster, again and again. */
export function contended(): GrpcFault {
  return new GrpcFault({
    code: status.ABORTED,
    reason: 'CONTENDED',
    message: 'others change this subject at the same time; repeat the request with the same id',
    retryAfterSeconds: 1,
  })
}

/** The caller decided on another version than the newest. */
export function versionMismatch(newest: number): GrpcFault {
  return new GrpcFault({
    code: status.FAILED_PRECONDITION,
    reason: 'VERSION_MISMATCH',
    message: `the newest version is ${newest}; nothing was changed`,
    violations: [{ field: 'expected_version', description: 'read the newest version and decide again' }],
    metadata: { newestVersion: String(newest) },
  })
}

/** More requests wait than may. */
export function intakeFull(): GrpcFault {
  return new GrpcFault({
    code: status.RESOURCE_EXHAUSTED,
    reason: 'INTAKE_FULL',
    message: 'more changes wait than may; nothing was changed',
    retryAfterSeconds: 1,
  })
}

/** What was asked has to wait until an erasure is done. */
export function beingErased(): GrpcFault {
  return new GrpcFault({
    code: status.FAILED_PRECONDITION,
    reason: 'BEING_ERASED',
    message: 'this person is being erased or was; nothing was changed',
    violations: [
      {
        field: 'subject',
        description: 'nothing is added to a person who is being erased: ask again with the identifier once that is done',
      },
    ],
  })
}

/** The request was carried out for somebody who was erased since; what it was about is forgotten. */
export function requestForgotten(): GrpcFault {
  return new GrpcFault({
    code: status.FAILED_PRECONDITION,
    reason: 'SUBJECT_ERASED',
    message: 'this request was carried out for a person who was erased since; nothing was changed',
    violations: [{ field: 'request_id', description: 'choose a new id for a new request' }],
  })
}
