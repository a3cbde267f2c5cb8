import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HttpReply, HttpRequest } from '../frame/http-play.ts'
import { jsonReply } from '../frame/json.ts'
import { createTokenOffice, demoSecret, sameText } from '../frame/tokens.ts'
import type { Stage } from '../frame/vendor.ts'
import { googleError } from './errors.ts'
import { keptServiceAccount } from './service-account.ts'

/** Demo credentials of a Google API; they open nothing but this sandbox. */
export interface GoogleCredentials {
  /** An access token that does not end by itself, as of a service account. */
  readonly accessToken: string
  /** Where access tokens are got: `grant_type=refresh_token`, or a service account's assertion. */
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly refreshToken: string
  /** The cloud project, which tokens of a human must name in `x-goog-user-project`. */
  readonly projectId: string
  /** A service account's key file, as JSON text, and where it stands. */
  readonly serviceAccountKey: string
  readonly serviceAccountKeyPath: string
}

/** Signing in at Google, for one API. */
export interface GoogleSignIn {
  readonly credentials: GoogleCredentials
  /** The credentials for a client that reaches the sandbox under this origin. */
  credentialsAt(origin: string): GoogleCredentials
  /** Answers the token endpoint. */
  token(request: HttpRequest): HttpReply
  /** What the token endpoint says to revoked credentials. */
  refused(): HttpReply
  /** Why this request is not let in; `undefined` when it is. `wanted` narrows the API's scopes for one of its methods. */
  admit(request: HttpRequest, wanted?: readonly string[]): HttpReply | undefined
  /** Ends every access token that was got at the token endpoint. */
  recall(): void
}

/** Where the token endpoint stands below the vendor's mount. */
export const TOKEN_TEMPLATE = '/token'

const LIFETIME_SECONDS = 3599
const JWT_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
// the audience under which the real token endpoint is known to every client library
const REAL_TOKEN_URL = 'https://oauth2.googleapis.com/token'

/** What an API asks of those who sign in. */
export interface GoogleApi {
  /** Any of them opens it. */
  readonly scopes: readonly string[]
  /** Whether a token of a human opens it only together with `x-goog-user-project`. */
  readonly humansNameTheProject: boolean
}

/** Signing in for one API. */
export async function createGoogleSignIn(stage: Stage, { scopes, humansNameTheProject }: GoogleApi): Promise<GoogleSignIn> {
  const seed = `${stage.seed}/${stage.name}`
  const projectId = `heed-${demoSecret(seed, 'project', 6)}`
  const office = createTokenOffice(seed, 'ya29.', stage.clock.now)
  const account = await keptServiceAccount(stage.folder, seed, projectId)
  const tokenUrlAt = (origin: string): string => `${origin}/${stage.name}${TOKEN_TEMPLATE}`
  const credentialsAt = (origin: string): GoogleCredentials => ({
    accessToken: `ya29.demo-${demoSecret(seed, 'access-token')}`,
    tokenUrl: tokenUrlAt(origin),
    clientId: `${demoSecret(seed, 'client-id', 12)}.apps.googleusercontent.com`,
    clientSecret: `GOCSPX-${demoSecret(seed, 'client-secret', 28)}`,
    refreshToken: `1//${demoSecret(seed, 'refresh-token')}`,
    projectId,
    serviceAccountKey: account.keyFile(tokenUrlAt(origin)),
    serviceAccountKeyPath: join(stage.folder, 'service-account.json'),
  })
  const credentials = credentialsAt(stage.origin)
  writeFileSync(credentials.serviceAccountKeyPath, credentials.serviceAccountKey, { mode: 0o600 })

  const granted = (scope: string, human: boolean): HttpReply => {
    const token = office.issue({ scope, ...(human ? { human: 'yes' } : {}) }, LIFETIME_SECONDS)
    return jsonReply(200, { access_token: token, expires_in: LIFETIME_SECONDS, scope, token_type: 'Bearer' })
  }
  const denied = (error: string, description: string, status = 400): HttpReply =>
    jsonReply(status, { error, error_description: description })

  return {
    credentials,
    credentialsAt,
    recall: () => office.recall(),
    refused: () => denied('invalid_grant', 'Token has been expired or revoked.'),
    token({ headers, body }) {
      if (headers['content-type']?.startsWith('application/x-www-form-urlencoded') !== true)
        return denied('invalid_request', 'Required parameter is missing: grant_type')
      const form = new URLSearchParams(body.toString('utf8'))
      switch (form.get('grant_type')) {
        case 'refresh_token': {
          const known = sameText(form.get('client_id') ?? '', credentials.clientId)
          if (!known || !sameText(form.get('client_secret') ?? '', credentials.clientSecret))
            return denied('invalid_client', known ? 'Unauthorized' : 'The OAuth client was not found.', 401)
          if (!sameText(form.get('refresh_token') ?? '', credentials.refreshToken))
            return denied('invalid_grant', 'Token has been expired or revoked.')
          return granted(scopes.join(' '), true)
        }
        case JWT_GRANT: {
          const own = [stage.origin, ...(headers.host === undefined ? [] : [`http://${headers.host}`])].map(tokenUrlAt)
          // a client may follow the sandbox's turned clock or the wall's
          const times = [Date.now(), stage.clock.now()]
          const checked = account.check(form.get('assertion') ?? '', (audience) => [REAL_TOKEN_URL, ...own].includes(audience), times)
          return 'problem' in checked ? denied('invalid_grant', checked.problem) : granted(checked.scope, false)
        }
        case null:
          return denied('invalid_request', 'Required parameter is missing: grant_type')
        default:
          return denied('unsupported_grant_type', 'Invalid grant_type')
      }
    },
    admit({ headers, query }, wanted = scopes) {
      const [scheme = '', token = ''] = (headers.authorization ?? '').split(' ')
      const withKey = query.has('key') || headers['x-goog-api-key'] !== undefined
      if (scheme.toLowerCase() !== 'bearer' || token === '') {
        return withKey
          ? googleError('UNAUTHENTICATED', 'API keys are not supported by this API. Expected OAuth2 access token.', {
              reason: 'CREDENTIALS_MISSING',
            })
          : googleError('UNAUTHENTICATED', 'Request is missing required authentication credential.', { reason: 'CREDENTIALS_MISSING' })
      }
      if (sameText(token, credentials.accessToken)) return undefined
      const claims = office.check(token)
      if (typeof claims === 'string') return invalidToken()
      if (!wanted.some((scope) => claims.scope?.split(' ').includes(scope))) {
        return googleError('PERMISSION_DENIED', 'Request had insufficient authentication scopes.', {
          reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
        })
      }
      if (!humansNameTheProject || claims.human === undefined || headers['x-goog-user-project'] === projectId) return undefined
      return googleError('PERMISSION_DENIED', 'The API requires a quota project, which is not set or not yours.', {
        reason: headers['x-goog-user-project'] === undefined ? 'SERVICE_DISABLED' : 'USER_PROJECT_DENIED',
      })
    },
  }
}

/** What an API says to a token that it does not know, or no longer. */
export function invalidToken(): HttpReply {
  const message = 'Request had invalid authentication credentials. Expected OAuth 2 access token.'
  return googleError('UNAUTHENTICATED', message, { reason: 'ACCESS_TOKEN_EXPIRED' })
}
