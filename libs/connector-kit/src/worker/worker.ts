import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import type { Claim } from '../inbox/line.ts'
import type { InboxRow } from '../inbox/row.ts'
import { assertBatch } from './assert-batch.ts'
import { createBell } from './bell.ts'
import type { Cadence } from './cadence.ts'
import { followBatch } from './follow-batch.ts'
import { hearReports, sortReports } from './hear-reports.ts'
import { keepUp } from './keep-up.ts'
import { createPace } from './pace.ts'
import { readBackBatch } from './read-back.ts'
import type { RecipientWork } from './recipient.ts'
import { nextBatch, openBatch, sendBatch } from './sequence.ts'
import { takeOver } from './take-over.ts'

/** The work for one recipient, while this process holds its account. */
export interface Worker {
  /**
   * Rows are about to be stored. What it returns is called when they are: so many of them have become due, and those that were not there before are given as they
   * stand. Calling it looks at once for what is due.
   */
  arriving(): (count: number, added: readonly InboxRow[]) => void
  /** The same, and reads again whether operators hold the recipient back. */
  steer(): void
  /** The vendor has reported something by itself. */
  heard(): void
  /** Whether operators hold everything back, as of the last look. */
  readonly paused: boolean
  /** Resolves when nothing is due and nothing is under way: what waits, waits for a time, for a vendor, or for a person. */
  settle(): Promise<void>
  /**
   * Works until `stopping` is aborted, and resolves when what is under way has ended. `abort` cuts what is under way: its outcome is then unknown.
   */
  run(stopping: AbortSignal, abort: AbortSignal): Promise<void>
}

// A second batch is begun beside one that is under way when it is full, or when that one takes longer than this: small batches grow while one is sent, and a
// slow answer holds nobody up for long.
const patienceMs = 250
const longestRestMs = 10_000
// A look at reports costs nearly as much for one as for a hundred: those that come one by one are heard a few times a second.
const reportsWithinMs = 250

// So many rows are remembered from when they came in until their batch begins; a batch of more begins with a look for them.
const mostRemembered = 500

// So many batches, and so many rows, are under way at once at the most, whatever the vendor allows: all of them are in memory, with their identifiers, several
// times over while they are asked for, written into a request and told. A vendor that takes ten thousand at once needs no second batch beside it to be fast.
const mostBatches = 4
const mostRows = 10_000

interface Running {
  readonly kind: 'assert' | 'sequence' | 'follow' | 'sort' | 'read-back'
  readonly startedAt: number
  /** Of the inbox, where it asserts. */
  readonly rows: number
  readonly done: Promise<void>
}

/** A worker. `sweepMs` is how long it sleeps at the most: how soon it sees what another process wrote into the inbox. Batches that are not whole begin by the `cadence`. */
export function createWorker<Settings>(
  work: RecipientWork<Settings>,
  options: { readonly sweepMs: number; readonly cadence: Cadence },
): Worker {
  const { recipientId, line, batches, clock, log, sender } = work
  const { descriptor, account } = sender
  const bell = createBell(clock)
  // What changes seldom is not asked for at every turn. In this process a change is known at once; another's is seen after a sweep at the latest.
  const state = remembered(() => work.states.get(recipientId), clock, options.sweepMs)
  // whoever works for the account is the only one who begins and follows batches
  const followAt = remembered(() => batches.nextFollowAt(recipientId), clock, Number.POSITIVE_INFINITY)
  const unsent = remembered(() => batches.unsent(recipientId), clock, options.sweepMs)
  const reportAt = remembered(() => work.reports.nextAt(recipientId), clock, options.sweepMs)
  const readBackAt = remembered(() => line.nextReadBack(recipientId), clock, options.sweepMs)
  const dueAt = remembered(() => line.nextDue(recipientId), clock, options.sweepMs)
  const running = new Map<string, Running>()
  /** Flights that ended in an error of ours: taken over when the database answers again. */
  const lost = new Map<string, Claim>()
  let settlers: { after: number; resolve(): void }[] = []
  let turns = 0
  let starts = 0
  const perRequest = descriptor.batch.inOneRequest === true ? descriptor.batch.maxTasks : 1
  /** Requests that one task of a whole batch takes, by the last one; at first by the descriptor. */
  let costPerTask = 1 / perRequest
  let failures = 0
  let restUntil = 0
  let held = false
  /** Rows that have become due since the last claim, as far as this process knows; and whether that one left some behind. */
  let arrived = 0
  let leftBehind = true
  /** Those of them that were not there before, as they are stored, where that is all of them. */
  let added: InboxRow[] = []
  /** Looks for what is due, and those of them that have ended. */
  let looks = 0
  let looked = 0
  /** A claim was made beside a batch, whose rows it could not take. */
  let passedOver = false
  const beat = options.cadence.join(bell.ring)
  const reportPace = createPace(reportsWithinMs, 1, bell.ring)
  /** Whether the turn has left something waiting for more of its kind. */
  let gathering = false
  /** What is due is collected until then, unless there is enough for a whole batch. */
  let collectingUntil = 0
  /** When the last batch began. */
  let begunAt = Number.NEGATIVE_INFINITY
  /** When the upkeep is looked at again. */
  let upkeepAt = 0

  /** Nothing is known of the line and of batches any more. */
  const lookAgain = () => {
    leftBehind = true
    added = []
    dueAt.forget()
    followAt.forget()
    unsent.forget()
    collectingUntil = 0
  }

  const start = (kind: Running['kind'], key: string, job: () => Promise<void>, rows = 0) => {
    const done = job()
      .then(() => {
        failures = 0
        if (kind === 'assert' || kind === 'sort') return
        // whatever came back into the line, or asks for a complete list
        dueAt.forget()
        collectingUntil = 0
      })
      .catch((thrown: unknown) => {
        failures += 1
        lookAgain()
        restUntil = clock.now() + Math.min(longestRestMs, 200 * 2 ** Math.min(failures, 8))
        log.error({ recipientId, failures, error: asError(thrown) }, 'batch.failed')
      })
      .finally(() => {
        running.delete(key)
        bell.ring()
      })
    starts += 1
    running.set(key, { kind, startedAt: clock.now(), rows, done })
  }

  const runClaim = (claim: Claim, abort: AbortSignal) => {
    const job = async () => {
      const { requests, tasks, followed, returned } = await assertBatch(work, claim, abort).catch((thrown: unknown) => {
        lost.set(claim.token, claim)
        throw thrown
      })
      line.release(claim)
      if (tasks > 0) costPerTask = requests / Math.max(tasks, perRequest)
      if (returned > 0 || passedOver) dueAt.forget()
      passedOver &&= [...running.values()].filter(({ kind }) => kind === 'assert').length > 1
      if (followed > 0) {
        followAt.forget()
        reportAt.forget()
      }
    }
    start('assert', claim.token, job, claim.rows.length)
  }

  /** Rows whose batch failed here: whatever was sent of it has an unknown outcome. */
  const takeBack = async () => {
    for (const [token, claim] of [...lost]) {
      await takeOver(work, token)
      line.release(claim)
      lost.delete(token)
    }
    lookAgain()
  }

  const isCollecting = (now: number) => now < collectingUntil && arrived < descriptor.batch.maxTasks

  /** Claims what has come in, where this process knows all of it; looks for what is due otherwise. */
  const claimUpTo = async (limit: number): Promise<Claim> => {
    const rows = added
    const known = !leftBehind && rows.length > 0 && rows.length === arrived && arrived <= limit
    arrived = 0
    added = []
    collectingUntil = 0
    if (known) return line.take(rows)
    looks += 1
    try {
      const claim = await line.claim(recipientId, limit)
      leftBehind = claim.rows.length >= limit
      return claim
    } finally {
      looked += 1
    }
  }

  const assertTurn = async (abort: AbortSignal): Promise<number> => {
    const now = clock.now()
    const { maxTasks, collectSeconds = 0 } = descriptor.batch
    const asserting = [...running.values()].filter(({ kind }) => kind === 'assert')
    const atOnce = Math.max(1, Math.min(mostBatches, descriptor.rate.concurrentRequests))
    const roomForRows = mostRows - asserting.reduce((sum, { rows }) => sum + rows, 0)
    if (asserting.length >= atOnce || roomForRows <= 0) return Number.POSITIVE_INFINITY
    const newest = Math.max(0, ...asserting.map(({ startedAt }) => startedAt))
    const patient = asserting.length > 0 && now < newest + patienceMs
    // too few for a batch of their own, as far as this process knows
    if (patient && !leftBehind && arrived < maxTasks) return newest + patienceMs
    if (!leftBehind && arrived === 0) {
      const next = (await dueAt.get()) ?? Number.POSITIVE_INFINITY
      if (next > now) return next
    }
    if (collectSeconds > 0) {
      if (isCollecting(now)) return collectingUntil
      const { count, since } = await line.waiting(recipientId, maxTasks)
      if (since === undefined) return (await line.nextDue(recipientId)) ?? Number.POSITIVE_INFINITY
      if (count < maxTasks && now < since + collectSeconds * 1000) {
        collectingUntil = since + collectSeconds * 1000
        return collectingUntil
      }
    }
    // No more than the account's rate has room for: what is claimed and cannot be sent has to be put back.
    const room = Math.floor(account.available() / Math.max(costPerTask, 1 / maxTasks))
    const limit = account.gate.probing ? 1 : Math.max(1, Math.min(maxTasks, room, roomForRows))
    if (!leftBehind && arrived < limit) {
      // a request for a few spends as much of the account's rate as one for thousands
      const spacedUntil = descriptor.batch.inOneRequest === true ? begunAt + account.spacingMs() : 0
      if (spacedUntil > now) return spacedUntil
      if (beat.mustWait()) {
        gathering = true
        return Number.POSITIVE_INFINITY
      }
    }
    const claim = await claimUpTo(limit)
    // a row that is under way may want something newer by now
    passedOver ||= asserting.length > 0
    if (claim.rows.length > 0) {
      beat.spend()
      begunAt = now
      runClaim(claim, abort)
      return now
    }
    dueAt.forget()
    // what is under way rings the bell when it is through
    return asserting.length > 0 ? now + patienceMs : ((await dueAt.get()) ?? Number.POSITIVE_INFINITY)
  }

  const sequenceTurn = async (abort: AbortSignal): Promise<number> => {
    const key = 'sequence'
    if (running.has(key)) return Number.POSITIVE_INFINITY
    const now = clock.now()
    const send = (job: () => Promise<void>) =>
      start('sequence', key, () =>
        job().finally(() => {
          followAt.forget()
          unsent.forget()
        }),
      )
    const open = await unsent.get()
    if (open !== undefined) {
      if (open.nextAt > now) return open.nextAt
      send(() => sendBatch(work, open, abort))
      return now
    }
    if (isCollecting(now)) return collectingUntil
    const known = await work.states.get(recipientId)
    const waiting = await line.waiting(recipientId, descriptor.batch.maxTasks)
    const next = nextBatch(descriptor, known, waiting, now)
    if (next.kind === 'none') {
      // what is due already is being collected; what is not may come in meanwhile
      const queue = waiting.since === undefined ? await line.nextDue(recipientId) : undefined
      collectingUntil = waiting.since === undefined ? 0 : next.at
      return Math.min(next.at, queue ?? Number.POSITIVE_INFINITY)
    }
    arrived = 0
    send(async () => {
      const opened = await openBatch(work, known, next.kind)
      if (opened !== undefined) await sendBatch(work, opened, abort)
    })
    return now
  }

  const followTurn = async (abort: AbortSignal): Promise<number> => {
    const next = (await followAt.get()) ?? Number.POSITIVE_INFINITY
    if (next > clock.now()) return next
    // looked at again when one of those is through
    followAt.know(clock.now() + patienceMs)
    for (const batch of await batches.due(recipientId, clock.now(), descriptor.rate.concurrentRequests + 1)) {
      if (!running.has(batch._id)) start('follow', batch._id, () => followBatch(work, batch, abort).finally(followAt.forget))
    }
    return clock.now() + patienceMs
  }

  const reportTurn = async (): Promise<number> => {
    const key = 'reports'
    if (descriptor.jobs?.reported !== true || running.has(key)) return Number.POSITIVE_INFINITY
    const next = (await reportAt.get()) ?? Number.POSITIVE_INFINITY
    if (next > clock.now()) return next
    if (reportPace.mustWait()) {
      gathering = true
      return Number.POSITIVE_INFINITY
    }
    reportPace.spend()
    reportAt.know(clock.now() + patienceMs)
    // beside the turn: what is due is not to wait for it
    start('sort', key, async () => {
      const sorted = await sortReports(work).finally(reportAt.forget)
      for (const one of sorted) {
        const { _id } = one.batch
        if (!running.has(_id) && !work.beginning.has(_id)) start('follow', _id, () => hearReports(work, one).finally(followAt.forget))
      }
    })
    return clock.now() + patienceMs
  }

  const readBackTurn = async (abort: AbortSignal): Promise<number> => {
    const { readBack } = descriptor
    const key = 'read-back'
    if (readBack === undefined || running.has(key)) return Number.POSITIVE_INFINITY
    const next = (await readBackAt.get()) ?? Number.POSITIVE_INFINITY
    if (next > clock.now()) return next
    readBackAt.forget()
    const claim = await line.claimReadBack(recipientId, readBack.maxTasks)
    if (claim.rows.length > 0) start('read-back', key, () => readBackBatch(work, claim, abort).finally(() => line.release(claim)))
    return clock.now()
  }

  /** What is not urgent waits until nothing is due; `assertAt` is when something is. */
  const upkeepTurn = async (assertAt: number): Promise<number> => {
    const now = clock.now()
    if (upkeepAt > now) return upkeepAt
    // what is under way rings the bell when it is through, and so does what gathers
    if (gathering || assertAt <= now || [...running.values()].some(({ kind }) => kind === 'assert')) return Number.POSITIVE_INFINITY
    const { next, told, sampled } = await keepUp(work)
    upkeepAt = next
    if (told > 0) lookAgain()
    if (sampled > 0) readBackAt.forget()
    return told + sampled > 0 ? now : next
  }

  /** Starts what is due, and says when to look again. */
  const turn = async (abort: AbortSignal): Promise<number> => {
    const now = clock.now()
    gathering = false
    if (restUntil > now) return restUntil
    if (lost.size > 0) await takeBack()
    held = Boolean((await state.get()).paused)
    if (held) return Number.POSITIVE_INFINITY
    const openAt = account.openAt()
    if (openAt > now) return openAt
    const asserting = descriptor.batch.sequenced ? sequenceTurn(abort) : assertTurn(abort)
    // one after the other: a job is either asked about or heard of
    const following = async () => Math.min(await followTurn(abort), await reportTurn())
    const next = Math.min(...(await Promise.all([asserting, following(), readBackTurn(abort)])))
    return Math.min(next, await upkeepTurn(await asserting))
  }

  const release = (beforeTurn: number) => {
    settlers = settlers.filter(({ after, resolve }) => {
      if (after >= beforeTurn) return true
      resolve()
      return false
    })
  }

  return {
    arriving: () => {
      const endedBefore = looked
      return (count, rows) => {
        arrived += count
        // a look that was on its way meanwhile may have found them already
        if (looks === endedBefore && added.length + rows.length <= mostRemembered) added.push(...rows)
        bell.ring()
      }
    },
    steer: () => {
      state.forget()
      lookAgain()
      bell.ring()
    },
    heard: () => {
      reportAt.know(0)
      bell.ring()
    },
    get paused() {
      return held
    },
    settle: () => {
      const settled = new Promise<void>((resolve) => settlers.push({ after: turns, resolve }))
      bell.ring()
      return settled
    },
    run: async (stopping, abort) => {
      lookAgain()
      let faults = 0
      while (!stopping.aborted) {
        turns += 1
        const current = turns
        const startsBefore = starts
        const idleBefore = running.size === 0
        let next: number
        try {
          next = await turn(abort)
          faults = 0
        } catch (thrown) {
          if (stopping.aborted) break
          faults += 1
          next = clock.now() + Math.min(longestRestMs, 100 * 2 ** Math.min(faults, 8))
          log.warn({ recipientId, failures: faults, error: asError(thrown) }, 'worker.failed')
        }
        const now = clock.now()
        // only a turn beside which nothing was under way has seen all that there is
        if (faults === 0 && idleBefore && starts === startsBefore && next > now && !gathering) release(current)
        if (next > now) await bell.sleepUntil(Math.min(next, now + options.sweepMs), stopping)
      }
      beat.stop()
      reportPace.stop()
      await Promise.all([...running.values()].map(({ done }) => done))
      release(Number.POSITIVE_INFINITY)
    },
  }
}

/** Something read from the database and kept for a while. */
function remembered<T>(load: () => Promise<T>, clock: Clock, forMs: number): { get(): Promise<T>; know(value: T): void; forget(): void } {
  let kept: { value: T; until: number } | undefined
  let asked = 0
  const keep = (value: T) => {
    kept = { value, until: clock.now() + forMs }
  }
  return {
    get: async () => {
      if (kept !== undefined && clock.now() < kept.until) return kept.value
      asked += 1
      const mine = asked
      const value = await load()
      // known otherwise, or forgotten, while it was read
      if (mine === asked) keep(value)
      return value
    },
    know: (value) => {
      asked += 1
      keep(value)
    },
    forget: () => {
      asked += 1
      kept = undefined
    },
  }
}
