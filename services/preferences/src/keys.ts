import { createHmac, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type LinkKey, LinkKeysError, parseLinkKeys } from '@heed/contracts'
import { ConfigError, type ConfigProblem } from '@heed/platform/config'
import type { Logger } from '@heed/platform/log'
import { z } from 'zod'
import type { Kek, VaultKeys } from './vault.ts'

/** Every secret of this room. */
export interface PreferencesKeys extends VaultKeys {
  readonly links: readonly LinkKey[]
}

/** The variables as text, each of which may be missing. */
export interface KeySettings {
  readonly HEED_KEK?: string | undefined
  readonly HEED_LOOKUP_KEY?: string | undefined
  readonly HEED_LINK_KEYS?: string | undefined
  readonly HEED_SUPPRESSION_KEY?: string | undefined
}

type Name = keyof KeySettings
const names: readonly Name[] = ['HEED_KEK', 'HEED_LOOKUP_KEY', 'HEED_LINK_KEYS', 'HEED_SUPPRESSION_KEY']
const base64 = /^[A-Za-z0-9+/]+={0,2}$/

function bytesOf(text: string): Buffer | undefined {
  return base64.test(text) ? Buffer.from(text, 'base64') : undefined
}

function parseKeks(text: string): Kek[] {
  const keks = text.split(',').map((entry, index): Kek => {
    const [id = '', secret = '', rest] = entry.trim().split(':')
    const bytes = bytesOf(secret)
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(id) || rest !== undefined) throw new TypeError(`key ${index + 1}: write id:base64`)
    if (bytes?.length !== 32) throw new TypeError(`key ${id}: 32 bytes in base64 are needed`)
    return { id, secret: bytes }
  })
  if (new Set(keks.map(({ id }) => id)).size !== keks.length) throw new TypeError('two keys have the same id')
  return keks
}

function parseHashKey(text: string): Buffer {
  const bytes = bytesOf(text)
  if (bytes === undefined || bytes.length < 32) throw new TypeError('at least 32 bytes in base64 are needed')
  return bytes
}

/**
 * The keys of the settings.
 * @throws ConfigError that names every variable that is missing or wrong and quotes no key.
 */
export function parseKeys(settings: KeySettings): PreferencesKeys {
  const problems: ConfigProblem[] = []
  const read = <T>(variable: Name, parse: (text: string) => T): T | undefined => {
    const text = settings[variable]
    try {
      if (text !== undefined && text !== '') return parse(text)
      problems.push({ variable, message: 'is missing' })
    } catch (thrown) {
      problems.push({ variable, message: thrown instanceof TypeError || thrown instanceof LinkKeysError ? thrown.message : 'is not valid' })
    }
    return undefined
  }
  const keks = read('HEED_KEK', parseKeks)
  const lookup = read('HEED_LOOKUP_KEY', parseHashKey)
  const links = read('HEED_LINK_KEYS', parseLinkKeys)
  const suppression = read('HEED_SUPPRESSION_KEY', parseHashKey)
  if (keks === undefined || lookup === undefined || links === undefined || suppression === undefined) throw new ConfigError(problems)
  return { keks, lookup, links, suppression }
}

const keyFile = z.object({
  HEED_KEK: z.string(),
  HEED_LOOKUP_KEY: z.string(),
  HEED_LINK_KEYS: z.string(),
  HEED_SUPPRESSION_KEY: z.string().optional(),
})

async function makeKeyFile(path: string): Promise<'made' | 'there'> {
  const fresh = () => randomBytes(32).toString('base64')
  const keys: z.infer<typeof keyFile> = {
    HEED_KEK: `dev1:${fresh()}`,
    HEED_LOOKUP_KEY: fresh(),
    HEED_LINK_KEYS: `dev1:${fresh()}`,
    HEED_SUPPRESSION_KEY: fresh(),
  }
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(keys, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    // link, not rename: of two processes that start at once the second must take the keys of the first
    await link(temporary, path)
    return 'made'
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return 'there'
    throw thrown
  } finally {
    await unlink(temporary)
  }
}

/**
 * The keys of the settings; in development those that are missing come from `<dataDir>/keys.json`, which is made (mode 0600) where there is none. Whoever
 * loses that file loses every identifier sealed under it, and a warning says so at every start. The result has the settings too, for processes that share keys.
 * @throws ConfigError in production where one is missing, and anywhere for one that is malformed.
 */
export async function loadKeys(options: {
  readonly settings: KeySettings
  readonly environment: 'development' | 'production'
  readonly dataDir: string
  readonly log: Logger
}): Promise<{ keys: PreferencesKeys; settings: Required<KeySettings> }> {
  const { settings, environment, dataDir, log } = options
  const missing = names.filter((name) => settings[name] === undefined || settings[name] === '')
  if (environment === 'production' || missing.length === 0)
    return { keys: parseKeys(settings), settings: { ...emptySettings, ...settings } }
  const path = join(dataDir, 'keys.json')
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const found = await readFile(path, 'utf8').catch(async (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOENT') throw thrown
    if ((await makeKeyFile(path)) === 'made') log.warn({ file: 'keys.json', variables: missing }, 'keys.development-keys-made')
    return readFile(path, 'utf8')
  })
  const parsed = keyFile.safeParse(safeJson(found))
  if (!parsed.success)
    throw new ConfigError(missing.map((variable) => ({ variable, message: 'keys.json in HEED_DATA_DIR cannot be read' })))
  log.warn(
    { file: 'keys.json', variables: missing, advice: 'development only: whoever loses the file loses every identifier' },
    'keys.development-keys-used',
  )
  const filled = {
    ...parsed.data,
    // a key file may lack it; made of another key, it is the same for all that read the file at once
    HEED_SUPPRESSION_KEY: parsed.data.HEED_SUPPRESSION_KEY ?? derived(parsed.data.HEED_LOOKUP_KEY),
    ...Object.fromEntries(names.filter((name) => !missing.includes(name)).map((name) => [name, settings[name]])),
  }
  return { keys: parseKeys(filled), settings: { ...emptySettings, ...filled } }
}

const emptySettings: Required<KeySettings> = { HEED_KEK: '', HEED_LOOKUP_KEY: '', HEED_LINK_KEYS: '', HEED_SUPPRESSION_KEY: '' }

function derived(lookupKey: string): string {
  return createHmac('sha256', Buffer.from(lookupKey, 'base64')).update('heed.suppression-key.v1').digest('base64')
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
