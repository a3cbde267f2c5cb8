import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cachedFolder, damageOf } from './cache-folder.ts'
import { logTail, type RunningChild, startChild } from './child.ts'
import { type ClassDataOf, classDataFlags, discardClassData } from './class-data.ts'
import { LocalStackError } from './errors.ts'
import { findJava, oldestJava } from './java.ts'
import { kafkaVersion } from './kafka-jar-list.ts'
import { kafkaClassPath, kafkaJarsFolder } from './kafka-jars.ts'
import { liveBrokers } from './kafka-probe.ts'
import { kafkaJavaFlags, kafkaProperties, type StackPurpose } from './kafka-settings.ts'
import { loopback, type PortClaims } from './ports.ts'
import type { ProgressSink } from './progress.ts'
import { type KafkaData, refuseOtherSeries, stackPaths } from './stack-file.ts'
import { findOnPath, runTool } from './tool.ts'

const readyTimeoutMs = 90_000

/** The parts that a broker is made of, ready to run. */
export type KafkaKit = ClassDataOf

/** Finds Java and the jars, fetching what the cache lacks. Throws `LocalStackError` that names everything that is missing at once. */
export async function kafkaKit(options: {
  env: NodeJS.ProcessEnv
  cacheDir: string
  progress: ProgressSink
  log: (line: string) => void
  signal: AbortSignal
}): Promise<KafkaKit> {
  const folder = kafkaJarsFolder(options)
  const java = await findJava(options.env)
  const fetchNeeded = (await damageOf(join(options.cacheDir, folder.name), folder)) !== undefined
  const missing = [
    ...(java === undefined || java.feature < oldestJava ? [`a JDK ${oldestJava} or later`] : []),
    ...(fetchNeeded && findOnPath('mvn', options.env) === undefined ? ['Maven (mvn)'] : []),
  ]
  if (java === undefined || missing.length > 0) {
    const found = java !== undefined && java.feature < oldestJava ? ` (the Java here is ${java.feature})` : ''
    throw new LocalStackError(
      'missing-tool',
      `Kafka cannot run here: install ${missing.join(' and ')}${found}, or run Docker, or set KAFKA_BROKERS`,
    )
  }
  if (options.cacheDir.includes(':')) {
    throw new LocalStackError('start-failed', `Java cannot run jars from ${options.cacheDir}: set HEED_CACHE_DIR to a path without a colon`)
  }
  const jarsDir = await cachedFolder(options.cacheDir, folder, options.log)
  return { java: java.command, javaIdentity: java.identity, jarsDir, classPath: kafkaClassPath(jarsDir) }
}

/** Chooses what Kafka's data will remember: new data gets a cluster id and free ports; old data keeps its own, save a port that someone took. */
export async function planKafka(dataDir: string, known: KafkaData | undefined, ports: PortClaims): Promise<KafkaData> {
  if (dataDir.includes(','))
    throw new LocalStackError('start-failed', `Kafka cannot keep data in ${dataDir}: choose a path without a comma`)
  if (known === undefined) {
    const [brokerPort, controllerPort] = [await ports.free(), await ports.free()]
    return { source: 'embedded', version: kafkaVersion, clusterId: newClusterId(), brokerPort, controllerPort, formatted: false }
  }
  refuseOtherSeries('Kafka', known.version, kafkaVersion, dataDir)
  const brokerPort = await ports.remembered(known.brokerPort, 'Kafka')
  const controllerPort = await ports.remembered(known.controllerPort, 'Kafka')
  return { ...known, version: kafkaVersion, brokerPort, controllerPort }
}

/** A new cluster id: 16 random bytes in base64url, 22 characters, as Kafka's own tool makes them. */
export function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    // A leading dash would read as an option on the command line.
    if (!id.startsWith('-')) return id
  }
}

/** What a start of Kafka needs beside its kit and data. */
export interface KafkaStart {
  env: NodeJS.ProcessEnv
  purpose: StackPurpose
  standing: boolean
  signal: AbortSignal
  log: (line: string) => void
  onSpawn: (child: RunningChild) => void
}

/** Formats the data folder, once. Running it again over a folder that was formatted half-way is safe. */
export async function formatKafka(kit: KafkaKit, dataDir: string, data: KafkaData, options: Omit<KafkaStart, 'onSpawn'>): Promise<void> {
  writeProperties(dataDir, data)
  const paths = stackPaths(dataDir)
  mkdirSync(paths.kafkaData, { recursive: true })
  const flags = [...kafkaJavaFlags(options.purpose), ...(await classDataFlags(kit))]
  const command = ['kafka.tools.StorageTool', 'format', '-t', data.clusterId, '-c', paths.kafkaProperties, '--ignore-formatted']
  const result = await runTool(kit.java, [...flags, '-cp', kit.classPath, ...command], { ...options, timeoutMs: 60_000 })
  if (result.code === 0) return
  options.signal.throwIfAborted()
  throw new LocalStackError('start-failed', `Kafka could not format ${paths.kafkaData}: ${lastOf(result.lines)}`, {
    detail: result.lines.slice(-15).join('\n'),
  })
}

/** Starts the broker and resolves when it serves. Throws `LocalStackError` with the log's last lines when it ends before. */
export async function startKafka(kit: KafkaKit, dataDir: string, data: KafkaData, options: KafkaStart): Promise<RunningChild> {
  const classes = await classDataFlags(kit)
  try {
    return await startWith(classes, kit, dataDir, data, options)
  } catch (problem) {
    if (classes.length === 0 || options.signal.aborted) throw problem
    // The archive is only there for speed: it must never be what stands in the way.
    options.log('Kafka ended while starting: trying once more without class data')
    discardClassData(kit)
    return startWith([], kit, dataDir, data, options)
  }
}

async function startWith(
  classes: readonly string[],
  kit: KafkaKit,
  dataDir: string,
  data: KafkaData,
  options: KafkaStart,
): Promise<RunningChild> {
  writeProperties(dataDir, data)
  const paths = stackPaths(dataDir)
  const child = await startChild({
    command: kit.java,
    args: [
      ...kafkaJavaFlags(options.purpose),
      ...classes,
      `-XX:ErrorFile=${paths.kafkaCrash}`,
      '-cp',
      kit.classPath,
      'kafka.Kafka',
      paths.kafkaProperties,
    ],
    logFile: paths.kafkaLog,
    env: options.env,
    standing: options.standing,
  })
  options.onSpawn(child)
  const until = performance.now() + readyTimeoutMs
  while ((await liveBrokers(loopback, data.brokerPort, 1000)) === 0) {
    if (child.hasExited || options.signal.aborted || performance.now() > until) {
      const what = child.hasExited ? 'ended while starting' : `did not serve within ${readyTimeoutMs / 1000} s`
      await child.stop(1000)
      options.signal.throwIfAborted()
      throw new LocalStackError('start-failed', `Kafka ${what}: see ${paths.kafkaLog}`, { detail: logTail(paths.kafkaLog) })
    }
    await sleep(30)
  }
  return child
}

function writeProperties(dataDir: string, data: KafkaData): void {
  const paths = stackPaths(dataDir)
  const text = kafkaProperties({ brokerPort: data.brokerPort, controllerPort: data.controllerPort, dataDir: paths.kafkaData })
  writeFileSync(paths.kafkaProperties, text, { mode: 0o600 })
}

function lastOf(lines: readonly string[]): string {
  return lines.findLast((line) => line.trim() !== '') ?? 'no reason given'
}
