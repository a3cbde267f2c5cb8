/**
 * An error whose message this project wrote itself: it names things by code, id and number and never holds personal data,
 * so a log may print it. The message of any other error is withheld by the logger.
 */
export class HeedError extends Error {
  /** A stable, machine-readable code, such as `kafka.publish-failed` or `PURPOSE_UNKNOWN`. */
  readonly reason: string

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.reason = reason
  }
}

/** The error itself, or an `Error` that wraps whatever was thrown, so that a `catch` has one type. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(typeof thrown === 'string' ? thrown : 'something that is no Error was thrown')
}
