import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LocalStackError } from './errors.ts'
import { lock } from './file-lock.ts'

/** A file that a fetched folder must hold, by name, size and hash. */
export interface KnownFile {
  name: string
  bytes: number
  sha256: string
}

/** One folder of the cache: its name says the version, so a new version never meets the files of an old one. */
export interface CachedFolder {
  name: string
  /** The fetched files. Others beside them are ignored, unless they end in `exclusiveEnding`. */
  files: readonly KnownFile[]
  exclusiveEnding?: string
  /** Fills an empty folder. It is renamed into place when all files are there and right. */
  fetch(emptyDir: string): Promise<void>
}

// Slow lines exist: 85 MB at 1 Mbit/s take 11 minutes.
const fetchTimeoutMs = 20 * 60_000

/** The cache folder: `HEED_CACHE_DIR`, else `heed` in the user's cache directory (XDG; `Library/Caches` on macOS). */
export function cacheFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform, home: string = homedir()): string {
  if (env.HEED_CACHE_DIR) return env.HEED_CACHE_DIR
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'heed')
  return platform === 'darwin' ? join(home, 'Library', 'Caches', 'heed') : join(home, '.cache', 'heed')
}

/**
 * The path of a fetched folder whose files are all there and right. It is fetched when it is absent or damaged; processes that start at
 * once fetch it once; what an interrupted fetch left behind is removed by the next.
 */
export async function cachedFolder(cacheDir: string, folder: CachedFolder, log: (line: string) => void): Promise<string> {
  const path = join(cacheDir, folder.name)
  if ((await damageOf(path, folder)) === undefined) return path
  mkdirSync(cacheDir, { recursive: true })
  const held = await lock(`${path}.lock`, {
    timeoutMs: fetchTimeoutMs,
    onWait: (heldBy) => log(`waiting for process ${heldBy.pid}, which fetches ${folder.name}`),
  })
  try {
    // Another process may have finished it while we waited.
    const damage = await damageOf(path, folder)
    if (damage === undefined) return path
    if (existsSync(path)) log(`${folder.name} in the cache is damaged (${damage}): fetching it again`)
    for (const leftover of readdirSync(cacheDir).filter((name) => name.startsWith(`${folder.name}.part-`))) {
      rmSync(join(cacheDir, leftover), { recursive: true, force: true })
    }
    const part = join(cacheDir, `${folder.name}.part-${process.pid}`)
    mkdirSync(part)
    try {
      await folder.fetch(part)
      const wrong = await damageOf(part, folder)
      if (wrong !== undefined)
        throw new LocalStackError('fetch-failed', `${folder.name} was fetched but is not what it should be: ${wrong}`)
      rmSync(path, { recursive: true, force: true })
      renameSync(part, path)
    } finally {
      rmSync(part, { recursive: true, force: true })
    }
    return path
  } finally {
    held.release()
  }
}

/** What is wrong with a fetched folder, in a few words, or `undefined` when every file is there and right. */
export async function damageOf(path: string, folder: Pick<CachedFolder, 'files' | 'exclusiveEnding'>): Promise<string | undefined> {
  if (!existsSync(path)) return 'not there'
  const ending = folder.exclusiveEnding
  if (ending !== undefined) {
    const known = new Set(folder.files.map((file) => file.name))
    const stranger = readdirSync(path).find((name) => name.endsWith(ending) && !known.has(name))
    if (stranger !== undefined) return `${stranger} is not part of it`
  }
  const stamps = readStamps(path)
  const fresh: Stamps = {}
  for (const file of folder.files) {
    const full = join(path, file.name)
    const stat = statSync(full, { throwIfNoEntry: false })
    if (stat === undefined) return `${file.name} is missing`
    if (stat.size !== file.bytes) return `${file.name} has ${stat.size} bytes instead of ${file.bytes}`
    // The change time moves with every write and cannot be set back: a file that carries the time of its last check was not touched since.
    const stamp = `${file.sha256} ${stat.ctimeMs}`
    if (stamps[file.name] !== stamp && (await sha256Of(full)) !== file.sha256) return `${file.name} has another hash`
    fresh[file.name] = stamp
  }
  if (JSON.stringify(fresh) !== JSON.stringify(stamps)) writeStamps(path, fresh)
  return undefined
}

/** The SHA-256 of a file's bytes, in hex. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

type Stamps = Record<string, string>
const stampFile = '.checked.json'

function readStamps(path: string): Stamps {
  try {
    return JSON.parse(readFileSync(join(path, stampFile), 'utf8')) as Stamps
  } catch {
    return {}
  }
}

function writeStamps(path: string, stamps: Stamps): void {
  try {
    const draft = join(path, `${stampFile}.${process.pid}`)
    writeFileSync(draft, JSON.stringify(stamps))
    renameSync(draft, join(path, stampFile))
  } catch {
    // A cache that cannot be written to (a shared, read-only one) is hashed at every start instead.
  }
}
