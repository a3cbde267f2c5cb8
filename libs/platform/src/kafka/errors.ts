import kafkajs from 'kafkajs'
import { HeedError } from '../errors/index.ts'

/** Records were not stored, or it is not known whether they were. Publish them again. */
export class PublishError extends HeedError {
  constructor(reason: 'kafka.unavailable' | 'kafka.queue-full' | 'kafka.record-refused' | 'kafka.stopped', message: string, cause?: Error) {
    super(reason, message, cause === undefined ? undefined : { cause })
  }
}

/** A consumer ended and cannot come back by itself. */
export class ConsumerDied extends HeedError {
  constructor(groupId: string, cause: Error) {
    super('kafka.consumer-died', `consumer ${groupId} ended: ${kafkaErrorText(cause)}`, { cause })
  }
}

/** The client's own words for its own errors (they name brokers, topics and codes); only the name of any other. */
export function kafkaErrorText(error: Error): string {
  const type = (error as { type?: unknown }).type
  if (typeof type === 'string') return type
  return error instanceof kafkajs.KafkaJSError ? error.message : error.name
}

/** The innermost cause that the client wrapped. */
export function rootCause(error: Error): Error {
  let cause = error
  for (let depth = 0; depth < 8 && cause.cause instanceof Error; depth += 1) cause = cause.cause
  return cause
}

// What the broker says about the records of one call, not about itself.
const recordFaults = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_TOPIC_EXCEPTION',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TIMESTAMP',
  'INVALID_RECORD',
  'POLICY_VIOLATION',
])

/** Whether the records themselves are at fault, so that others must not wait behind them. */
export function isRecordFault(error: Error): boolean {
  const type = (rootCause(error) as { type?: unknown }).type
  return typeof type === 'string' && recordFaults.has(type)
}
