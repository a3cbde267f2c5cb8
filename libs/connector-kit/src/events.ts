import type { RecipientId } from '@heed/domain'
import type { Logger } from '@heed/platform/log'
import { durationBuckets, type Metrics } from '@heed/platform/metrics'
import type { PlannedRequest } from './contract.ts'
import { subjectOfRow } from './inbox/row.ts'
import type { SettledRows } from './inbox/settlement.ts'

/** Where units of work are told when they end: once in the log, once in the figures. */
export interface WorkEvents {
  /** Deliveries of one batch were settled. */
  deliveriesAttempted(recipientId: RecipientId, groups: readonly SettledRows[]): void
  requestSent(recipientId: RecipientId, request: PlannedRequest, result: string, durationMs: number): void
  outcomesPublished(count: number): void
  driftFound(recipientId: RecipientId, count: number): void
  /** What was read back, by what was found. */
  readBack(recipientId: RecipientId, held: 'wanted' | 'other' | 'unreadable', count: number): void
  /** Refusals that stand are wanted once more. */
  toldAgain(recipientId: RecipientId, count: number): void
}

// More than these in one group are told by one line with their number: ten thousand alike say no more than one.
const toldOneByOne = 10

/** One wide line for each attempt, or for each group of many that ended alike; and the counters of the same. */
export function workEvents(log: Logger, metrics: Metrics): WorkEvents {
  const attempts = metrics.counter({
    name: 'heed_delivery_attempts_total',
    help: 'Attempts by what they came to',
    labels: ['recipient', 'outcome', 'reason'],
  })
  const requests = metrics.histogram({
    name: 'heed_vendor_request_seconds',
    help: 'How long vendors take to answer',
    labels: ['recipient', 'request', 'result'],
    buckets: durationBuckets,
  })
  const published = metrics.counter({ name: 'heed_outcomes_published_total', help: 'Outcomes published' })
  const drift = metrics.counter({
    name: 'heed_delivery_drift_total',
    help: 'Read-backs that found another state than the one confirmed',
    labels: ['recipient'],
  })

  const readBacks = metrics.counter({
    name: 'heed_delivery_read_backs_total',
    help: 'Read-backs by what the vendor holds',
    labels: ['recipient', 'held'],
  })
  const again = metrics.counter({
    name: 'heed_delivery_reasserted_total',
    help: 'Standing refusals that are told again on schedule',
    labels: ['recipient'],
  })

  return {
    deliveriesAttempted: (recipientId, groups) => {
      for (const { rows, settlement } of groups) {
        const { entry, waitReason } = settlement
        if (entry === undefined) continue
        const { outcome, durationMs, nextTryAt, step } = entry
        const reason = 'reason' in outcome ? outcome.reason : undefined
        attempts.add({ recipient: recipientId, outcome: outcome.kind, reason: reason ?? '' }, rows.length)
        const facts = { recipientId, step, outcome: outcome.kind, reason, waitReason, nextTryAt, durationMs: Math.round(durationMs) }
        const level = outcome.kind === 'rejected' ? 'warn' : 'info'
        if (rows.length <= toldOneByOne) {
          for (const row of rows) {
            const { version, assertion, attempt } = row
            log[level]({ ...facts, subjectId: subjectOfRow(row.id), version, assertion, attempt }, 'delivery.attempted')
          }
        } else log[level]({ ...facts, deliveries: rows.length, subjectId: subjectOfRow(rows[0]?.id ?? '') }, 'deliveries.attempted')
      }
    },
    requestSent: (recipientId, request, result, durationMs) =>
      requests.observe({ recipient: recipientId, request: request.name, result }, durationMs / 1000),
    outcomesPublished: (count) => published.add({}, count),
    driftFound: (recipientId, count) => drift.add({ recipient: recipientId }, count),
    readBack: (recipientId, held, count) => readBacks.add({ recipient: recipientId, held }, count),
    toldAgain: (recipientId, count) => {
      again.add({ recipient: recipientId }, count)
      log.info({ recipientId, deliveries: count }, 'refusals.told-again')
    },
  }
}
