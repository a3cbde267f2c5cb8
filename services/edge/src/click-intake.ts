import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { type Loop, loop } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Click } from './click.ts'
import type { Spool } from './spool.ts'

/** What using a link came to, as preferences says it. */
export type LinkUseResult = 'changed' | 'unchanged' | 'erased' | 'unknown'

/** The way to preferences. */
export interface LinksPort {
  /**
   * When it resolves with results (one for each click, in order), every one of them is journalled. `refused` = the request can never be accepted as it is.
   * Throws where preferences is away, slow or broken; then each click may or may not have been journalled, and sending it again with its request id is safe.
   */
  use(clicks: readonly Click[]): Promise<readonly LinkUseResult[] | 'refused'>
}

/** Takes clicks in, and loses none. */
export interface ClickIntake {
  /** When it resolves, the click is durable: journalled by preferences, or in our spool. Rejects with `SpoolFull` where neither was possible. */
  accept(click: Click): Promise<LinkUseResult | 'spooled'>
  /** Sends on what the spool holds; resolves when it is empty or preferences is still away. */
  readonly forwarder: Loop
  stop(): Promise<void>
}

/** What the intake tells about itself. */
export interface ClickEvents {
  journalled(clicks: number): void
  spooled(clicks: number): void
  forwarded(clicks: number, left: number): void
  setAside(click: Click): void
}

const mostInOneCall = 500

/**
 * Clicks that arrive while a call to preferences is under way go with the next one, together. While the spool holds anything, or preferences fails,
 * clicks go to the spool, so that their order stays.
 */
export function clickIntake(options: {
  readonly links: LinksPort
  readonly spool: Spool
  readonly events: ClickEvents
  readonly log: Logger
  readonly clock: Clock
}): ClickIntake {
  const { links, spool, events, log, clock } = options
  interface Waiting {
    readonly click: Click
    done(result: LinkUseResult | 'spooled'): void
    failed(error: Error): void
  }
  let waiting: Waiting[] = []
  let calling: Promise<void> | undefined

  const toSpool = async (entries: readonly Waiting[]) => {
    await Promise.all(
      entries.map(({ click, done, failed }) =>
        spool.append(click).then(
          () => done('spooled'),
          (error: unknown) => failed(asError(error)),
        ),
      ),
    )
    events.spooled(entries.length)
    forwarder.wake()
  }

  const callAll = async () => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, mostInOneCall)
      waiting = waiting.slice(mostInOneCall)
      if (spool.size > 0) {
        await toSpool(batch)
        continue
      }
      try {
        const results = await links.use(batch.map(({ click }) => click))
        if (results === 'refused') {
          await toSpool(batch)
          continue
        }
        for (const [index, { done }] of batch.entries()) done(results[index] ?? 'unknown')
        events.journalled(batch.length)
      } catch (thrown) {
        log.warn({ clicks: batch.length, error: asError(thrown) }, 'links.unavailable')
        await toSpool(batch)
      }
    }
    calling = undefined
  }

  const forward = async (clicks: readonly Click[]): Promise<void> => {
    if (clicks.length === 0) return
    if ((await links.use(clicks)) !== 'refused') return
    const [only] = clicks
    if (clicks.length === 1 && only !== undefined) {
      await spool.setAside(only)
      events.setAside(only)
      return
    }
    // one bad click must not hold up the others: halve until it stands alone
    const middle = Math.ceil(clicks.length / 2)
    await forward(clicks.slice(0, middle))
    await forward(clicks.slice(middle))
  }

  const forwarder = loop({
    name: 'spool-forwarder',
    everyMs: 60_000,
    log,
    clock,
    run: async () => {
      if (spool.size === 0) return 'idle'
      const { clicks, forget } = await spool.peek(mostInOneCall)
      await forward(clicks)
      await forget()
      events.forwarded(clicks.length, spool.size)
      return spool.size > 0 ? 'again' : 'idle'
    },
  })

  return {
    forwarder,
    accept(click) {
      return new Promise((done, failed) => {
        waiting.push({ click, done, failed })
        calling ??= callAll()
      })
    },
    async stop() {
      await calling
      await forwarder.stop()
      await spool.close()
    },
  }
}
