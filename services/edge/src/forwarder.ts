import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import type { Click } from './click.ts'
import type { Spool, SpoolBatch } from './spool.ts'

/** What using a link came to, as preferences says it. */
export type LinkUseResult = 'changed' | 'unchanged' | 'erased' | 'unknown'

/** When to give a call up. */
export interface CallLimits {
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

/** The way to preferences. */
export interface LinksPort {
  /**
   * When it resolves with results (one for each click, in order), every one of them is journalled. `refused` = the request can never be accepted as it is.
   * Throws where preferences is away, slow or broken, or the signal is aborted; then each click may or may not have been journalled, and sending it again with its
   * request id is safe.
   */
  use(clicks: readonly Click[], options: CallLimits): Promise<readonly LinkUseResult[] | 'refused'>
}

/** What one call to preferences came to. */
export interface Forwarded {
  readonly clicks: readonly Click[]
  /** One for each click, in order; `set-aside` for a click that preferences can never accept. */
  readonly results: readonly (LinkUseResult | 'set-aside')[]
  readonly durationMs: number
}

/** The most clicks in one call: what the RPC takes. */
export const mostInOneCall = 500
// while a call is under way, the next one starts only with so many clicks: small calls side by side cost preferences more than one larger one a little later
const worthACallOfItsOwn = 200
const mostCalls = 4
// calls of few clicks begin no closer to each other than this: a click alone goes at once, and many cost few calls
const gatherMs = 20
// a backlog after an outage may find preferences slow; giving up early would only ask it to do the same again
const deadlineMs = 10_000

/**
 * Sends on what the spool holds until it is empty: in order, up to four calls at once, never two at once for the same person. Throws what the first failed call threw, once
 * the others have ended; whatever was not journalled as far as we know is then given out again. When `stopping` is aborted, the calls under way may end and no other is started.
 * Not to be called twice at once.
 */
export type ForwardAll = (stopping: AbortSignal) => Promise<void>

/** Makes the sending. */
export function forwardFrom(options: {
  readonly spool: Spool
  readonly links: LinksPort
  readonly clock: Clock
  /** When it is aborted, the calls under way are given up. */
  readonly givingUp: AbortSignal
  /** Resolves when there may be more to send than before. */
  readonly grown: () => Promise<void>
  readonly forwarded: (call: Forwarded) => void | Promise<void>
  readonly damaged: (lines: number) => void
}): ForwardAll {
  const { spool, links, clock, givingUp, grown, forwarded, damaged } = options
  const limits = { deadlineMs, signal: givingUp }
  let calledAt = Number.NEGATIVE_INFINITY

  return async (stopping) => {
    const underWay = new Set<Promise<void>>()
    const busy = new Set<string>()
    let failure: Error | undefined

    const call = async (batch: SpoolBatch) => {
      const refs = batch.clicks.map(({ linkRef }) => linkRef)
      for (const ref of refs) busy.add(ref)
      const startedAt = clock.now()
      try {
        if (batch.damaged > 0) damaged(batch.damaged)
        const results = await sent(links, batch.clicks, limits, spool)
        batch.done()
        await forwarded({ clicks: batch.clicks, results, durationMs: clock.now() - startedAt })
      } catch (thrown) {
        failure ??= asError(thrown)
      } finally {
        for (const ref of refs) busy.delete(ref)
      }
    }

    for (;;) {
      while (failure === undefined && !stopping.aborted && underWay.size < mostCalls) {
        if (spool.unread < worthACallOfItsOwn) {
          if (underWay.size > 0) break
          const restMs = calledAt + gatherMs - clock.now()
          if (restMs > 0 && spool.unread > 0) await clock.sleep(Math.min(restMs, gatherMs), stopping)
        }
        const batch = await spool.next(mostInOneCall, ({ linkRef }) => busy.has(linkRef))
        if (batch === undefined) break
        calledAt = clock.now()
        const running = call(batch).finally(() => underWay.delete(running))
        underWay.add(running)
      }
      if (underWay.size === 0) break
      await Promise.race([...underWay, grown()])
    }
    if (failure === undefined) return
    spool.rewind()
    throw failure
  }
}

/** Sends clicks; one that preferences can never accept is set aside, and holds up no other. */
async function sent(
  links: LinksPort,
  clicks: readonly Click[],
  limits: CallLimits,
  spool: Pick<Spool, 'setAside'>,
): Promise<Forwarded['results']> {
  if (clicks.length === 0) return []
  const results = await links.use(clicks, limits)
  if (results !== 'refused') return clicks.map((_, index) => results[index] ?? 'unknown')
  const [only] = clicks
  if (clicks.length === 1 && only !== undefined) {
    await spool.setAside(only)
    return ['set-aside']
  }
  // halved until the bad one stands alone
  const middle = Math.ceil(clicks.length / 2)
  return [...(await sent(links, clicks.slice(0, middle), limits, spool)), ...(await sent(links, clicks.slice(middle), limits, spool))]
}
