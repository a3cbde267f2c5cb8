import { flag, portNumber } from '@heed/platform/config'
import { z } from 'zod'

const prefix = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'letters, digits, _ and -, at most 40')

/** Every variable of this room that the app itself reads. `main.ts` adds the addresses of its surroundings. */
export const preferencesShape = {
  HEED_ENV: {
    schema: z.enum(['development', 'production']).default('development'),
    describe: 'production: no keys are made up, no reflection.',
  },
  HEED_DB_PREFIX: { schema: prefix.default('heed'), describe: 'Databases are named <prefix>_preferences, <prefix>_callers.' },
  HEED_TOPIC_PREFIX: { schema: prefix.default('heed'), describe: 'Topics are named <prefix>.preferences.v1 and so on.' },
  HEED_PREFERENCES_PORT: { schema: portNumber(7101), describe: 'gRPC port; 0 takes a free one.' },
  HEED_PREFERENCES_HOST: { schema: z.string().default('0.0.0.0'), describe: 'Address to listen on.' },
  HEED_PUBLIC_URL: {
    schema: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:7180'),
    describe: 'Where mail programs reach the edge; unsubscribe links begin with it.',
  },
  HEED_UNSUBSCRIBE_MAILTO: {
    schema: z
      .string()
      .regex(/^[^\s<>,?&]+@[^\s<>,?&]+$/, 'an address')
      .optional(),
    describe: 'Address that takes unsubscribe mails, for the mailto variant of List-Unsubscribe.',
  },
  HEED_DATA_DIR: { schema: z.string().default('.heed'), describe: 'Where development keys are kept.' },
  HEED_KEK: {
    schema: z.string().optional(),
    secret: true,
    describe: 'id:base64,… key-encryption keys of 32 bytes, newest first. Older ones stay until the log says that they are retired.',
  },
  HEED_LOOKUP_KEY: { schema: z.string().optional(), secret: true, describe: 'base64 of 32 bytes; identifiers are looked up with it.' },
  HEED_SUPPRESSION_KEY: {
    schema: z.string().optional(),
    secret: true,
    describe: 'base64 of 32 bytes; what is kept of the identifiers of those who were forgotten is made with it. It cannot be changed.',
  },
  HEED_LINK_KEYS: {
    schema: z.string().optional(),
    secret: true,
    describe: 'id:base64[:use],… the keys of unsubscribe links, newest first.',
  },
  HEED_ERASURE_OPT_OUT_WAIT_SECONDS: {
    schema: z.coerce.number().min(0).max(86_400).default(3_600),
    describe: 'How long recipients are left to confirm the opt-out before those that can erase are told to.',
  },
  HEED_ERASURE_LIMIT_DAYS: {
    schema: z.coerce.number().min(0.0001).max(45).default(30),
    describe: 'After so many days the identifiers are destroyed, whoever has not confirmed by then.',
  },
  HEED_JOURNAL_COUNT_SECONDS: {
    schema: z.coerce.number().min(1).max(86_400).default(600),
    describe: 'How often, at most, the trail is told how many changes were published, with a digest over them.',
  },
  HEED_AUDIT_ADDRESS: {
    schema: z.string().optional(),
    describe: 'host:port of audit, which knows what recipients have confirmed. Without it an erasure waits for its times to pass.',
  },
  HEED_PREFERENCES_CALLER_KEY: { schema: z.string().optional(), secret: true, describe: 'Key of the caller with the scope audit:read.' },
  HEED_REFLECTION: { schema: flag(true).optional(), describe: 'gRPC reflection; off in production unless set.' },
} as const
