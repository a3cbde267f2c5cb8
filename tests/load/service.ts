import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { loadService } from '@heed/contracts'
import type { BatchCheckPermissionRequest } from '@heed/contracts/gen/heed/preferences/v1/BatchCheckPermissionRequest.ts'
import type { BatchCheckPermissionResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/BatchCheckPermissionResponse.ts'
import type { CheckPermissionRequest } from '@heed/contracts/gen/heed/preferences/v1/CheckPermissionRequest.ts'
import type { CheckPermissionResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/CheckPermissionResponse.ts'
import type { SetPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import type { SetPreferencesResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesResponse.ts'
import type { StreamPreferencesRequest } from '@heed/contracts/gen/heed/preferences/v1/StreamPreferencesRequest.ts'
import type { StreamPreferencesResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/StreamPreferencesResponse.ts'
import { startLocalStack } from '@heed/local-stack'
import { systemClock } from '@heed/platform/clock'
import { type BidiCall, type CallerRow, closeClient, grpcClient, mongoCallers, type UnaryCall } from '@heed/platform/grpc'
import { ended, startProgram } from './harness.ts'
import { cpuSecondsOf } from './processes.ts'
import { closeMongo, type Mongo, openMongo } from './raw-mongo.ts'

/** The calls that are measured. */
export interface MeasuredCalls {
  setPreferences: UnaryCall<SetPreferencesRequest, SetPreferencesResponse__Output>
  streamPreferences: BidiCall<StreamPreferencesRequest, StreamPreferencesResponse__Output>
  checkPermission: UnaryCall<CheckPermissionRequest, CheckPermissionResponse__Output>
  batchCheckPermission: UnaryCall<BatchCheckPermissionRequest, BatchCheckPermissionResponse__Output>
}

/** `services/preferences` as production runs it: one process of its own, with a real broker and a real database; and beside it a bare gRPC server, the ceiling. */
export interface BenchService {
  readonly calls: MeasuredCalls
  /** The same client on the bare server. */
  readonly bare: MeasuredCalls
  readonly mongo: Mongo
  readonly dbPrefix: string
  /** Where the service listens, a key that may do everything, and the keys of unsubscribe links: for services that run beside it. */
  readonly address: string
  readonly callerKey: string
  readonly linkKeys: string
  readonly dataDir: string
  /** CPU seconds, user and system, that each process has used so far. Linux only: it reads /proc. */
  cpuSeconds(): Promise<CpuSeconds>
  /** Resolves when every change is with the broker and marked: nothing is then left to do behind a measurement. */
  settled(): Promise<void>
  stop(): Promise<void>
}

/** CPU seconds by process; a part that runs elsewhere is NaN. */
export interface CpuSeconds {
  readonly service: number
  readonly bare: number
  readonly client: number
  readonly database: number
  readonly broker: number
}

const root = new URL('../../', import.meta.url).pathname
const dbPrefix = 'heed_bench'

/** Starts broker, database, service and bare server on an empty data folder. With `profileDir` the service writes a CPU profile there when it stops. */
export async function startBenchService(profileDir?: string): Promise<BenchService> {
  const dataDir = await mkdtemp(join(tmpdir(), 'heed-bench-'))
  const stack = await startLocalStack({ dataDir, purpose: 'bench' })
  const mongo = await openMongo(stack.mongodb.uri)
  const callers = mongoCallers(mongo.useDb(`${dbPrefix}_callers`).collection<CallerRow>('callers'), systemClock)
  // a caller of its own rate: the default of 10,000 a second is a limit, not a figure
  const { key } = await callers.addCaller({ id: 'bench', scopes: ['*'], ratePerSecond: 1_000_000, burst: 1_000_000 })
  const profile = profileDir === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileDir, '--cpu-prof-interval', '500']
  const secret = () => randomBytes(32).toString('base64')
  const linkKeys = `bench:${secret()}`
  const child = spawn(process.execPath, ['--enable-source-maps', ...profile, join(root, 'services/preferences/dist/main.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      HEED_ENV: 'production',
      MONGODB_URI: stack.mongodb.uri,
      KAFKA_BROKERS: stack.kafka.brokers.join(','),
      HEED_DB_PREFIX: dbPrefix,
      HEED_TOPIC_PREFIX: dbPrefix,
      HEED_POLICY_FILE: join(root, 'deploy/policy/qualified3d.yaml'),
      HEED_PREFERENCES_PORT: '0',
      HEED_PREFERENCES_HOST: '127.0.0.1',
      HEED_OPERATIONS_PORT: '0',
      HEED_KEK: `bench:${secret()}`,
      HEED_LOOKUP_KEY: secret(),
      HEED_SUPPRESSION_KEY: secret(),
      HEED_LINK_KEYS: linkKeys,
      LOG_LEVEL: 'info',
    },
  })
  const port = await listeningPort(child)
  const bareProgram = await startProgram('bare-grpc.ts')
  const connect = (to: number) =>
    grpcClient<MeasuredCalls>(loadService('heed.preferences.v1.PreferenceService'), { address: `127.0.0.1:${to}`, key })
  const calls = connect(port)
  const bare = connect(bareProgram.port)
  const changes = mongo.useDb(`${dbPrefix}_preferences`).collection('changes')
  return {
    calls,
    bare,
    mongo,
    dbPrefix,
    address: `127.0.0.1:${port}`,
    callerKey: key,
    linkKeys,
    dataDir,
    cpuSeconds: async () => ({
      service: await cpuSecondsOf(child.pid),
      bare: await cpuSecondsOf(bareProgram.pid),
      client: await cpuSecondsOf(process.pid),
      database: await cpuSecondsOf(stack.mongodb.pid),
      broker: await cpuSecondsOf(stack.kafka.pid),
    }),
    settled: async () => {
      while ((await changes.findOne({ publishedAt: null }, { hint: 'outbox' })) !== null)
        await new Promise((resolve) => setTimeout(resolve, 10))
    },
    stop: async () => {
      closeClient(calls)
      closeClient(bare)
      await bareProgram.stop()
      await ended(child)
      await closeMongo(mongo)
      await stack.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** The port that the service says in its log. The log is read to its end, as a collector of logs would. */
function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the service ended with ${code}`)))
    if (child.stdout === null) return reject(new Error('the service has no output'))
    createInterface(child.stdout).on('line', (line) => {
      const { msg, port, level } = JSON.parse(line) as { msg?: string; port?: number; level?: string }
      if (msg === 'grpc.listening' && port !== undefined) resolve(port)
      if (level === 'warn' || level === 'error') process.stderr.write(`${line}\n`)
    })
  })
}
