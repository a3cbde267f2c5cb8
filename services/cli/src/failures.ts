import { HeedError } from '@heed/platform/errors'
import { GrpcFault, status } from '@heed/platform/grpc'

/** What a command's end tells a script. */
export const exitCodes = {
  /** Done, and the answer is yes where the question was one. */
  done: 0,
  /** It did not work, or the answer is no. */
  failed: 1,
  /** The input is wrong; nothing was changed. */
  wrongInput: 2,
  /** The key may not do this. */
  notAllowed: 3,
  /** The hub cannot be reached, or cannot do it now; the same command may succeed later. */
  unavailable: 4,
} as const

/** The input is wrong. Its message is one line that says how to mend it. */
export class InputError extends HeedError {
  constructor(message: string) {
    super('cli.wrong-input', message)
  }
}

/** One line for people, and the exit code for scripts. */
export function explain(thrown: unknown): { line: string; code: number } {
  if (thrown instanceof InputError) return { line: thrown.message, code: exitCodes.wrongInput }
  if (thrown instanceof GrpcFault) return explainFault(thrown)
  if (thrown instanceof HeedError) return { line: thrown.message, code: exitCodes.failed }
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  return { line: `${error.name}: ${error.message}`, code: exitCodes.failed }
}

function explainFault(fault: GrpcFault): { line: string; code: number } {
  switch (fault.code) {
    case status.INVALID_ARGUMENT:
    case status.NOT_FOUND:
    case status.FAILED_PRECONDITION:
    case status.ALREADY_EXISTS:
    case status.OUT_OF_RANGE: {
      const fields = fault.violations.map(({ field, description }) => `${field}: ${description}`).join('; ')
      return { line: fields || fault.message, code: exitCodes.wrongInput }
    }
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return { line: `not allowed: ${fault.message} (set HEED_CALLER_KEY to a key that may)`, code: exitCodes.notAllowed }
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.RESOURCE_EXHAUSTED: {
      const later = fault.retryAfterSeconds === undefined ? '' : `; try again in ${fault.retryAfterSeconds} s`
      return { line: `the hub does not answer: ${fault.message}${later} (is it running? \`npm start\`)`, code: exitCodes.unavailable }
    }
    default:
      return { line: `${fault.reason}: ${fault.message}`, code: exitCodes.failed }
  }
}
