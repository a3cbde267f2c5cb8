import type { DeliveryId, Outcome } from '@heed/domain'
import { leastSettled } from '../combine.ts'
import type { Job, NothingToSend, PlannedRequest } from '../contract.ts'
import type { RequestResult } from './execute.ts'
import type { Finding } from './judge.ts'

/** A job that a request began. */
export interface BegunJob {
  readonly job: Job
  readonly requestName: string
  /** The deliveries that wait for it. */
  readonly covers: readonly DeliveryId[]
}

interface Progress {
  /** Requests that have not come back. */
  open: number
  unsent: number
  answered: number
  outcome: Outcome | undefined
  unanswered: Extract<Finding, { kind: 'unanswered' }> | undefined
  followed: boolean
  receipt: string | undefined
  /** How many deliveries the refused request covered. */
  among: number
  durationMs: number
}

/**
 * Puts together what the requests of one plan say about each delivery. A delivery that several requests cover is found when the last of them is back, with the
 * least settled of what they said.
 */
export class Collector {
  readonly #progress = new Map<DeliveryId, Progress>()
  readonly #jobs: BegunJob[] = []
  #needsFull = false

  constructor(deliveryIds: readonly DeliveryId[], plan: readonly (PlannedRequest | NothingToSend)[]) {
    for (const id of deliveryIds) {
      this.#progress.set(id, {
        open: 0,
        unsent: 0,
        answered: 0,
        outcome: undefined,
        unanswered: undefined,
        followed: false,
        receipt: undefined,
        among: 1,
        durationMs: 0,
      })
    }
    for (const planned of plan) {
      // a request that names a delivery twice comes back once
      for (const id of new Set(planned.covers)) {
        const progress = this.#progress.get(id)
        if (progress === undefined) continue
        if (planned.via === 'nothing') {
          progress.answered += 1
          progress.outcome = progress.outcome === undefined ? planned.outcome : leastSettled(progress.outcome, planned.outcome)
        } else progress.open += 1
      }
    }
  }

  get jobs(): readonly BegunJob[] {
    return this.#jobs
  }

  get needsFull(): boolean {
    return this.#needsFull
  }

  /** Deliveries that the plan needs no request for, or has forgotten. */
  withoutRequests(): DeliveryId[] {
    return [...this.#progress].flatMap(([id, { open }]) => (open === 0 ? [id] : []))
  }

  /** Takes in a result, and names the deliveries whose last request it was. */
  add(result: RequestResult): DeliveryId[] {
    const finished: DeliveryId[] = []
    const waiting: DeliveryId[] = []
    const covered = new Set(result.request.covers)
    for (const id of covered) {
      const progress = this.#progress.get(id)
      if (progress === undefined) continue
      this.#takeIn(progress, id, result, waiting, covered.size)
      progress.open -= 1
      if (progress.open <= 0) finished.push(id)
    }
    if (result.kind === 'read') {
      this.#needsFull ||= result.needsFull
      if (result.job !== undefined) this.#jobs.push({ job: result.job, requestName: result.request.name, covers: waiting })
    }
    return finished
  }

  #takeIn(progress: Progress, id: DeliveryId, result: RequestResult, waiting: DeliveryId[], among: number): void {
    switch (result.kind) {
      case 'unsent':
        progress.unsent += 1
        return
      case 'none':
        progress.durationMs = Math.max(progress.durationMs, result.durationMs)
        progress.unanswered = {
          kind: 'unanswered',
          reason: result.answer.reason,
          // of several, one that may have been applied makes the whole unknown
          sent: result.answer.sent || progress.unanswered?.sent === true,
          durationMs: progress.durationMs,
        }
        return
      case 'read': {
        progress.answered += 1
        progress.durationMs = Math.max(progress.durationMs, result.durationMs)
        const outcome = result.outcomes.get(id)
        const waits = result.job !== undefined && (outcome === undefined || (outcome.kind === 'accepted' && !outcome.final))
        if (waits) {
          waiting.push(id)
          progress.followed = true
          if (outcome?.kind === 'accepted') progress.receipt = outcome.receipt
        } else if (outcome === undefined) {
          progress.unanswered = { kind: 'unanswered', reason: 'unavailable.incomplete-answer', sent: true, durationMs: progress.durationMs }
        } else {
          const combined = progress.outcome === undefined ? outcome : leastSettled(progress.outcome, outcome)
          if (combined === outcome) progress.among = among
          progress.outcome = combined
        }
        return
      }
      default:
        result satisfies never
    }
  }

  /** What is known about a delivery now that its requests are through. `batchId` is where its jobs are kept. */
  finding(id: DeliveryId, batchId: string): Finding {
    const progress = this.#progress.get(id)
    if (progress === undefined) return { kind: 'untried', waitReason: 'waiting_turn' }
    const { outcome, unanswered, followed, unsent, answered, among, receipt, durationMs } = progress
    if (outcome?.kind === 'deferred') return { kind: 'said', outcome, durationMs, among }
    // also where another request was refused: what may still be taken is asserted again before a person is asked
    if (unanswered !== undefined) return unanswered
    if (unsent > 0) {
      // A part of it may be told already; all of it is told again.
      return answered > 0 || followed
        ? { kind: 'said', outcome: { kind: 'deferred', reason: 'unavailable.rate-limited' }, durationMs, among: 1 }
        : { kind: 'untried', waitReason: 'waiting_turn' }
    }
    if (outcome?.kind === 'rejected') return { kind: 'said', outcome, durationMs, among }
    if (followed) return { kind: 'followed', batchId, receipt, durationMs }
    if (outcome !== undefined) return { kind: 'said', outcome, durationMs, among }
    return { kind: 'unanswered', reason: 'unavailable.incomplete-answer', sent: false, durationMs }
  }

  /** The outcome that the other requests of a followed delivery had: its job can only make it less settled. */
  firmOutcome(id: DeliveryId): Outcome | undefined {
    return this.#progress.get(id)?.outcome
  }
}
