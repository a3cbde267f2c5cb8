import { HeedError } from '@heed/platform/errors'
import type { CredentialReference, Credentials, NoAnswer } from '../contract.ts'

/** Credentials could not be had, so the request is not sent. The reason says whose fault that is and becomes the outcome's; the message holds no secret. */
export class AuthenticationError extends HeedError {
  declare readonly reason: NoAnswer['reason']

  constructor(reason: NoAnswer['reason'], message: string) {
    super(reason, message)
  }
}

/** A request as it is about to leave, for authentications that sign it: the exact bytes, serialised once. */
export interface OutgoingRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

/** Adds credentials to requests. */
export interface Authentication {
  /**
   * The headers to add to this try of a request. Called for each try, so that a time or a nonce is always new and a rotated credential is found.
   * Throws `CredentialError` where a credential is missing and `AuthenticationError` where one cannot be had: the request is then not sent.
   */
  headers(request: OutgoingRequest): Promise<Readonly<Record<string, string>>>
  /**
   * Fields to add to the body, for vendors that want a proof beside the payload. They join a JSON object or a form before it is serialised, so that `headers`
   * sees the bytes that leave; a request with any other body, or none, goes without. Throws as `headers` does.
   */
  fields?(): Promise<Readonly<Record<string, string>>>
  /**
   * After a 401: true where `headers` may now give something else, e.g. a new access token; the request is then sent once more. Absent = the answer stands.
   * Throws `CredentialError` where renewing failed for good.
   */
  renew?(): Promise<boolean>
}

/** HTTP Basic (RFC 7617) with a fixed user name and the credential as the password. */
export function basicAuthentication(credentials: Credentials, user: string, password: CredentialReference): Authentication {
  return {
    headers: async () => ({ authorization: `Basic ${Buffer.from(`${user}:${await credentials.read(password)}`).toString('base64')}` }),
  }
}

/** A bearer token (RFC 6750) that is the credential itself. */
export function bearerAuthentication(credentials: Credentials, token: CredentialReference): Authentication {
  return { headers: async () => ({ authorization: `Bearer ${await credentials.read(token)}` }) }
}

/** The credential as the value of one header, for vendors with a header of their own. */
export function headerAuthentication(credentials: Credentials, header: string, value: CredentialReference): Authentication {
  return { headers: async () => ({ [header.toLowerCase()]: await credentials.read(value) }) }
}

/** All of several, for vendors that want more than one. */
export function allAuthentications(...parts: readonly Authentication[]): Authentication {
  const renewable = parts.filter((part) => part.renew !== undefined)
  const proving = parts.filter((part) => part.fields !== undefined)
  return {
    headers: async (request) => Object.assign({}, ...(await Promise.all(parts.map((part) => part.headers(request))))),
    ...(proving.length === 0
      ? {}
      : { fields: async () => Object.assign({}, ...(await Promise.all(proving.map((part) => part.fields?.() ?? {})))) }),
    ...(renewable.length === 0
      ? {}
      : { renew: async () => (await Promise.all(renewable.map((part) => part.renew?.() ?? false))).some((renewed) => renewed) }),
  }
}
