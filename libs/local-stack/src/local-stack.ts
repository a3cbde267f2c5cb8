import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { cacheFolder } from './cache-folder.ts'
import { type Choice, choiceLine, chooseSource, givenBy, parseBrokers, partName } from './choice.ts'
import { probeDocker } from './docker.ts'
import { type EmbeddedContext, embeddedKafka, embeddedMongodb } from './embedded.ts'
import { LocalStackError } from './errors.ts'
import { type HeldLock, tryLock } from './file-lock.ts'
import { isAlive, terminate, thisProcess } from './host-process.ts'
import type { StackPurpose } from './kafka-settings.ts'
import { type ProgressSink, terminalProgress } from './progress.ts'
import type { StackServer, UnexpectedExit } from './server.ts'
import {
  type RunningFile,
  readRunningFile,
  readStackFile,
  removeRunningFile,
  type StackPart,
  type StackSource,
  stackPaths,
  writeRunningFile,
} from './stack-file.ts'

/** How to start a stack. */
export interface LocalStackOptions {
  /** The folder that keeps the data. Only a test may leave it out: it then gets a temporary one, which `stop` removes. */
  dataDir?: string
  /** Where fetched parts are kept; by default `HEED_CACHE_DIR` or the user's cache directory. */
  cacheDir?: string
  /** Read instead of `process.env`: `KAFKA_BROKERS`, `MONGODB_URI`, `PATH`, `JAVA_HOME`, `HEED_CACHE_DIR`, `DOCKER_HOST`. */
  env?: NodeJS.ProcessEnv
  /** Take this source and no other. */
  prefer?: StackSource
  purpose?: StackPurpose
  progress?: ProgressSink
  log?: (line: string) => void
  /** Which servers are needed; both by default. */
  parts?: readonly StackPart[]
  /** `mongod` with fail points (`enableTestCommands`); on by default for `purpose: 'test'`. */
  mongoTestCommands?: boolean
}

/** A Kafka broker and a MongoDB replica set that serve now. */
export interface LocalStack {
  readonly kafka: { readonly brokers: string[]; readonly source: StackSource; readonly pid: number | undefined }
  readonly mongodb: { readonly uri: string; readonly source: StackSource; readonly pid: number | undefined }
  /** One line: where the parts come from and why. */
  readonly choice: string
  /** Calls back when a server ends that nobody stopped; at once for one that already has. */
  onExit(listener: (exit: UnexpectedExit) => void): void
  /** Sends a signal to a server, for fault tests. With SIGKILL or SIGTERM it resolves when the server is gone, and `onExit` stays silent. */
  kill(part: StackPart, signal?: NodeJS.Signals): Promise<void>
  /** Starts a server again on the same data and port, stopping it first where it runs. */
  restart(part: StackPart): Promise<void>
  /** Stops what this call started (a standing or given server stays). Resolves when all is gone; a second call waits for the same. */
  stop(): Promise<void>
}

/**
 * Finds or starts a real Kafka and a real MongoDB, per part the first that works: given by environment, Docker, embedded. Resolves when
 * both serve. Own servers end with this process, however it ends. Throws `LocalStackError`.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  return openStack(options, false)
}

/** `startLocalStack`, or, with `standing`, a start of servers that outlive this process. */
export async function openStack(options: LocalStackOptions, standing: boolean): Promise<LocalStack> {
  const env = options.env ?? process.env
  const log = options.log ?? ((line: string) => process.stderr.write(`${line}\n`))
  const parts = options.parts ?? (['kafka', 'mongodb'] as const)
  const purpose = options.purpose ?? 'run'
  const temporary = options.dataDir === undefined
  if (temporary && purpose !== 'test') throw new TypeError('startLocalStack needs a dataDir, except for purpose "test"')
  const dataDir = temporary ? mkdtempSync(join(tmpdir(), 'heed-test-stack-')) : resolve(options.dataDir ?? '')

  const docker = once(() => probeDocker(env))
  const file = readStackFile(dataDir)
  const choices = new Map<StackPart, Choice>()
  for (const part of parts) {
    choices.set(
      part,
      await chooseSource(part, { given: Boolean(env[givenBy[part]]), prefer: options.prefer, dataSource: file[part]?.source, docker }),
    )
  }

  let held: HeldLock | undefined
  let running: RunningFile = {}
  const own = [...choices.values()].some(({ source }) => source !== 'given')
  if (own) {
    mkdirSync(dataDir, { recursive: true })
    held = lockData(dataDir)
    running = await settleFormerRun(dataDir, standing, log)
  }
  const joins = own && running.owner === undefined
  const exits = exitBoard(log)
  const context: EmbeddedContext = {
    dataDir,
    cacheDir: options.cacheDir ?? cacheFolder(env),
    env,
    purpose,
    testCommands: options.mongoTestCommands ?? purpose === 'test',
    progress: options.progress ?? terminalProgress(log),
    log,
    standing: joins,
    // Read again under the lock: another process may have moved a port meanwhile.
    file: own ? readStackFile(dataDir) : file,
    running,
    onExit: exits.report,
  }
  if (own) writeRunningFile(dataDir, running)

  const starts = await Promise.allSettled(
    parts.map((part) => {
      const choice = choices.get(part) ?? { source: 'embedded' as const, why: '' }
      return openPart(part, choice, context)
    }),
  )
  const servers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  const close = async () => {
    if (!joins) await Promise.all(servers.map((server) => server.stop()))
    if (own && !joins) removeRunningFile(dataDir)
    held?.release()
    if (temporary) rmSync(dataDir, { recursive: true, force: true })
  }
  const failed = starts.find((start) => start.status === 'rejected')
  if (failed !== undefined) {
    await close()
    throw failed.reason
  }
  // A standing stack is used by many; the lock only guards its start.
  if (joins) held?.release()

  const choice = choiceLine(
    servers.map((server) => ({
      part: server.part,
      version: server.version,
      at: server.at,
      choice: choices.get(server.part) ?? { source: server.source, why: '' },
    })),
  )
  log(choice)
  const stopOnce = once(close)
  const server = (part: StackPart): StackServer => {
    const found = servers.find((candidate) => candidate.part === part)
    if (found === undefined)
      throw new LocalStackError('not-ours', `${partName[part]} is not among the parts that this stack was started with`)
    return found
  }
  return {
    get kafka() {
      const { address, source, pid } = server('kafka')
      return { brokers: address.split(','), source, pid }
    },
    get mongodb() {
      const { address, source, pid } = server('mongodb')
      return { uri: address, source, pid }
    },
    choice,
    onExit: exits.listen,
    kill: (part, signal = 'SIGKILL') => server(part).kill(signal),
    restart: (part) => server(part).restart(),
    stop: stopOnce,
  }
}

function openPart(part: StackPart, choice: Choice, context: EmbeddedContext): Promise<StackServer> {
  switch (choice.source) {
    case 'given':
      return Promise.resolve(givenServer(part, context.env[givenBy[part]] ?? ''))
    case 'docker':
      throw new LocalStackError('missing-tool', 'Docker is not supported yet')
    case 'embedded':
      return part === 'kafka' ? embeddedKafka(context) : embeddedMongodb(context)
    default:
      return choice.source satisfies never
  }
}

function givenServer(part: StackPart, value: string): StackServer {
  const refuse = () =>
    Promise.reject(
      new LocalStackError('not-ours', `${partName[part]} is given by ${givenBy[part]}: it is not this stack's to stop or start`),
    )
  return {
    part,
    source: 'given',
    version: undefined,
    address: part === 'kafka' ? parseBrokers(value).join(',') : value,
    at: undefined,
    pid: undefined,
    kill: refuse,
    restart: refuse,
    stop: () => Promise.resolve(),
  }
}

function lockData(dataDir: string): HeldLock {
  const result = tryLock(stackPaths(dataDir).lockFile)
  if (!('heldBy' in result)) return result
  throw new LocalStackError(
    'data-in-use',
    `${dataDir} is in use by process ${result.heldBy.pid}: stop that one, or use another data folder`,
  )
}

// Called under the lock, so a named owner is dead. Its servers may still be ending, or, had their watchdog been killed too, run on.
async function settleFormerRun(dataDir: string, standing: boolean, log: (line: string) => void): Promise<RunningFile> {
  const former = readRunningFile(dataDir)
  const alive = [former.kafka, former.mongodb].filter((ref) => ref !== undefined).filter(isAlive)
  if (former.owner === undefined && alive.length > 0) return former
  if (alive.length > 0) log('ending the servers of a former run, which was killed')
  await Promise.all(alive.map((ref) => terminate(ref, 8000)))
  return standing ? {} : { owner: thisProcess() }
}

function exitBoard(log: (line: string) => void) {
  const happened: UnexpectedExit[] = []
  const listeners: ((exit: UnexpectedExit) => void)[] = []
  return {
    report(exit: UnexpectedExit) {
      log(exit.message)
      happened.push(exit)
      for (const listener of listeners) listener(exit)
    },
    listen(listener: (exit: UnexpectedExit) => void) {
      listeners.push(listener)
      for (const exit of happened) listener(exit)
    },
  }
}

function once<T>(action: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= action()
    return result
  }
}
