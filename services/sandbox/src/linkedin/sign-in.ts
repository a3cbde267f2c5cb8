import type { HttpReply, HttpRequest } from '../frame/http-play.ts'
import { jsonReply } from '../frame/json.ts'
import { createTokenOffice, demoSecret, sameText } from '../frame/tokens.ts'
import type { Stage } from '../frame/vendor.ts'
import { restErrors, restRefusal } from './replies.ts'

/** Demo credentials, as of a member of the ad account; they open nothing but this sandbox. */
export interface LinkedinCredentials {
  /** An access token that does not end by itself. */
  readonly accessToken: string
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly refreshToken: string
}

/** Signing in at LinkedIn. */
export interface LinkedinSignIn {
  credentialsAt(origin: string): LinkedinCredentials
  token(request: HttpRequest): HttpReply
  refused(): HttpReply
  admit(request: HttpRequest): HttpReply | undefined
  recall(): void
}

/** Where the token endpoint stands below the vendor's mount. */
export const TOKEN_TEMPLATE = '/oauth/v2/accessToken'

const DAY_SECONDS = 86_400
const ACCESS_SECONDS = 60 * DAY_SECONDS
const REFRESH_SECONDS = 365 * DAY_SECONDS

/** Signing in with one member's tokens: access for 60 days, renewed for a year. */
export function createLinkedinSignIn(stage: Stage): LinkedinSignIn {
  const seed = `${stage.seed}/${stage.name}`
  const office = createTokenOffice(seed, 'AQ', stage.clock.now)
  const startedAt = stage.clock.now()
  const known = {
    accessToken: `AQ-demo-${demoSecret(seed, 'access-token')}`,
    clientId: demoSecret(seed, 'client-id', 14),
    clientSecret: demoSecret(seed, 'client-secret', 16),
    refreshToken: `AQ-refresh-${demoSecret(seed, 'refresh-token')}`,
  }
  const denied = (error: string, description: string, status = 400): HttpReply =>
    jsonReply(status, { error, error_description: description })
  const refused = (): HttpReply =>
    denied('invalid_request', 'The provided authorization grant or refresh token is invalid, expired or revoked')

  return {
    credentialsAt: (origin) => ({ ...known, tokenUrl: `${origin}/${stage.name}${TOKEN_TEMPLATE}` }),
    refused,
    recall: () => office.recall(),
    token({ headers, body }) {
      if (headers['content-type']?.startsWith('application/x-www-form-urlencoded') !== true)
        return denied('invalid_request', 'A required parameter "grant_type" is missing')
      const form = new URLSearchParams(body.toString('utf8'))
      if (form.get('grant_type') !== 'refresh_token') return denied('unsupported_grant_type', 'The grant type is not supported')
      const isClient =
        sameText(form.get('client_id') ?? '', known.clientId) && sameText(form.get('client_secret') ?? '', known.clientSecret)
      if (!isClient) return denied('invalid_client', 'Client authentication failed', 401)
      const secondsLeft = REFRESH_SECONDS - Math.floor((stage.clock.now() - startedAt) / 1000)
      if (secondsLeft <= 0 || !sameText(form.get('refresh_token') ?? '', known.refreshToken)) return refused()
      return jsonReply(200, {
        access_token: office.issue({}, ACCESS_SECONDS),
        expires_in: ACCESS_SECONDS,
        refresh_token: known.refreshToken,
        refresh_token_expires_in: secondsLeft,
        scope: 'rw_dmp_segments',
      })
    },
    admit({ headers }) {
      const [scheme = '', token = ''] = (headers.authorization ?? '').split(' ')
      if (scheme.toLowerCase() !== 'bearer' || token === '') return restRefusal(restErrors.noToken)
      if (sameText(token, known.accessToken)) return undefined
      const claims = office.check(token)
      if (claims === 'expired') return restRefusal(restErrors.expiredToken)
      return claims === 'unknown' ? restRefusal(restErrors.badToken) : undefined
    },
  }
}
