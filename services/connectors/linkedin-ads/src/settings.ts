import { SettingsError } from '@heed/connector-kit'
import { z } from 'zod'

const reference = (what: string) =>
  z.string({ error: `names ${what}` }).regex(/^(?:env|file):.+/, `names ${what} as env:NAME or file:/path`)
const address = (usual: string) =>
  z
    .url({ protocol: /^https?$/, error: `must be an address such as ${usual}` })
    .default(usual)
    .transform((url) => url.replace(/\/+$/, ''))

const shape = z.strictObject({
  baseUrl: address('https://api.linkedin.com'),
  /** Where access tokens are asked for. */
  tokenUrl: address('https://www.linkedin.com/oauth/v2/accessToken'),
  /** Where the parts of the OAuth 2.0 credential are kept; never the parts. */
  credentials: z.strictObject({
    clientId: reference("the app's id"),
    clientSecret: reference("the app's secret"),
    refreshToken: reference("the refresh token of the account's member"),
  }),
  /** `YYYYMM`. Each version lives for at least twelve months. */
  apiVersion: z.string().regex(/^20\d\d(?:0[1-9]|1[0-2])$/, 'must be a version such as 202607, in quotes'),
  segments: z.array(z.string().regex(/^\d{1,20}$/, 'must be the id of a DMP segment, in quotes')).min(1, 'needs at least one segment'),
  /** The most elements in one request: what integrators use; the vendor names no figure. */
  maxElements: z.coerce.number().int().min(1).max(10_000).default(5_000),
  /** Of the 600 that the vendor allows a member; older pages say 500. */
  requestsPerMinute: z.coerce.number().int().min(1).max(600).default(500),
  concurrentRequests: z.coerce.number().int().min(1).max(10).default(4),
})

/** The settings of one LinkedIn advertising account, from the policy file. */
export type LinkedinAdsSettings = z.output<typeof shape>

/** The settings, checked. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): LinkedinAdsSettings {
  const checked = shape.safeParse(settings)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
}
