import { changeIdOf } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import type { Destroyer } from './destroy-identifiers.ts'
import type { Duties } from './duties.ts'
import type { Barred, Eraser } from './erase-subject.ts'
import type { Destruction, ErasureRow, ErasureStage, ErasureWait } from './erasure-rows.ts'
import type { Store } from './rows.ts'

/** How long the stages of an erasure may take, ms. */
export interface ErasureTimes {
  /** Recipients are left so long to confirm the opt-out before those that can erase are told to. */
  readonly optOutWaitMs: number
  /** After so long the identifiers are destroyed, whatever is still owed. */
  readonly limitMs: number
  /** How long after the destruction processes that were slow are swept after; a few seconds. */
  readonly copiesMs: number
}

/** What an erasure does next, or what it waits for. */
export type NextStep =
  | { readonly kind: 'tell' }
  | { readonly kind: 'destroy'; readonly because: Destruction['because']; readonly openDeliveries: number }
  | { readonly kind: 'wait'; readonly waitingFor: ErasureWait; readonly openDeliveries?: number }

/**
 * What is to be done now. `denial` and `erasure` say how many of their deliveries are open: 0 where there is no such version, undefined where it cannot be said.
 * Pure.
 */
export function nextStep(
  input: {
    readonly told: boolean
    readonly requestedAt: number
    readonly now: number
    readonly denial: number | undefined
    readonly erasure: number | undefined
  },
  times: Pick<ErasureTimes, 'optOutWaitMs' | 'limitMs'>,
): NextStep {
  const { told, requestedAt, now, denial, erasure } = input
  const known = (denial ?? 0) + (erasure ?? 0)
  const limit = now - requestedAt >= times.limitMs
  if (!told) {
    // nobody is told to erase after the limit: there would be nothing left to tell it with
    if (denial === 0 || now - requestedAt >= times.optOutWaitMs || limit) return { kind: 'tell' }
    if (denial === undefined) return { kind: 'wait', waitingFor: 'audit-unreachable' }
    return { kind: 'wait', waitingFor: 'opt-outs', openDeliveries: denial }
  }
  if (denial === 0 && erasure === 0) return { kind: 'destroy', because: 'recipients-settled', openDeliveries: 0 }
  if (limit) return { kind: 'destroy', because: 'limit-passed', openDeliveries: known }
  if (denial === undefined || erasure === undefined) return { kind: 'wait', waitingFor: 'audit-unreachable' }
  return { kind: 'wait', waitingFor: 'erasures', openDeliveries: known }
}

const firstLookMs = 250
const longestLookMs = 60_000
const atOnce = 100

/** How long to leave an erasure alone that could not go on so many times. ms */
export function lookAgainMs(looks: number): number {
  return Math.min(firstLookMs * 2 ** Math.min(looks, 20), longestLookMs)
}

/** The alarm that belongs to the share of the limit that an erasure has used. */
function alarmOf(share: number): 'half' | 'eighty' | undefined {
  if (share >= 0.8) return 'eighty'
  return share >= 0.5 ? 'half' : undefined
}

/**
 * Carries erasures on, for the leader to repeat. Each step is recorded when it is done and may be done twice; what is due is read from the store, so that nothing
 * depends on who began it. An erasure that cannot go on holds up no other.
 */
export function erasureSweep(options: {
  readonly store: Store
  readonly eraser: Pick<Eraser, 'deny' | 'tell' | 'record'>
  readonly destroyer: Destroyer
  readonly duties: Duties
  readonly times: ErasureTimes
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}): (signal: AbortSignal) => Promise<'again' | 'idle'> {
  const { store, eraser, destroyer, duties, times, clock, log, metrics } = options
  const completed = metrics.counter({ name: 'heed_preferences_erasures_completed_total', help: 'Erasures that came to their end' })
  metrics.gauge({
    name: 'heed_preferences_erasures_open',
    help: 'Erasures that are not completed, at most 10,000',
    collect: () => store.erasures.countDocuments({ lookAt: { $exists: true } }, { hint: 'open', limit: 10_000 }).catch(() => Number.NaN),
  })
  metrics.gauge({
    name: 'heed_preferences_erasure_oldest_seconds',
    help: 'Age of the oldest erasure that is not completed',
    collect: async () => {
      const oldest = await store.erasures
        .findOne({ lookAt: { $exists: true } }, { hint: 'open', sort: { requestedAt: 1, _id: 1 } })
        .catch(() => undefined)
      if (oldest === undefined) return Number.NaN
      return oldest === null ? 0 : (clock.now() - oldest.requestedAt.getTime()) / 1_000
    },
  })
  const alarmed = new Map<string, 'half' | 'eighty'>()

  const update = async (
    row: ErasureRow,
    set: Partial<Omit<ErasureRow, '_id'>>,
    unset: readonly ('waitingFor' | 'openDeliveries' | 'lookAt')[] = [],
  ) => {
    await store.erasures.updateOne(
      { _id: row._id },
      { $set: set, ...(unset.length === 0 ? {} : { $unset: Object.fromEntries(unset.map((field) => [field, 1 as const])) }) },
    )
    return { ...row, ...set }
  }

  /** Records that the stage is reached: first in the trail, then in the row. */
  const reach = async (
    row: ErasureRow,
    stage: ErasureStage,
    barred: Barred,
    set: Partial<Omit<ErasureRow, '_id'>> = {},
  ): Promise<ErasureRow> => {
    await eraser.record(row, stage, barred)
    log.info({ subjectId: row._id, stage, cause: row.cause, ageMs: clock.now() - row.requestedAt.getTime() }, 'erasure.stage')
    const waits = set.waitingFor === undefined ? ['waitingFor' as const] : []
    const done = stage === 'completed' ? ['lookAt' as const] : []
    return update(row, { ...set, stage, looks: 0 }, ['openDeliveries', ...waits, ...done])
  }

  const openOf = async (row: ErasureRow, version: number | undefined): Promise<number | undefined> =>
    version === undefined ? 0 : duties.open(changeIdOf(row._id, version))

  const destroy = async (row: ErasureRow, barred: Barred, why: Pick<Destruction, 'because' | 'openDeliveries'>): Promise<ErasureRow> => {
    if (why.because === 'limit-passed') log.error({ subjectId: row._id, openDeliveries: why.openDeliveries }, 'erasure.limit-passed')
    const counted = await destroyer.destroy(row, barred.subjects, why)
    await destroyer.stripJournal(barred.subjects)
    return reach(counted, 'identifiers-destroyed', barred, { waitingFor: 'copies', lookAt: new Date(clock.now() + times.copiesMs) })
  }

  const complete = async (row: ErasureRow, barred: Barred): Promise<void> => {
    const late = await destroyer.sweepLate(row.destruction?.subjects ?? barred.subjects)
    if (late > 0) log.warn({ subjectId: row._id, late }, 'erasure.late-identifiers-deleted')
    await reach(row, 'completed', barred, { completedAt: new Date(clock.now()) })
    completed.add({})
    alarmed.delete(row._id)
  }

  const alarm = (row: ErasureRow, waitingFor: ErasureWait, openDeliveries: number | undefined) => {
    const level = alarmOf((clock.now() - row.requestedAt.getTime()) / times.limitMs)
    if (level === undefined || alarmed.get(row._id) === level) return
    alarmed.set(row._id, level)
    log.warn(
      { subjectId: row._id, level, waitingFor, openDeliveries, latestAt: row.requestedAt.getTime() + times.limitMs },
      'erasure.near-limit',
    )
  }

  /** As far as it goes now. */
  const advance = async (given: ErasureRow): Promise<void> => {
    let row = given
    if (row.stage === 'identifiers-destroyed') {
      const subjects = row.destruction?.subjects ?? [row._id]
      return complete(row, { standing: { subjectId: row._id, row: undefined }, subjects })
    }
    let barred = await eraser.deny(row)
    if (barred === undefined) return
    if (row.stage === 'requested') await eraser.record(row, 'requested', barred)
    for (;;) {
      const told = barred.erasure !== undefined
      if (told && row.stage === 'requested') {
        const { denial, erasure } = barred
        row = await reach(row, 'recipients-told', barred, {
          ...(denial === undefined ? {} : { denial }),
          ...(erasure === undefined ? {} : { erasure }),
        })
      }
      // what was begun is finished, whatever has been settled since
      if (row.destruction !== undefined) {
        await destroy(row, barred, row.destruction)
        return
      }
      const step = nextStep(
        {
          told,
          requestedAt: row.requestedAt.getTime(),
          now: clock.now(),
          denial: await openOf(row, barred.denial),
          erasure: await openOf(row, barred.erasure),
        },
        times,
      )
      if (step.kind === 'destroy') {
        await destroy(row, barred, step)
        return
      }
      if (step.kind === 'wait') {
        const { waitingFor, openDeliveries } = step
        alarm(row, waitingFor, openDeliveries)
        const lookAt = new Date(clock.now() + lookAgainMs(row.looks))
        await update(row, { lookAt, looks: row.looks + 1, waitingFor, ...(openDeliveries === undefined ? {} : { openDeliveries }) })
        return
      }
      barred = await eraser.tell(row, barred)
    }
  }

  return async (signal) => {
    const due = await store.erasures
      .find({ lookAt: { $lte: new Date(clock.now()) } }, { hint: 'due', sort: { lookAt: 1 }, limit: atOnce })
      .toArray()
    for (const row of due) {
      if (signal.aborted) return 'idle'
      try {
        await advance(row)
      } catch (thrown) {
        log.error({ subjectId: row._id, stage: row.stage, error: asError(thrown) }, 'erasure.interrupted')
        await update(row, { lookAt: new Date(clock.now() + lookAgainMs(row.looks + 2)), looks: row.looks + 1 })
      }
    }
    return due.length === atOnce ? 'again' : 'idle'
  }
}
