import type { CredentialReference, Credentials } from '../contract.ts'

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
   * Throws `CredentialError` where a credential is missing: the request is then not sent.
   */
  headers(request: OutgoingRequest): Promise<Readonly<Record<string, string>>>
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
  return {
    headers: async (request) => Object.assign({}, ...(await Promise.all(parts.map((part) => part.headers(request))))),
    ...(renewable.length === 0
      ? {}
      : { renew: async () => (await Promise.all(renewable.map((part) => part.renew?.() ?? false))).some((renewed) => renewed) }),
  }
}
