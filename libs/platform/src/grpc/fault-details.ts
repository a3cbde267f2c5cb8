/** One field of a request that is wrong. Neither text quotes what the caller sent. */
export interface FieldViolation {
  /** Path of the field in the request, such as `choices[2].purpose`. */
  field: string
  description: string
}

export interface FaultDetails {
  /** A number of `grpc.status`. */
  code: number
  /** `ErrorInfo.reason`: UPPER_SNAKE, stable, for programs. */
  reason: string
  /** For people; no personal data. */
  message: string
  violations?: readonly FieldViolation[]
  retryAfterSeconds?: number
  /** `ErrorInfo.metadata`: ids and limits, no personal data. */
  metadata?: Readonly<Record<string, string>>
}
