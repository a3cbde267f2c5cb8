import { createHmac } from 'node:crypto'
import { type Authentication, bearerAuthentication, type CredentialReference, type Credentials } from '@heed/connector-kit'

/**
 * The token in its header, and never in an address. With the app's secret a proof joins the body: HMAC-SHA256 of the token, in lower-case hex
 * (https://developers.facebook.com/docs/graph-api/guides/secure-requests).
 */
export function metaAuthentication(credentials: Credentials, token: CredentialReference, appSecret?: CredentialReference): Authentication {
  const bearer = bearerAuthentication(credentials, token)
  if (appSecret === undefined) return bearer
  return {
    ...bearer,
    fields: async () => {
      const [key, text] = await Promise.all([credentials.read(appSecret), credentials.read(token)])
      return { appsecret_proof: createHmac('sha256', key).update(text).digest('hex') }
    },
  }
}
