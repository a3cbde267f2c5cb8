import { changeToEvent, EventContractError, encodeEvent } from '@heed/contracts'
import { changeIdOf } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { type OutgoingRecord, PublishError, type Publisher } from '@heed/platform/kafka'
import type { Logger } from '@heed/platform/log'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import { source } from './acts.ts'
import { changeOf } from './journal.ts'
import { type ChangeRow, outboxIndex, type Store } from './rows.ts'

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

const maxBatch = 1_000
const smallBatch = 250
const gatherMs = 10

/**
 * One step of publishing the outbox, for the leader to repeat: reads up to a thousand rows in the order of (subject, version), publishes them in one request,
 * stores which ones went together under the next number, and marks them. The marks of one batch are written while the next batch is on its way; a new batch is
 * stored only once the one before it is marked, so that after a crash the last batch tells all that may lack its marks.
 */
export function publishChanges(options: {
  readonly store: Pick<Store, 'changes' | 'batches'>
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
  const { store, publisher, topic, leads, signal, clock, log, published, afterStep } = options
  /** The number of the next batch; undefined until it is known, and after anything went wrong. */
  let next: number | undefined
  /** How far this pass through the outbox has come. */
  let after: ChangeRow | undefined
  let marking: { readonly ids: ReadonlySet<string>; readonly done: Promise<unknown> } | undefined
  /** Records that nobody will take: they stay in the outbox and must not keep the others from leaving it. */
  const refused = new Set<string>()

  const recover = async (): Promise<number> => {
    const last = await store.batches.findOne({}, { sort: { _id: -1 } })
    if (last === null) return 1
    await store.changes.updateMany({ _id: { $in: [...last.ids] }, publishedAt: null }, { $set: { publishedAt: last.at } })
    return last._id + 1
  }

  const marked = async () => {
    const pending = marking
    await pending?.done
    if (marking === pending) marking = undefined
  }

  const readOutbox = async (): Promise<ChangeRow[]> => {
    const beyond = after === undefined ? {} : { subjectId: { $gte: after.subjectId } }
    const passed = refused.size + (marking?.ids.size ?? 0)
    const rows = await store.changes
      .find(
        { publishedAt: null, ...beyond },
        { hint: outboxIndex, sort: { subjectId: 1, version: 1 }, limit: maxBatch + passed, batchSize: 10_000 },
      )
      .toArray()
    return rows.filter((row) => !refused.has(row._id) && marking?.ids.has(row._id) !== true).slice(0, maxBatch)
  }

  const nextRows = async (): Promise<ChangeRow[]> => {
    // a pass that begins anew sees every row that is not marked yet
    if (after === undefined) await marked()
    const rows = await readOutbox()
    if (rows.length > 0 || after === undefined) return rows
    // the far end of the outbox: what came in behind us is next
    after = undefined
    await marked()
    return readOutbox()
  }

  const refuse = (row: ChangeRow, thrown: unknown) => {
    refused.add(row._id)
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
    const rows = await nextRows()
    if (rows.length === 0 || !leads()) return 'idle'
    const startedAt = performance.now()
    const through = await publish(rows)
    await afterStep('published')
    after = rows.length === maxBatch ? rows.at(-1) : undefined
    if (through.length === 0) return 'again'
    await marked()
    const at = new Date(clock.now())
    const ids = through.map((row) => row._id)
    const batch = next
    await store.batches.insertOne({ _id: batch, ids, at })
    await afterStep('batch-stored')
    next = batch + 1
    const done = store.changes.updateMany({ _id: { $in: ids } }, { $set: { publishedAt: at } })
    // looked at before the next batch is stored
    done.catch(() => undefined)
    marking = { ids: new Set(ids), done }
    published(through.length)
    log.debug({ batch, rows: through.length, durationMs: Math.round(performance.now() - startedAt) }, 'relay.published')
    // the first of a burst goes out at once; those behind it gather, since a batch of one costs nearly as much as a batch of a hundred
    if (rows.length < smallBatch) await clock.sleep(gatherMs, signal)
    return 'again'
  }

  return async () => {
    if (!leads()) return 'idle'
    try {
      return await step()
    } catch (thrown) {
      // whatever it was: what is stored says where to go on
      next = undefined
      after = undefined
      marking = undefined
      if (duplicateKeyIndex(thrown) === undefined) throw thrown
      log.warn({}, 'relay.replaced')
      return 'again'
    }
  }
}

function isRecordRefused(thrown: unknown): boolean {
  return thrown instanceof PublishError && thrown.reason === 'kafka.record-refused'
}
