import {
  accessTokenAuthentication,
  allAuthentications,
  askedBeside,
  fetchByRefreshToken,
  headerAuthentication,
  httpTransport,
  type Transport,
  type TransportTools,
  tokenEndpoint,
} from '@heed/connector-kit'
import { isTokenError, reportOf } from './answers.ts'
import type { MicrosoftAdsSettings } from './settings.ts'
import { unlistedLists } from './unlisted-lists.ts'

const scope = 'https://ads.microsoft.com/msads.manage offline_access'

/**
 * How requests reach one account. The access token is fetched by the refresh token, whose successor is in its file before the access token is used. An error that
 * says that the token is no good is worth a new token and one more try, whatever the status that it comes with.
 */
export function connect(settings: MicrosoftAdsSettings, { credentials, descriptor, clock, log, recipientId }: TransportTools): Transport {
  const { clientId, clientSecret, developerToken } = settings.credentials
  const fetchToken = fetchByRefreshToken({
    endpoint: tokenEndpoint(settings.tokenUrl, { clock }),
    credentials,
    clientId,
    ...(clientSecret === undefined ? {} : { clientSecret }),
    refreshToken: `file:${settings.refreshTokenFile}`,
    scope,
  })
  const bearer = accessTokenAuthentication(async () => {
    const token = await fetchToken()
    log.info({ recipientId }, 'access-token.fetched')
    return token
  }, clock)
  const authentication = allAuthentications(bearer, headerAuthentication(credentials, 'DeveloperToken', developerToken))
  const transport = httpTransport({ baseUrl: settings.baseUrl, descriptor, authentication })
  const renewing: Transport = {
    send: async (request, options) => {
      const answer = await transport.send(request, options)
      // after a 401 the transport has done this already
      if (answer.via !== 'http' || answer.status === 401) return answer
      if (!reportOf(answer.body)?.errors.some(({ code }) => isTokenError(code))) return answer
      await bearer.renew?.()
      return transport.send(request, options)
    },
    close: () => transport.close(),
  }
  if (!settings.checkAudiences) return renewing
  const question = unlistedLists(settings, (audiences) => log.error({ recipientId, audiences }, 'microsoft-ads.lists-not-told'))
  return askedBeside(renewing, question, { clock, log })
}
