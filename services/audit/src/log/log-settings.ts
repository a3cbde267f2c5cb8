import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import {
  formatSignerKey,
  formatVerifierKey,
  generateSignerKey,
  keyFingerprint,
  MerkleLogError,
  parseSignerKey,
  parseVerifierKey,
  type SignerKey,
  type VerifierKey,
  verifierOf,
} from '@heed/merkle-log'
import { ConfigError, type ConfigProblem } from '@heed/platform/config'
import type { Logger } from '@heed/platform/log'
import type { LogSettings } from './keeper.ts'

/** The variables that say how the log is kept. */
export interface LogVariables {
  readonly HEED_ENV: 'development' | 'production'
  readonly HEED_TRAIL: 'keep' | 'none'
  readonly HEED_DATA_DIR: string
  readonly HEED_TRAIL_KEYS?: string | undefined
  readonly HEED_TRAIL_OLD_KEYS?: string | undefined
  readonly HEED_TRAIL_WITNESSES?: string | undefined
  readonly HEED_TRAIL_DIR?: string | undefined
  readonly HEED_TRAIL_CHECKPOINT_MS: number
  readonly HEED_DB_PREFIX: string
}

/** A public key as people compare it. */
export interface ShownKey {
  readonly vkey: string
  readonly fingerprint: string
}

/** The public parts of the keys that sign. */
export function shownKeys(settings: Pick<LogSettings, 'keys'>): ShownKey[] {
  return settings.keys.map((key) => ({ vkey: formatVerifierKey(verifierOf(key)), fingerprint: keyFingerprint(key) }))
}

const developmentFile = 'trail-key'

/**
 * How the log is kept, by these variables; undefined where none is to be kept. In development a missing key is made in `<HEED_DATA_DIR>/trail-key` (mode 0600), and a
 * warning says so at every start: whoever loses it can sign no further checkpoint of this log, and whoever steals it can.
 * @throws ConfigError in production where the key is missing, and anywhere for what cannot be read. It quotes no key.
 */
export async function loadLogSettings(variables: LogVariables, log: Logger): Promise<LogSettings | undefined> {
  if (variables.HEED_TRAIL === 'none') return undefined
  const problems: ConfigProblem[] = []
  const read = <Key>(variable: keyof LogVariables, text: string | undefined, parse: (key: string) => Key): Key[] => {
    const parts = (text ?? '').split(',').filter((part) => part.trim() !== '')
    return parts.flatMap((part, index) => {
      try {
        return [parse(part.trim())]
      } catch (thrown) {
        if (!(thrown instanceof MerkleLogError)) throw thrown
        problems.push({ variable, message: `key ${index + 1}: ${thrown.message}` })
        return []
      }
    })
  }
  let given = variables.HEED_TRAIL_KEYS
  if (given === undefined) {
    if (variables.HEED_ENV === 'production') {
      throw new ConfigError([{ variable: 'HEED_TRAIL_KEYS', message: 'is missing; `heed trail key <name>` makes one' }])
    }
    given = await developmentKey(variables.HEED_DATA_DIR, `localhost/${variables.HEED_DB_PREFIX}/trail`, log)
  }
  const keys = read('HEED_TRAIL_KEYS', given, (text): SignerKey => parseSignerKey(text))
  const oldKeys = read('HEED_TRAIL_OLD_KEYS', variables.HEED_TRAIL_OLD_KEYS, (text): VerifierKey => parseVerifierKey(text))
  const witnesses = read('HEED_TRAIL_WITNESSES', variables.HEED_TRAIL_WITNESSES, (text): VerifierKey => parseVerifierKey(text))
  const [first] = keys
  for (const key of [...keys, ...oldKeys]) {
    if (key.type !== 'ed25519') problems.push({ variable: 'HEED_TRAIL_KEYS', message: `${key.name} is the key of a witness, not of a log` })
    if (first !== undefined && key.name !== first.name) {
      problems.push({ variable: 'HEED_TRAIL_KEYS', message: `all keys of a log have its name: ${first.name} and ${key.name} are two` })
    }
  }
  for (const { name, type } of witnesses) {
    if (type !== 'cosignature-v1') problems.push({ variable: 'HEED_TRAIL_WITNESSES', message: `${name} is no key of a witness` })
  }
  if (first === undefined && problems.length === 0) problems.push({ variable: 'HEED_TRAIL_KEYS', message: 'holds no key' })
  if (problems.length > 0 || first === undefined) throw new ConfigError(problems)
  return {
    origin: first.name,
    keys,
    oldKeys,
    witnesses,
    folder: variables.HEED_TRAIL_DIR ?? join(variables.HEED_DATA_DIR, 'trail'),
    checkpointMs: variables.HEED_TRAIL_CHECKPOINT_MS,
  }
}

async function developmentKey(dataDir: string, name: string, log: Logger): Promise<string> {
  const path = join(dataDir, developmentFile)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const found = await readFile(path, 'utf8').catch(async (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOENT') throw thrown
    if (await makeKeyFile(path, name)) log.warn({ file: developmentFile, name }, 'trail.development-key-made')
    return readFile(path, 'utf8')
  })
  log.warn(
    {
      file: developmentFile,
      advice: 'development only: whoever has the file can sign for this log, whoever loses it cannot go on with it',
    },
    'trail.development-key-used',
  )
  return found.trim()
}

async function makeKeyFile(path: string, name: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(`${formatSignerKey(generateSignerKey(name, 'ed25519'))}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    // link, not rename: of two processes that start at once the second must take the key of the first
    await link(temporary, path)
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw thrown
  } finally {
    await unlink(temporary)
  }
}
