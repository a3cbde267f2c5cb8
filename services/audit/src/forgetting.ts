import type { ChangeId, SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { type Loop, loop } from '@heed/platform/lifecycle'
import type { Logger } from '@heed/platform/log'
import { eventOf, forgottenKey } from '@heed/trail'
import type { AuditStore } from './audit-store.ts'

/** What it works with. */
export interface ForgettingOptions {
  readonly store: AuditStore
  /** How many entries are in the tree of the log: nothing is taken out of an entry before it is. */
  readonly logged: () => Promise<number>
  /** Called when the secrets of a subject are destroyed. */
  readonly dropped: (subjectId: string) => void
  readonly log: Logger
  readonly clock: Clock
}

/** Takes erased subjects out of everything that audit holds, as its writer. */
export interface Forgetting extends Loop {
  /** Takes out what came in about subjects that were erased before: entries at these places, which are in the tree. */
  clean(sequences: readonly number[]): Promise<void>
}

const everyMs = 5_000
const atOnce = 100

/**
 * Follows the entries that say that an erasure was completed. From then on the subject's entries have no subject and no facts, its secrets are destroyed, and the rows of
 * its changes, settled deliveries and counted reports are gone; what it still owes to somebody stays until it is settled. The leaves stay as they are: every proof still verifies,
 * and nobody can tell any more whom they speak of. Counts of recipients do not change. Whatever a crash leaves is taken up by the next run.
 */
export function forgetting(options: ForgettingOptions): Forgetting {
  const { store, logged, dropped, log, clock } = options

  const begin = async (subjectIds: readonly SubjectId[]): Promise<void> => {
    const at = new Date(clock.now())
    for (const _id of subjectIds) {
      await store.forgotten.updateOne({ _id: forgottenKey(_id) }, { $setOnInsert: { at } }, { upsert: true })
      await store.forgetting.updateOne({ _id }, { $setOnInsert: { since: at } }, { upsert: true })
    }
  }

  /** Reads on through the erasures that are in the log. */
  const follow = async (size: number): Promise<number> => {
    const from = (await store.sweeps.findOne({ _id: 'erasures' }))?.next ?? 0
    const rows = await store.entries
      .find({ kind: 'subject-erased', _id: { $gte: from, $lt: size } }, { sort: { _id: 1 }, limit: atOnce, hint: 'erasures' })
      .toArray()
    for (const row of rows) {
      const event = eventOf(row)
      // one whose facts are gone was followed before
      if (event?.type !== 'heed.subject.erased.v1' || event.data.stage !== 'completed') continue
      await begin([event.data.subjectId, ...event.data.mergedSubjectIds])
    }
    const last = rows.at(-1)
    if (last !== undefined) await store.sweeps.updateOne({ _id: 'erasures' }, { $set: { next: last._id + 1 } }, { upsert: true })
    return rows.length
  }

  const forget = async (subjectId: SubjectId, size: number): Promise<void> => {
    await store.log.subjects.deleteOne({ _id: subjectId })
    dropped(subjectId)
    await store.entries.updateMany({ subjectId, _id: { $lt: size } }, { $unset: { subjectId: 1, facts: 1 } }, { hint: 'timeline' })
    // every id of a change begins with its subject: the index of ids finds them ("0" comes after "/")
    await store.changes.deleteMany({ _id: { $gte: `${subjectId}/` as ChangeId, $lt: `${subjectId}0` as ChangeId } })
    await store.missing.deleteMany({ _id: { $regex: `/${subjectId}/` } })
    await store.deliveries.deleteMany({ subjectId, settled: true })
    await store.reports.deleteMany({ subjectId, publishedAt: { $ne: null } })
    await dropUnrequested(subjectId)
    const waits =
      (await store.entries.findOne({ subjectId }, { projection: { _id: 1 }, hint: 'timeline' })) ??
      (await store.deliveries.findOne({ subjectId }, { projection: { _id: 1 } }))
    if (waits !== null) return
    await store.forgetting.deleteOne({ _id: subjectId })
    log.info({}, 'subject.forgotten')
  }

  /** Rows of outcomes that came without, or after, their request: they are counted as such, and go out of the count with the row. */
  const dropUnrequested = async (subjectId: SubjectId): Promise<void> => {
    const rows = await store.deliveries.find({ subjectId, request: { $exists: false } }, { projection: { recipientId: 1 } }).toArray()
    for (const { _id, recipientId } of rows) {
      const session = await store.startSession()
      try {
        await session.withTransaction(async () => {
          const { deletedCount } = await store.deliveries.deleteOne({ _id, request: { $exists: false } }, { session })
          if (deletedCount === 1) await store.recipients.updateOne({ _id: recipientId }, { $inc: { unrequested: -1 } }, { session })
        })
      } finally {
        await session.endSession()
      }
    }
  }

  const run = async (signal: AbortSignal): Promise<'again' | 'idle'> => {
    const size = await logged()
    const followed = await follow(size)
    for await (const { _id } of store.forgetting.find({})) {
      if (signal.aborted) return 'idle'
      await forget(_id, size)
    }
    return followed === atOnce ? 'again' : 'idle'
  }

  const one = loop({ name: 'forgetting', everyMs, run, log, clock })
  return {
    ...one,
    clean: async (sequences) => {
      const rows = await store.entries.find({ _id: { $in: [...sequences] }, subjectId: { $exists: true } }).toArray()
      await begin([...new Set(rows.flatMap(({ subjectId }) => (subjectId === undefined ? [] : [subjectId])))])
      one.wake()
    },
  }
}
