import { randomBytes } from 'node:crypto'
import { SALT_BYTES } from '@heed/contracts/trail'
import type { SubjectId } from '@heed/domain'
import { asError } from '@heed/platform/errors'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import { binaryOf, forgottenKey, type LogStore, readSecrets, type SecretsBySubject, type SubjectSecrets, secretsOf } from '@heed/trail'
import type { mongo } from 'mongoose'

/** A subject that was erased: `_id` is the digest of its id. */
export interface ForgottenRow {
  readonly _id: string
  readonly at: Date
}

/** The secrets of the subjects that the log's writer meets, made where there are none yet. */
export interface SecretKeeper {
  /**
   * The secrets of these subjects. When it resolves, those of every subject that was not erased are stored. Those of erased ones are made up: they are the same for as
   * long as this keeper lives, and are kept nowhere.
   */
  of(subjectIds: readonly string[]): Promise<SecretsBySubject>
  /** Which of them were erased, among those that were asked for before. */
  forgotten(subjectId: string): boolean
  /** Remembers nothing of this subject any more. */
  drop(subjectId: string): void
}

/** Keeps up to `maxKept` subjects in memory (50,000 unless told, some 15 MB). */
export function secretKeeper(
  store: Pick<LogStore, 'subjects'>,
  forgottenRows: mongo.Collection<ForgottenRow>,
  maxKept = 50_000,
): SecretKeeper {
  const kept = new Map<string, SubjectSecrets>()
  const madeUp = new Map<string, SubjectSecrets>()

  const make = async (subjectIds: readonly string[]): Promise<void> => {
    const rows = subjectIds.map((subjectId) => ({
      _id: subjectId as SubjectId,
      salt: randomBytes(SALT_BYTES),
      seal: randomBytes(SALT_BYTES),
    }))
    try {
      await store.subjects.insertMany(
        rows.map(({ _id, salt, seal }) => ({ _id, salt: binaryOf(salt), seal: binaryOf(seal) })),
        { ordered: false },
      )
    } catch (thrown) {
      // a writer before this one, or a try whose answer was lost, made some: those count
      if (duplicateKeyIndex(asError(thrown)) === undefined) throw thrown
      for (const [subjectId, secrets] of await readSecrets(store, subjectIds)) kept.set(subjectId, secrets)
      return
    }
    for (const { _id, salt, seal } of rows) kept.set(_id, secretsOf(_id, salt, seal))
  }

  return {
    of: async (subjectIds) => {
      const unknown = subjectIds.filter((id) => !kept.has(id) && !madeUp.has(id))
      if (unknown.length > 0) {
        for (const [subjectId, secrets] of await readSecrets(store, unknown)) kept.set(subjectId, secrets)
        const missing = unknown.filter((id) => !kept.has(id))
        const erased = new Set<string>()
        if (missing.length > 0) {
          const keys = missing.map(forgottenKey)
          for await (const { _id } of forgottenRows.find({ _id: { $in: keys } })) erased.add(_id)
        }
        const fresh = missing.filter((id) => !erased.has(forgottenKey(id)))
        if (fresh.length > 0) await make(fresh)
        for (const id of missing)
          if (erased.has(forgottenKey(id))) madeUp.set(id, secretsOf(id, randomBytes(SALT_BYTES), randomBytes(SALT_BYTES)))
      }
      const found = new Map<string, SubjectSecrets>()
      for (const id of subjectIds) {
        const secrets = kept.get(id) ?? madeUp.get(id)
        if (secrets !== undefined) found.set(id, secrets)
      }
      // after the answer is complete: what was just read may be more than is kept
      for (const id of kept.keys()) {
        if (kept.size <= maxKept) break
        kept.delete(id)
      }
      return found
    },
    forgotten: (subjectId) => madeUp.has(subjectId),
    drop: (subjectId) => {
      kept.delete(subjectId)
    },
  }
}
