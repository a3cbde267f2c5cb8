import { feedFileFields, folderStoreFields, parseEndpoint, SettingsError, s3StoreFields, sftpStoreFields } from '@heed/connector-kit'
import { z } from 'zod'

const reference = (what: string) =>
  z.string({ error: `names ${what}` }).regex(/^(?:env|file):.+/, `names ${what} as env:NAME or file:/path`)

const list = z.union([
  z.array(z.string()),
  z.string().transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
])

/** After the last of these a message is tried once a day, for ever: a duty never lapses. */
const day = 86_400
const scheduleSeconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, day]

const eventFields = {
  /** What the partner calls a purpose of ours, by its key; where it is not named here it is called as we call it. */
  scopes: z
    .record(z.string(), z.strictObject({ purpose: z.string().min(1).max(64), channel: z.string().min(1).max(64).nullable().default(null) }))
    .default({}),
  /** The law that the person's choice is told under, e.g. `gdpr` or `ccpa`, where the partner wants it named. */
  regulation: z
    .string()
    .regex(/^[a-z0-9-]{2,32}$/)
    .nullable()
    .default(null),
}

const webhookShape = z.strictObject({
  ...eventFields,
  transport: z.literal('webhook'),
  /** The partner's endpoint. */
  url: z.string({ error: 'names the partner’s endpoint' }),
  /** Ports that the endpoint may use. */
  ports: z.array(z.coerce.number().int().min(1).max(65_535)).min(1).default([443]),
  /** `host:port` that may be on this machine and without TLS. Refused unless HEED_ENV says development. */
  trustedHosts: list.default([]),
  /** Where the keys are kept with which messages are signed: the newest first, and for some time the one before it. */
  credential: reference('the signing key'),
  signature: z.enum(['symmetric', 'ed25519']),
  /**
   * What a 2xx says by our contract with the partner. `in-response`: it is applied (202: only taken). `callback`: it is taken, and a signed call of the partner says
   * the rest. `none`: it is taken, and nothing more is ever said.
   */
  acknowledgement: z.enum(['in-response', 'callback', 'none']),
  /** Without the partner's call for so long the message is sent again. */
  acknowledgeWithinDays: z.coerce.number().positive().max(60).default(10),
  /** Authorities to trust in place of the machine's, PEM; and what to prove ourselves by. */
  certificateAuthorities: z.string().optional(),
  clientCertificate: z.string().optional(),
  credentials: z
    .strictObject({
      /** The key of `clientCertificate`. */
      clientKey: reference('the key of the client certificate').optional(),
      /** The keys by which the partner's own calls are known. Read by the edge, which takes them. */
      callback: reference('the key of the partner’s calls').optional(),
    })
    .default({}),
  /** Sends a `ping` before anything else, and nothing as long as it is not answered by a 2xx. */
  ping: z.boolean().default(true),
  retryScheduleSeconds: z.array(z.coerce.number().positive().max(day)).min(1).max(20).default(scheduleSeconds),
  concurrentRequests: z.coerce.number().int().min(1).max(32).default(24),
  requestsPerMinute: z.coerce.number().int().min(1).max(60_000).optional(),
})

const shape = z.discriminatedUnion('transport', [
  webhookShape,
  z.strictObject({ ...eventFields, ...feedFileFields, ...sftpStoreFields }),
  z.strictObject({ ...eventFields, ...feedFileFields, ...s3StoreFields }),
  z.strictObject({ ...eventFields, ...feedFileFields, ...folderStoreFields }),
])

/** The settings of one partner, from the policy file. */
export type SupplierFeedSettings = z.output<typeof shape>
export type WebhookSettings = z.output<typeof webhookShape>
/** How events are worded for a partner. */
export type WordingSettings = Pick<SupplierFeedSettings, 'scopes' | 'regulation'>

/** The settings, checked; a webhook where nothing else is said. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): SupplierFeedSettings {
  const checked = shape.safeParse({ transport: 'webhook', ...settings })
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
  }
  const parsed = checked.data
  if (parsed.transport !== 'webhook') return parsed
  parseEndpoint('url', parsed.url, { ports: parsed.ports, trusted: parsed.trustedHosts })
  if ((parsed.clientCertificate === undefined) !== (parsed.credentials.clientKey === undefined))
    throw new SettingsError('clientCertificate', 'and credentials.clientKey go together')
  return parsed
}
