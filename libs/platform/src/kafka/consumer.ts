import { systemClock } from '../clock/index.ts'
import { asError } from '../errors/index.ts'
import { once, type RunningPart } from '../lifecycle/index.ts'
import type { AdminConnection } from './admin.ts'
import type { MakeClient } from './client.ts'
import { type ConsumerRun, type ConsumerState, type RunEnd, startRun } from './consumer-run.ts'
import { ConsumerDied, kafkaErrorText } from './errors.ts'
import { committedOffsets, matchingTopics, partitionRanges, recordsBehind } from './offsets.ts'
import type { Consumer, ConsumerOptions } from './types.ts'

const firstJoinMs = 10_000
const failingTooLongMs = 60_000
const longestBackoffMs = 10_000
const patienceMs = 60_000

/**
 * Supervises one member of a group. kafkajs objects are used for one run each: an object that was stopped or has crashed may
 * join a second time, or deliver after its stop. A run that ends by itself is followed by a fresh one, after a back-off; only an
 * error that cannot heal ends the consumer.
 */
export function createConsumer(makeClient: MakeClient, admin: AdminConnection, options: ConsumerOptions): Consumer {
  const { groupId, topics, log, topicRefreshMs = 30_000 } = options
  const state: ConsumerState = { paused: false, joined: false, failingSince: new Map() }
  const stopping = new AbortController()
  let run: ConsumerRun | undefined
  let died = false

  const currentTopics = () => admin.use((connected) => matchingTopics(connected, topics))

  /** Resolves when topics have come to match the pattern that the run does not read. */
  const newTopics = async (known: readonly string[], signal: AbortSignal): Promise<RunEnd> => {
    while (topics instanceof RegExp) {
      await systemClock.sleep(topicRefreshMs, signal)
      if (signal.aborted) break
      const found = await currentTopics().catch(() => known)
      if (found.some((topic) => !known.includes(topic))) return { kind: 'topics-changed' }
    }
    return new Promise(() => undefined)
  }

  const supervise = async (onJoin: () => void): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      const runOver = new AbortController()
      let end: RunEnd
      try {
        const known = await currentTopics()
        if (known.length === 0) {
          // Nothing to read yet is no fault.
          state.joined = true
          onJoin()
          await systemClock.sleep(Math.min(topicRefreshMs, 1_000), stopping.signal)
          continue
        }
        run = startRun(makeClient(), options, known, state, () => {
          failures = 0
          onJoin()
        })
        end = await Promise.race([run.ended, newTopics(known, runOver.signal), aborted(stopping.signal)])
      } catch (thrown) {
        end = { kind: 'crashed', error: asError(thrown), fatal: false }
      }
      runOver.abort()
      state.joined = false
      await run?.stop()
      run = undefined
      if (end.kind === 'crashed') {
        if (end.fatal) throw new ConsumerDied(groupId, end.error)
        failures += 1
        const waitMs = Math.min(200 * 2 ** (failures - 1), longestBackoffMs)
        log.warn({ groupId, failures, waitMs, error: kafkaErrorText(end.error) }, 'kafka.consumer-restarts')
        await systemClock.sleep(waitMs, stopping.signal)
      } else if (end.kind === 'topics-changed') log.info({ groupId }, 'kafka.consumer-new-topics')
    }
  }

  return {
    name: `consumer ${groupId}`,
    start: async (): Promise<RunningPart> => {
      let onJoin: () => void = () => undefined
      const joined = new Promise<void>((resolve) => (onJoin = resolve))
      const supervised = supervise(onJoin).catch((thrown: unknown) => {
        died = true
        log.error({ groupId, error: asError(thrown) }, 'kafka.consumer-died')
        throw thrown
      })
      const failed = supervised.then(() => new Promise<never>(() => undefined))
      failed.catch(() => undefined)
      // Not joined yet is no failure: the broker may be slower than the service. Readiness tells.
      await Promise.race([joined, failed, systemClock.sleep(firstJoinMs, stopping.signal)])
      return {
        failed,
        stop: once(async () => {
          stopping.abort()
          await supervised.catch(() => undefined)
        }),
      }
    },
    pause: () => {
      state.paused = true
      run?.applyPause()
    },
    resume: () => {
      state.paused = false
      run?.applyPause()
    },
    lag: () =>
      admin.use(async (connected) => {
        const names = await matchingTopics(connected, topics)
        const [ranges, committed] = await Promise.all([partitionRanges(connected, names), committedOffsets(connected, groupId, names)])
        return recordsBehind(ranges, committed)
      }),
    caughtUp: async () => {
      const ranges = await patiently(() =>
        admin.use(async (connected) => partitionRanges(connected, await matchingTopics(connected, topics))),
      )
      const names = [...new Set(ranges.map(({ topic }) => topic))]
      const behind = () =>
        admin.use(async (connected) => {
          await run?.flush()
          return recordsBehind(ranges, await committedOffsets(connected, groupId, names))
        })
      while ((await patiently(behind)) > 0) await systemClock.sleep(20)
    },
    health: () => {
      const name = `consumer ${groupId}`
      if (died) return { name, ok: false, detail: 'ended' }
      if (!state.joined) return { name, ok: false, detail: 'not in the group' }
      const now = Date.now()
      const failing = [...state.failingSince].filter(([, since]) => now - since > failingTooLongMs).map(([partition]) => partition)
      return failing.length === 0 ? { name, ok: true } : { name, ok: false, detail: `cannot handle ${failing.join(', ')}` }
    },
  }
}

/** Asks again while the broker is away, for a minute. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (const giveUpAt = Date.now() + patienceMs; ; ) {
    try {
      return await ask()
    } catch (thrown) {
      if (Date.now() > giveUpAt) throw thrown
      await systemClock.sleep(500)
    }
  }
}

function aborted(signal: AbortSignal): Promise<RunEnd> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve({ kind: 'stopped' })
    else signal.addEventListener('abort', () => resolve({ kind: 'stopped' }), { once: true })
  })
}
