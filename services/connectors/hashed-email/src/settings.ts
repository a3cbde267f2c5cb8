import { feedFileFields, folderStoreFields, parseAddress, SettingsError, s3StoreFields, sftpStoreFields } from '@heed/connector-kit'
import { identifierForms } from '@heed/domain'
import { z } from 'zod'

const inFiles = {
  ...feedFileFields,
  hashProfile: z.string().refine((name) => name in identifierForms, { error: 'must be a hash profile that is known' }),
}
const reference = (what: string) =>
  z.string({ error: `names ${what} as env:NAME or file:/path` }).regex(/^(?:env|file):.+/, `names ${what} as env:NAME or file:/path`)
const address = (preset: string) =>
  z
    .string()
    .transform((url) => url.replace(/\/+$/, ''))
    .default(preset)
const seconds = (preset: number) => z.coerce.number().positive().max(3_600).default(preset)

/** What every interface of a partner has: none of them publishes how fast it may be asked. */
const pace = {
  requestsPerMinute: z.coerce.number().int().min(1).max(6_000).default(60),
  concurrentRequests: z.coerce.number().int().min(1).max(10).default(2),
  /** The first look at what became of a request; doubled from look to look, up to an hour. */
  pollSeconds: seconds(60),
}

const liveRamp = z
  .strictObject({
    ...pace,
    transport: z.literal('liveramp'),
    baseUrl: address('https://privacy-api.liveramp.com'),
    /** The organisation in whose name is asked (`LR-Org-ID`). */
    organisation: z.string().regex(/^[\w.-]{1,100}$/, 'must be the id of an organisation'),
    /** A bearer token that somebody else renews, in a file say. */
    credential: reference('the token').optional(),
    /** A service account, for which tokens are fetched. */
    credentials: z.strictObject({ accountId: reference('the account id'), secretKey: reference('the secret key') }).optional(),
    tokenUrl: address('https://serviceaccounts.liveramp.com/authn/v1/oauth2/token'),
    /** As the vendor names its own client. */
    tokenClientId: z.string().min(1).default('liveramp-api'),
    /** How long a request may be worked on before it is asked for again. */
    followDays: z.coerce.number().positive().max(90).default(15),
  })
  .refine(({ credential, credentials }) => (credential === undefined) !== (credentials === undefined), {
    path: ['credential'],
    error: 'needs either a token, or the accountId and secretKey of a service account under credentials',
  })

const wide: readonly string[] = ['MediaGroup', 'Global']
const words = (...preset: string[]) => z.array(z.string().regex(/^\w{1,40}$/, 'must be words')).default(preset)

const liveIntent = z
  .strictObject({
    ...pace,
    transport: z.literal('liveintent'),
    baseUrl: address('https://privacy.liadm.com'),
    credential: reference('the token'),
    /** For whom the opt-out holds. */
    scope: z.strictObject({
      kind: z.enum(['Advertiser', 'Publisher', 'MediaGroup', 'Global']),
      id: z.coerce.number().int().positive().optional(),
    }),
    /** A media group reaches every publisher and advertiser below it, `Global` everybody: only where the company may speak for them. */
    allowWideScope: z.boolean().default(false),
    jurisdiction: z.enum(['US_PRIVACY', 'EU_PRIVACY']).default('US_PRIVACY'),
    /** Stands in the partner's log before our reference. */
    submitter: z
      .string()
      .regex(/^[\w.-]{1,40}$/, 'must be a short word')
      .default('heed'),
    /** How often is looked at what became of a request: the page keeps that for reports and names no states. 0 = never; after the last look the answer stands. */
    looks: z.coerce.number().int().min(0).max(100).default(12),
    doneStatuses: words('COMPLETED', 'DONE', 'SUCCESS'),
    failedStatuses: words('FAILED', 'ERROR', 'REJECTED'),
  })
  .refine(({ scope, allowWideScope }) => allowWideScope || !wide.includes(scope.kind), {
    path: ['scope', 'kind'],
    error: 'reaches others than ourselves: allowWideScope has to say that this is meant',
  })
  .refine(({ scope }) => (scope.kind === 'Global') === (scope.id === undefined), {
    path: ['scope', 'id'],
    error: 'is needed, except for Global',
  })

const optizmo = z.strictObject({
  ...pace,
  transport: z.literal('optizmo'),
  baseUrl: address('https://api.optizmo.com'),
  credential: reference('the API key'),
  /** Where the key goes: the vendor's prose says `Authorization: Bearer`, its description of the interface says `api_key`. */
  keyHeader: z.enum(['authorization', 'api_key']).default('authorization'),
  listId: z.string().regex(/^[\w-]{1,64}$/, 'must be the id of an opt-out list'),
  /** What a line is: an address as it was given, or its MD5. */
  lines: z.enum(['md5', 'plain']).default('md5'),
  /** The `content-type` of the upload; none unless told, because the address to upload to is signed, and perhaps without one. */
  uploadType: z.string().default(''),
  collectSeconds: z.coerce.number().min(0).max(86_400).default(900),
  maxLines: z.coerce.number().int().min(1).max(5_000).default(2_000),
  followHours: z.coerce.number().positive().max(720).default(48),
})

const shape = z.discriminatedUnion('transport', [
  z.strictObject({ ...inFiles, ...sftpStoreFields }),
  z.strictObject({ ...inFiles, ...folderStoreFields }),
  z.strictObject({ ...inFiles, ...s3StoreFields }),
  liveRamp,
  liveIntent,
  optizmo,
])

/** The settings of one partner, from the policy file. */
export type HashedEmailSettings = z.output<typeof shape>
export type FileSettings = Extract<HashedEmailSettings, { transport: 'sftp' | 'folder' | 's3' }>
export type LiveRampSettings = z.output<typeof liveRamp>
export type LiveIntentSettings = z.output<typeof liveIntent>
export type OptizmoSettings = z.output<typeof optizmo>

/** The settings, checked. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): HashedEmailSettings {
  const checked = shape.safeParse(settings)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
  }
  const { data } = checked
  if ('baseUrl' in data) parseAddress('baseUrl', data.baseUrl)
  if ('tokenUrl' in data) parseAddress('tokenUrl', data.tokenUrl)
  return data
}
