import { z } from 'zod'
import type { Credentials, Descriptor } from '../contract.ts'
import type { FileStore } from '../transport/file-store.ts'
import { folderStore } from '../transport/folder-store.ts'
import { s3Store } from '../transport/s3-store.ts'
import { sftpStore } from '../transport/sftp-store.ts'

const namePart = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'lower-case letters, digits and hyphens: it stands in file names')
const folder = z
  .string()
  .regex(/^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/, 'a folder below where the session begins, without a leading slash')
  .refine((path) => !path.split('/').some((part) => /^\.+$/.test(part)), 'must not lead out of where the session begins')

/** The settings of every recipient that takes files, to be spread into its connector's own shape. */
export const feedFileFields = {
  /** Who sends, in file names. */
  sender: namePart,
  /** The list that the partner keeps for us, in file names. */
  list: namePart,
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

/** The settings of a partner whose store is reached over SFTP, with its host key pinned (two while the partner changes it). */
export const sftpStoreFields = {
  transport: z.literal('sftp'),
  host: z.string().min(1, 'names the partner’s SFTP host'),
  port: z.coerce.number().int().min(1).max(65_535).default(22),
  username: z.string().min(1),
  credential: z.string().regex(/^(?:env|file):.+/, 'names the private key as env:NAME or file:/path'),
  hostKeys: z
    .string()
    .transform((text) => text.split(',').map((key) => key.trim()))
    .pipe(z.array(z.string().min(1)).min(1).max(2)),
}

/** The settings of a partner that looks into a folder of this machine. */
export const folderStoreFields = { transport: z.literal('folder'), path: z.string().min(1, 'names a folder of this machine') }

const reference = (what: string) => z.string().regex(/^(?:env|file):.+/, `names ${what} as env:NAME or file:/path`)

/** The settings of a partner whose store is a bucket that speaks S3. */
export const s3StoreFields = {
  transport: z.literal('s3'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket'),
  region: z.string().regex(/^[a-z0-9-]{2,40}$/, 'must be the name of a region, e.g. eu-central-1'),
  /** Where a store that is not Amazon's listens. */
  endpoint: z.string().optional(),
  pathStyle: z.union([z.boolean(), z.stringbool()]).default(false),
  credentials: z.strictObject({
    accessKeyId: reference('the access key id'),
    secretAccessKey: reference('the secret access key'),
    sessionToken: reference('the session token').optional(),
  }),
  /** How the store is asked to encrypt what is put, where the partner and we agreed on it. */
  encryption: z.strictObject({ algorithm: z.enum(['AES256', 'aws:kms']), keyId: z.string().min(1).optional() }).optional(),
  /** The account of the partner: nothing is written to a bucket of that name that somebody else owns. */
  bucketOwner: z
    .string()
    .regex(/^\d{12}$/, 'must be the 12 digits of an account')
    .optional(),
}

export type FeedFileSettings = z.output<z.ZodObject<typeof feedFileFields>>
export type FeedStoreSettings =
  | z.output<z.ZodObject<typeof sftpStoreFields>>
  | z.output<z.ZodObject<typeof folderStoreFields>>
  | z.output<z.ZodObject<typeof s3StoreFields>>

/** The store of a partner. Throws `SettingsError` for an address that cannot be used. */
export function feedStore(settings: FeedStoreSettings, credentials: Credentials): FileStore {
  switch (settings.transport) {
    case 'sftp': {
      const { host, port, username, credential, hostKeys } = settings
      return sftpStore({ host, port, username, privateKey: credential, hostKeys, credentials })
    }
    case 'folder':
      return folderStore(settings.path)
    case 's3': {
      const { bucket, region, endpoint, pathStyle, credentials: key, encryption, bucketOwner } = settings
      return s3Store({
        bucket,
        region,
        pathStyle,
        accessKeyId: key.accessKeyId,
        secretAccessKey: key.secretAccessKey,
        credentials,
        ...(key.sessionToken === undefined ? {} : { sessionToken: key.sessionToken }),
        ...(endpoint === undefined ? {} : { endpoint }),
        ...(bucketOwner === undefined ? {} : { bucketOwner }),
        ...(encryption === undefined
          ? {}
          : {
              encryption: {
                algorithm: encryption.algorithm,
                ...(encryption.keyId === undefined ? {} : { keyId: encryption.keyId }),
              },
            }),
      })
    }
    default:
      return settings satisfies never
  }
}

/** The account of a partner's store. */
export function feedAccount(settings: FeedStoreSettings & Pick<FeedFileSettings, 'directory'>): string {
  switch (settings.transport) {
    case 'sftp':
      return `sftp:${settings.username}@${settings.host}:${settings.port}`
    case 'folder':
      return `folder:${settings.path}`
    case 's3':
      return `s3:${settings.endpoint ?? settings.region}:${settings.bucket}:${settings.directory}`
    default:
      return settings satisfies never
  }
}

/**
 * What a descriptor says of a recipient that takes files: numbered batches, one connection, the partner's word late and in a file. The first file is complete, and
 * one goes every `fullEveryDays`; in between deltas where there is news, and an empty one where there is none for long.
 */
export function feedDescriptor(
  settings: FeedFileSettings,
): Pick<Descriptor, 'batch' | 'rate' | 'confirmation' | 'timeoutMs' | 'quietAfterUnknownSeconds' | 'jobs'> {
  return {
    batch: {
      maxTasks: settings.maxRows,
      collectSeconds: settings.collectSeconds,
      sequenced: true,
      heartbeatSeconds: settings.heartbeatHours * 3600,
      fullEverySeconds: settings.fullEveryDays * 86_400,
    },
    rate: { concurrentRequests: 1 },
    confirmation: 'by-job',
    timeoutMs: 120_000,
    quietAfterUnknownSeconds: 0,
    jobs: { maxPollSeconds: 900, giveUpAfterSeconds: settings.ackWithinHours * 3600, newerMayOvertake: true },
  }
}
