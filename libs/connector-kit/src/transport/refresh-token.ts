import type { CredentialReference, Credentials } from '../contract.ts'
import { CredentialError } from '../settings.ts'
import type { AccessToken } from './access-token.ts'
import { refreshTokenGrant, type TokenEndpoint } from './token-endpoint.ts'

/** Whose refresh token it is, and where it is kept. */
export interface RefreshTokenOptions {
  readonly endpoint: TokenEndpoint
  readonly credentials: Credentials
  readonly clientId: CredentialReference
  /** Absent for an app without a secret. */
  readonly clientSecret?: CredentialReference
  /** A `file:` reference where the server gives a new one with each access token: what is given is written there. */
  readonly refreshToken: CredentialReference
  readonly scope?: string
}

/** What is known about one refresh token in this process. */
interface Keeping {
  /** The last use of it, ended or not. */
  last: Promise<unknown>
  /** Given by the server and not yet kept. */
  unkept?: string
}

// Several recipients may share an account: one refresh token has one user at a time in a process, whoever asks.
const kept = new WeakMap<Credentials, Map<CredentialReference, Keeping>>()

function keepingOf(credentials: Credentials, reference: CredentialReference): Keeping {
  const references = kept.get(credentials) ?? new Map<CredentialReference, Keeping>()
  kept.set(credentials, references)
  const keeping = references.get(reference) ?? { last: Promise.resolve() }
  references.set(reference, keeping)
  return keeping
}

/**
 * Fetches an access token by a refresh token (RFC 6749, section 6). A refresh token that the server gives in its place is kept before the access token is handed
 * out, so that no crash can lose the only one that works; one that cannot be kept is held and tried again, and no access token is given until it is.
 * Throws `CredentialError` where a part is missing or cannot be kept, and what the endpoint throws.
 */
export function fetchByRefreshToken(options: RefreshTokenOptions): () => Promise<AccessToken> {
  const { endpoint, credentials, clientId, clientSecret, refreshToken: reference, scope } = options
  const keeping = keepingOf(credentials, reference)

  const keep = async (refreshToken: string): Promise<void> => {
    keeping.unkept = refreshToken
    try {
      await credentials.replace(reference, refreshToken)
    } catch (thrown) {
      if (thrown instanceof CredentialError) throw thrown
      throw new CredentialError('the new refresh token cannot be written to its file')
    }
    delete keeping.unkept
  }

  const fetch = async (): Promise<AccessToken> => {
    if (keeping.unkept !== undefined) await keep(keeping.unkept)
    const refreshToken = await credentials.read(reference)
    const secret = clientSecret === undefined ? {} : { clientSecret: await credentials.read(clientSecret) }
    const grant = refreshTokenGrant({
      clientId: await credentials.read(clientId),
      ...secret,
      refreshToken,
      ...(scope === undefined ? {} : { scope }),
    })
    const { refreshToken: given, ...token } = await endpoint.request(grant)
    if (given !== undefined && given !== refreshToken) await keep(given)
    return token
  }

  return () => {
    const mine = keeping.last.then(fetch, fetch)
    keeping.last = mine.catch(() => undefined)
    return mine
  }
}
