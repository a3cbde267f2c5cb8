import { SettingsError } from '@heed/connector-kit'
import { z } from 'zod'

const reference = (what: string) =>
  z.string({ error: `names ${what}` }).regex(/^(?:env|file):.+/, `names ${what} as env:NAME or file:/path`)
// base 36 text, not a number (https://docs.x.com/x-ads-api/audiences/reference)
const id = (what: string) => z.string().regex(/^[0-9a-z]{1,20}$/, `must be the id of ${what}`)

const shape = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'must be an address such as https://ads-api.x.com' })
    .default('https://ads-api.x.com')
    .transform((url) => url.replace(/\/+$/, '')),
  /** Where the four parts of an OAuth 1.0a credential are kept; never the parts. */
  credentials: z.strictObject({
    consumerKey: reference("the app's key"),
    consumerSecret: reference("the app's secret"),
    accessToken: reference("the user's token"),
    accessTokenSecret: reference("the secret of the user's token"),
  }),
  accountId: id('an advertising account'),
  /** Every custom audience of the account: the vendor has no call that takes a person out of all at once. */
  audiences: z.array(id('a custom audience')).min(1, 'needs at least one audience'),
  /** Looks once a day whether the account has an audience that is not among these: whoever opts out would stay in it. */
  checkAudiences: z.boolean().default(true),
  /** The id of the account's Do Not Reach List, where people who opted out are also put on it. */
  doNotReachList: z
    .union([z.literal(false), id('the Do Not Reach List')], { error: 'must be false, or the id of the Do Not Reach List' })
    .default(false),
  /** How long changes are collected before a request goes. The vendor wants few updates of one audience. */
  collectMinutes: z.coerce.number().min(0).max(60).default(15),
  /** Of the 1,500 that the vendor allows a token. */
  requestsPerMinute: z.coerce.number().int().min(1).max(1_500).default(1_000),
  concurrentRequests: z.coerce.number().int().min(1).max(8).default(2),
})

/** The settings of one X advertising account, from the policy file. */
export type XAdsSettings = z.output<typeof shape>

/** The settings, checked. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): XAdsSettings {
  const checked = shape.safeParse(settings)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
}
