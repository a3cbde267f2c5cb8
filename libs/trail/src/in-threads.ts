import { Worker } from 'node:worker_threads'
import type { Auditors } from './audit-log.ts'
import type { LogTask } from './audit-log-half.ts'
import type { OriginsTask } from './audit-origins.ts'

/** What a thread is told. */
export type AuditThread = AuditedDatabase &
  ({ readonly half: 'log'; readonly task: LogTask } | { readonly half: 'origins'; readonly task: OriginsTask })

interface AuditedDatabase {
  readonly uri: string
  readonly databasePrefix: string
}

// most of what is read lives for one batch: with the usual nursery a quarter of the time would go to copying that
const maxYoungGenerationSizeMb = 128

// built, the thread lies beside the program that this file was bundled into
const besideThis = new URL(import.meta.url.endsWith('.js') ? './audit-thread.js' : './audit-thread.source.mjs', import.meta.url)

/**
 * Both halves of an audit in a thread each, with a connection of its own: each needs about as much of a processor as the other. `program` is the file of the thread, where it does not
 * lie beside this one.
 */
export function inThreads(database: AuditedDatabase, program = besideThis): Auditors {
  const { uri, databasePrefix } = database
  return {
    log: (task, reached, signal) => run(program, { uri, databasePrefix, half: 'log', task }, reached, signal),
    origins: (task, reached, signal) => run(program, { uri, databasePrefix, half: 'origins', task }, reached, signal),
  }
}

function run<Reached>(program: URL, thread: AuditThread, reached: (at: Reached) => Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(program, { workerData: thread, resourceLimits: { maxYoungGenerationSizeMb } })
    const stop = () => void worker.terminate()
    let telling: Promise<unknown> = Promise.resolve()
    let failure: unknown
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    worker.on('message', (at: Reached) => {
      telling = telling.then(() => reached(at))
      telling.catch(stop)
    })
    worker.once('error', (error) => {
      failure = error
    })
    worker.once('exit', (code) => {
      signal.removeEventListener('abort', stop)
      telling
        .then(() => {
          if (failure !== undefined) throw failure
          signal.throwIfAborted()
          // half of an audit must not pass for a whole one
          if (code !== 0) throw new Error(`the thread of the ${thread.half} half ended with ${code}`)
        })
        .then(resolve, reject)
    })
  })
}
