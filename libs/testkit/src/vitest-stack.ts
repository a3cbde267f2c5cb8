import { type LocalStack, startLocalStack } from '@heed/local-stack'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Broker addresses of the run's Kafka, `host:port`, several separated by commas. */
    kafkaBrokers: string
    /** Connection string of the run's MongoDB, without a database name. */
    mongoUri: string
  }
}

interface SharedStack {
  users: number
  stack: Promise<LocalStack>
}

declare global {
  // Every vitest project loads this module anew, all in one process: what they share hangs on the process's global object.
  var heedTestStack: SharedStack | undefined
}

/** Vitest's global setup: one Kafka and one MongoDB (with fail points) for the whole run, however many projects name this file. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  globalThis.heedTestStack ??= { users: 0, stack: startForTests() }
  const mine = globalThis.heedTestStack
  mine.users += 1
  const stack = await mine.stack
  project.provide('kafkaBrokers', stack.kafka.brokers.join(','))
  project.provide('mongoUri', stack.mongodb.uri)
  return async () => {
    mine.users -= 1
    if (mine.users > 0) return
    globalThis.heedTestStack = undefined
    await stack.stop()
  }
}

async function startForTests(): Promise<LocalStack> {
  const stack = await startLocalStack({ purpose: 'test', mongoTestCommands: true })
  process.stderr.write(`${stack.choice}\n`)
  return stack
}
