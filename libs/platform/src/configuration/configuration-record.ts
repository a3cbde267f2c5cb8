import { createHash, randomBytes, scrypt } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { mongo } from 'mongoose'
import type { Clock } from '../clock/index.ts'
import { type GivenSetting, givenSettings } from '../config/index.ts'
import type { Kafka, OutgoingRecord } from '../kafka/index.ts'
import { loop, type Part } from '../lifecycle/index.ts'
import type { Logger } from '../log/index.ts'

/** With which settings a service ran last: no value, only what tells whether one is still the same. */
export interface SeenConfiguration {
  /** How often they changed. */
  readonly number: number
  /** Base64. */
  readonly salt: string
  readonly digests: Readonly<Record<string, string>>
}

/** What became of a setting. */
export type SettingChange = 'set' | 'changed' | 'removed'

/** Where a service remembers it. */
export interface ConfigurationMemory {
  read(): Promise<SeenConfiguration | undefined>
  write(seen: SeenConfiguration): Promise<void>
}

/** In the service's own database. */
export function rememberedInMongo(
  rows: mongo.Collection<SeenConfiguration & { readonly _id: string }>,
  service: string,
): ConfigurationMemory {
  return {
    read: async () => (await rows.findOne({ _id: service })) ?? undefined,
    write: async ({ number, salt, digests }) => {
      await rows.replaceOne({ _id: service }, { number, salt, digests }, { upsert: true })
    },
  }
}

/** In a folder of a service that has no database. A file that cannot be read counts as none: everything is then told again. */
export function rememberedInFolder(folder: string): ConfigurationMemory {
  const file = join(folder, 'configuration.json')
  return {
    read: async () => {
      try {
        const { number, salt, digests } = JSON.parse(await readFile(file, 'utf8')) as Partial<SeenConfiguration>
        return number === undefined || salt === undefined || digests === undefined ? undefined : { number, salt, digests }
      } catch {
        return undefined
      }
    },
    write: async (seen) => {
      await writeFile(`${file}.new`, JSON.stringify(seen), { mode: 0o600 })
      await rename(`${file}.new`, file)
    },
  }
}

const stretched = promisify<string, string, number, Buffer>(scrypt)

/** A secret may be short enough to be guessed by whoever reads the database: each guess then costs some 50 ms. */
async function digestOf({ variable, value, secret }: GivenSetting, salt: string): Promise<string> {
  const text = `${variable}=${JSON.stringify(value)}`
  if (secret) return (await stretched(text, salt, 32)).toString('base64')
  return createHash('sha256').update(salt).update('\0').update(text).digest('base64')
}

/** The names of settings that are not as they were seen, `HEED_TRAIL_PORT` as `heed-trail-port`, with what became of each; no value. */
export function changedSettings(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): Readonly<Record<string, SettingChange>> {
  const changes: Record<string, SettingChange> = {}
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(now)])].sort()) {
    const [then, today] = [before[name], now[name]]
    if (then === today) continue
    changes[name.toLowerCase().replaceAll('_', '-')] = then === undefined ? 'set' : today === undefined ? 'removed' : 'changed'
  }
  return changes
}

/** What is told. */
export interface ConfigurationChange {
  readonly id: string
  readonly settings: Readonly<Record<string, SettingChange>>
}

/** Tells by a record of Kafka; gives up when it is aborted. */
export function toldOnKafka(
  kafka: Pick<Kafka, 'publisher'>,
  recordOf: (change: ConfigurationChange) => OutgoingRecord,
): ConfigurationRecord['tell'] {
  return async (change, signal) => {
    const publisher = kafka.publisher()
    const giveUp = () => void publisher.stop().catch(() => undefined)
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      await publisher.publish([recordOf(change)])
    } finally {
      signal.removeEventListener('abort', giveUp)
      await publisher.stop()
    }
  }
}

/** What telling of it needs. */
export interface ConfigurationRecord {
  /** As `readConfig` gave it. */
  readonly config: object
  readonly memory: ConfigurationMemory
  /** Resolves when others have it. `id` is the same however often the same change is told. */
  readonly tell: (change: ConfigurationChange, signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Tells, once, with which settings a service runs that it did not run with last; the first time, all that are set. The service does not wait for it: while nobody can be told, it is tried
 * again. Told before it is remembered: a crash in between tells the same again.
 */
export function configurationRecord({ config, memory, tell, clock, log }: ConfigurationRecord): Part {
  let isDone = false
  const run = async (signal: AbortSignal): Promise<'again' | 'idle'> => {
    if (isDone) return 'idle'
    const before = await memory.read()
    const salt = before?.salt ?? randomBytes(16).toString('base64')
    const digests: Record<string, string> = {}
    for (const setting of givenSettings(config)) digests[setting.variable] = await digestOf(setting, salt)
    const settings = changedSettings(before?.digests ?? {}, digests)
    if (Object.keys(settings).length > 0) {
      const number = (before?.number ?? 0) + 1
      await tell({ id: `configuration/${number}/${shortDigest(digests)}`, settings }, signal)
      await memory.write({ number, salt, digests })
      log.info({ settings }, 'configuration.changed')
    }
    isDone = true
    return 'idle'
  }
  // looked at again only where it failed
  return { name: 'configuration', start: async () => loop({ name: 'configuration', everyMs: 3_600_000, run, clock, log }) }
}

function shortDigest(digests: Readonly<Record<string, string>>): string {
  return createHash('sha256').update(JSON.stringify(digests)).digest('hex').slice(0, 16)
}
