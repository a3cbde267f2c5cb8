import { SettingsError } from '@heed/connector-kit'
import { identifierForms } from '@heed/domain'
import { z } from 'zod'

const namePart = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'lower-case letters, digits and hyphens: it stands in file names')
const folder = z
  .string()
  .regex(/^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/, 'a folder below where the session begins, without a leading slash')
  .refine((path) => !path.split('/').some((part) => /^\.+$/.test(part)), 'must not lead out of where the session begins')

const common = {
  /** Who sends, in file names. */
  sender: namePart,
  /** The list that the partner keeps for us, in file names. */
  list: namePart,
  hashProfile: z.string().refine((name) => name in identifierForms, { error: 'must be a hash profile that is known' }),
  directory: folder.default('in'),
  ackDirectory: folder.default('ack'),
  /** How long changes are collected before a file goes. */
  collectSeconds: z.coerce.number().min(0).max(86_400).default(900),
  /** Without an answer of the partner for so long, the same file is sent again. */
  ackWithinHours: z.coerce.number().positive().max(720).default(48),
  /** The first look for the partner's answer after a file; doubled from look to look. */
  ackPollSeconds: z.coerce.number().positive().max(3_600).default(30),
  /** A file without rows goes after so long without any other, so that silence is a failure. */
  heartbeatHours: z.coerce.number().positive().max(720).default(24),
  /** The complete state goes so often, and as the first file. */
  fullEveryDays: z.coerce.number().positive().max(366).default(30),
  maxRows: z.coerce.number().int().min(1).max(5_000).default(2_000),
}

const shape = z.discriminatedUnion('transport', [
  z.strictObject({
    ...common,
    transport: z.literal('sftp'),
    host: z.string().min(1, 'names the partner’s SFTP host'),
    port: z.coerce.number().int().min(1).max(65_535).default(22),
    username: z.string().min(1),
    credential: z.string().regex(/^(?:env|file):.+/, 'names the private key as env:NAME or file:/path'),
    hostKeys: z
      .string()
      .transform((text) => text.split(',').map((key) => key.trim()))
      .pipe(z.array(z.string().min(1)).min(1).max(2)),
  }),
  z.strictObject({ ...common, transport: z.literal('folder'), path: z.string().min(1, 'names a folder of this machine') }),
])

/** The settings of one partner, from the policy file. */
export type HashedEmailSettings = z.output<typeof shape>

/** The settings, checked. Throws `SettingsError` that names the first wrong field. */
export function parseSettings(settings: Readonly<Record<string, unknown>>): HashedEmailSettings {
  const checked = shape.safeParse(settings)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  throw new SettingsError(issue?.path.join('.') || 'settings', issue?.message ?? 'not valid')
}
