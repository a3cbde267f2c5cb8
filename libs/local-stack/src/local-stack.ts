import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { cacheFolder } from './cache-folder.ts'
import { type Choice, choiceLine, chooseSource, givenBy, parsePreference, partName } from './choice.ts'
import type { StackContext } from './context.ts'
import { type EnteredFolder, enterDataFolder } from './data-folder.ts'
import { DockerUnusable, dockerKafka, dockerMongodb } from './docker.ts'
import { probeDocker } from './docker-engine.ts'
import { embeddedKafka, embeddedMongodb } from './embedded.ts'
import { LocalStackError } from './errors.ts'
import { exitBoard } from './exit-board.ts'
import { givenServer } from './given.ts'
import type { StackPurpose } from './kafka-settings.ts'
import { portClaims } from './ports.ts'
import { type ProgressSink, terminalProgress } from './progress.ts'
import type { StackServer, UnexpectedExit } from './server.ts'
import { readStackFile, type StackPart, type StackSource } from './stack-file.ts'
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
  /** One line for the caller's log: where the parts come from and why. */
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
  const exits = exitBoard(log)
  const ports = portClaims(log)
  const servers = new Map<StackPart, StackServer>()
  let folder: EnteredFolder | undefined
  const close = async (stopping: (part: StackPart) => boolean) => {
    exits.close()
    await Promise.all([...servers].map(([part, server]) => (stopping(part) ? server.stop() : Promise.resolve())))
    ports.release()
    folder?.leave()
    if (temporary) rmSync(dataDir, { recursive: true, force: true })
  }
  const choices = new Map<StackPart, Choice>()
  try {
    const prefer = options.prefer ?? parsePreference(env.HEED_STACK)
    const docker = once(() => probeDocker(env))
    const known = readStackFile(dataDir)
    for (const part of parts) {
      const facts = { given: Boolean(env[givenBy[part]]), prefer, dataSource: known[part]?.source, docker }
      choices.set(part, await chooseSource(part, facts))
    }
    if ([...choices.values()].some(({ source }) => source !== 'given')) folder = await enterDataFolder(dataDir, standing, log, signal)
    const context: StackContext = {
      dataDir,
      cacheDir: options.cacheDir ?? cacheFolder(env),
      env,
      purpose,
      testCommands: options.mongoTestCommands ?? purpose === 'test',
      progress: options.progress ?? terminalProgress(log),
      log,
      ports,
      standing: folder?.standing ?? false,
      temporary,
      signal,
      // Read again under the lock: another process may have moved a port meanwhile.
      file: readStackFile(dataDir),
      running: folder?.running ?? {},
      onExit: exits.report,
    }
    const open = async (part: StackPart) => {
      const opened = await openPart(part, choices.get(part) ?? { source: 'embedded', why: '' }, context, prefer)
      choices.set(part, folder?.stood(part) ? { source: opened.choice.source, why: 'already running' } : opened.choice)
      servers.set(part, opened.server)
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
    folder?.settled()
  } catch (problem) {
    await close((part) => !folder?.stood(part))
    throw problem
  }

  const told = parts.flatMap((part) => {
    const [server, choice] = [servers.get(part), choices.get(part)]
    return server === undefined || choice === undefined ? [] : [{ part, version: server.version, at: server.at, choice }]
  })
  const choice = choiceLine(told)
  const stop = once(() => close(() => !folder?.standing))
  const server = (part: StackPart): StackServer => {
    const found = servers.get(part)
    if (found !== undefined) return found
    throw new LocalStackError('not-ours', `${partName[part]} is not among the parts that this stack was started with`)
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
    stop,
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

function once<T>(action: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= action()
    return result
  }
}
