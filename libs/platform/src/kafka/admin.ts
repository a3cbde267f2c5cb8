import type kafkajs from 'kafkajs'

/** One administrative connection for a process, made when it is first needed and made anew after it failed. */
export interface AdminConnection {
  use<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T>
  stop(): Promise<void>
}

export function createAdmin(client: kafkajs.Kafka): AdminConnection {
  let current: Promise<kafkajs.Admin> | undefined

  const connect = async (): Promise<kafkajs.Admin> => {
    const admin = client.admin({ retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 4 } })
    await admin.connect()
    return admin
  }

  const drop = (connection: Promise<kafkajs.Admin>) => {
    if (current === connection) current = undefined
    connection.then((admin) => admin.disconnect()).catch(() => undefined)
  }

  return {
    use: async (work) => {
      current ??= connect()
      const connection = current
      try {
        return await work(await connection)
      } catch (thrown) {
        drop(connection)
        throw thrown
      }
    },
    stop: async () => {
      const connection = current
      current = undefined
      await connection?.then((admin) => admin.disconnect()).catch(() => undefined)
    },
  }
}
