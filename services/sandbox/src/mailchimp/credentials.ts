import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { idOf } from './account.ts'
import { type Problem, problems } from './problems.ts'

/** The credentials that the account knows, and the data center that it lives in. */
export interface Credentials {
  readonly apiKey: string
  readonly oauthToken: string
  /** E.g. `us19`: what the key ends with and the host begins with. */
  readonly dataCenter: string
}

/** Demo credentials, the same for the same seed. They open nothing but this sandbox. */
export function demoCredentials(seed: string, dataCenter = 'us19'): Credentials {
  return { apiKey: `${idOf(`api-key/${seed}`, 32)}-${dataCenter}`, oauthToken: idOf(`oauth-token/${seed}`, 32), dataCenter }
}

/** The data center in an API key: what stands after its last hyphen. */
export function dataCenterOf(apiKey: string): string {
  return apiKey.slice(apiKey.lastIndexOf('-') + 1)
}

/** Why this request is not let in; `undefined` when it is. */
export function credentialProblem(headers: IncomingHttpHeaders, credentials: Credentials): Problem | undefined {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ')
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return equal(value, credentials.oauthToken) ? undefined : problems.apiKeyInvalid
    case 'basic': {
      const pair = Buffer.from(value, 'base64').toString('utf8')
      const colon = pair.indexOf(':')
      const apiKey = pair.slice(colon + 1)
      if (colon < 0 || apiKey === '') return problems.apiKeyMissing
      if (dataCenterOf(apiKey) !== askedDataCenter(headers.host ?? '', credentials)) return problems.apiKeyInvalid
      return equal(apiKey, credentials.apiKey) ? undefined : problems.apiKeyInvalid
    }
    default:
      return problems.apiKeyMissing
  }
}

// `us19.api.mailchimp.com`, or any name of that form that leads here; a host without a data center in it plays the account's own
function askedDataCenter(host: string, credentials: Credentials): string {
  const [label = ''] = host.split('.')
  return /^us\d+$/.test(label) ? label : credentials.dataCenter
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
