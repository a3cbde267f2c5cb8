import { emptyJournalDigest, journalDigest } from '@heed/contracts'
import type { Clock } from '@heed/platform/clock'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import { source } from './acts.ts'
import type { CountRow, Store } from './rows.ts'

/** What counting needs. */
export interface JournalCount {
  readonly store: Pick<Store, 'batches' | 'acts' | 'counts'>
  readonly clock: Clock
  /** So often at most. */
  readonly everyMs: number
  /** An act waits for the relay. */
  readonly recorded: () => void
}

const maxBatches = 5_000

/**
 * Now and then, where something was published since, tells the trail how many changes were published up to which batch, with a digest over all batches: whoever takes changes out of
 * the journal later, or puts some between, contradicts the trail. For the relay's leader to repeat.
 */
export function journalCount({ store, clock, everyMs, recorded }: JournalCount): () => Promise<'again' | 'idle'> {
  const startedAt = clock.now()
  return async () => {
    const before = await store.counts.findOne({ _id: 'journal' })
    if (clock.now() - (before?.at.getTime() ?? startedAt) < everyMs) return 'idle'
    let position = before?.position ?? 0
    let changes = before?.changes ?? 0
    let sha256 = before?.sha256 ?? emptyJournalDigest
    let batches = 0
    for await (const { _id: number, ids } of store.batches.find({ _id: { $gt: position } }, { sort: { _id: 1 }, limit: maxBatches })) {
      if (number !== position + 1) break
      sha256 = journalDigest(sha256, { number, ids })
      position = number
      changes += ids.length
      batches += 1
    }
    if (batches === 0) return 'idle'
    const counted: CountRow = { _id: 'journal', position, changes, sha256, at: new Date(clock.now()) }
    // on the way to the trail before it is remembered: a crash in between counts further, from the same place to the same digests
    await tell(store, counted)
    await store.counts.replaceOne({ _id: 'journal' }, counted, { upsert: true })
    recorded()
    return 'idle'
  }
}

async function tell(store: JournalCount['store'], { position, changes, sha256, at }: CountRow): Promise<void> {
  try {
    await store.acts.insertOne({
      _id: `journal/${position}`,
      type: 'heed.journal.counted.v1',
      at,
      by: source,
      publishedAt: null,
      position,
      changes,
      sha256,
    })
  } catch (thrown) {
    // told before, and not remembered
    if (duplicateKeyIndex(thrown) === undefined) throw thrown
  }
}
