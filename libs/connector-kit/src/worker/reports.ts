import type { RecipientId } from '@heed/domain'
import type { mongo } from 'mongoose'
import type { JobReport } from '../contract.ts'

/** A vendor's last word about a job, as it is kept. It may come before the job is known here, and it counts again where the same work is asserted again. */
export interface StoredReport {
  /** `<recipientId>/<jobId>`. */
  _id: string
  recipientId: RecipientId
  jobId: string
  status: JobReport['status']
  /** When it came in, ms since the epoch. */
  at: number
  /** When to look for its job; absent once its job has heard it, or nobody waits for it. */
  lookAt?: number
  /** How often its job has begun while it was there; absent where never. */
  begun?: number
  /** By the machine's clock: the database forgets it then. */
  keepUntil: Date
}

/** What vendors reported by themselves. */
export interface Reports {
  /** When keep returns, the reports are durable. A second last word about a job changes nothing of the first, which is looked at again. */
  keep(recipientId: RecipientId, said: readonly JobReport[]): Promise<void>
  /** Reports whose jobs are to be looked for, the earliest first. */
  due(recipientId: RecipientId, limit: number): Promise<StoredReport[]>
  nextAt(recipientId: RecipientId): Promise<number | undefined>
  /** Jobs begin, perhaps once more: what was reported about them counts. */
  begun(recipientId: RecipientId, jobIds: readonly string[]): Promise<void>
  /** Nobody has to look for these any more, but for one whose job has begun since it was read. */
  heard(reports: readonly StoredReport[]): Promise<void>
  /** These are looked for again at `at`. */
  putOff(ids: readonly string[], at: number): Promise<void>
}

const keepDays = 90
const dayMs = 86_400_000
const idsPerQuery = 2_000

const idOf = (recipientId: RecipientId, jobId: string) => `${recipientId}/${jobId}`

/** The index of the reports. */
export async function createReportIndexes(rows: mongo.Collection<StoredReport>): Promise<void> {
  await rows.createIndex({ recipientId: 1, lookAt: 1 }, { partialFilterExpression: { lookAt: { $exists: true } } })
  await rows.createIndex({ keepUntil: 1 }, { expireAfterSeconds: 0 })
}

/** Reports in a collection. */
export function createReports(rows: mongo.Collection<StoredReport>, now: () => number): Reports {
  const update = async (ids: readonly string[], change: mongo.UpdateFilter<StoredReport>, only: mongo.Filter<StoredReport> = {}) => {
    for (let from = 0; from < ids.length; from += idsPerQuery)
      await rows.updateMany({ ...only, _id: { $in: ids.slice(from, from + idsPerQuery) } }, change)
  }
  return {
    keep: async (recipientId, said) => {
      const at = now()
      const keepUntil = new Date(Date.now() + keepDays * dayMs)
      await rows.bulkWrite(
        said.map(({ jobId, status }) => ({
          updateOne: {
            filter: { _id: idOf(recipientId, jobId) },
            update: { $setOnInsert: { recipientId, jobId, status, at, keepUntil }, $set: { lookAt: at } },
            upsert: true,
          },
        })),
      )
    },
    due: (recipientId, limit) =>
      rows
        .find({ recipientId, lookAt: { $lte: now() } })
        .sort({ lookAt: 1 })
        .limit(limit)
        .toArray(),
    nextAt: async (recipientId) => {
      const first = await rows.findOne({ recipientId, lookAt: { $exists: true } }, { sort: { lookAt: 1 }, projection: { lookAt: 1 } })
      return first?.lookAt
    },
    begun: (recipientId, jobIds) =>
      update(
        jobIds.map((jobId) => idOf(recipientId, jobId)),
        { $set: { lookAt: now() }, $inc: { begun: 1 } },
      ),
    heard: async (reports) => {
      for (const begun of new Set(reports.map((report) => report.begun))) {
        const ids = reports.filter((report) => report.begun === begun).map(({ _id }) => _id)
        await update(ids, { $unset: { lookAt: 1 } }, { begun: begun ?? { $exists: false } })
      }
    },
    putOff: (ids, at) => update(ids, { $set: { lookAt: at } }),
  }
}
