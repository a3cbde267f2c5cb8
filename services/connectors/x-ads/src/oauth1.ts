import { createHmac, randomBytes } from 'node:crypto'
import type { Authentication, CredentialReference, Credentials } from '@heed/connector-kit'
import type { Clock } from '@heed/platform/clock'
import OAuth from 'oauth-1.0a'

/** The two pairs of an OAuth 1.0a credential: the app's and the user's. */
export interface OAuth1Keys {
  readonly consumerKey: string
  readonly consumerSecret: string
  readonly accessToken: string
  readonly accessTokenSecret: string
}

/** What makes one signature unlike any other. */
export interface OAuth1Moment {
  readonly nonce: string
  readonly timestampSeconds: number
}

/**
 * The `Authorization` header of a request (RFC 5849, HMAC-SHA1). A JSON body is no part of what is signed.
 * https://docs.x.com/x-ads-api/fundamentals/making-authenticated-requests
 */
export function oauth1Header(request: { readonly method: string; readonly url: string }, keys: OAuth1Keys, moment: OAuth1Moment): string {
  const signer = new OAuth({
    consumer: { key: keys.consumerKey, secret: keys.consumerSecret },
    signature_method: 'HMAC-SHA1',
    hash_function: (base, key) => createHmac('sha1', key).update(base).digest('base64'),
  })
  // the library's own nonce comes from Math.random, its time from the machine
  signer.getNonce = () => moment.nonce
  signer.getTimeStamp = () => moment.timestampSeconds
  const { method, url } = request
  return signer.toHeader(signer.authorize({ method, url }, { key: keys.accessToken, secret: keys.accessTokenSecret })).Authorization
}

/** Signs each try of a request with a new nonce and the time of that try. The keys are read anew, so that rotated ones need no restart. */
export function oauth1Authentication(
  credentials: Credentials,
  references: Readonly<Record<keyof OAuth1Keys, CredentialReference>>,
  clock: Clock,
): Authentication {
  return {
    headers: async ({ method, url }) => {
      const [consumerKey, consumerSecret, accessToken, accessTokenSecret] = await Promise.all([
        credentials.read(references.consumerKey),
        credentials.read(references.consumerSecret),
        credentials.read(references.accessToken),
        credentials.read(references.accessTokenSecret),
      ])
      const keys = { consumerKey, consumerSecret, accessToken, accessTokenSecret }
      const moment = { nonce: randomBytes(16).toString('hex'), timestampSeconds: Math.floor(clock.now() / 1000) }
      return { authorization: oauth1Header({ method, url: url.href }, keys, moment) }
    },
  }
}
