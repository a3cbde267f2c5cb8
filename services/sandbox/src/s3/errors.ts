import { randomBytes } from 'node:crypto'
import type { HttpReply } from '../frame/http-play.ts'

/** An error in S3's words. */
export interface S3Error {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** The errors that are played, with the status that Amazon's table gives each. */
export const errors = {
  accessDenied: { status: 403, code: 'AccessDenied', message: 'Access Denied' },
  malformedAuthorization: { status: 400, code: 'AuthorizationHeaderMalformed', message: 'The authorization header is malformed' },
  wrongRegion: { status: 400, code: 'AuthorizationHeaderMalformed', message: 'The authorization header is malformed; the region is wrong' },
  unknownKey: { status: 403, code: 'InvalidAccessKeyId', message: 'The access key Id you provided does not exist in our records.' },
  wrongSignature: {
    status: 403,
    code: 'SignatureDoesNotMatch',
    message: 'The request signature we calculated does not match the signature you provided.',
  },
  headersNotSigned: { status: 403, code: 'AccessDenied', message: 'There were headers present in the request which were not signed' },
  noContentHash: { status: 400, code: 'InvalidRequest', message: 'Missing required header for this request: x-amz-content-sha256' },
  invalidToken: { status: 400, code: 'InvalidToken', message: 'The provided token is malformed or otherwise invalid.' },
  expiredToken: { status: 400, code: 'ExpiredToken', message: 'The provided token has expired.' },
  tooSkewed: {
    status: 403,
    code: 'RequestTimeTooSkewed',
    message: 'The difference between the request time and the current time is too large.',
  },
  noSuchBucket: { status: 404, code: 'NoSuchBucket', message: 'The specified bucket does not exist' },
  noSuchKey: { status: 404, code: 'NoSuchKey', message: 'The specified key does not exist.' },
  methodNotAllowed: { status: 405, code: 'MethodNotAllowed', message: 'The specified method is not allowed against this resource.' },
  preconditionFailed: {
    status: 412,
    code: 'PreconditionFailed',
    message: 'At least one of the pre-conditions you specified did not hold',
  },
  conflict: { status: 409, code: 'ConditionalRequestConflict', message: 'A conflicting operation occurred during this request.' },
  contentHash: {
    status: 400,
    code: 'XAmzContentSHA256Mismatch',
    message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
  },
  badDigest: { status: 400, code: 'BadDigest', message: 'The checksum you specified did not match what we received.' },
  incompleteBody: { status: 400, code: 'IncompleteBody', message: 'The request body terminated unexpectedly' },
  missingLength: { status: 411, code: 'MissingContentLength', message: 'You must provide the Content-Length HTTP header.' },
  tooLarge: { status: 400, code: 'EntityTooLarge', message: 'Your proposed upload exceeds the maximum allowed object size.' },
  notImplemented: { status: 501, code: 'NotImplemented', message: 'A header you provided implies functionality that is not implemented' },
  invalidArgument: { status: 400, code: 'InvalidArgument', message: 'Invalid Argument' },
  slowDown: { status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' },
  internal: { status: 500, code: 'InternalError', message: 'We encountered an internal error. Please try again.' },
} as const satisfies Readonly<Record<string, S3Error>>

/** Text in XML. */
export const inXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The answer that says the error. */
export function refusal({ status, code, message }: S3Error): HttpReply {
  const requestId = randomBytes(8).toString('hex').toUpperCase()
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${inXml(message)}</Message><RequestId>${requestId}</RequestId></Error>`
  return { status, headers: { 'content-type': 'application/xml', 'x-amz-request-id': requestId }, body, remark: code }
}
