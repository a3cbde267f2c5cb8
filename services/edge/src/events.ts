import type { Clock } from '@heed/platform/clock'
import type { Logger } from '@heed/platform/log'
import type { Metrics } from '@heed/platform/metrics'
import type { ClickEvents } from './click-intake.ts'
import type { Forwarded } from './forwarder.ts'
import type { RouteOptions } from './routes.ts'
import type { Spool, SpoolOptions } from './spool.ts'

/** What the edge counts and logs. */
export interface EdgeEvents extends ClickEvents {
  readonly answered: RouteOptions['answered']
  readonly committed: NonNullable<SpoolOptions['committed']>
}

const kinds = ['changed', 'unchanged', 'erased', 'unknown', 'set-aside'] as const
const methods = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'])

/** The figures and the log lines of the edge; none of them holds a token, a reference of a link or an address. */
export function edgeEvents(options: {
  readonly metrics: Metrics
  readonly log: Logger
  readonly clock: Clock
  readonly spool: () => Spool | undefined
}): EdgeEvents {
  const { metrics, log, clock, spool } = options
  const answers = metrics.counter({
    name: 'heed_edge_answers_total',
    help: 'Answered requests to unsubscribe links',
    labels: ['method', 'status', 'use'],
  })
  const nonconforming = metrics.counter({
    name: 'heed_edge_oneclick_nonconforming_total',
    help: 'POSTs without the body that RFC 8058 asks for',
  })
  const taken = metrics.counter({ name: 'heed_edge_clicks_total', help: 'Clicks by where they first became durable', labels: ['where'] })
  const journalled = metrics.counter({
    name: 'heed_edge_journalled_total',
    help: 'Clicks that preferences answered, by what they came to',
    labels: ['result'],
  })
  const delay = metrics.histogram({
    name: 'heed_edge_journal_delay_seconds',
    help: 'From the oldest click of a call to its place in the journal',
  })
  const commits = metrics.histogram({ name: 'heed_edge_spool_commit_seconds', help: 'Waiting for the disk, for each group of clicks' })
  const damaged = metrics.counter({ name: 'heed_edge_spool_damaged_total', help: 'Lines of the spool that a disk has damaged' })
  metrics.gauge({ name: 'heed_edge_spooled_clicks', help: 'Clicks that wait in the spool', collect: () => spool()?.size ?? 0 })
  metrics.gauge({ name: 'heed_edge_spool_bytes', help: 'Bytes of the spool on the disk', collect: () => spool()?.bytes ?? 0 })
  metrics.gauge({
    name: 'heed_edge_spool_oldest_seconds',
    help: 'Age of the oldest click that waits in the spool',
    collect: () => (oldestMs(spool(), clock) ?? 0) / 1000,
  })

  return {
    answered({ method, status, use, nonconforming: bare }) {
      answers.add({ method: methods.has(method) ? method : 'other', status: String(status), use })
      if (bare) nonconforming.add({})
    },

    committed: (_clicks, ms) => commits.observe({}, ms / 1000),

    taken: (where) => taken.add({ where }),

    forwarded(call, left) {
      const counts = countsOf(call)
      for (const kind of kinds) if (counts[kind] > 0) journalled.add({ result: kind }, counts[kind])
      const [oldest] = call.clicks
      const delayMs = oldest === undefined ? 0 : Math.max(0, clock.now() - oldest.usedAt)
      delay.observe({}, delayMs / 1000)
      log.info({ clicks: call.clicks.length, ...counts, delayMs, durationMs: call.durationMs, waiting: left }, 'clicks.journalled')
      // answered with 200 and carried out for nobody: erased meanwhile, or never known to this preferences service
      const nobodys = fingerprintsOf(call, 'unknown')
      if (nobodys.length > 0) log.warn({ clicks: nobodys.length, tokenFingerprints: nobodys }, 'clicks.of-nobody')
      const aside = fingerprintsOf(call, 'set-aside')
      if (aside.length > 0) log.error({ clicks: aside.length, tokenFingerprints: aside }, 'clicks.set-aside')
    },

    damaged(lines) {
      damaged.add({}, lines)
      log.error({ lines }, 'spool.damaged')
    },
  }
}

/** How long the oldest click has waited; undefined where none waits. */
export function oldestMs(spool: Pick<Spool, 'oldestAt'> | undefined, clock: Clock): number | undefined {
  return spool?.oldestAt === undefined ? undefined : Math.max(0, clock.now() - spool.oldestAt)
}

function countsOf(call: Forwarded): Record<(typeof kinds)[number], number> {
  const counts = { changed: 0, unchanged: 0, erased: 0, unknown: 0, 'set-aside': 0 }
  for (const result of call.results) counts[result] += 1
  return counts
}

function fingerprintsOf({ clicks, results }: Forwarded, wanted: Forwarded['results'][number]): string[] {
  return clicks.filter((_, index) => results[index] === wanted).map(({ tokenFingerprint }) => tokenFingerprint)
}
