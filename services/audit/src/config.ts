import { brokerList, type Config, logLevel, milliseconds, portNumber } from '@heed/platform/config'
import { z } from 'zod'

const prefix = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'letters, digits, _ and -, at most 40')

/** What audit needs to know, wherever it runs. */
export const auditShape = {
  HEED_ENV: { schema: z.enum(['development', 'production']).default('production'), describe: 'In production reflection is off.' },
  HEED_AUDIT_PORT: { schema: portNumber(7103), describe: 'Port of the gRPC service.' },
  HEED_DB_PREFIX: { schema: prefix.default('heed'), describe: 'Databases are named <prefix>_audit, <prefix>_callers.' },
  HEED_TOPIC_PREFIX: { schema: prefix.default('heed'), describe: 'Topics and consumer groups are named <prefix>.….' },
  HEED_AUDIT_GROUP: {
    schema: z.string().min(1).optional(),
    describe:
      'The consumer group; <topic prefix>.audit unless told. A fresh one with a fresh database prefix rebuilds the status beside the live one.',
  },
  HEED_AUDIT_LEASE_MS: { schema: milliseconds(9_000), describe: 'How long a process that died keeps the right to append to the trail.' },
  HEED_AUDIT_WATCH_MS: { schema: milliseconds(15_000), describe: 'How often deadlines and figures are looked at.' },
  HEED_AUDIT_FAN_OUT_GRACE_MS: {
    schema: milliseconds(60_000),
    describe: 'How long after an accepted change its deliveries may be requested before they count as missing.',
  },
  HEED_DATA_DIR: {
    schema: z.string().min(1).default('.heed'),
    describe: 'Where a development key of the log is kept, and its files unless told.',
  },
  HEED_TRAIL: {
    schema: z.enum(['keep', 'none']).default('keep'),
    describe: 'none: no log is kept over the entries. For a process that rebuilds the status beside the live one; a log is never rebuilt.',
  },
  HEED_TRAIL_KEYS: {
    schema: z.string().optional(),
    secret: true,
    describe:
      'PRIVATE+KEY+…,… the keys that sign checkpoints (`heed trail key` makes one). Two while one takes over from the other: both sign.',
  },
  HEED_TRAIL_OLD_KEYS: {
    schema: z.string().optional(),
    describe: 'Public keys (vkeys), separated by commas, that signed this log before.',
  },
  HEED_TRAIL_WITNESSES: {
    schema: z.string().optional(),
    describe: 'Public keys (vkeys), separated by commas, of the witnesses whose cosignatures are taken.',
  },
  HEED_TRAIL_DIR: { schema: z.string().optional(), describe: 'Folder of the log as static files; <HEED_DATA_DIR>/trail unless told.' },
  HEED_TRAIL_PORT: { schema: portNumber(7104), describe: 'Port of the log over HTTP: checkpoint, tiles, cosignatures of witnesses.' },
  HEED_TRAIL_CHECKPOINT_MS: {
    schema: z.coerce.number().int().min(20).max(1_000).default(200),
    describe: 'While there is work, a checkpoint follows the one before after so long.',
  },
} as const

/** What a process of its own needs beside that. */
export const auditProcessShape = {
  ...auditShape,
  MONGODB_URI: { schema: z.string().min(1), secret: true, describe: 'Where MongoDB is; a replica set.' },
  KAFKA_BROKERS: { schema: brokerList, describe: 'host:port of the brokers, separated by commas.' },
  HEED_POLICY_FILE: { schema: z.string().min(1), describe: 'The policy that the hub serves.' },
  HEED_OPERATIONS_PORT: { schema: portNumber(7199), describe: 'Port of health, readiness and metrics; for the inner network only.' },
  LOG_LEVEL: { schema: logLevel, describe: 'debug, info, warn, error or silent.' },
} as const

/** The values of `auditShape`. */
export type AuditConfig = Config<typeof auditShape>
