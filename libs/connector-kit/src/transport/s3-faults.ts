import { StoreFault } from './file-store.ts'

/** What an answer of a store is judged by. */
export interface S3Answer {
  readonly status: number
  readonly body: Buffer
}

type Reason = StoreFault['outcome']

// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: the code says more than the status, which differs from code to code and from store to store
const reasons: Readonly<Record<string, Reason>> = {
  InvalidAccessKeyId: 'auth.refused',
  SignatureDoesNotMatch: 'auth.refused',
  InvalidToken: 'auth.refused',
  InvalidSecurity: 'auth.refused',
  AccountProblem: 'auth.refused',
  ExpiredToken: 'auth.expired',
  ExpiredTokenException: 'auth.expired',
  TokenRefreshRequired: 'auth.expired',
  RequestTimeTooSkewed: 'configuration.clock-skewed',
  RequestExpired: 'configuration.clock-skewed',
  AccessDenied: 'configuration.access-denied',
  AllAccessDisabled: 'configuration.access-denied',
  NoSuchBucket: 'configuration.no-such-bucket',
  InvalidBucketName: 'configuration.no-such-bucket',
  PermanentRedirect: 'configuration.wrong-region',
  AuthorizationHeaderMalformed: 'configuration.wrong-region',
  IllegalLocationConstraintException: 'configuration.wrong-region',
  EntityTooLarge: 'configuration.too-large',
  MaxMessageLengthExceeded: 'configuration.too-large',
  NotImplemented: 'configuration.not-supported',
  TemporaryRedirect: 'unavailable.redirected',
  SlowDown: 'unavailable.rate-limited',
  ConditionalRequestConflict: 'unavailable.conflict',
  OperationAborted: 'unavailable.conflict',
  PreconditionFailed: 'unavailable.conflict',
  RequestTimeout: 'unavailable.timeout',
  BadDigest: 'unavailable.damaged-on-the-way',
  IncompleteBody: 'unavailable.damaged-on-the-way',
  XAmzContentSHA256Mismatch: 'unavailable.damaged-on-the-way',
  InternalError: 'unavailable.server-error',
  ServiceUnavailable: 'unavailable.server-error',
}

/** The code of an error document; undefined where there is none, as in every answer to a HEAD. */
export function errorCodeOf(body: Buffer): string | undefined {
  return /<Code>([A-Za-z0-9.]{1,100})<\/Code>/.exec(body.toString('utf8', 0, 8_192))?.[1]
}

function reasonOfStatus(status: number): Reason {
  if (status === 401) return 'auth.refused'
  if (status === 403) return 'configuration.access-denied'
  if (status === 404) return 'configuration.no-such-bucket'
  if (status === 409 || status === 412) return 'unavailable.conflict'
  if (status === 408) return 'unavailable.timeout'
  if (status === 413) return 'configuration.too-large'
  if (status === 429) return 'unavailable.rate-limited'
  if (status === 501) return 'configuration.not-supported'
  if (status >= 500) return 'unavailable.server-error'
  return status >= 300 && status < 400 ? 'configuration.wrong-region' : 'configuration.refused'
}

/** What an answer other than success means. `writes` = it was an answer to a request that writes: where the store failed, the object may be there. */
export function s3Fault({ status, body }: S3Answer, writes: boolean): StoreFault {
  const code = errorCodeOf(body)
  const reason = (code === undefined ? undefined : reasons[code]) ?? (code?.startsWith('KMS.') ? 'configuration.encryption' : undefined)
  // told to go slower, or that it cannot be done: nothing was written; any other failure of the store may have come after the write
  const refusedBefore = code === 'SlowDown' || status === 501
  return new StoreFault(reason ?? reasonOfStatus(status), writes && status >= 500 && !refusedBefore)
}
