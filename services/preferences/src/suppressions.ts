import type { Identifier } from '@heed/domain'
import { mongo } from 'mongoose'
import type { Store } from './rows.ts'
import type { Vault } from './vault.ts'

/** An identifier and the id under which it is looked up. */
interface Named {
  readonly identifier: Identifier
  readonly lookupId: string
}

/** A suppression as a decision needs it. */
export interface Suppression {
  /** ms since the epoch */
  readonly since: number
  readonly child: boolean
}

/** Identifiers that must be left alone although nobody has them any more, or ever had. */
export interface Suppressions {
  /** The suppressions of those identifiers that have one, by look-up id. */
  find(identifiers: readonly Named[]): Promise<Map<string, Suppression>>
  /** Those of the link references that belonged to somebody who was erased. */
  erasedLinks(linkRefs: readonly string[]): Promise<Set<string>>
  /**
   * Keeps a suppression of each identifier; one that is there stays, by the later of both times and for a child in either. When it resolves they are durable.
   * Answers with how many are new.
   */
  add(identifiers: readonly Identifier[], suppression: Suppression): Promise<number>
  /** Keeps that these links are of somebody who was erased. */
  addLinks(linkRefs: readonly string[], since: number): Promise<void>
}

/** Suppressions in the collection of a store. */
export function suppressions(options: { readonly store: Pick<Store, 'suppressions'>; readonly vault: Vault }): Suppressions {
  const { store, vault } = options

  const keep = async (ids: readonly string[], { since, child }: Suppression): Promise<number> => {
    if (ids.length === 0) return 0
    const operations = [...new Set(ids)].map((_id) => ({
      updateOne: {
        filter: { _id },
        update: { $max: { since: new Date(since) }, ...(child ? { $set: { child: true as const } } : {}) },
        upsert: true,
      },
    }))
    const tried = () => store.suppressions.bulkWrite(operations, { ordered: false })
    const result = await tried().catch((thrown: unknown) => {
      // two that upsert the same row at once: the second finds it on the next try
      if (thrown instanceof mongo.MongoBulkWriteError && thrown.code === 11_000) return tried()
      throw thrown
    })
    return result.upsertedCount
  }

  return {
    async find(identifiers) {
      const found = new Map<string, Suppression>()
      if (identifiers.length === 0) return found
      const asked = new Map(identifiers.map(({ identifier, lookupId }) => [vault.suppressionId(identifier), lookupId]))
      const rows = await store.suppressions.find({ _id: { $in: [...asked.keys()] } }, { batchSize: 10_000 }).toArray()
      for (const { _id, since, child } of rows) {
        const lookupId = asked.get(_id)
        if (lookupId !== undefined) found.set(lookupId, { since: since.getTime(), child: child === true })
      }
      return found
    },
    async erasedLinks(linkRefs) {
      if (linkRefs.length === 0) return new Set()
      const asked = new Map(linkRefs.map((linkRef) => [vault.suppressedLinkId(linkRef), linkRef]))
      const rows = await store.suppressions.find({ _id: { $in: [...asked.keys()] } }, { projection: { _id: 1 } }).toArray()
      return new Set(rows.flatMap(({ _id }) => asked.get(_id) ?? []))
    },
    add: (identifiers, suppression) =>
      keep(
        identifiers.map((identifier) => vault.suppressionId(identifier)),
        suppression,
      ),
    async addLinks(linkRefs, since) {
      await keep(
        linkRefs.map((linkRef) => vault.suppressedLinkId(linkRef)),
        { since, child: false },
      )
    },
  }
}
