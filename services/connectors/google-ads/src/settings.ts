import { parseAddress, SettingsError } from '@heed/connector-kit'
import { z } from 'zod'

const digits = (what: string) => z.string().regex(/^\d{1,20}$/, `must be the id of ${what}: digits only`)

const account = z.strictObject({
  // GOOGLE_ADS, DISPLAY_VIDEO_ADVERTISER, DISPLAY_VIDEO_PARTNER; the vendor has more, and adds to them
  accountType: z.string().regex(/^[A-Z][A-Z_]{2,60}$/, 'must be an account type such as GOOGLE_ADS or DISPLAY_VIDEO_ADVERTISER'),
  accountId: digits('an account'),
})

/** What a user list holds: it takes members of this one kind and of no other. */
export const listKinds = ['contact', 'mobile', 'user-id'] as const

/** One of `listKinds`. */
export type ListKind = (typeof listKinds)[number]

const shape = z.strictObject({
  baseUrl: z
    .string()
    .default('https://datamanager.googleapis.com')
    .transform((url) => url.replace(/\/+$/, '')),
  /** Where the OAuth 2.0 credential is kept; never the credential. */
  credential: z
    .string({ error: 'names a key file of Google' })
    .regex(/^(?:env|file):.+/, 'names a key file of Google as env:NAME or file:/path'),
  /** Where tokens come from, in place of what the key file says. */
  tokenUrl: z.string().optional(),
  /** The Cloud project that quotas are counted by, where the credential is a user's. */
  project: z
    .string()
    .regex(/^[a-z][a-z0-9:.-]{4,99}$/, 'must be the id of a Cloud project')
    .optional(),
  operatingAccount: account,
  /** The manager account through which the credential has access, where it has not its own. */
  loginAccount: account.optional(),
  lists: z
    .array(
      z.strictObject({
        id: digits('a user list'),
        holds: z.enum(listKinds),
        operatingAccount: account.optional(),
        loginAccount: account.optional(),
      }),
    )
    .min(1, 'needs at least one list'),
  membersPerRequest: z.coerce.number().int().min(1).max(10_000).default(10_000),
  /** How long changes are collected before a request goes. */
  collectSeconds: z.coerce.number().min(0).max(3_600).default(0),
  /** The first question after a request; each later one comes after twice the time. */
  firstPollSeconds: z.coerce.number().positive().max(86_400).default(1_800),
  maxPollHours: z.coerce.number().positive().max(24).default(24),
  /** A request without a final answer for so long is sent again. */
  giveUpAfterHours: z.coerce.number().min(24).max(720).default(72),
  /** Of the 300 that Google allows a Cloud project, which other programs may share. */
  requestsPerMinute: z.coerce.number().int().min(1).max(100_000).default(300),
  /** Of the 100,000 that Google allows a Cloud project. */
  requestsPerDay: z.coerce.number().int().min(1).max(100_000_000).default(100_000),
  concurrentRequests: z.coerce.number().int().min(1).max(10).default(4),
})

/** The settings of one Google Ads or Display & Video account, from the policy file. */
export type GoogleAdsSettings = z.output<typeof shape>

/** The settings, checked. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): GoogleAdsSettings {
  const checked = shape.safeParse(settings)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
  }
  parseAddress('baseUrl', checked.data.baseUrl)
  if (checked.data.tokenUrl !== undefined) parseAddress('tokenUrl', checked.data.tokenUrl)
  return checked.data
}
