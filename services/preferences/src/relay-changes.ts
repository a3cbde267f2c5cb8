import { changeToEvent, EventContractError, encodeEvent } from '@heed/contracts'
import { changeIdOf } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { type OutgoingRecord, PublishError, type Publisher } from '@heed/platform/kafka'
import type { Logger } from '@heed/platform/log'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import { source } from './acts.ts'
import { changeOf } from './journal.ts'
import type { Outbox } from './outbox.ts'
import type { ChangeRow, Store } from './rows.ts'

/** Points between two steps where a test may let a step fail. */
export type RelayStep = 'published' | 'batch-stored'

/** The record of a change row. Throws `EventContractError` for a row that no reader could take. */
export function recordOf(row: ChangeRow, topic: string): OutgoingRecord {
  const change = changeOf(row)
  const wire = encodeEvent('heed.preference.changed.v1', row.subjectId, changeToEvent(change), {
    id: change.id,
    source,
    time: change.acceptedAt,
  })
  return { topic, ...wire }
}

/** At most so many rows in one request to the broker. */
export const maxBatch = 1_000
const smallBatch = 250
const markAtLeast = 500
/** Of its time the relay spends so much on work while it follows a stream of small batches; the rest it lets them gather. */
const workShare = 0.25
const shortestGatherMs = 10
// every batch becomes a fetch, a write and a commit at each of up to twenty recipients
const longestGatherMs = 100

interface Marking {
  readonly through: number
  readonly ids: readonly string[]
  readonly done: Promise<unknown>
}

/**
 * One step of publishing the outbox, for the leader to repeat: takes up to a thousand rows, publishes them in one request, and stores which ones went together
 * under the next number. They are marked later, several batches at a time and while the next batch is on its way; each batch says up to which number all are
 * marked, so that after a crash the batches tell all that may lack its mark.
 */
export function publishChanges(options: {
  readonly store: Pick<Store, 'changes' | 'batches'>
  readonly outbox: Outbox
  readonly publisher: Pick<Publisher, 'publish'>
  readonly topic: string
  /** Whether this process still leads, judged without asking. */
  readonly leads: () => boolean
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly log: Logger
  readonly published: (rows: number) => void
  readonly afterStep: (step: RelayStep) => void | Promise<void>
}): () => Promise<'again' | 'idle'> {
  const { store, outbox, publisher, topic, leads, signal, clock, log, published, afterStep } = options
  /** The number of the next batch; undefined until it is known, and after anything went wrong. */
  let next: number | undefined
  /** Every batch up to this number is marked. */
  let markedThrough = 0
  let toMark: string[] = []
  let marking: Marking | undefined

  const mark = (ids: readonly string[], at: Date) =>
    store.changes.updateMany({ _id: { $in: [...ids] }, publishedAt: null }, { $set: { publishedAt: at } })

  const recover = async (): Promise<number> => {
    const last = await store.batches.findOne({}, { sort: { _id: -1 } })
    if (last === null) return 1
    for await (const { ids, at } of store.batches.find({ _id: { $gt: last.markedThrough ?? last._id - 1 } }, { sort: { _id: 1 } }))
      await mark(ids, at)
    markedThrough = last._id
    return last._id + 1
  }

  /** Resolves once the marks that are under way are stored. */
  const marked = async () => {
    if (marking === undefined) return
    const { through, ids, done } = marking
    await done
    markedThrough = through
    outbox.marked(ids)
    marking = undefined
  }

  /** Begins to mark whatever is published and not marked, one lot at a time. */
  const beginToMark = async () => {
    await marked()
    if (toMark.length === 0 || next === undefined) return
    const ids = toMark
    toMark = []
    const done = mark(ids, new Date(clock.now()))
    // looked at before the next lot
    done.catch(() => undefined)
    marking = { through: next - 1, ids, done }
  }

  const markAll = async () => {
    await beginToMark()
    await marked()
  }

  const refuse = (row: ChangeRow, thrown: unknown) => {
    outbox.refused(row)
    log.error({ changeId: changeIdOf(row.subjectId, row.version), error: asError(thrown) }, 'relay.record-refused')
  }

  /** Publishes the rows and answers with those that are with the broker: all, but for such as it will not take. */
  const publish = async (rows: readonly ChangeRow[]): Promise<ChangeRow[]> => {
    const sound: ChangeRow[] = []
    const records: OutgoingRecord[] = []
    for (const row of rows) {
      try {
        records.push(recordOf(row, topic))
        sound.push(row)
      } catch (thrown) {
        if (!(thrown instanceof EventContractError)) throw thrown
        refuse(row, thrown)
      }
    }
    try {
      await publisher.publish(records)
      return sound
    } catch (thrown) {
      if (!isRecordRefused(thrown)) throw thrown
      // one of them, and only the broker knows which
      const through: ChangeRow[] = []
      for (const [index, row] of sound.entries()) {
        const record = records[index]
        if (record === undefined) continue
        try {
          await publisher.publish([record])
          through.push(row)
        } catch (again) {
          if (!isRecordRefused(again)) throw again
          refuse(row, again)
        }
      }
      return through
    }
  }

  const step = async (): Promise<'again' | 'idle'> => {
    next ??= await recover()
    const startedAt = performance.now()
    if (outbox.mustLook(clock.now())) await markAll()
    const rows = await outbox.next(clock.now())
    if (rows.length === 0 || !leads()) {
      await markAll()
      return 'idle'
    }
    const through = await publish(rows)
    await afterStep('published')
    if (through.length === 0) return 'again'
    const ids = through.map((row) => row._id)
    const batch = next
    await store.batches.insertOne({ _id: batch, ids, at: new Date(clock.now()), markedThrough })
    await afterStep('batch-stored')
    next = batch + 1
    outbox.published(through)
    toMark.push(...ids)
    published(through.length)
    if (toMark.length >= markAtLeast) await beginToMark()
    const durationMs = performance.now() - startedAt
    log.debug({ batch, rows: through.length, durationMs: Math.round(durationMs) }, 'relay.published')
    // the first of a burst goes out at once; those behind it gather, since a batch of one costs nearly as much as a batch of a hundred
    if (rows.length < smallBatch) await clock.sleep(gatherMs(durationMs), signal)
    return 'again'
  }

  return async () => {
    if (!leads()) return 'idle'
    try {
      return await step()
    } catch (thrown) {
      // whatever it was: what is stored says where to go on
      next = undefined
      toMark = []
      marking = undefined
      outbox.reset()
      if (duplicateKeyIndex(thrown) === undefined) throw thrown
      log.warn({}, 'relay.replaced')
      return 'again'
    }
  }
}

/** How long rows gather after a small batch that took so long. */
export function gatherMs(durationMs: number): number {
  return Math.min(Math.max(durationMs / workShare - durationMs, shortestGatherMs), longestGatherMs)
}

function isRecordRefused(thrown: unknown): boolean {
  return thrown instanceof PublishError && thrown.reason === 'kafka.record-refused'
}
