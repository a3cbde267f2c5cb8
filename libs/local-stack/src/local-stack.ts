import { mkdirSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheFolder } from './cache-folder.ts'
import { type Choice, choiceLine, chooseSource, givenBy, parseBrokers, partName } from './choice.ts'
import type { StackContext } from './context.ts'
import { DockerUnusable, dockerKafka, dockerMongodb, removeContainers, runningContainers } from './docker.ts'
import { probeDocker } from './docker-engine.ts'
import { embeddedKafka, embeddedMongodb } from './embedded.ts'
import { LocalStackError } from './errors.ts'
import { type HeldLock, tryLock } from './file-lock.ts'
import { isAlive, terminate, thisProcess } from './host-process.ts'
import type { StackPurpose } from './kafka-settings.ts'
import { portClaims } from './ports.ts'
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
import { temporaryDataDir } from './test-folder.ts'

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
  /** Gives the start up: what has been started is stopped, and `startLocalStack` rejects with the signal's reason. */
  signal?: AbortSignal
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
  const dataDir = temporary ? temporaryDataDir() : resolve(options.dataDir ?? '')

  const abort = new AbortController()
  const signal = options.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, options.signal])
  const choices = new Map<StackPart, Choice>()
  const servers: StackServer[] = []
  const startedHere: StackServer[] = []
  const exits = exitBoard(log)
  const ports = portClaims(log)
  let held: HeldLock | undefined
  let joins = false
  const close = async (toStop: readonly StackServer[]) => {
    exits.close()
    await Promise.all(toStop.map((server) => server.stop()))
    if (held !== undefined && !joins) removeRunningFile(dataDir)
    ports.release()
    held?.release()
    if (temporary) rmSync(dataDir, { recursive: true, force: true })
  }
  try {
    const docker = once(() => probeDocker(env))
    const prefer = options.prefer ?? parsePreference(env.HEED_STACK)
    const file = readStackFile(dataDir)
    for (const part of parts) {
      const facts = { given: Boolean(env[givenBy[part]]), prefer, dataSource: file[part]?.source, docker }
      choices.set(part, await chooseSource(part, facts))
    }
    const own = [...choices.values()].some(({ source }) => source !== 'given')
    let running: RunningFile = {}
    if (own) {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 })
      held = await lockData(dataDir, signal)
      running = await settleFormerRun(dataDir, standing, log)
      joins = running.owner === undefined
      writeRunningFile(dataDir, running)
    }
    const context: StackContext = {
      dataDir,
      cacheDir: options.cacheDir ?? cacheFolder(env),
      env,
      purpose,
      testCommands: options.mongoTestCommands ?? purpose === 'test',
      progress: options.progress ?? terminalProgress(log),
      log,
      ports,
      standing: joins,
      temporary,
      signal,
      // Read again under the lock: another process may have moved a port meanwhile.
      file: own ? readStackFile(dataDir) : file,
      running,
      onExit: exits.report,
    }
    const open = async (part: StackPart) => {
      const stood = joins && isServed(running, part)
      const opened = await openPart(part, choices.get(part) ?? { source: 'embedded', why: '' }, context, prefer)
      choices.set(part, stood ? { source: opened.choice.source, why: 'already running' } : opened.choice)
      servers.push(opened.server)
      if (!stood) startedHere.push(opened.server)
    }
    // The first failure gives the rest up: nobody waits for a fetch whose result is not needed any more.
    const opened = parts.map((part) =>
      open(part).catch((problem: unknown) => {
        abort.abort(problem)
        throw problem
      }),
    )
    await Promise.allSettled(opened)
    signal.throwIfAborted()
    await Promise.all(opened)
  } catch (problem) {
    await close(startedHere)
    throw problem
  }
  // A standing stack is used by many; the lock only guards its start.
  if (joins) held?.release()

  const choice = choiceLine(
    parts
      .flatMap((part) => servers.filter((server) => server.part === part))
      .map(({ part, version, at, source }) => ({ part, version, at, choice: choices.get(part) ?? { source, why: '' } })),
  )
  log(choice)
  const stopOnce = once(() => close(joins ? [] : servers))
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

async function openPart(
  part: StackPart,
  choice: Choice,
  context: StackContext,
  prefer: StackSource | undefined,
): Promise<{ choice: Choice; server: StackServer }> {
  const embedded = () => (part === 'kafka' ? embeddedKafka(context) : embeddedMongodb(context))
  switch (choice.source) {
    case 'given':
      return { choice, server: givenServer(part, context.env[givenBy[part]] ?? '') }
    case 'docker':
      try {
        return { choice, server: await (part === 'kafka' ? dockerKafka(context) : dockerMongodb(context)) }
      } catch (problem) {
        if (!(problem instanceof DockerUnusable)) throw problem
        // Data in a volume, or a caller who asked for Docker, leave no other way.
        if (prefer === 'docker' || context.file[part]?.source === 'docker')
          throw new LocalStackError('start-failed', problem.message, { cause: problem })
        context.log(problem.message)
        return { choice: { source: 'embedded', why: problem.message }, server: await embedded() }
      }
    case 'embedded':
      return { choice, server: await embedded() }
    default:
      return choice.source satisfies never
  }
}

/** The value of `HEED_STACK`: one of the sources, or nothing. Throws `LocalStackError` for any other text. */
export function parsePreference(text: string | undefined): StackSource | undefined {
  if (text === undefined || text === '') return undefined
  if (text === 'given' || text === 'docker' || text === 'embedded') return text
  throw new LocalStackError('start-failed', `HEED_STACK is "${text}", but must be given, docker or embedded`)
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

// A lock whose holder is not the owner of running servers is held only while someone starts a standing stack, or looks at one: wait.
async function lockData(dataDir: string, signal: AbortSignal): Promise<HeldLock> {
  const until = performance.now() + 120_000
  for (;;) {
    const result = tryLock(stackPaths(dataDir).lockFile)
    if (!('heldBy' in result)) return result
    const owned = readRunningFile(dataDir).owner?.pid === result.heldBy.pid
    if (owned || performance.now() > until) {
      throw new LocalStackError(
        'data-in-use',
        `${dataDir} is in use by process ${result.heldBy.pid}: stop that one, or use another data folder`,
      )
    }
    await sleep(50, undefined, { signal })
  }
}

// Called under the lock, so a named owner is dead. Its servers may still be ending, or, had their watchdog been killed too, run on.
async function settleFormerRun(dataDir: string, standing: boolean, log: (line: string) => void): Promise<RunningFile> {
  const former = readRunningFile(dataDir)
  const alive = [former.kafka, former.mongodb].filter((ref) => ref !== undefined).filter(isAlive)
  const containers = await runningContainers(Object.values(former.containers ?? {}))
  const left = alive.length + containers.length
  if (former.owner === undefined && left > 0) return former
  if (left > 0) log('ending the servers of a former run, which was killed')
  await Promise.all([...alive.map((ref) => terminate(ref, 8000)), removeContainers(containers)])
  return standing ? {} : { owner: thisProcess() }
}

function isServed(running: RunningFile, part: StackPart): boolean {
  const ref = running[part]
  return (ref !== undefined && isAlive(ref)) || running.containers?.[part] !== undefined
}

function exitBoard(log: (line: string) => void) {
  const happened: UnexpectedExit[] = []
  const listeners: ((exit: UnexpectedExit) => void)[] = []
  let closed = false
  return {
    report(exit: UnexpectedExit) {
      if (closed) return
      log(exit.message)
      happened.push(exit)
      for (const listener of listeners) listener(exit)
    },
    listen(listener: (exit: UnexpectedExit) => void) {
      listeners.push(listener)
      for (const exit of happened) listener(exit)
    },
    // A standing stack that was used lives, and may end, without those who used it.
    close() {
      closed = true
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
