import { SettingsError } from '@heed/connector-kit'
import { z } from 'zod'

const reference = (what: string) =>
  z.string({ error: `names ${what}` }).regex(/^(?:env|file):.+/, `names ${what} as env:NAME or file:/path`)
const address = (usual: string) =>
  z
    .url({ protocol: /^https?$/, error: `must be an address such as ${usual}` })
    .default(usual)
    .transform((url) => url.replace(/\/+$/, ''))
// 64 bits: never a number, whose last digits would be lost
const id = (what: string) => z.string({ error: `must be ${what}, in quotes` }).regex(/^\d{1,19}$/, `must be ${what}, in quotes`)

const shape = z.strictObject({
  baseUrl: address('https://campaign.api.bingads.microsoft.com'),
  /** Where access tokens are asked for. */
  tokenUrl: address('https://login.microsoftonline.com/common/oauth2/v2.0/token'),
  /** Where the parts of the credential are kept; never the parts. */
  credentials: z.strictObject({
    clientId: reference("the app's id"),
    /** Absent for an app that has none. */
    clientSecret: reference("the app's secret").optional(),
    developerToken: reference('the developer token'),
  }),
  /** The file that holds the refresh token. Microsoft gives a new one with each access token, so it is written too. */
  refreshTokenFile: z
    .string({ error: 'names the file that holds the refresh token' })
    .regex(/^\/./, 'must be a path that begins with /: the refresh token is written to it'),
  customerId: id('the id of the manager customer'),
  customerAccountId: id('the id of the account'),
  /** Every customer list of the account: the vendor has no call that takes a person out of all at once. */
  audiences: z.array(id('the id of a customer list')).min(1, 'needs at least one customer list'),
  /** Looks once a day whether the account has a customer list that is not among these: whoever opts out would stay on it. */
  checkAudiences: z.boolean().default(true),
  /** The vendor publishes no figure; it counts by user and customer in a sliding minute. */
  requestsPerMinute: z.coerce.number().int().min(1).max(600).default(60),
  concurrentRequests: z.coerce.number().int().min(1).max(2, 'at most two requests of one account may be in flight').default(2),
})

/** The settings of one Microsoft Advertising account, from the policy file. */
export type MicrosoftAdsSettings = z.output<typeof shape>

/** The settings, checked. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): MicrosoftAdsSettings {
  const checked = shape.safeParse(settings)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
}
