import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sha256Of } from './cache-folder.ts'
import { startChild } from './child.ts'
import { systemCodeOf } from './errors.ts'
import { tryLock } from './file-lock.ts'
import { liveBrokers } from './kafka-probe.ts'
import { kafkaJavaFlags, kafkaProperties } from './kafka-settings.ts'
import { loopback, portClaims } from './ports.ts'
import { findOnPath, runTool } from './tool.ts'

// An archive of the broker's loaded classes halves the JVM's start (application class-data sharing, JEP 350: 0.9 s instead of 1.9 s, and
// 40 MB less resident memory). It is never required. The JVM itself refuses an archive of another Java or of other jars and then starts
// without; one whose bytes are not those that were recorded is never given to it.

/** What an archive is made for. */
export interface ClassDataOf {
  java: string
  /** What `java -version` says, word for word. */
  javaIdentity: string
  jarsDir: string
  classPath: string
}

/** The flags that start a JVM from the archive; none where there is no whole one. */
export async function classDataFlags(of: ClassDataOf): Promise<string[]> {
  const archive = archivePath(of)
  return (await isWhole(archive)) ? [`-XX:SharedArchiveFile=${archive}`, '-Xlog:cds=off'] : []
}

/** Removes every archive beside the jars. */
export function discardClassData(of: ClassDataOf): void {
  for (const name of readdirSync(of.jarsDir).filter((name) => name.startsWith('classes-'))) rmSync(join(of.jarsDir, name), { force: true })
}

/**
 * Records the archive, where there is none, by a run of a broker of its own on data that are thrown away, at the lowest priority.
 * Rejects never: an archive is worth having, not worth failing for. `signal` ends it at once.
 */
export async function recordClassData(of: ClassDataOf, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<'recorded' | 'left out'> {
  const archive = archivePath(of)
  // A colon separates two archives in the flag's value.
  if (archive.includes(':') || (await isWhole(archive))) return 'left out'
  const work = `${archive}.work`
  try {
    const held = tryLock(`${archive}.lock`)
    if ('heldBy' in held) return 'left out'
    try {
      rmSync(work, { recursive: true, force: true })
      mkdirSync(work)
      const part = join(work, 'classes.jsa')
      if (!(await runOnce(of, work, part, env, signal))) return 'left out'
      const sha256 = await sha256Of(part)
      renameSync(part, archive)
      const { size: bytes, ctimeMs } = statSync(archive)
      writeFileSync(`${archive}.json`, JSON.stringify({ bytes, sha256, ctimeMs } satisfies ArchiveRecord))
      return 'recorded'
    } finally {
      rmSync(work, { recursive: true, force: true })
      held.release()
    }
  } catch (problem) {
    // A read-only cache, a full disk.
    if (systemCodeOf(problem) !== undefined) return 'left out'
    throw problem
  }
}

async function runOnce(of: ClassDataOf, work: string, part: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<boolean> {
  const ports = portClaims(() => undefined)
  const [brokerPort, controllerPort] = [await ports.free(), await ports.free()]
  const properties = join(work, 'kafka.properties')
  writeFileSync(properties, kafkaProperties({ brokerPort, controllerPort, dataDir: join(work, 'data') }))
  const nice = findOnPath('nice', env)
  const [command, ...first] = nice === undefined ? [of.java] : [nice, '-n', '19', of.java]
  if (command === undefined) return false
  const args = (flags: readonly string[], main: readonly string[]) => [
    ...first,
    ...kafkaJavaFlags('run'),
    ...flags,
    '-cp',
    of.classPath,
    ...main,
  ]
  const format = args([], ['kafka.tools.StorageTool', 'format', '-t', 'AAAAAAAAAAAAAAAAAAAAAQ', '-c', properties])
  if ((await runTool(command, format, { env, signal, timeoutMs: 120_000 })).code !== 0) return false
  const record = args([`-XX:ArchiveClassesAtExit=${part}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off'], ['kafka.Kafka', properties])
  const child = await startChild({ command, args: record, logFile: join(work, 'log'), env, standing: false })
  const end = () => child.kill('SIGKILL')
  signal.addEventListener('abort', end, { once: true })
  try {
    const until = performance.now() + 300_000
    while ((await liveBrokers(loopback, brokerPort, 1000)) === 0) {
      if (child.hasExited || signal.aborted || performance.now() > until) return false
      await sleep(200)
    }
    await child.stop(120_000)
    // A JVM that ends by SIGTERM exits with 128 + 15. One that was killed leaves half an archive.
    return (await child.exited).code === 143
  } finally {
    signal.removeEventListener('abort', end)
    await child.stop(0)
    ports.release()
  }
}

interface ArchiveRecord {
  bytes: number
  sha256: string
  ctimeMs: number
}

/** Where the archive of this Java is kept. */
export function archivePath(of: ClassDataOf): string {
  return join(of.jarsDir, `classes-${createHash('sha256').update(of.javaIdentity).digest('hex').slice(0, 16)}.jsa`)
}

async function isWhole(archive: string): Promise<boolean> {
  const stat = statSync(archive, { throwIfNoEntry: false })
  const record = readRecord(`${archive}.json`)
  if (stat === undefined || record === undefined || stat.size !== record.bytes) return false
  return stat.ctimeMs === record.ctimeMs || (await sha256Of(archive)) === record.sha256
}

function readRecord(path: string): ArchiveRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ArchiveRecord
  } catch {
    return undefined
  }
}
