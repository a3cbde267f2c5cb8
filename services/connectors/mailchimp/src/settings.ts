import { SettingsError } from '@heed/connector-kit'
import type { PurposeKey } from '@heed/domain'
import { parsePurposeKey } from '@heed/domain'
import { z } from 'zod'

/** One audience (list) of the account. The same person in two audiences is two contacts. */
export interface Audience {
  readonly id: string
  /** True where new contacts confirm by a mail of Mailchimp's own before they are subscribed. */
  readonly doubleOptIn: boolean
  /** Which interest (group) of this audience stands for which topic. */
  readonly topics: ReadonlyMap<PurposeKey, string>
}

/** The settings of one Mailchimp account, from the policy file. */
export interface MailchimpSettings {
  /** `https://<dc>.api.mailchimp.com`, without the version. */
  readonly baseUrl: string
  /** Where the API key, or the token of an app, is kept; never the key. */
  readonly credential: string
  /** What the credential is: a key goes as a password (HTTP Basic), the token that an app got by OAuth 2 as a bearer. Neither ends by itself. */
  readonly credentialIs: 'api-key' | 'oauth-token'
  readonly audiences: readonly Audience[]
  /** True hands Mailchimp addresses that it does not have, only to have them suppressed beforehand. */
  readonly suppressUnknown: boolean
  /** From so many operations on, they go as a batch of the vendor, which is looked at after five seconds for the first time; fewer go one by one, which is faster. */
  readonly batchFrom: number
  /** Of the ten that Mailchimp allows a user over all programs. */
  readonly concurrentRequests: number
}

const shape = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'must be the address of the data centre, e.g. https://us19.api.mailchimp.com' })
    .transform((url) => url.replace(/\/(?:3\.0\/?)?$/, '')),
  credential: z.string().regex(/^(?:env|file):.+/, 'names the API key as env:NAME or file:/path'),
  credentialIs: z.enum(['api-key', 'oauth-token']).default('api-key'),
  suppressUnknown: z.boolean().default(false),
  batchFrom: z.coerce.number().int().min(2).max(500).default(100),
  concurrentRequests: z.coerce.number().int().min(1).max(10).default(5),
  audiences: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'must be the id of an audience'),
        doubleOptIn: z.boolean().default(false),
        topics: z.record(z.string(), z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'must be the id of an interest')).default({}),
      }),
    )
    .min(1, 'needs at least one audience'),
})

/** The settings, checked. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): MailchimpSettings {
  const checked = shape.safeParse(settings)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
  }
  return {
    ...checked.data,
    audiences: checked.data.audiences.map(({ id, doubleOptIn, topics }, index) => ({
      id,
      doubleOptIn,
      topics: new Map(
        Object.entries(topics).map(([topic, interest]): [PurposeKey, string] => {
          const key = parsePurposeKey(topic)
          if (key === undefined) throw new SettingsError(`audiences.${index}.topics.${topic}`, 'must be a topic of the policy')
          return [key, interest]
        }),
      ),
    })),
  }
}
