import { portNumber } from '@heed/platform/config'
import { z } from 'zod'

const prefix = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'letters, digits, _ and -, at most 40')

/** Every variable that propagation itself reads. `main.ts` adds the addresses of its surroundings. */
export const propagationShape = {
  HEED_ENV: { schema: z.enum(['development', 'production']).default('development'), describe: 'production: no reflection.' },
  HEED_DB_PREFIX: { schema: prefix.default('heed'), describe: 'Databases are named <prefix>_propagation, <prefix>_callers.' },
  HEED_TOPIC_PREFIX: { schema: prefix.default('heed'), describe: 'Topics are named <prefix>.deliveries.<recipient>.v1 and so on.' },
  HEED_PROPAGATION_PORT: { schema: portNumber(7102), describe: 'gRPC port; 0 takes a free one.' },
  HEED_PROPAGATION_HOST: { schema: z.string().default('0.0.0.0'), describe: 'Address to listen on.' },
  HEED_PREFERENCES_ADDRESS: { schema: z.string().default('127.0.0.1:7101'), describe: 'host:port of the preferences service.' },
  HEED_PROPAGATION_CALLER_KEY: { schema: z.string().min(1), secret: true, describe: 'Key of the caller with the scope snapshots:scan.' },
} as const
