import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { InputError } from './failures.ts'

const address = z.string().regex(/^[^\s:]+:\d+$|^\[[0-9a-f:]+\]:\d+$/)

/** `<data>/hub.json`: where a running hub is, and the keys of its demo callers. Written by services/hub, readable by its owner only. */
export const hubFileShape = z.object({
  pid: z.number().int(),
  grpc: z.object({ preferences: address, propagation: address, audit: address }),
  http: z.record(z.string(), z.string()),
  kafkaBrokers: z.array(z.string()),
  mongoUri: z.string(),
  dbPrefix: z.string(),
  topicPrefix: z.string(),
  callers: z.record(z.string(), z.string()),
})

/** Where a running hub is. */
export type HubFile = z.output<typeof hubFileShape>

/** How to reach a hub: what the environment says, and what a running hub wrote down. */
export interface HubAddresses {
  readonly preferences: string
  readonly propagation: string
  readonly audit: string
  readonly key: string | undefined
  readonly mongoUri: string | undefined
  readonly dbPrefix: string
}

/** The hub file of a data folder, or undefined where no hub runs there. Throws `InputError` for a file that is damaged. */
export function readHubFile(dataDir: string): HubFile | undefined {
  let text: string
  try {
    text = readFileSync(join(dataDir, 'hub.json'), 'utf8')
  } catch {
    return undefined
  }
  try {
    return hubFileShape.parse(JSON.parse(text))
  } catch {
    throw new InputError(`${join(dataDir, 'hub.json')} is damaged: start the hub again`)
  }
}

/** Environment first, then the hub file of `HEED_DATA_DIR` (`./.heed`), then the default ports. */
export function hubAddresses(env: NodeJS.ProcessEnv): HubAddresses {
  const file = readHubFile(env.HEED_DATA_DIR ?? '.heed')
  return {
    preferences: env.HEED_PREFERENCES_ADDRESS ?? file?.grpc.preferences ?? '127.0.0.1:7101',
    propagation: env.HEED_PROPAGATION_ADDRESS ?? file?.grpc.propagation ?? '127.0.0.1:7102',
    audit: env.HEED_AUDIT_ADDRESS ?? file?.grpc.audit ?? '127.0.0.1:7103',
    key: env.HEED_CALLER_KEY ?? file?.callers.operator,
    mongoUri: env.MONGODB_URI ?? file?.mongoUri,
    dbPrefix: env.HEED_DB_PREFIX ?? file?.dbPrefix ?? 'heed',
  }
}
