import { parseAddress, SettingsError } from '@heed/connector-kit'
import { z } from 'zod'

const reference = (what: string) =>
  z.string({ error: `names ${what}` }).regex(/^(?:env|file):.+/, `names ${what} as env:NAME or file:/path`)
const digits = (what: string) => z.string().regex(/^\d{1,20}$/, `must be the id of ${what}: digits only`)

const shape = z
  .strictObject({
    baseUrl: z
      .string()
      .default('https://graph.facebook.com')
      .transform((url) => url.replace(/\/+$/, '')),
    apiVersion: z
      .string()
      .regex(/^v\d{1,3}\.\d$/, 'must be a version such as v25.0')
      .default('v25.0'),
    /** Where the token of the system user is kept; never the token. */
    credential: reference('the token of a system user'),
    credentials: z
      .strictObject({
        /** Where the app's secret is kept, for apps that demand a proof beside the token. */
        appSecret: reference('the secret of the app').optional(),
      })
      .default({}),
    adAccount: digits('an ad account, without act_'),
    /** The audiences that an opt-in joins; and those that an opt-out leaves, where `removeFrom` says so. */
    audiences: z.array(digits('a custom audience')).default([]),
    /** `any-audience` = one call takes people out of all audiences of the ad account, those that nobody listed among them. */
    removeFrom: z.enum(['any-audience', 'audiences']).default('any-audience'),
    /** `post` where something on the way drops the body of a DELETE. */
    deleteBy: z.enum(['delete', 'post']).default('delete'),
    /** Asks once whether the ad account is a business's and has accepted the terms: otherwise removals may quietly do nothing. */
    checkAccount: z.boolean().default(true),
    rowsPerRequest: z.coerce.number().int().min(1).max(10_000).default(10_000),
    /** How long changes are collected before a request goes: each may have ad sets learn anew. */
    collectSeconds: z.coerce.number().min(0).max(3_600).default(0),
    /** Meta allows 5,000 an hour and more, by access tier and number of audiences. */
    requestsPerMinute: z.coerce.number().int().min(1).max(10_000).default(80),
    concurrentRequests: z.coerce.number().int().min(1).max(8).default(2),
  })
  .refine(({ removeFrom, audiences }) => removeFrom === 'any-audience' || audiences.length > 0, {
    path: ['audiences'],
    error: 'needs at least one audience to remove from',
  })

/** The settings of one ad account, from the policy file. */
export type MetaAdsSettings = z.output<typeof shape>

/** The settings, checked. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): MetaAdsSettings {
  const checked = shape.safeParse(settings)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
  }
  parseAddress('baseUrl', checked.data.baseUrl)
  return checked.data
}
