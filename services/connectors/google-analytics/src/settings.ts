import { parseAddress, SettingsError } from '@heed/connector-kit'
import { z } from 'zod'

const place = '{property}'

const shape = z.strictObject({
  /** The address of the chosen interface. */
  baseUrl: z
    .string()
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  /** Where the OAuth 2.0 credential is kept; never the credential. */
  credential: z
    .string({ error: 'names a key file of Google' })
    .regex(/^(?:env|file):.+/, 'names a key file of Google as env:NAME or file:/path'),
  /** Where tokens come from, in place of what the key file says. */
  tokenUrl: z.string().optional(),
  /** `v1alpha` = the Admin API, which takes addresses and phones too; `v3` = the User Deletion API, where only a stable version will do. */
  api: z.enum(['v1alpha', 'v3']).default('v1alpha'),
  /** Where deletions are submitted in the Admin API: it is an alpha, and may move. */
  path: z
    .string()
    .regex(/^\/[\w./:{}-]+$/, 'must be a path')
    .refine((path) => path.includes(place), `must hold ${place}`)
    .default(`/v1alpha/properties/${place}:submitUserDeletion`),
  properties: z
    .array(z.string().regex(/^\d{1,15}$/, 'must be the numeric id of a GA4 property, not its measurement id'))
    .min(1, 'needs at least one property'),
  /** What Google allows one property. */
  deletionsPerDay: z.coerce.number().int().min(1).max(1_000_000).default(500),
  /** Of what Google allows one user: 180 writes a minute in the Admin API, one and a half a second in the User Deletion API. */
  requestsPerMinute: z.coerce.number().int().min(1).max(100_000).optional(),
  concurrentRequests: z.coerce.number().int().min(1).max(10).default(2),
})

type Shape = z.output<typeof shape>

/** The settings of the properties of one account, from the policy file. */
export interface GoogleAnalyticsSettings extends Shape {
  readonly baseUrl: string
  readonly requestsPerMinute: number
}

const defaults = {
  v1alpha: { baseUrl: 'https://analyticsadmin.googleapis.com', requestsPerMinute: 180 },
  v3: { baseUrl: 'https://www.googleapis.com', requestsPerMinute: 90 },
} as const

/** The settings, checked. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): GoogleAnalyticsSettings {
  const checked = shape.safeParse(settings)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
  }
  const { baseUrl, requestsPerMinute } = defaults[checked.data.api]
  const parsed = {
    ...checked.data,
    baseUrl: checked.data.baseUrl ?? baseUrl,
    requestsPerMinute: checked.data.requestsPerMinute ?? requestsPerMinute,
  }
  parseAddress('baseUrl', parsed.baseUrl)
  if (parsed.tokenUrl !== undefined) parseAddress('tokenUrl', parsed.tokenUrl)
  return parsed
}

/** The path for one property. */
export const pathOf = (path: string, property: string): string => path.replaceAll(place, property)
