import { randomBytes } from 'node:crypto'
import type { Identifier, IdentifierKind, SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { Directory, Interruption } from './directory.ts'
import type { Destruction, ErasureRow } from './erasure-rows.ts'
import type { Store } from './rows.ts'
import type { Suppressions } from './suppressions.ts'
import { bytesOf, type Vault } from './vault.ts'

/** Takes a person out of the store for good. Each step may be done again after a crash, and comes to the same. */
export interface Destroyer {
  /**
   * Keeps a suppression of each identifier, then destroys the data keys of these subjects and deletes the identifiers. When it resolves nothing that was sealed
   * for them can be read again from this store, and what was destroyed is counted in the row that comes back.
   */
  destroy(row: ErasureRow, subjects: readonly SubjectId[], why: Pick<Destruction, 'because' | 'openDeliveries'>): Promise<ErasureRow>
  /** Takes evidence, references and request hashes out of the journal: what is left are versions, choices and times. */
  stripJournal(subjects: readonly SubjectId[]): Promise<void>
  /** Deletes identifiers that a slow process has stored since: they cannot be opened. Answers with how many there were. */
  sweepLate(subjects: readonly SubjectId[]): Promise<number>
}

export function destroyer(options: {
  readonly store: Store
  readonly directory: Pick<Directory, 'subjects' | 'forget'>
  readonly suppressions: Suppressions
  readonly vault: Vault
  readonly clock: Clock
  readonly interrupt?: Interruption
}): Destroyer {
  const { store, directory, suppressions, vault, clock, interrupt = () => undefined } = options

  const rowsOf = (subjects: readonly SubjectId[]) =>
    store.identifiers.find({ subjectId: { $in: [...subjects] } }, { batchSize: 1_000 }).toArray()

  const deleteIdentifiers = async (subjects: readonly SubjectId[]): Promise<number> => {
    const ids = (await rowsOf(subjects)).map((row) => row._id)
    if (ids.length > 0) await store.identifiers.deleteMany({ _id: { $in: ids }, subjectId: { $in: [...subjects] } })
    directory.forget(ids)
    return ids.length
  }

  /** What is still there of them, opened; what a crash left without its key is left out, since its suppression is kept already. */
  const openAll = async (subjects: readonly SubjectId[]) => {
    const [found, rows] = await Promise.all([directory.subjects(subjects), rowsOf(subjects)])
    const keys = new Map<SubjectId, Buffer>()
    for (const [id, { dataKey }] of found) {
      if (dataKey !== undefined) keys.set(id, vault.openDataKey(id, { kek: dataKey.kek, sealed: bytesOf(dataKey.sealed) }))
    }
    const identifiers: Identifier[] = []
    for (const { subjectId, kind, sealed } of rows) {
      const key = keys.get(subjectId)
      if (key !== undefined) identifiers.push(vault.open(key, subjectId, kind, bytesOf(sealed)))
    }
    for (const key of keys.values()) key.fill(0)
    const links = [...found.values()].flatMap(({ erasedAt, linkRef }) => (erasedAt === undefined ? [linkRef] : []))
    return { identifiers, links }
  }

  return {
    async destroy(row, subjects, { because, openDeliveries }) {
      const { identifiers, links } = await openAll(subjects)
      const since = row.requestedAt.getTime()
      await suppressions.add(identifiers, { since, child: row.cause === 'known-child' })
      await suppressions.addLinks(links, since)
      await interrupt('erasure-suppressed')
      const counts = new Map<IdentifierKind, number>()
      for (const { kind } of identifiers) counts.set(kind, (counts.get(kind) ?? 0) + 1)
      const destruction: Destruction = {
        at: new Date(clock.now()),
        because,
        openDeliveries,
        identifiers: [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => ({ kind, count })),
        subjects,
      }
      // counted before anything is destroyed, and once
      await store.erasures.updateOne({ _id: row._id, destruction: { $exists: false } }, { $set: { destruction } })
      await interrupt('erasure-counted')
      const counted = await store.erasures.findOne({ _id: row._id })
      const erasedAt = new Date(clock.now())
      await store.subjects.bulkWrite(
        subjects.map((_id) => ({
          updateOne: {
            filter: { _id, dataKey: { $exists: true } },
            // links in old mails lead nowhere from here on; the index wants a value that no link has
            update: { $unset: { dataKey: 1 as const }, $set: { erasedAt, linkRef: `erased-${randomBytes(16).toString('hex')}` } },
          },
        })),
        { ordered: false },
      )
      await interrupt('erasure-keys-destroyed')
      await deleteIdentifiers(subjects)
      await interrupt('erasure-identifiers-deleted')
      return counted ?? { ...row, destruction }
    },

    async stripJournal(subjects) {
      const kept = { k: '$$this.k', v: { choice: '$$this.v.choice', version: '$$this.v.version', at: '$$this.v.at' } }
      await store.changes.updateMany({ subjectId: { $in: [...subjects] } }, [
        {
          $set: {
            choices: { $arrayToObject: { $map: { input: { $objectToArray: '$choices' }, in: kept } } },
            erased: true,
          },
        },
        { $unset: ['origin.reference', 'body'] },
      ])
      await interrupt('erasure-journal-stripped')
    },

    sweepLate: deleteIdentifiers,
  }
}
