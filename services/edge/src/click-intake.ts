import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { type Loop, loop } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import type { Click } from './click.ts'
import { type Forwarded, forwardFrom, type LinksPort, mostInOneCall } from './forwarder.ts'
import { type Spool, SpoolFull } from './spool.ts'

/** Takes clicks in, and loses none. */
export interface ClickIntake {
  /** When it resolves, the click is durable: in our spool, or journalled by preferences. Rejects with `SpoolFull` where neither was possible in time. */
  accept(click: Click): Promise<'spooled' | 'journalled'>
  /** Sends on what the spool holds, as soon as there is something. */
  readonly forwarder: Loop
  stop(): Promise<void>
}

/** What the intake tells about itself. */
export interface ClickEvents {
  /** A click was answered as durable. */
  taken(where: 'spooled' | 'journalled'): void
  /** A call to preferences ended, `left` clicks wait. */
  forwarded(call: Forwarded, left: number): void
  /** Lines of the spool that a disk has damaged. */
  damaged(lines: number): void
}

// mailbox providers wait 3 seconds for an answer
const defaultPatienceMs = 2_000
const mostWaiting = 2_000
const tidyEveryMs = 5_000
const stopWithinMs = 2_000

/**
 * Each click goes to the spool first, is answered as soon as it is durable there, and is sent on at once, in the order of arrival. A click that the spool cannot take waits, for
 * room in it or, once nothing is left in it to overtake, for preferences itself.
 */
export function clickIntake(options: {
  readonly links: LinksPort
  readonly spool: Spool
  readonly events: ClickEvents
  readonly log: Logger
  readonly clock: Clock
  /** How long a click that the spool refused waits for an answer; 2 seconds unless told. */
  readonly patienceMs?: number
}): ClickIntake {
  const { links, spool, events, log, clock, patienceMs = defaultPatienceMs } = options
  interface Waiting {
    readonly click: Click
    answered: boolean
    done(where: 'spooled' | 'journalled'): void
    failed(error: Error): void
  }
  /** Clicks that the spool refused. */
  let waiting: Waiting[] = []
  const givingUp = new AbortController()
  let arrived: () => void = () => undefined
  const grown = () => new Promise<void>((resolve) => (arrived = resolve))

  const unanswered = () => (waiting = waiting.filter(({ answered }) => !answered))

  /** Room may have been made: those that wait are tried again, in their order. */
  const offerAgain = async () => {
    await Promise.all(
      unanswered().map((entry) =>
        spool.append(entry.click).then(
          () => entry.done('spooled'),
          () => undefined,
        ),
      ),
    )
    unanswered()
  }

  /** Nothing is in the spool, and it takes nothing: those that wait go to preferences without it. */
  const callDirectly = async () => {
    const entries = unanswered().slice(0, mostInOneCall)
    const clicks = entries.map(({ click }) => click)
    const startedAt = clock.now()
    const results = await links.use(clicks, { deadlineMs: patienceMs, signal: givingUp.signal })
    if (results === 'refused') {
      // which of them it was will be found out from the spool, when it can take them again
      for (const { failed } of entries) failed(new SpoolFull())
      return
    }
    for (const { done } of entries) done('journalled')
    events.forwarded({ clicks, results, durationMs: clock.now() - startedAt }, spool.size)
  }

  const forwardAll = forwardFrom({
    spool,
    links,
    clock,
    givingUp: givingUp.signal,
    grown,
    damaged: events.damaged,
    forwarded: async (call) => {
      events.forwarded(call, spool.size)
      if (waiting.length > 0) await offerAgain()
    },
  })

  const forwarder = loop({
    name: 'spool-forwarder',
    everyMs: tidyEveryMs,
    log,
    clock,
    run: async (signal) => {
      const hadClicks = spool.size > 0
      await forwardAll(signal)
      if (unanswered().length > 0) {
        await offerAgain()
        if (spool.size === 0 && waiting.length > 0) await callDirectly()
      }
      if (signal.aborted) return 'idle'
      if (spool.size > 0 || waiting.length > 0) return 'again'
      if (!hadClicks) await spool.tidy()
      return 'idle'
    },
  })

  const wake = () => {
    arrived()
    forwarder.wake()
  }

  const wait = (click: Click) =>
    new Promise<'spooled' | 'journalled'>((resolve, reject) => {
      const entry: Waiting = {
        click,
        answered: false,
        done: (where) => answer(() => resolve(where)),
        failed: (error) => answer(() => reject(error)),
      }
      const answer = (how: () => void) => {
        if (entry.answered) return
        entry.answered = true
        clearTimeout(timer)
        how()
      }
      const timer = setTimeout(() => entry.failed(new SpoolFull()), patienceMs)
      waiting.push(entry)
      wake()
    })

  const place = async (click: Click): Promise<'spooled' | 'journalled'> => {
    // behind a click of the same person that waits: it is not overtaken
    if (waiting.some((entry) => !entry.answered && entry.click.linkRef === click.linkRef)) return wait(click)
    try {
      await spool.append(click)
    } catch (thrown) {
      if (waiting.length === 0) log.warn({ error: asError(thrown), spooled: spool.size }, 'spool.refuses')
      if (waiting.length >= mostWaiting) throw thrown
      return wait(click)
    }
    wake()
    return 'spooled'
  }

  return {
    forwarder,
    async accept(click) {
      const where = await place(click)
      events.taken(where)
      return where
    },
    async stop() {
      const timer = setTimeout(() => givingUp.abort(), stopWithinMs)
      arrived()
      await forwarder.stop()
      clearTimeout(timer)
      for (const { failed } of unanswered()) failed(new SpoolFull())
      await spool.close()
    },
  }
}
