import { encodeEvent, type Topics } from '@heed/contracts'
import type { SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { Kafka, OutgoingRecord } from '@heed/platform/kafka'
import { type Loop, loop, type Part } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import type { AuditStore, ReportRow } from './audit-store.ts'

/** A report as it is about to be given. */
export type GivenReport = Omit<ReportRow, 'year' | 'ordinal' | 'publishedAt'>

/** The calendar year of a moment, in UTC. */
export const yearOf = (at: number): number => new Date(at).getUTCFullYear()

/** Reports of a subject in a year, oldest first. */
export function reportsOf(store: Pick<AuditStore, 'reports'>, subjectId: SubjectId, year: number): Promise<ReportRow[]> {
  return store.reports.find({ subjectId, year }, { sort: { ordinal: 1 } }).toArray()
}

const attempts = 20

/**
 * Counts a report. When it resolves, the row is durable and will be published: the trail hears of it. The same request is counted once; of two requests at the same
 * time one is the first of the year.
 */
export async function countReport(store: Pick<AuditStore, 'reports'>, given: GivenReport, clock: Clock): Promise<ReportRow> {
  const year = yearOf(given.at.getTime())
  for (let attempt = 0; ; attempt += 1) {
    const before = await store.reports.findOne({ _id: given._id })
    if (before !== null) return before
    const last = await store.reports.findOne({ subjectId: given.subjectId, year }, { sort: { ordinal: -1 } })
    const row: ReportRow = { ...given, year, ordinal: (last?.ordinal ?? 0) + 1, publishedAt: null }
    try {
      await store.reports.insertOne(row)
      return row
    } catch (thrown) {
      // the same request, or another one that took the number
      if (duplicateKeyIndex(thrown) === undefined || attempt >= attempts) throw thrown
      // the row that won may not be readable on a majority yet
      await clock.sleep(Math.random() * Math.min(2 ** attempt, 64))
    }
  }
}

/** The act of a report, for the trail. Publishing it twice says the same thing twice. */
export function reportRecord(topics: Topics, row: ReportRow): OutgoingRecord {
  const { subjectId, year, ordinal, at, by, reference, ofYear, recipients } = row
  const actId = `reported/${subjectId}/${year}/${ordinal}`
  const data = { actId, at: at.getTime(), by, subjectId, reference, year, ordinal, ...(ofYear === undefined ? {} : { ofYear }), recipients }
  return {
    topic: topics.acts,
    ...encodeEvent('heed.disclosure.reported.v1', subjectId, data, { id: actId, source: 'services/audit', time: at.getTime() }),
  }
}

/** Publishes what was counted. */
export interface ReportOutbox extends Part {
  /** There is something to publish. */
  wake(): void
}

const everyMs = 2_000
const atOnce = 100

/** Publishes the acts of reports, those that a crash has left behind too. Any process may: the same act told twice is one entry. */
export function reportOutbox(options: {
  readonly store: Pick<AuditStore, 'reports'>
  readonly kafka: Pick<Kafka, 'publisher'>
  readonly topics: Topics
  readonly clock: Clock
  readonly log: Logger
}): ReportOutbox {
  const { store, kafka, topics, clock, log } = options
  let running: Loop | undefined
  return {
    name: 'report-outbox',
    wake: () => running?.wake(),
    start: async () => {
      const publisher = kafka.publisher()
      const own = loop({
        name: 'report-outbox',
        everyMs,
        log,
        clock,
        run: async () => {
          const rows = await store.reports.find({ publishedAt: null }, { hint: 'outbox', limit: atOnce }).toArray()
          if (rows.length === 0) return 'idle'
          await publisher.publish(rows.map((row) => reportRecord(topics, row)))
          const ids = rows.map(({ _id }) => _id)
          await store.reports.updateMany({ _id: { $in: ids } }, { $set: { publishedAt: new Date(clock.now()) } })
          return 'again'
        },
      })
      running = own
      return {
        stop: async () => {
          await Promise.all([publisher.stop(), own.stop()])
        },
      }
    },
  }
}
