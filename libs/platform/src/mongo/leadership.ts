import type { Clock } from '../clock/index.ts'
import { asError } from '../errors/index.ts'
import { once, type Part, type RunningPart } from '../lifecycle/index.ts'
import type { Logger } from '../log/index.ts'
import { keepLease, type Lease } from './lease.ts'

export interface LeadershipOptions {
  name: string
  lease: Lease
  /** The lease's own. It is renewed when half of it is over, and soon again where the database did not answer. */
  ttlMs: number
  /** The work of the only one. The signal is aborted when the lease may be lost or the part stops; the work then ends soon. */
  lead(signal: AbortSignal, fence: number): Promise<void>
  log: Logger
  clock: Clock
}

/** Tries to hold the lease and, while it does, leads. A holder that stops hands over at once. */
export function leadership(options: LeadershipOptions): Part {
  const { name, lease, ttlMs, lead, log, clock } = options
  const pauseMs = Math.ceil(ttlMs / 3)

  const term = async (stopping: AbortSignal, fence: number) => {
    const lost = new AbortController()
    const over = AbortSignal.any([stopping, lost.signal])
    log.info({ lease: name, fence }, 'lease.acquired')
    const work = lead(over, fence)
      .catch((thrown: unknown) => log.error({ lease: name, fence, error: asError(thrown) }, 'lease.work-failed'))
      .finally(() => lost.abort())
    if ((await keepLease(lease, { ttlMs, clock, signal: over })) === 'lost') {
      log.warn({ lease: name, fence }, 'lease.lost')
      lost.abort()
    }
    await work
    await lease.release().catch((thrown: unknown) => log.warn({ lease: name, error: asError(thrown) }, 'lease.release-failed'))
  }

  return {
    name,
    start: async (): Promise<RunningPart> => {
      const stopping = new AbortController()
      const run = async () => {
        while (!stopping.signal.aborted) {
          const fence = await lease.acquire().catch((thrown: unknown) => {
            log.warn({ lease: name, error: asError(thrown) }, 'lease.acquire-failed')
            return undefined
          })
          if (fence !== undefined) await term(stopping.signal, fence)
          await clock.sleep(pauseMs, stopping.signal)
        }
      }
      const ended = run()
      return {
        stop: once(async () => {
          stopping.abort()
          await ended
        }),
      }
    },
  }
}
