import type { NoAnswer } from '../contract.ts'

/** A request without an answer. Carries the cause's code and nothing of the request. */
export class RequestFailure extends Error {
  override readonly name = 'RequestFailure'
  /** Whether the request had been begun on a connection, so that it may have been applied. */
  readonly sent: boolean
  readonly code: string

  constructor(sent: boolean, cause: unknown) {
    const code = codeOf(cause)
    super(`no answer (${code})`)
    this.sent = sent
    this.code = code
  }
}

function codeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return 'UNKNOWN'
  const { code, cause: inner, errors, name } = cause as { code?: unknown; cause?: unknown; errors?: unknown; name?: unknown }
  if (typeof code === 'string') return code
  if (name === 'HTTPParserError') return 'HPE_UNKNOWN'
  // several addresses of one host were tried: the last one's code stands for all
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors.at(-1))
  return inner === undefined ? 'UNKNOWN' : codeOf(inner)
}

const reasons: Readonly<Record<string, NoAnswer['reason']>> = {
  ENOTFOUND: 'unavailable.dns',
  EAI_AGAIN: 'unavailable.dns',
  EAI_FAIL: 'unavailable.dns',
  ECONNREFUSED: 'unavailable.refused',
  EHOSTUNREACH: 'unavailable.unreachable',
  ENETUNREACH: 'unavailable.unreachable',
  ETIMEDOUT: 'unavailable.timeout',
  HEED_TIMEOUT: 'unavailable.timeout',
  HEED_STOPPED: 'unavailable.stopped',
  UND_ERR_CONNECT_TIMEOUT: 'unavailable.timeout',
  UND_ERR_HEADERS_TIMEOUT: 'unavailable.timeout',
  UND_ERR_BODY_TIMEOUT: 'unavailable.timeout',
  ECONNRESET: 'unavailable.reset',
  EPIPE: 'unavailable.reset',
  UND_ERR_SOCKET: 'unavailable.reset',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'unavailable.answer-too-long',
  UND_ERR_INVALID_ARG: 'configuration.request-malformed',
  HEED_ADDRESS_REFUSED: 'configuration.address-refused',
  HEED_CREDENTIAL_MISSING: 'configuration.credential-missing',
}

const certificate = /^(?:CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO|ERR_SSL_)/

/** What a failure is called in outcomes. TLS faults count as unavailable: a vendor's certificate is the vendor's to mend, and is retried. */
export function reasonOf(failure: RequestFailure): NoAnswer['reason'] {
  const known = reasons[failure.code]
  if (known !== undefined) return known
  if (certificate.test(failure.code)) return 'unavailable.tls'
  return failure.code.startsWith('HPE_') ? 'unavailable.malformed-answer' : 'unavailable.no-answer'
}
