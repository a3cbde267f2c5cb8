import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cachedFolder, damageOf } from './cache-folder.ts'
import { logTail, type RunningChild, startChild } from './child.ts'
import { LocalStackError } from './errors.ts'
import { findJava, oldestJava } from './java.ts'
import { kafkaVersion } from './kafka-jar-list.ts'
import { kafkaClassPath, kafkaJarsFolder } from './kafka-jars.ts'
import { liveBrokers } from './kafka-probe.ts'
import { kafkaJavaFlags, kafkaProperties, type StackPurpose } from './kafka-settings.ts'
import { freePorts, isPortFree, loopback } from './ports.ts'
import type { ProgressSink } from './progress.ts'
import { type KafkaData, refuseOtherSeries, stackPaths } from './stack-file.ts'
import { findOnPath, runTool } from './tool.ts'

const readyTimeoutMs = 90_000

/** The parts that a broker is made of, ready to run. */
export interface KafkaKit {
  java: string
  classPath: string
  /** A class-data archive that makes the JVM start faster, where there is one. */
  archive: string | undefined
}

/** Finds Java and the jars, fetching what the cache lacks. Throws `LocalStackError` that names everything that is missing at once. */
export async function kafkaKit(options: {
  env: NodeJS.ProcessEnv
  cacheDir: string
  progress: ProgressSink
  log: (line: string) => void
}): Promise<KafkaKit> {
  const folder = kafkaJarsFolder(options.env, options.progress)
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
  const jarsDir = await cachedFolder(options.cacheDir, folder, options.log)
  return { java: java.command, classPath: kafkaClassPath(jarsDir), archive: undefined }
}

/** Chooses what Kafka's data will remember: new data gets a cluster id and free ports; old data keeps its own, save a port that someone took. */
export async function planKafka(dataDir: string, known: KafkaData | undefined, log: (line: string) => void): Promise<KafkaData> {
  if (known === undefined) {
    const [brokerPort = 0, controllerPort = 0] = await freePorts(2)
    return {
      source: 'embedded',
      version: kafkaVersion,
      clusterId: randomBytes(16).toString('base64url'),
      brokerPort,
      controllerPort,
      formatted: false,
    }
  }
  refuseOtherSeries('Kafka', known.version, kafkaVersion, dataDir)
  const planned = { ...known, version: kafkaVersion }
  for (const role of ['brokerPort', 'controllerPort'] as const) {
    if (await isPortFree(planned[role])) continue
    const [port = 0] = await freePorts(1)
    log(`port ${planned[role]} of Kafka's data is taken by another program: using ${port}`)
    planned[role] = port
  }
  return planned
}

/** Formats the data folder, once. Running it again over a folder that was formatted half-way is safe. */
export async function formatKafka(
  kit: KafkaKit,
  dataDir: string,
  data: KafkaData,
  env: NodeJS.ProcessEnv,
  purpose: StackPurpose,
): Promise<void> {
  writeProperties(dataDir, data)
  const paths = stackPaths(dataDir)
  mkdirSync(paths.kafkaData, { recursive: true })
  const args = ['kafka.tools.StorageTool', 'format', '-t', data.clusterId, '-c', paths.kafkaProperties, '--ignore-formatted']
  const result = await runTool(kit.java, [...javaArgs(kit, purpose), ...args], { env, timeoutMs: 60_000 })
  if (result.code === 0) return
  throw new LocalStackError('start-failed', `Kafka could not format ${paths.kafkaData}: see the detail`, {
    detail: result.lines.slice(-15).join('\n'),
  })
}

/** Starts the broker and resolves when it serves. Throws `LocalStackError` with the log's last lines when it ends before. */
export async function startKafka(
  kit: KafkaKit,
  dataDir: string,
  data: KafkaData,
  options: { env: NodeJS.ProcessEnv; purpose: StackPurpose; standing: boolean; onSpawn: (child: RunningChild) => void },
): Promise<RunningChild> {
  writeProperties(dataDir, data)
  const paths = stackPaths(dataDir)
  const child = await startChild({
    command: kit.java,
    args: [...javaArgs(kit, options.purpose), 'kafka.Kafka', paths.kafkaProperties],
    logFile: paths.kafkaLog,
    env: options.env,
    standing: options.standing,
  })
  options.onSpawn(child)
  const until = performance.now() + readyTimeoutMs
  while ((await liveBrokers(loopback, data.brokerPort, 1000)) === 0) {
    if (child.hasExited || performance.now() > until) {
      const what = child.hasExited ? 'ended while starting' : `did not serve within ${readyTimeoutMs / 1000} s`
      await child.stop(1000)
      throw new LocalStackError('start-failed', `Kafka ${what}: see ${paths.kafkaLog}`, { detail: logTail(paths.kafkaLog) })
    }
    await sleep(50)
  }
  return child
}

function javaArgs(kit: KafkaKit, purpose: StackPurpose): string[] {
  const archive = kit.archive !== undefined && existsSync(kit.archive) ? [`-XX:SharedArchiveFile=${kit.archive}`] : []
  return [...kafkaJavaFlags(purpose), ...archive, '-cp', kit.classPath]
}

function writeProperties(dataDir: string, data: KafkaData): void {
  const paths = stackPaths(dataDir)
  writeFileSync(
    paths.kafkaProperties,
    kafkaProperties({ brokerPort: data.brokerPort, controllerPort: data.controllerPort, dataDir: paths.kafkaData }),
  )
}
