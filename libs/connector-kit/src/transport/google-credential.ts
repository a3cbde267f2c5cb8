import { type Clock, systemClock } from '@heed/platform/clock'
import { z } from 'zod'
import type { CredentialReference, Credentials } from '../contract.ts'
import { CredentialError } from '../settings.ts'
import { accessTokenAuthentication } from './access-token.ts'
import type { Authentication } from './authentication.ts'
import { jwtBearerGrant, refreshTokenGrant, tokenEndpoint } from './token-endpoint.ts'

/** Google's own token endpoint (https://developers.google.com/identity/protocols/oauth2/service-account). */
const googleTokenUrl = 'https://oauth2.googleapis.com/token'

const keyFile = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('service_account'),
    client_email: z.string().min(1),
    private_key: z.string().min(1),
    private_key_id: z.string().min(1).optional(),
    token_uri: z.url().optional(),
  }),
  z.object({
    type: z.literal('authorized_user'),
    client_id: z.string().min(1),
    client_secret: z.string().min(1),
    refresh_token: z.string().min(1),
  }),
])

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Google's OAuth 2.0 for servers. The credential is the JSON of a service account's key, or of a user's refresh token as `gcloud` writes it
 * (`authorized_user`), or an access token by itself, which something else keeps fresh: a token is then read with each request.
 * `tokenUrl` goes before the address in the key file; what the assertion is addressed to stays what the key file says.
 */
export function googleAuthentication(options: {
  readonly credentials: Credentials
  readonly credential: CredentialReference
  readonly scope: string
  readonly tokenUrl?: string
  readonly clock: Clock
  /** Dates the assertion. The machine's clock unless told: Google holds it against its own. */
  readonly signingClock?: Clock
}): Authentication {
  const { credentials, credential, scope, tokenUrl, clock, signingClock = systemClock } = options
  return accessTokenAuthentication(async () => {
    const text = await credentials.read(credential)
    const json = jsonOf(text)
    if (json === undefined && /^[\x21-\x7e]+$/.test(text)) return { value: text }
    const key = keyFile.safeParse(json).data
    if (key === undefined)
      throw new CredentialError('the credential is neither a key file of Google (service_account, authorized_user) nor a token')
    switch (key.type) {
      case 'service_account': {
        const audience = key.token_uri ?? googleTokenUrl
        const signer = {
          issuer: key.client_email,
          privateKey: key.private_key,
          audience,
          scope,
          ...(key.private_key_id === undefined ? {} : { keyId: key.private_key_id }),
        }
        return tokenEndpoint(tokenUrl ?? audience, { clock }).request(await jwtBearerGrant(signer, signingClock.now()))
      }
      case 'authorized_user':
        return tokenEndpoint(tokenUrl ?? googleTokenUrl, { clock }).request(
          // the scope of a refresh token was fixed when the user consented
          refreshTokenGrant({ clientId: key.client_id, clientSecret: key.client_secret, refreshToken: key.refresh_token }),
        )
      default:
        return key satisfies never
    }
  }, clock)
}
