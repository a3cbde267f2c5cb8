import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { cast, type VendorName } from './cast.ts'
import { profileNames } from './hashed-email/profiles.ts'
import type { SandboxOptions } from './index.ts'

/** What the environment says, checked. */
export interface SandboxConfig {
  readonly options: SandboxOptions
  readonly logLevel: string
}

/** Thrown when the environment does not fit; lists every variable that is wrong. */
export class SandboxConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`the environment does not fit: ${problems.join('; ')}`)
    this.name = 'SandboxConfigError'
  }
}

const vendorNames = Object.values(cast).map(({ name }) => name) as [VendorName, ...VendorName[]]
const port = z.coerce.number().int().min(0).max(65_535)
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)
const milliseconds = z.coerce.number().int().nonnegative()

// `name:profile` or `name:profile:encoding`, comma-separated
const partner = z.object({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  profile: z.enum(profileNames),
  encoding: z.enum(['hex', 'base64']).optional(),
})
const partners = list.transform((texts, context) =>
  texts.flatMap((text) => {
    const [name, profile, encoding] = text.split(':')
    const read = partner.safeParse({ name, profile, encoding })
    if (read.success) return [read.data]
    context.addIssue({ code: 'custom', message: `"${text}" is not name:profile with one of ${profileNames.join(', ')}` })
    return []
  }),
)

/** Every variable, once. */
const environment = z.object({
  SANDBOX_HOST: z.string().default('127.0.0.1'),
  SANDBOX_PORT: port.default(7170),
  SANDBOX_DATA_DIR: z.string().optional(),
  SANDBOX_SEED: z.string().default('heed'),
  SANDBOX_VENDORS: list.pipe(z.array(z.enum(vendorNames))).optional(),
  SANDBOX_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  SANDBOX_MAILCHIMP_API_KEY: z
    .string()
    .regex(/-us\d+$/, 'ends with its data center')
    .optional(),
  SANDBOX_MAILCHIMP_LATENCY_MS: milliseconds.default(0),
  SANDBOX_MAILCHIMP_BATCH_STAGE_MS: milliseconds.default(15),
  SANDBOX_SFTP_PORT: port.default(7171),
  SANDBOX_SFTP_ACK_DELAY_MS: milliseconds.default(50),
  SANDBOX_SFTP_PARTNERS: partners.optional(),
  SANDBOX_SFTP_AUTHORIZED_KEYS_FILE: z.string().optional(),
})

/** Reads the configuration; empty variables count as absent. Throws `SandboxConfigError`. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): SandboxConfig {
  const read = environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')))
  if (!read.success) throw new SandboxConfigError(read.error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`))
  const given = read.data
  const keysFile = given.SANDBOX_SFTP_AUTHORIZED_KEYS_FILE
  return {
    logLevel: given.SANDBOX_LOG_LEVEL,
    options: {
      host: given.SANDBOX_HOST,
      port: given.SANDBOX_PORT,
      seed: given.SANDBOX_SEED,
      ...(given.SANDBOX_DATA_DIR && { dataDir: given.SANDBOX_DATA_DIR }),
      ...(given.SANDBOX_VENDORS && { vendors: given.SANDBOX_VENDORS }),
      mailchimp: {
        latencyMs: given.SANDBOX_MAILCHIMP_LATENCY_MS,
        batchStageMs: given.SANDBOX_MAILCHIMP_BATCH_STAGE_MS,
        ...(given.SANDBOX_MAILCHIMP_API_KEY && { apiKey: given.SANDBOX_MAILCHIMP_API_KEY }),
      },
      hashedEmail: {
        sftpPort: given.SANDBOX_SFTP_PORT,
        ackDelayMs: given.SANDBOX_SFTP_ACK_DELAY_MS,
        ...(given.SANDBOX_SFTP_PARTNERS && { partners: given.SANDBOX_SFTP_PARTNERS }),
        ...(keysFile && { authorizedKeys: readKeys(keysFile) }),
      },
    },
  }
}

function readKeys(path: string): string[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    throw new SandboxConfigError(['SANDBOX_SFTP_AUTHORIZED_KEYS_FILE: cannot be read'])
  }
  return text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
}
