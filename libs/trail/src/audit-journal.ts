import { emptyJournalDigest, journalDigest } from '@heed/contracts'
import type { Findings } from './audit-report.ts'
import type { AuditedStores } from './audit-stores.ts'
import { eventOf } from './leaves.ts'

/** What the counts of the journal are held against. */
export interface JournalAudit {
  readonly stores: AuditedStores
  readonly found: Findings
  /** Entries below this place are looked at. */
  readonly size: number
  readonly rowsAtOnce: number
}

/** The journal as it is now against what the trail says of it from time to time: how many changes were published up to which batch, and which. */
export async function auditJournal({ stores, found, size, rowsAtOnce }: JournalAudit): Promise<void> {
  const { entries } = stores.log
  const batches = stores.batches.find({}, { sort: { _id: 1 }, batchSize: rowsAtOnce })
  let position = 0
  let changes = 0
  let sha256 = emptyJournalDigest
  let most = 0
  try {
    for await (const row of entries.find({ kind: 'journal-counted', _id: { $lt: size } }, { sort: { _id: 1 } })) {
      const event = readable(row)
      // a count without a digest binds no batch; a row that cannot be read was named with its leaf
      if (event?.type !== 'heed.journal.counted.v1') continue
      const said = event.data
      most = Math.max(most, said.changes)
      if (said.sha256 === undefined || said.position < position) continue
      while (position < said.position) {
        const batch = await batches.next()
        if (batch === null) break
        if (batch._id !== position + 1) {
          found.add('journal.truncated', `batch ${position + 1} of the journal`, `it is not stored, and entry ${row._id} counts it`)
          return
        }
        sha256 = journalDigest(sha256, { number: batch._id, ids: batch.ids })
        position = batch._id
        changes += batch.ids.length
      }
      const about = `the journal up to batch ${said.position}`
      if (position < said.position) {
        found.add('journal.truncated', about, `it ends with batch ${position}, and entry ${row._id} counts further`)
        return
      }
      if (sha256 === said.sha256 && changes === said.changes) {
        found.counts.journals += 1
        continue
      }
      found.add(
        'journal.differs',
        about,
        `its batches are not those that entry ${row._id} counted: ${said.changes} changes then, ${changes} now`,
      )
      return
    }
    // an erasure empties rows and deletes none
    const held = most === 0 ? 0 : await stores.journal.countDocuments({})
    if (held < most)
      found.add('journal.truncated', 'the journal', `it has ${held} changes, and the trail counted ${most} that were published`)
  } finally {
    await batches.close()
  }
}

function readable(row: Parameters<typeof eventOf>[0]): ReturnType<typeof eventOf> {
  try {
    return eventOf(row)
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}
