import { resolve } from 'node:path'
import { removeContainers, runningContainers } from './docker.ts'
import { LocalStackError } from './errors.ts'
import { tryLock } from './file-lock.ts'
import { isAlive, terminate } from './host-process.ts'
import { liveBrokers } from './kafka-probe.ts'
import { type LocalStackOptions, openStack } from './local-stack.ts'
import { mongodbUri } from './mongod-server.ts'
import { answers, loopback } from './ports.ts'
import { type OwnSource, readRunningFile, readStackFile, removeRunningFile, type StackPart, stackPaths } from './stack-file.ts'

/** How one server of a data folder is. */
export interface PartStatus {
  source: OwnSource
  version: string
  /** Kafka: `host:port`; MongoDB: the connection string. */
  address: string
  /** The server's process, where it is embedded and alive. */
  pid?: number
  /** Whether it answers now. */
  serving: boolean
}

/** How the servers of a data folder are. */
export interface StackStatus {
  dataDir: string
  /** `standing`: started by `stackUp`; `attached`: they end with the process `owner`; `stopped`: none runs. */
  state: 'standing' | 'attached' | 'stopped'
  owner?: number
  kafka?: PartStatus
  mongodb?: PartStatus
}

/** Which folder, and how to start. */
export type StackUpOptions = Omit<LocalStackOptions, 'dataDir'> & { dataDir: string }

/**
 * Starts the servers of a data folder so that they outlive this process; what already stands is left as it is. Parts that the
 * environment gives are not started. `startLocalStack` on the same folder then uses them, and its `stop` leaves them. Resolves with the
 * line that says where the parts come from. Throws `LocalStackError`.
 */
export async function stackUp(options: StackUpOptions): Promise<string> {
  const stack = await openStack(options, true)
  await stack.stop()
  return stack.choice
}

/** Stops the servers of a data folder, keeping their data, and tells which. Throws `LocalStackError` when they belong to a live process. */
export async function stackDown(dataDir: string): Promise<StackPart[]> {
  const folder = resolve(dataDir)
  const before = await stackStatus(folder)
  if (before.state === 'stopped') return []
  const result = tryLock(stackPaths(folder).lockFile)
  if ('heldBy' in result) {
    throw new LocalStackError('data-in-use', `the servers of ${folder} belong to process ${result.heldBy.pid}: they end with it`)
  }
  try {
    const running = readRunningFile(folder)
    await Promise.all([
      ...[running.kafka, running.mongodb].map((ref) => (ref === undefined ? Promise.resolve() : terminate(ref, 8000))),
      removeContainers(await runningContainers(Object.values(running.containers ?? {}))),
    ])
    removeRunningFile(folder)
    return (['kafka', 'mongodb'] as const).filter((part) => before[part]?.pid !== undefined || before[part]?.serving)
  } finally {
    result.release()
  }
}

/** Tells how the servers of a data folder are. Changes nothing; takes no longer than about a second. */
export async function stackStatus(dataDir: string): Promise<StackStatus> {
  const folder = resolve(dataDir)
  const file = readStackFile(folder)
  const running = readRunningFile(folder)
  const containers = await runningContainers(Object.values(running.containers ?? {}))
  const alive = (part: StackPart): { pid?: number; runs: boolean } => {
    const ref = running[part]
    if (ref !== undefined && isAlive(ref)) return { pid: ref.pid, runs: true }
    const container = running.containers?.[part]
    return { runs: container !== undefined && containers.includes(container) }
  }
  const status: StackStatus = { dataDir: folder, state: 'stopped' }
  if (file.kafka !== undefined) {
    const { source, version, brokerPort } = file.kafka
    const { pid, runs } = alive('kafka')
    const serving = runs && (await liveBrokers(loopback, brokerPort, 1000)) > 0
    status.kafka = { source, version, address: `${loopback}:${brokerPort}`, ...(pid === undefined ? {} : { pid }), serving }
  }
  if (file.mongodb !== undefined) {
    const { source, version, port } = file.mongodb
    const { pid, runs } = alive('mongodb')
    status.mongodb = {
      source,
      version,
      address: mongodbUri(port),
      ...(pid === undefined ? {} : { pid }),
      serving: runs && (await answers(loopback, port, 1000)),
    }
  }
  const runs = alive('kafka').runs || alive('mongodb').runs
  if (!runs) return status
  if (running.owner === undefined) return { ...status, state: 'standing' }
  // A dead owner's servers are on their way out: they are nobody's.
  return isAlive(running.owner) ? { ...status, state: 'attached', owner: running.owner.pid } : { ...status, state: 'attached' }
}
