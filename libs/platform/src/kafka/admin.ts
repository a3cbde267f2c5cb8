import type kafkajs from 'kafkajs'
import { systemClock } from '../clock/index.ts'
import { asError } from '../errors/index.ts'
import { rootCause } from './errors.ts'

/** One administrative connection for a process, made when it is first needed and made anew after it failed. */
export interface AdminConnection {
  /** What the broker answers while it is still finding its feet (a new topic, a new leader) is asked again for a moment. */
  use<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T>
  stop(): Promise<void>
}

interface Connection {
  readonly admin: Promise<kafkajs.Admin>
  users: number
  retired: boolean
}

const passing = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_CONTROLLER',
])

const attempts = 6
const firstWaitMs = 50

function passes(error: Error): boolean {
  const cause = rootCause(error)
  const { type } = cause as { type?: unknown }
  // A connection that the broker closed since its last use.
  return cause.name === 'KafkaJSConnectionClosedError' || (typeof type === 'string' && passing.has(type))
}

export function createAdmin(client: kafkajs.Kafka): AdminConnection {
  let current: Connection | undefined

  const connect = async (): Promise<kafkajs.Admin> => {
    const admin = client.admin({ retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 4 } })
    await admin.connect()
    return admin
  }

  const closeIfUnused = (connection: Connection): Promise<void> =>
    connection.retired && connection.users === 0
      ? connection.admin.then((admin) => admin.disconnect()).catch(() => undefined)
      : Promise.resolve()

  // Others may be in the middle of something on it: the last one closes it.
  const retire = (connection: Connection) => {
    if (current === connection) current = undefined
    connection.retired = true
  }

  const useOnce = async <T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> => {
    current ??= { admin: connect(), users: 0, retired: false }
    const connection = current
    connection.users += 1
    try {
      return await work(await connection.admin)
    } catch (thrown) {
      // Also its picture of who leads what may be old; a fresh one asks anew.
      retire(connection)
      throw thrown
    } finally {
      connection.users -= 1
      void closeIfUnused(connection)
    }
  }

  return {
    use: async (work) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await useOnce(work)
        } catch (thrown) {
          if (attempt >= attempts || !passes(asError(thrown))) throw thrown
          await systemClock.sleep(firstWaitMs * 2 ** (attempt - 1))
        }
      }
    },
    stop: async () => {
      const connection = current
      if (connection === undefined) return
      retire(connection)
      await closeIfUnused(connection)
    },
  }
}
