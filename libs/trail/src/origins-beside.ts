import { Worker } from 'node:worker_threads'
import type { OriginsAuditor, OriginsReached, OriginsTask } from './audit-origins.ts'

/** What the thread is told. */
export interface OriginsThread {
  readonly uri: string
  readonly databasePrefix: string
  readonly task: OriginsTask
}

// most of what it reads lives for one batch: with the usual nursery a quarter of its time would go to copying that
const maxYoungGenerationSizeMb = 64

// built, it lies beside the program that this file was bundled into
const program = import.meta.url.endsWith('.js') ? './origins-thread.js' : './origins-thread.source.mjs'

/** Compares with the origins in a thread of its own, with a connection of its own: both halves of an audit need about as much of a processor. */
export function originsInThread(database: Pick<OriginsThread, 'uri' | 'databasePrefix'>): OriginsAuditor {
  return (task, reached, signal) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(program, import.meta.url), {
        workerData: { ...database, task } satisfies OriginsThread,
        resourceLimits: { maxYoungGenerationSizeMb },
      })
      let telling: Promise<unknown> = Promise.resolve()
      const stop = () => void worker.terminate()
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
      worker.on('message', (at: OriginsReached) => {
        telling = telling.then(() => reached(at))
        telling.catch(stop)
      })
      let failure: unknown
      worker.once('error', (error) => {
        failure = error
      })
      worker.once('exit', () => {
        signal.removeEventListener('abort', stop)
        telling
          .then(() => {
            if (failure !== undefined) throw failure
            signal.throwIfAborted()
          })
          .then(resolve, reject)
      })
    })
}
