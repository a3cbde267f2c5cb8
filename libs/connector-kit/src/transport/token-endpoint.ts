import type { Clock } from '@heed/platform/clock'
import { importPKCS8, SignJWT } from 'jose'
import { Agent } from 'undici'
import { z } from 'zod'
import { CredentialError } from '../settings.ts'
import type { AccessToken } from './access-token.ts'
import { AuthenticationError } from './authentication.ts'
import { exchange } from './exchange.ts'
import { parseAddress } from './http.ts'

/** The fields of one request for a token: a grant. */
export type Grant = Readonly<Record<string, string>>

/** A token that was granted, and the refresh token that takes the place of the one used, where the server rotates them: keep it before the token is used. */
export interface GrantedToken extends AccessToken {
  readonly refreshToken?: string
}

/** Where tokens are asked for (RFC 6749, section 3.2). */
export interface TokenEndpoint {
  /** Asks for a token. Throws `AuthenticationError`: `auth.token-refused` where the server does not grant it, `unavailable.token-endpoint` where it cannot tell. */
  request(grant: Grant): Promise<GrantedToken>
}

const granted = z.object({
  access_token: z.string().min(1),
  token_type: z.string().optional(),
  expires_in: z.coerce.number().positive().optional(),
  refresh_token: z.string().min(1).optional(),
})
const refused = z.object({ error: z.string() })

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** The token endpoint at an address. Throws `SettingsError` for an address that is neither https nor on this machine. */
export function tokenEndpoint(address: string, options: { readonly clock: Clock; readonly timeoutMs?: number }): TokenEndpoint {
  const { clock, timeoutMs = 20_000 } = options
  const url = parseAddress('tokenUrl', address)

  const ask = async (grant: Grant) => {
    // tokens last for an hour: a connection of their own would only idle
    const agent = new Agent({ connections: 1, maxResponseSize: 64 * 1024 })
    try {
      const body = Buffer.from(new URLSearchParams(grant).toString())
      const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
      return await exchange(agent, { method: 'POST', url, headers, body }, { timeoutMs, signal: new AbortController().signal })
    } catch {
      throw new AuthenticationError('unavailable.token-endpoint', 'the token endpoint does not answer')
    } finally {
      await agent.destroy()
    }
  }

  return {
    request: async (grant) => {
      const begunAt = clock.now()
      const answer = await ask(grant)
      const json = jsonOf(answer.body)
      const token = answer.status === 200 ? granted.safeParse(json).data : undefined
      if (token === undefined) {
        // RFC 6749, section 5.2: what is refused has an error code; a server in trouble has none, or says so by its status
        const isRefusal = (answer.status === 400 || answer.status === 401 || answer.status === 403) && refused.safeParse(json).success
        throw isRefusal
          ? new AuthenticationError('auth.token-refused', 'the token endpoint refuses the credential')
          : new AuthenticationError('unavailable.token-endpoint', `the token endpoint answers ${answer.status} without a token`)
      }
      return {
        value: token.access_token,
        ...(token.expires_in === undefined ? {} : { expiresAt: begunAt + token.expires_in * 1000 }),
        ...(token.refresh_token === undefined ? {} : { refreshToken: token.refresh_token }),
      }
    },
  }
}

/** A refresh token for an access token (RFC 6749, section 6), the client named in the body. */
export function refreshTokenGrant(client: {
  readonly clientId: string
  readonly clientSecret?: string
  readonly refreshToken: string
  readonly scope?: string
}): Grant {
  const { clientId, clientSecret, refreshToken, scope } = client
  return {
    grant_type: 'refresh_token',
    client_id: clientId,
    ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
    refresh_token: refreshToken,
    ...(scope === undefined ? {} : { scope }),
  }
}

/** A signed assertion for an access token (RFC 7523, section 2.1), good for an hour. Throws `CredentialError` for a key that is no RSA key in PKCS #8. */
export async function jwtBearerGrant(
  signer: {
    readonly issuer: string
    /** PEM. */
    readonly privateKey: string
    readonly keyId?: string
    readonly audience: string
    readonly scope?: string
  },
  now: number,
): Promise<Grant> {
  const { issuer, privateKey, keyId, audience, scope } = signer
  const key = await importPKCS8(privateKey, 'RS256').catch(() => {
    throw new CredentialError('the private key of the credential cannot be read')
  })
  const issuedAt = Math.floor(now / 1000)
  const assertion = await new SignJWT(scope === undefined ? {} : { scope })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + 3600)
    .sign(key)
  return { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
}
