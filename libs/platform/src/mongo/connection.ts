import mongoose, { type mongo } from 'mongoose'
import { asError, HeedError } from '../errors/index.ts'
import { type CheckResult, once, type RunningPart } from '../lifecycle/index.ts'
import type { Logger } from '../log/index.ts'
import { endWritesOfClosedConnections } from './closed-writes.ts'
import { isMongoUnavailable } from './errors.ts'

/** MongoDB did not answer when the service started. */
export class MongoConnectError extends HeedError {
  constructor(cause: Error) {
    super('mongo.connect-failed', `MongoDB could not be reached (${cause.name})`, { cause })
  }
}

export interface MongoOptions {
  uri: string
  /** Shows up in the database's own log and `currentOp`. */
  appName: string
  log: Logger
  /** At most so many connections; 20 unless told. */
  maxPoolSize?: number
  /** How long the first connection, and any operation without a reachable primary, may take. */
  serverSelectionTimeoutMs?: number
  /** How long an operation on the wire may take before its connection is given up. */
  socketTimeoutMs?: number
}

/**
 * One pool of connections for a process. A write that resolves is on the disk of a majority of the nodes. The driver finds
 * the primary again by itself after an outage; while there is none, operations fail after the selection timeout.
 */
export interface MongoConnection extends RunningPart {
  /** The database as a mongoose connection that shares the pool. */
  database(name: string): mongoose.Connection
  /** The driver's own collection, without mongoose's buffering and casting: for hot paths. */
  collection<Row extends mongo.Document = mongo.Document>(database: string, name: string): mongo.Collection<Row>
  /** For readiness: whether the database answers now, within two seconds. */
  health(): Promise<CheckResult>
}

/** @throws MongoConnectError when there is no primary within the selection timeout. */
export async function connectMongo(options: MongoOptions): Promise<MongoConnection> {
  const { uri, appName, log, maxPoolSize = 20, serverSelectionTimeoutMs = 10_000, socketTimeoutMs = 45_000 } = options
  endWritesOfClosedConnections()
  const connection = mongoose.createConnection(uri, {
    appName,
    maxPoolSize,
    serverSelectionTimeoutMS: serverSelectionTimeoutMs,
    connectTimeoutMS: serverSelectionTimeoutMs,
    socketTimeoutMS: socketTimeoutMs,
    waitQueueTimeoutMS: serverSelectionTimeoutMs,
    retryWrites: true,
    retryReads: true,
    // A change is acknowledged only when a majority has it in its journal, and what is read cannot be rolled back.
    writeConcern: { w: 'majority', journal: true },
    readConcern: { level: 'majority' },
    // Indexes are made by the room that owns the collection, when it says so.
    autoIndex: false,
    autoCreate: false,
    // An operation that cannot be sent fails; it does not wait in memory for a database that may never come.
    bufferCommands: false,
  })
  let closing = false
  connection.on('disconnected', () => {
    if (!closing) log.warn({}, 'mongo.disconnected')
  })
  connection.on('reconnected', () => log.info({}, 'mongo.reconnected'))
  // Without a listener an 'error' event would end the process; operations report their own failure.
  connection.on('error', (error: unknown) => log.warn({ error: asError(error) }, 'mongo.error'))
  try {
    await connection.asPromise()
  } catch (thrown) {
    await connection.close(true).catch(() => undefined)
    throw new MongoConnectError(asError(thrown))
  }
  const client = connection.getClient()
  return {
    database: (name) => connection.useDb(name, { useCache: true }),
    collection: (database, name) => client.db(database).collection(name),
    health: async () => {
      try {
        await client.db('admin').command({ ping: 1 }, { timeoutMS: 2_000 })
        return { name: 'mongo', ok: true }
      } catch (thrown) {
        const error = asError(thrown)
        return { name: 'mongo', ok: false, detail: isMongoUnavailable(error) ? 'not reachable' : error.name }
      }
    },
    stop: once(() => {
      closing = true
      return connection.close()
    }),
  }
}

/** The readiness check of a connection. */
export const mongoHealth = (connection: Pick<MongoConnection, 'health'>): Promise<CheckResult> => connection.health()
