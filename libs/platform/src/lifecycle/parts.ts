import { asError, HeedError } from '../errors/index.ts'
import type { Logger } from '../log/index.ts'

/** Something that runs until it is stopped: a server, a consumer, a loop. */
export interface RunningPart {
  /** Takes no more work, finishes what it has, and resolves when nothing of it is left. Calling it twice is the same as once. */
  stop(): Promise<void>
  /** Rejects when the part died and cannot come back by itself; never resolves. */
  readonly failed?: Promise<never>
}

/** Something that can be started once. */
export interface Part {
  readonly name: string
  start(): Promise<RunningPart>
}

/** A part did not start; the parts before it have been stopped again. */
export class StartError extends HeedError {
  constructor(part: string, cause: Error) {
    const detail = cause instanceof HeedError ? `: ${cause.message}` : ''
    super('lifecycle.start-failed', `${part} did not start${detail}`, { cause })
  }
}

/** A running part died. */
export class PartDied extends HeedError {
  constructor(part: string, cause: Error) {
    const detail = cause instanceof HeedError ? `: ${cause.message}` : ''
    super('lifecycle.part-died', `${part} died${detail}`, { cause })
  }
}

/**
 * Starts the parts in order. The result stops them in reverse order, each even when one before it failed to stop.
 * @throws StartError when one does not start; those already started are stopped first.
 */
export async function startAll(parts: readonly Part[], log: Logger): Promise<RunningPart> {
  const running: { name: string; part: RunningPart }[] = []
  for (const part of parts) {
    const startedAt = performance.now()
    try {
      running.push({ name: part.name, part: await part.start() })
      log.debug({ part: part.name, durationMs: Math.round(performance.now() - startedAt) }, 'part.started')
    } catch (thrown) {
      const failure = new StartError(part.name, asError(thrown))
      await stopInReverse(running, log).catch((error: unknown) => log.error({ error }, 'part.stop-failed'))
      throw failure
    }
  }
  return { stop: once(() => stopInReverse(running, log)), failed: firstDeath(running) }
}

/** Parts that don't depend on each other, as one part: started and stopped at the same time. */
export function together(name: string, parts: readonly Part[], log: Logger): Part {
  return {
    name,
    start: async () => {
      const results = await Promise.allSettled(parts.map((part) => part.start()))
      const running = parts.flatMap((part, index) => {
        const result = results[index]
        return result?.status === 'fulfilled' ? [{ name: part.name, part: result.value }] : []
      })
      const stop = once(async () => {
        const stopped = await Promise.allSettled(running.map(({ name: partName, part }) => stopOne(partName, part, log)))
        throwFirst(stopped)
      })
      for (const [index, result] of results.entries()) {
        if (result.status === 'fulfilled') continue
        await stop().catch((error: unknown) => log.error({ error }, 'part.stop-failed'))
        throw new StartError(parts[index]?.name ?? name, asError(result.reason))
      }
      return { stop, failed: firstDeath(running) }
    },
  }
}

/**
 * Runs the parts until the signal is aborted, then stops them and resolves.
 * @throws StartError, or PartDied (after stopping the others) when a running part dies.
 */
export async function runUntil(signal: AbortSignal, parts: readonly Part[], log: Logger): Promise<void> {
  const running = await startAll(parts, log)
  const asked = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  log.info({ parts: parts.map((part) => part.name) }, 'started')
  try {
    await (running.failed === undefined ? asked : Promise.race([asked, running.failed]))
  } finally {
    log.info({}, 'stopping')
    const startedAt = performance.now()
    await running.stop()
    log.info({ durationMs: Math.round(performance.now() - startedAt) }, 'stopped')
  }
}

/** A function that runs at most once; later calls get the first one's promise. */
export function once(run: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined
  return () => {
    result ??= run()
    return result
  }
}

async function stopOne(name: string, part: RunningPart, log: Logger): Promise<void> {
  try {
    await part.stop()
    log.debug({ part: name }, 'part.stopped')
  } catch (thrown) {
    log.error({ part: name, error: asError(thrown) }, 'part.stop-failed')
    throw thrown
  }
}

async function stopInReverse(running: readonly { name: string; part: RunningPart }[], log: Logger): Promise<void> {
  const results: PromiseSettledResult<void>[] = []
  for (const { name, part } of running.toReversed()) results.push(...(await Promise.allSettled([stopOne(name, part, log)])))
  throwFirst(results)
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

function firstDeath(running: readonly { name: string; part: RunningPart }[]): Promise<never> {
  const deaths = running.flatMap(({ name, part }) =>
    part.failed === undefined
      ? []
      : [
          part.failed.catch((thrown: unknown): never => {
            throw new PartDied(name, asError(thrown))
          }),
        ],
  )
  const first = deaths.length === 0 ? new Promise<never>(() => undefined) : Promise.race(deaths)
  // Whoever does not watch must not have the process ended by an unhandled rejection.
  first.catch(() => undefined)
  return first
}
