import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { systemClock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { once, type Part, type RunningPart } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import { keepLease, type LeaseRow, lease } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'
import type { Worker } from '../worker/worker.ts'

/** How long an account stays with a process that has died, and how long what is under way may take when a process stops. */
export interface TermOptions {
  readonly account: string
  readonly leases: mongo.Collection<LeaseRow>
  readonly workers: readonly Worker[]
  /** 10 s unless told. */
  readonly ttlMs?: number
  /** 8 s unless told. */
  readonly drainMs?: number
  /** Runs at the beginning of each term, before any worker: whatever the last holder left in flight is taken over. */
  begin(): Promise<void>
  readonly log: Logger
}

/** The terms of one account in this process. */
export interface AccountTerm extends Part {
  /** Whether the account is this process's now. */
  isHeld(): boolean
}

/**
 * Work on one vendor account by one process at a time. Others stand by and take over when the holder stops (at once) or dies (after the lease has run out).
 * Leases are timed by the machine and the database, whatever clock the rest goes by.
 */
export function accountTerm(options: TermOptions): AccountTerm {
  const { account, leases, workers, ttlMs = 10_000, drainMs = 8_000, begin, log } = options
  const held = lease({
    collection: leases,
    name: `account/${account}`,
    holder: `${process.pid}-${randomBytes(6).toString('hex')}`,
    ttlMs,
    clock: systemClock,
  })
  const pauseMs = Math.ceil(ttlMs / 3)
  let leading = false

  const acquire = async (): Promise<number | undefined> =>
    held.acquire().catch((thrown: unknown) => {
      log.warn({ account, error: asError(thrown) }, 'account.acquire-failed')
      return undefined
    })

  /** Works until told to stop or until the lease is lost. The lease is renewed until the last request is through. */
  const term = async (fence: number, stopping: AbortSignal) => {
    const lost = new AbortController()
    const cut = new AbortController()
    // each request that is under way listens, and an account may have many
    setMaxListeners(0, cut.signal)
    leading = true
    log.debug({ account, fence }, 'account.taken')
    const over = AbortSignal.any([stopping, lost.signal])
    const ended = new AbortController()
    const cutLater = () => {
      const timer = setTimeout(() => cut.abort(), drainMs)
      ended.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
    }
    if (stopping.aborted) cutLater()
    else stopping.addEventListener('abort', cutLater, { once: true })
    lost.signal.addEventListener('abort', () => cut.abort(), { once: true })

    const work = begin()
      .then(() => Promise.all(workers.map((worker) => worker.run(over, cut.signal))))
      .catch((thrown: unknown) => log.error({ account, error: asError(thrown) }, 'account.work-failed'))
      .finally(() => ended.abort())
    if ((await keepLease(held, { ttlMs, clock: systemClock, signal: ended.signal })) === 'lost') {
      log.warn({ account, fence }, 'account.lost')
      lost.abort()
    }
    await work
    leading = false
    await held.release().catch((thrown: unknown) => log.warn({ account, error: asError(thrown) }, 'account.release-failed'))
  }

  return {
    name: `account ${account}`,
    isHeld: () => leading && held.isHeld(),
    start: async (): Promise<RunningPart> => {
      const stopping = new AbortController()
      // The first try is waited for: whoever starts alone works from the first moment on.
      const first = await acquire()
      const run = async (fence: number | undefined) => {
        let mine = fence
        while (!stopping.signal.aborted) {
          if (mine !== undefined) await term(mine, stopping.signal)
          if (stopping.signal.aborted) return
          await systemClock.sleep(pauseMs, stopping.signal)
          if (!stopping.signal.aborted) mine = await acquire()
        }
        // acquired just as it was told to stop
        if (mine !== undefined) await held.release().catch(() => undefined)
      }
      const ended = run(first)
      return {
        stop: once(async () => {
          stopping.abort()
          await ended
        }),
      }
    },
  }
}
