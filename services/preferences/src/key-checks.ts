import type { SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { Logger } from '@heed/platform/log'
import type { Store } from './rows.ts'
import { bytesOf, type Vault, VaultError } from './vault.ts'

const variables: Readonly<Record<string, string>> = { lookup: 'HEED_LOOKUP_KEY', suppression: 'HEED_SUPPRESSION_KEY' }

/**
 * Makes sure that the configured keys are those that sealed what is stored, and remembers the check values of new ones.
 * @throws VaultError that names the key, before anything is sealed or looked up with a wrong one.
 */
export async function checkKeys(store: Pick<Store, 'keyChecks'>, vault: Vault): Promise<void> {
  // the first process to see a key keeps its check; the others compare
  await store.keyChecks.bulkWrite(
    vault.keyChecks().map(({ id, check }) => ({ updateOne: { filter: { _id: id }, update: { $setOnInsert: { check } }, upsert: true } })),
    { ordered: false },
  )
  for (const { _id, check, retiredAt } of await store.keyChecks.find().toArray()) {
    const matches = vault.matchesCheck(_id, bytesOf(check))
    if (matches === false) {
      const variable = variables[_id] ?? `HEED_KEK (${_id.replace('kek:', '')})`
      throw new VaultError('vault.wrong-key', `${variable} is another key than the one that the stored identifiers were sealed with`)
    }
    if (matches === undefined && retiredAt === undefined) {
      throw new VaultError(
        'vault.unknown-kek',
        `HEED_KEK lacks the key ${_id.replace('kek:', '')}, which stored data keys are wrapped by: keep it in the list until it is retired`,
      )
    }
  }
}

const sliceSize = 500

/**
 * One slice of the work after a rotation: wraps data keys of older key-encryption keys anew. Answers `idle` once none is left, and then marks the older keys as
 * retired: they may leave the configuration. Interrupting it loses nothing.
 */
export function rewrapping(options: {
  readonly store: Pick<Store, 'subjects' | 'keyChecks'>
  readonly vault: Vault
  readonly clock: Clock
  readonly log: Logger
}): () => Promise<'again' | 'idle'> {
  const { store, vault, clock, log } = options
  let cursor = '' as SubjectId
  let done = false
  return async () => {
    if (done) return 'idle'
    const newest = `kek:${vault.newestKek}`
    const older = await store.keyChecks.find({ _id: { $regex: '^kek:', $ne: newest }, retiredAt: { $exists: false } }).toArray()
    if (older.length === 0) {
      done = true
      return 'idle'
    }
    const rows = await store.subjects
      .find({ _id: { $gt: cursor } }, { projection: { dataKey: 1 }, sort: { _id: 1 }, limit: sliceSize, batchSize: sliceSize })
      .toArray()
    const moves = rows.flatMap(({ _id, dataKey }) => {
      // of somebody who was forgotten there is none
      if (dataKey === undefined) return []
      const moved = vault.rewrap(_id, { kek: dataKey.kek, sealed: bytesOf(dataKey.sealed) })
      // only if nobody else was faster
      return moved === undefined
        ? []
        : [{ updateOne: { filter: { _id, 'dataKey.kek': dataKey.kek }, update: { $set: { dataKey: moved } } } }]
    })
    if (moves.length > 0) await store.subjects.bulkWrite(moves, { ordered: false })
    cursor = rows.at(-1)?._id ?? cursor
    if (rows.length === sliceSize) return 'again'
    const left = await store.subjects.findOne({ 'dataKey.kek': { $exists: true, $ne: vault.newestKek } }, { projection: { _id: 1 } })
    cursor = '' as SubjectId
    // another process may still wrap new subjects by the older key until it has the new configuration
    if (left !== null) return 'idle'
    await store.keyChecks.updateMany({ _id: { $in: older.map(({ _id }) => _id) } }, { $set: { retiredAt: new Date(clock.now()) } })
    log.info({ retired: older.map(({ _id }) => _id.replace('kek:', '')), newest: vault.newestKek }, 'keys.retired')
    done = true
    return 'idle'
  }
}
