import { asError } from '@heed/platform/errors'
import type { JobReport, PlannedRequest } from '../contract.ts'
import type { StoredBatch } from './batch-store.ts'
import type { RequestResult } from './execute.ts'
import { FollowedBatch, jobAfter, settleFollowed } from './follow-batch.ts'
import type { RecipientWork } from './recipient.ts'
import type { StoredReport } from './reports.ts'

/** Reports that are taken in at once. */
const mostReports = 500
/** How soon the job of a report is looked for again: the answer that begins it may still be on its way to the database. */
const lookAgainMs = 2_000
/** A report about a job that nobody has begun for so long is about none of ours, or about one that has ended. */
const unknownAfterMs = 10 * 60_000

/** Reports about jobs of one batch. */
export interface SortedReports {
  readonly batch: StoredBatch
  readonly reports: readonly StoredReport[]
}

/** The reports that are due, by the batches whose jobs they are about. A report without a job is put off, and after some time given up. */
export async function sortReports<Settings>(work: RecipientWork<Settings>): Promise<readonly SortedReports[]> {
  const { recipientId, reports, batches, clock, log } = work
  const due = await reports.due(recipientId, mostReports)
  if (due.length === 0) return []
  const found = await batches.withJobs(
    recipientId,
    due.map(({ jobId }) => jobId),
  )
  const known = new Set(found.flatMap(({ jobs }) => jobs.filter(({ done }) => !done).map(({ id }) => id)))
  const unknown = due.filter(({ jobId }) => !known.has(jobId))
  const now = clock.now()
  const givenUp = unknown.filter(({ at }) => now - at >= unknownAfterMs)
  if (givenUp.length > 0) log.info({ recipientId, reports: givenUp.length }, 'report.unmatched')
  await reports.heard(givenUp)
  await reports.putOff(
    unknown.filter((report) => !givenUp.includes(report)).map(({ _id }) => _id),
    now + lookAgainMs,
  )
  return found.flatMap((batch) => {
    const open = new Set(batch.jobs.filter(({ done }) => !done).map(({ id }) => id))
    const about = due.filter(({ jobId }) => open.has(jobId))
    return about.length === 0 ? [] : [{ batch, reports: about }]
  })
}

/** Takes what a vendor reported about jobs of a batch as its answers to questions that nobody asked. */
export async function hearReports<Settings>(work: RecipientWork<Settings>, { batch, reports }: SortedReports): Promise<void> {
  const { connector, descriptor } = work.sender
  const followed = new FollowedBatch(batch, await work.batches.items(batch))
  const said = new Map(reports.map((report) => [report.jobId, report]))
  const now = work.clock.now()
  const maxPollSeconds = descriptor.jobs?.maxPollSeconds ?? 300
  const jobs = batch.jobs.map((job) => {
    const report = said.get(job.id)
    if (job.done || report === undefined || connector.hear === undefined) return job
    const covers = followed.coversOf(job)
    const interpretation = heardSafely(work, { jobId: job.id, status: report.status }, covers)
    const covered = new Set(covers)
    const result: RequestResult = {
      kind: 'read',
      request: { via: 'http', intent: 'follow', method: 'POST', path: '/', covers, name: 'reported' } satisfies PlannedRequest,
      outcomes: new Map(
        interpretation.outcomes.filter(({ deliveryId }) => covered.has(deliveryId)).map(({ deliveryId, outcome }) => [deliveryId, outcome]),
      ),
      job: interpretation.job,
      observed: [],
      needsFull: false,
      durationMs: 0,
    }
    return jobAfter(job, result, followed, { now, maxPollSeconds, retryMs: 0 })
  })
  await settleFollowed(work, followed, jobs)
  await work.reports.heard(reports)
}

/** A connector that throws has not understood: its job goes on. */
function heardSafely<Settings>(work: RecipientWork<Settings>, report: JobReport, covers: readonly FollowedBatch['ids'][number][]) {
  const { connector, settings } = work.sender
  const goesOn = { outcomes: [], job: { id: report.jobId, pollAfterSeconds: 3_600 } }
  try {
    return connector.hear?.(report, covers, settings) ?? goesOn
  } catch (thrown) {
    work.log.error({ recipientId: work.recipientId, status: report.status, error: asError(thrown) }, 'connector.hear-failed')
    return goesOn
  }
}
