import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clients, connectClients, type HubFile, readHubFile } from '@heed/cli'
import { loadService } from '@heed/contracts'
import type { BatchCheckPermissionRequest } from '@heed/contracts/gen/heed/preferences/v1/BatchCheckPermissionRequest.ts'
import type { BatchCheckPermissionResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/BatchCheckPermissionResponse.ts'
import { closeClient, grpcClient, type UnaryCall } from '@heed/platform/grpc'
import { closeMongo, type Mongo, openMongo } from './raw-mongo.ts'

/** A hub in a process of its own, with its own broker and database, as `npm start` runs it. */
export interface BenchHub {
  readonly file: HubFile
  readonly clients: Clients
  readonly batchCheck: UnaryCall<BatchCheckPermissionRequest, BatchCheckPermissionResponse__Output>
  readonly mongo: Mongo
  readonly pid: number
  readonly dataDir: string
  /** When its process was started, ms since the epoch. */
  readonly startedAt: number
  stop(): Promise<void>
}

/** As in the script `start` of package.json. */
const startArgs = ['--max-semi-space-size=32']
/** Further arguments for the hub's own node, such as `--cpu-prof --cpu-prof-dir=<folder>` for a profile of it. */
const nodeArgs = (process.env.HEED_BENCH_NODE_ARGS ?? '').split(' ').filter((argument) => argument !== '')

const root = new URL('../../', import.meta.url).pathname

/** Starts a hub on free ports and an empty data folder. */
export async function startBenchHub(args: readonly string[] = ['--no-demonstration']): Promise<BenchHub> {
  const dataDir = await mkdtemp(join(tmpdir(), 'heed-bench-'))
  const startedAt = Date.now()
  const free = Object.fromEntries(
    ['PREFERENCES', 'PROPAGATION', 'AUDIT', 'TRAIL', 'SANDBOX', 'EDGE', 'OPERATIONS'].map((name) => [`HEED_${name}_PORT`, '0']),
  )
  // a port of 0 would be told to mail programs as it is: the edge needs one that is known beforehand
  const env = {
    ...process.env,
    ...free,
    HEED_EDGE_PORT: String(30_000 + (process.pid % 20_000)),
    HEED_DATA_DIR: dataDir,
    LOG_LEVEL: 'warn',
    HEED_STACK_PURPOSE: 'bench',
  }
  const child = spawn(process.execPath, [...startArgs, ...nodeArgs, join(root, 'services/hub/dist/main.js'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const file = await running(child, dataDir)
  const mongo = await openMongo(file.mongoUri)
  const clients = connectClients({ ...file.grpc, key: file.callers.operator, mongoUri: file.mongoUri, dbPrefix: file.dbPrefix })
  const preferences = grpcClient<{ batchCheckPermission: BenchHub['batchCheck'] }>(loadService('heed.preferences.v1.PreferenceService'), {
    address: file.grpc.preferences,
    key: file.callers.operator ?? '',
  })
  return {
    file,
    clients,
    batchCheck: preferences.batchCheckPermission,
    mongo,
    pid: child.pid ?? 0,
    dataDir,
    startedAt,
    stop: async () => {
      clients.close()
      closeClient(preferences)
      await closeMongo(mongo)
      await ended(child)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function running(child: ChildProcess, dataDir: string): Promise<HubFile> {
  let exited = false
  child.once('exit', () => {
    exited = true
  })
  child.stdout?.resume()
  for (;;) {
    const file = readHubFile(dataDir)
    if (file !== undefined) return file
    if (exited) throw new Error(`the hub ended: ${await readFile(join(dataDir, 'hub.log'), 'utf8').catch(() => 'no log')}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Ends a child process; resolves when it is gone. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}

/** A program of this folder in a process of its own; it prints the port that it listens on as its first line. */
export async function startProgram(name: string): Promise<{ port: number; pid: number | undefined; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'tests/load', name)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString().trim())))
    child.once('exit', () => reject(new Error(`${name} ended`)))
  })
  return { port, pid: child.pid, stop: () => ended(child) }
}
