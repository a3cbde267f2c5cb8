import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { firstLineOf, LocalStackError, systemCodeOf } from './errors.ts'
import type { ProcessRef } from './host-process.ts'

/** The two servers of a stack. */
export type StackPart = 'kafka' | 'mongodb'
/** Where a server comes from. */
export type StackSource = 'given' | 'docker' | 'embedded'
/** The sources that keep data in the stack's own folder or volumes. */
export type OwnSource = Exclude<StackSource, 'given'>

/** What `stack.json` remembers of Kafka's data. */
export interface KafkaData {
  source: OwnSource
  version: string
  clusterId: string
  brokerPort: number
  controllerPort: number
  /** Set once the folder was formatted from beginning to end. */
  formatted: boolean
}

/** What `stack.json` remembers of MongoDB's data. */
export interface MongodbData {
  source: OwnSource
  version: string
  port: number
}

/** `stack.json`: what the data folder holds and on which ports it was served. */
export interface StackFile {
  format: 1
  kafka?: KafkaData
  mongodb?: MongodbData
}

/** `running.json`: who serves the folder now. `owner` is absent when the servers stand on their own (`stackUp`). */
export interface RunningFile {
  owner?: ProcessRef
  kafka?: ProcessRef
  mongodb?: ProcessRef
  /** Ids of containers, where the servers run in Docker. */
  containers?: { kafka?: string; mongodb?: string }
}

/** The files of one data folder. */
export function stackPaths(dataDir: string) {
  return {
    stackFile: join(dataDir, 'stack.json'),
    runningFile: join(dataDir, 'running.json'),
    lockFile: join(dataDir, 'stack.lock'),
    kafkaData: join(dataDir, 'kafka'),
    kafkaProperties: join(dataDir, 'kafka.properties'),
    kafkaLog: join(dataDir, 'kafka.log'),
    kafkaCrash: join(dataDir, 'kafka-crash.log'),
    mongodbData: join(dataDir, 'mongodb'),
    mongodbLog: join(dataDir, 'mongodb.log'),
  }
}

/** Reads `stack.json`; an absent file is an empty stack. Throws `LocalStackError` for a damaged file or one of another format. */
export function readStackFile(dataDir: string): StackFile {
  const { stackFile } = stackPaths(dataDir)
  const text = readIfPresent(stackFile)
  if (text === undefined) return { format: 1 }
  return parseStackFile(text, stackFile)
}

/** Parses the text of a `stack.json`; `where` names it in an error. */
export function parseStackFile(text: string, where: string): StackFile {
  const value = parseJson(text)
  if (value === undefined)
    throw new LocalStackError('other-version', `${where} is damaged: restore it, or remove the data folder to start anew`)
  if (value.format !== 1) {
    throw new LocalStackError(
      'other-version',
      `${where} has format ${JSON.stringify(value.format)}, this Heed reads format 1: use another data folder, or the Heed that wrote it`,
    )
  }
  const file: StackFile = { format: 1 }
  if (value.kafka !== undefined) {
    const k = asRecord(value.kafka)
    const source = asSource(k?.source)
    if (!source || !isText(k?.version) || !isText(k?.clusterId) || !isPort(k?.brokerPort) || !isPort(k?.controllerPort))
      throw badPart(where, 'kafka')
    file.kafka = {
      source,
      version: k.version,
      clusterId: k.clusterId,
      brokerPort: k.brokerPort,
      controllerPort: k.controllerPort,
      formatted: k.formatted === true,
    }
  }
  if (value.mongodb !== undefined) {
    const m = asRecord(value.mongodb)
    const source = asSource(m?.source)
    if (!source || !isText(m?.version) || !isPort(m?.port)) throw badPart(where, 'mongodb')
    file.mongodb = { source, version: m.version, port: m.port }
  }
  return file
}

/** Writes `stack.json` whole (mode 0600). */
export function writeStackFile(dataDir: string, file: StackFile): void {
  writeWhole(stackPaths(dataDir).stackFile, file)
}

/** Reads `running.json`; absent or damaged means that nothing is known to run. */
export function readRunningFile(dataDir: string): RunningFile {
  const text = readIfPresent(stackPaths(dataDir).runningFile)
  const value = text === undefined ? undefined : parseJson(text)
  if (value === undefined) return {}
  const containers = asRecord(value.containers)
  const file: RunningFile = {}
  const owner = asProcessRef(value.owner)
  const kafka = asProcessRef(value.kafka)
  const mongodb = asProcessRef(value.mongodb)
  if (owner) file.owner = owner
  if (kafka) file.kafka = kafka
  if (mongodb) file.mongodb = mongodb
  if (containers) {
    file.containers = {}
    if (isText(containers.kafka)) file.containers.kafka = containers.kafka
    if (isText(containers.mongodb)) file.containers.mongodb = containers.mongodb
  }
  return file
}

/** Writes `running.json` whole (mode 0600). */
export function writeRunningFile(dataDir: string, file: RunningFile): void {
  writeWhole(stackPaths(dataDir).runningFile, file)
}

/** Removes `running.json`. */
export function removeRunningFile(dataDir: string): void {
  rmSync(stackPaths(dataDir).runningFile, { force: true })
}

/** `6.0` of `6.0.5`: data files of one series can be opened by every release of it. */
export function seriesOf(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

/** Throws `LocalStackError` when data of one version would be opened by a server of another series. */
export function refuseOtherSeries(server: string, dataVersion: string, serverVersion: string, dataDir: string): void {
  if (seriesOf(dataVersion) === seriesOf(serverVersion)) return
  throw new LocalStackError(
    'other-version',
    `${dataDir} holds data of ${server} ${dataVersion}, but this is ${server} ${serverVersion}: use ${server} ${seriesOf(dataVersion)}, another data folder, or remove this one to start anew`,
  )
}

function writeWhole(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, path)
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (problem) {
    if (systemCodeOf(problem) === 'ENOENT') return undefined
    throw new LocalStackError('start-failed', `cannot read ${path}: ${firstLineOf(problem)}`, { cause: problem })
  }
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    return asRecord(JSON.parse(text))
  } catch {
    return undefined
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
}

function asProcessRef(value: unknown): ProcessRef | undefined {
  const record = asRecord(value)
  return typeof record?.pid === 'number' && isText(record.startMark) ? { pid: record.pid, startMark: record.startMark } : undefined
}

function asSource(value: unknown): OwnSource | undefined {
  return value === 'docker' || value === 'embedded' ? value : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536
}

function badPart(where: string, part: StackPart): LocalStackError {
  return new LocalStackError('other-version', `${where} is damaged at "${part}": restore it, or remove the data folder to start anew`)
}
