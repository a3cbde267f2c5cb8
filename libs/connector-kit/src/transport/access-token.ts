import type { Clock } from '@heed/platform/clock'
import type { Authentication } from './authentication.ts'

/** A bearer token and how long it is good. */
export interface AccessToken {
  readonly value: string
  /** When it ends, ms since the epoch. Absent where nobody said: it is then not kept, but asked for with each request. */
  readonly expiresAt?: number
}

// before its end, so that a request does not arrive with a token that ended on the way
const longestMarginMs = 60_000

/**
 * A bearer token (RFC 6750) that has to be fetched: it is kept until shortly before its end, fetched once for all who wait, and fetched anew after a 401.
 * What `fetchToken` throws reaches the transport: `AuthenticationError` says why there is no token.
 */
export function accessTokenAuthentication(fetchToken: () => Promise<AccessToken>, clock: Clock): Authentication {
  let held: { readonly value: string; readonly until: number } | undefined
  let fetching: Promise<string> | undefined

  const fetchOnce = async (): Promise<string> => {
    const begunAt = clock.now()
    const { value, expiresAt } = await fetchToken()
    held = expiresAt === undefined ? undefined : { value, until: expiresAt - Math.min(longestMarginMs, (expiresAt - begunAt) / 10) }
    return value
  }

  const token = async (): Promise<string> => {
    if (held !== undefined && held.until > clock.now()) return held.value
    fetching ??= fetchOnce().finally(() => {
      fetching = undefined
    })
    return fetching
  }

  return {
    headers: async () => ({ authorization: `Bearer ${await token()}` }),
    renew: async () => {
      held = undefined
      return true
    },
  }
}
