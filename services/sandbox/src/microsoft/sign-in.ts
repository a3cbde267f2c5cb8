import type { IncomingHttpHeaders } from 'node:http'
import type { HttpReply, HttpRequest } from '../frame/http-play.ts'
import { jsonReply } from '../frame/json.ts'
import { createTokenOffice, demoSecret, sameText } from '../frame/tokens.ts'
import type { Stage } from '../frame/vendor.ts'
import { type AdsError, adsErrors } from './fault-details.ts'

/** Demo credentials; they open nothing but this sandbox. */
export interface MicrosoftCredentials {
  /** An access token that does not end by itself. */
  readonly accessToken: string
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly refreshToken: string
  readonly developerToken: string
}

/** Whether the token endpoint gives a new refresh token each time, and whether the one before then ends. */
export type Rotation = 'never' | 'keeps-old' | 'ends-old'

/** Signing in at Microsoft. */
export interface MicrosoftSignIn {
  credentialsAt(origin: string): MicrosoftCredentials
  token(request: HttpRequest): HttpReply
  refused(): HttpReply
  /** What is wrong with the credentials in these headers. */
  problemIn(headers: IncomingHttpHeaders): AdsError | undefined
  recall(): void
  /** Makes the first refresh token good again. */
  reset(): void
}

/** Where the token endpoint stands below the vendor's mount. */
export const TOKEN_TEMPLATE = '/common/oauth2/v2.0/token'

const SCOPE = 'https://ads.microsoft.com/msads.manage'
const ACCESS_SECONDS = 3599
const REFRESH_SECONDS = 90 * 86_400

/** Signing in for one person and one app. */
export function createMicrosoftSignIn(stage: Stage, rotation: () => Rotation): MicrosoftSignIn {
  const seed = `${stage.seed}/${stage.name}`
  const { now } = stage.clock
  const access = createTokenOffice(`${seed}/access`, 'EwB', now)
  const refresh = createTokenOffice(`${seed}/refresh`, 'M.C5', now)
  const known = {
    accessToken: `EwB-demo-${demoSecret(seed, 'access-token')}`,
    clientId: demoSecret(seed, 'client-id', 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    clientSecret: demoSecret(seed, 'client-secret'),
    refreshToken: `M.C5-demo-${demoSecret(seed, 'refresh-token')}`,
    developerToken: demoSecret(seed, 'developer-token', 16).toUpperCase(),
  }
  // the only one that is good, once the one before was ended
  let only: string | undefined
  const denied = (error: string, description: string, status = 400): HttpReply =>
    jsonReply(status, { error, error_description: description, error_codes: [Number(/AADSTS(\d+)/.exec(description)?.[1] ?? 0)] })
  const refused = (): HttpReply => denied('invalid_grant', 'AADSTS70000: The provided value for the refresh token is not valid.')

  const isGood = (token: string): boolean => {
    if (only !== undefined) return sameText(token, only)
    return sameText(token, known.refreshToken) || typeof refresh.check(token) === 'object'
  }
  return {
    credentialsAt: (origin) => ({ ...known, tokenUrl: `${origin}/${stage.name}${TOKEN_TEMPLATE}` }),
    refused,
    recall: () => access.recall(),
    reset() {
      only = undefined
    },
    token({ headers, body }) {
      if (headers['content-type']?.startsWith('application/x-www-form-urlencoded') !== true)
        return denied('invalid_request', 'AADSTS900144: The request body must contain the parameter grant_type.')
      const form = new URLSearchParams(body.toString('utf8'))
      if (form.get('grant_type') !== 'refresh_token')
        return denied('unsupported_grant_type', 'AADSTS70003: The app requested an unsupported grant type.')
      if (!sameText(form.get('client_id') ?? '', known.clientId))
        return denied('unauthorized_client', 'AADSTS700016: The application was not found.')
      if (!sameText(form.get('client_secret') ?? '', known.clientSecret))
        return denied('invalid_client', 'AADSTS7000215: Invalid client secret provided.', 401)
      if (form.get('scope')?.split(' ').includes(SCOPE) !== true) return denied('invalid_scope', 'AADSTS70011: The scope is not valid.')
      const sent = form.get('refresh_token') ?? ''
      if (!isGood(sent)) return refused()
      const next = rotation() === 'never' ? undefined : refresh.issue({}, REFRESH_SECONDS)
      if (rotation() === 'ends-old') only = next
      return jsonReply(200, {
        token_type: 'Bearer',
        scope: SCOPE,
        expires_in: ACCESS_SECONDS,
        ext_expires_in: ACCESS_SECONDS,
        access_token: access.issue({}, ACCESS_SECONDS),
        ...(next === undefined ? {} : { refresh_token: next }),
      })
    },
    problemIn(headers) {
      const [scheme = '', token = ''] = (headers.authorization ?? '').split(' ')
      const developerToken = headers.developertoken
      if (typeof developerToken !== 'string') return adsErrors.missingHeader
      if (scheme.toLowerCase() !== 'bearer' || !sameText(developerToken, known.developerToken)) return adsErrors.invalidCredentials
      if (sameText(token, known.accessToken)) return undefined
      const claims = access.check(token)
      if (claims === 'expired') return adsErrors.expiredToken
      return claims === 'unknown' ? adsErrors.invalidCredentials : undefined
    },
  }
}
