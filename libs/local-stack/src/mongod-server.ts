import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose from 'mongoose'
import { logTail, type RunningChild, startChild } from './child.ts'
import { firstLineOf, LocalStackError } from './errors.ts'
import type { StackPurpose } from './kafka-settings.ts'
import type { Mongod } from './mongod-binary.ts'
import { answers, loopback, type PortClaims } from './ports.ts'
import { type MongodbData, refuseOtherSeries, stackPaths } from './stack-file.ts'

const readyTimeoutMs = 60_000
const replicaSet = 'heed'

/** The address of an own server. `directConnection` because the one member is the whole set. */
export function mongodbUri(port: number, host: string = loopback): string {
  return `mongodb://${host}:${port}/?replicaSet=${replicaSet}&directConnection=true`
}

/** Chooses what MongoDB's data will remember: new data gets a free port; old data keeps its own, save when someone took it. */
export async function planMongodb(
  dataDir: string,
  known: MongodbData | undefined,
  version: string,
  ports: PortClaims,
): Promise<MongodbData> {
  if (known === undefined) return { source: 'embedded', version, port: await ports.free() }
  refuseOtherSeries('MongoDB', known.version, version, dataDir)
  return { ...known, version, port: await ports.remembered(known.port, 'MongoDB') }
}

/** The arguments of the server. */
export function mongodArgs(
  port: number,
  dataDir: string,
  options: { purpose: StackPurpose; testCommands: boolean; bindAll?: boolean },
): string[] {
  const parameter = (name: string, value: string | number | boolean) => ['--setParameter', `${name}=${value}`]
  return [
    ...[
      '--replSet',
      replicaSet,
      '--port',
      String(port),
      ...(options.bindAll ? ['--bind_ip_all'] : ['--bind_ip', loopback, '--nounixsocket']),
      '--dbpath',
      dataDir,
      '--quiet',
    ],
    ...['--wiredTigerCacheSizeGB', options.purpose === 'test' ? '0.25' : '0.5'],
    // A write that asks for the journal is flushed at once; this is only how often the rest is.
    ...['--journalCommitInterval', '500'],
    // A share of the free disk by default, which may be 50 GB.
    ...['--oplogSize', '1024'],
    ...parameter('diagnosticDataCollectionEnabled', false),
    // Nobody reads as of a past moment. The five minutes of every row's history that are kept by default cost a third of the work where rows change often.
    ...parameter('minSnapshotHistoryWindowInSeconds', 0),
    ...(options.testCommands ? parameter('enableTestCommands', 1) : []),
  ]
}

/** Starts the server and resolves when it is the writable primary of its set. Throws `LocalStackError` when it ends before. */
export async function startMongod(
  mongod: Mongod,
  dataDir: string,
  data: MongodbData,
  options: {
    env: NodeJS.ProcessEnv
    purpose: StackPurpose
    testCommands: boolean
    standing: boolean
    signal: AbortSignal
    onSpawn: (child: RunningChild) => void
  },
): Promise<RunningChild> {
  const paths = stackPaths(dataDir)
  mkdirSync(paths.mongodbData, { recursive: true })
  const child = await startChild({
    command: mongod.command,
    args: mongodArgs(data.port, paths.mongodbData, options),
    logFile: paths.mongodbLog,
    env: options.env,
    standing: options.standing,
  })
  options.onSpawn(child)
  const until = performance.now() + readyTimeoutMs
  let last: unknown
  for (;;) {
    try {
      if (await becomePrimary(data.port)) return child
    } catch (problem) {
      last = problem
    }
    if (child.hasExited) {
      throw new LocalStackError('start-failed', `MongoDB ended while starting: see ${paths.mongodbLog}`, {
        detail: logTail(paths.mongodbLog, 5),
      })
    }
    if (options.signal.aborted || performance.now() > until) {
      await child.stop(2000)
      options.signal.throwIfAborted()
      throw new LocalStackError(
        'start-failed',
        `MongoDB did not become primary within ${readyTimeoutMs / 1000} s (${firstLineOf(last)}): see ${paths.mongodbLog}`,
      )
    }
    await sleep(30)
  }
}

/**
 * Steps towards a writable primary, `true` when it is one: a new folder is initiated; a folder whose port has moved is given its new
 * address by force (there is no majority to ask: its one member no longer finds itself in the set); anything else only needs a moment.
 * A client whose first connection fails stays closed, so each call has its own. Rejects when the server goes away meanwhile.
 */
export async function becomePrimary(port: number, at: string = loopback): Promise<boolean> {
  if (!(await answers(at, port, 1000))) return false
  const host = `${loopback}:${port}`
  const client = new mongoose.mongo.MongoClient(`mongodb://${at}:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 2000,
    timeoutMS: 5000,
  })
  try {
    const admin = client.db('admin')
    for (let turn = 0; turn < 200; turn++) {
      const hello = await admin.command({ hello: 1 })
      if (hello.isWritablePrimary === true && hello.me === host) return true
      const config = await readConfig(admin)
      if (config === 'not-initiated') {
        await admin.command({ replSetInitiate: { _id: replicaSet, members: [{ _id: 0, host }] } })
      } else if (config !== undefined && config.members[0]?.host !== host) {
        const members = config.members.slice(0, 1).map((member) => ({ ...member, host }))
        await admin.command({ replSetReconfig: { ...config, version: config.version + 1, members }, force: true })
      }
      await sleep(20)
    }
    return false
  } finally {
    await client.close()
  }
}

interface ReplicaSetConfig {
  version: number
  members: { host: string }[]
}

async function readConfig(admin: InstanceType<typeof mongoose.mongo.Db>): Promise<ReplicaSetConfig | 'not-initiated' | undefined> {
  try {
    const answer = await admin.command({ replSetGetConfig: 1 })
    return answer.config as ReplicaSetConfig
  } catch (problem) {
    if (problem instanceof mongoose.mongo.MongoServerError && problem.codeName === 'NotYetInitialized') return 'not-initiated'
    // The set is still being read from disk: ask again.
    return undefined
  }
}
