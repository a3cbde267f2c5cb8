import { logLevel, portNumber } from '@heed/platform/config'
import { z } from 'zod'

/** Every variable of `npm start`; the services' own variables count too where they are set. */
export const hubShape = {
  HEED_DATA_DIR: {
    schema: z.string().default('.heed'),
    describe: 'Folder of everything that stays: broker, database, keys, spool, sandbox.',
  },
  HEED_DB_PREFIX: {
    schema: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,40}$/)
      .default('heed'),
    describe: 'Prefix of the databases.',
  },
  HEED_TOPIC_PREFIX: {
    schema: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,40}$/)
      .default('heed'),
    describe: 'Prefix of the topics.',
  },
  HEED_POLICY_FILE: { schema: z.string().optional(), describe: 'The policy file; deploy/policy/qualified3d.yaml unless told.' },
  HEED_PREFERENCES_PORT: { schema: portNumber(7101), describe: 'gRPC of preferences.' },
  HEED_PROPAGATION_PORT: { schema: portNumber(7102), describe: 'gRPC of propagation.' },
  HEED_AUDIT_PORT: { schema: portNumber(7103), describe: 'gRPC of audit.' },
  HEED_TRAIL_PORT: { schema: portNumber(7104), describe: 'The log of the trail over HTTP.' },
  HEED_SANDBOX_PORT: { schema: portNumber(7170), describe: 'The page and the APIs of the vendors that are played.' },
  HEED_EDGE_PORT: { schema: portNumber(7180), describe: 'Unsubscribe links.' },
  HEED_OPERATIONS_PORT: { schema: portNumber(7199), describe: '/healthz, /readyz and /metrics.' },
  LOG_LEVEL: { schema: logLevel, describe: 'Level of <data>/hub.log.' },
} as const
