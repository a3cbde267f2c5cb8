import { brokerList, portNumber } from '@heed/platform/config'
import { z } from 'zod'

/** Every variable of the edge. */
export const edgeShape = {
  HEED_EDGE_PORT: { schema: portNumber(7180), describe: 'Port of the unsubscribe endpoint; put TLS in front of it.' },
  HEED_PREFERENCES_ADDRESS: { schema: z.string().default('127.0.0.1:7101'), describe: 'host:port of the preferences service.' },
  HEED_EDGE_CALLER_KEY: {
    schema: z.string().min(1),
    secret: true,
    describe: 'Key of the caller with the scopes links:use and policy:read.',
  },
  HEED_LINK_KEYS: { schema: z.string().min(1), secret: true, describe: 'id:base64[:use],… the keys of unsubscribe links, newest first.' },
  HEED_EDGE_SENDER: {
    schema: z.string().trim().min(1).max(80).optional(),
    describe: 'Who sends the mails, as the page behind a link names them, e.g. Example Ltd.',
  },
  HEED_DATA_DIR: { schema: z.string().default('.heed'), describe: 'Folder of the spool; one for each edge process, on a disk that stays.' },
  HEED_EDGE_SPOOL_MAX_BYTES: {
    schema: z.coerce
      .number()
      .int()
      .positive()
      .default(512 * 1024 * 1024),
    describe: 'The spool takes no more than this; about 250 bytes are one click.',
  },
  HEED_EDGE_SPOOL_DEGRADED_SECONDS: {
    schema: z.coerce.number().int().positive().default(60),
    describe: 'A click that waits longer than this makes the edge degraded: it works, but somebody should look.',
  },
  KAFKA_BROKERS: {
    schema: brokerList.optional(),
    describe: 'host:port of one or more brokers, for what recipients report by themselves; without them such calls are not taken.',
  },
  HEED_TOPIC_PREFIX: {
    schema: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,40}$/)
      .default('heed'),
    describe: 'Topics are named <prefix>.callbacks.v1 and so on.',
  },
  HEED_POLICY_FILE: { schema: z.string().optional(), describe: 'The policy: its recipients name the keys of their own calls.' },
  HEED_EDGE_TRUSTED_PROXIES: {
    schema: z.coerce.number().int().min(0).max(10).default(0),
    describe: 'How many proxies in front of the edge add to X-Forwarded-For.',
  },
  HEED_EDGE_INVALID_PER_MINUTE: {
    schema: z.coerce.number().int().positive().default(60),
    describe: 'Links that are not ours, for each address and minute.',
  },
} as const
