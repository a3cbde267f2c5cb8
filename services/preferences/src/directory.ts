import { randomBytes } from 'node:crypto'
import { type Identifier, type SubjectId, subjectIdOf } from '@heed/domain'
import { Lru } from '@heed/platform/cache'
import type { Clock } from '@heed/platform/clock'
import type { Logger } from '@heed/platform/log'
import { duplicateKeyIndex, type GroupCommit, groupCommit } from '@heed/platform/mongo'
import { batchReader } from './batch-reader.ts'
import type { PersonRef } from './door.ts'
import { beingErased } from './faults.ts'
import type { ChangeRow, IdentifierRow, Store, SubjectRow } from './rows.ts'
import type { Suppression, Suppressions } from './suppressions.ts'
import { bytesOf, type Vault } from './vault.ts'

/**
 * Who owns which identifier. An identifier never changes hands, so that an answer once true stays true; a merge is read off the journal. Only an erasure takes an
 * identifier from its owner: whoever finds an owner that is erased calls `forget` and asks again.
 */
export interface Directory {
  /** The owner of each known identifier, by look-up id. */
  find(lookupIds: readonly string[]): Promise<Map<string, SubjectId>>
  /** The owner of each person's reference; a new subject for each identifier that nobody owns. The ids of references by subject id come back unchecked. */
  findOrCreate(refs: readonly PersonRef[]): Promise<SubjectId[]>
  /**
   * The owners of identifiers that nobody owned a moment ago: a new subject for each, or whoever came first meanwhile. The subject of a suppressed identifier
   * begins with a version that denies everything, which is in the journal before the identifier is hers. `suppressed` saves a read where it is known.
   */
  create(unknown: ReadonlyMap<string, ClaimedIdentifier>, suppressed?: ReadonlyMap<string, Suppression>): Promise<Map<string, SubjectId>>
  /** The owners of these identifiers are not remembered any more. */
  forget(lookupIds: readonly string[]): void
  /**
   * Gives identifiers to a subject. Answers with the owner of each: this subject, or whoever owned it before. A new one is stored as unannounced.
   * When it resolves, the rows are durable.
   */
  claim(subject: SubjectRow, identifiers: readonly ClaimedIdentifier[]): Promise<{ readonly owner: SubjectId; readonly added: boolean }[]>
  /** The rows of subjects that exist, as of a read that began after the call. */
  subjects(ids: readonly SubjectId[]): Promise<Map<SubjectId, SubjectRow>>
  /** The identifiers of subjects that have some, as of a read that began after the call, sealed and in no order. */
  identifiers(ids: readonly SubjectId[]): Promise<Map<SubjectId, readonly IdentifierRow[]>>
  stop(): Promise<void>
}

/** An identifier with the id under which it is looked up. */
export interface ClaimedIdentifier {
  readonly identifier: Identifier
  readonly lookupId: string
}

/** Points between two writes where a test may end the process in its thoughts. */
export type Interruption = (point: string) => void | Promise<void>

// Recipients that are told of one change ask for the same subjects at the same time.
const sharedReads = { maxKeys: 1_000, concurrency: 4 } as const

const pairOf = <Key, Value>(key: Key, value: Value | undefined): [Key, Value][] => (value === undefined ? [] : [[key, value]])

export function directory(options: {
  readonly store: Store
  readonly vault: Vault
  readonly suppressions: Pick<Suppressions, 'find'>
  /** The first version of a subject whose identifier is suppressed. */
  readonly suppressedRow: (subjectId: SubjectId, suppression: Suppression) => ChangeRow
  readonly clock: Clock
  readonly log: Logger
  /** Called after first versions became durable. */
  readonly committed?: (rows: number) => void
  /** How many owners are remembered. */
  readonly remembered?: number
  readonly interrupt?: Interruption
}): Directory {
  const { store, vault, suppressions, suppressedRow, clock, log, committed = () => undefined } = options
  const { remembered = 50_000, interrupt = () => undefined } = options
  const owners = new Lru<string, SubjectId>(remembered)
  const subjectRows: GroupCommit<SubjectRow> = groupCommit({
    collection: store.subjects,
    maxBatch: 1_000,
    maxQueue: 50_000,
    log,
    concurrency: 2,
  })
  const identifierRows: GroupCommit<IdentifierRow> = groupCommit({
    collection: store.identifiers,
    maxBatch: 1_000,
    maxQueue: 50_000,
    log,
    concurrency: 2,
  })

  const reader = batchReader<string, SubjectId>({
    maxKeys: 1_000,
    concurrency: 2,
    read: async (ids) => {
      const found = new Map<string, SubjectId>()
      const rows = await store.identifiers.find({ _id: { $in: [...ids] } }, { projection: { subjectId: 1 }, batchSize: 10_000 }).toArray()
      for (const row of rows) {
        owners.set(row._id, row.subjectId)
        found.set(row._id, row.subjectId)
      }
      return found
    },
  })

  const subjectReader = batchReader<SubjectId, SubjectRow>({
    ...sharedReads,
    read: async (ids) => {
      const rows = await store.subjects.find({ _id: { $in: [...ids] } }, { batchSize: 10_000 }).toArray()
      return new Map(rows.map((row) => [row._id, row]))
    },
  })

  const identifierReader = batchReader<SubjectId, IdentifierRow[]>({
    ...sharedReads,
    read: async (ids) => {
      const owned = new Map<SubjectId, IdentifierRow[]>()
      for (const row of await store.identifiers.find({ subjectId: { $in: [...ids] } }, { batchSize: 10_000 }).toArray()) {
        const mine = owned.get(row.subjectId)
        if (mine === undefined) owned.set(row.subjectId, [row])
        else mine.push(row)
      }
      return owned
    },
  })

  const find = async (lookupIds: readonly string[]): Promise<Map<string, SubjectId>> => {
    const found = new Map<string, SubjectId>()
    const asked: string[] = []
    for (const id of lookupIds) {
      const owner = owners.get(id)
      if (owner === undefined) asked.push(id)
      else found.set(id, owner)
    }
    if (asked.length === 0) return found
    const read = await reader.load(asked)
    for (const id of asked) {
      const owner = read.get(id)
      if (owner !== undefined) found.set(id, owner)
    }
    return found
  }

  const create: Directory['create'] = async (wanted, known) => {
    const suppressed = known ?? (await suppressions.find([...wanted.values()]))
    const now = new Date(clock.now())
    const first: ChangeRow[] = []
    const subjects: SubjectRow[] = []
    const rows: IdentifierRow[] = []
    for (const [lookupId, { identifier }] of wanted) {
      const subjectId = subjectIdOf(randomBytes(16))
      const { key, stored } = vault.newDataKey(subjectId)
      subjects.push({ _id: subjectId, linkRef: randomBytes(16).toString('hex'), dataKey: stored, createdAt: now })
      rows.push({ _id: lookupId, subjectId, kind: identifier.kind, sealed: vault.seal(key, subjectId, identifier), linkedAt: now })
      const suppression = suppressed.get(lookupId)
      if (suppression !== undefined) first.push(suppressedRow(subjectId, suppression))
    }
    // The subject first: a crash in between leaves a subject that nobody refers to. The other way round it would leave an identifier that cannot be opened.
    await subjectRows.insertAll(subjects)
    await interrupt('subject-stored')
    // and what she begins with before anybody can find her
    if (first.length > 0) await store.changes.insertMany(first, { ordered: false })
    const results = await identifierRows.insertAll(rows)
    await interrupt('identifier-stored')
    const created = new Map<string, SubjectId>()
    const lost: IdentifierRow[] = []
    for (const [index, row] of rows.entries()) {
      if (results[index] !== 'inserted') {
        lost.push(row)
        continue
      }
      owners.set(row._id, row.subjectId)
      created.set(row._id, row.subjectId)
    }
    if (lost.length > 0) {
      for (const [lookupId, owner] of await find(lost.map((row) => row._id))) created.set(lookupId, owner)
      const nobody = lost.map((row) => row.subjectId)
      await store.changes.deleteMany({ subjectId: { $in: nobody }, publishedAt: null })
      await store.subjects.deleteMany({ _id: { $in: nobody } })
    }
    if (first.length > 0) committed(first.length)
    return created
  }

  return {
    find,
    create,
    forget(lookupIds) {
      for (const id of lookupIds) owners.delete(id)
    },
    async findOrCreate(refs) {
      const lookupIds = refs.flatMap((ref) => (ref.by === 'identifier' ? [ref.lookupId] : []))
      const found = lookupIds.length === 0 ? new Map<string, SubjectId>() : await find(lookupIds)
      const unknown = new Map<string, ClaimedIdentifier>()
      for (const ref of refs) if (ref.by === 'identifier' && !found.has(ref.lookupId)) unknown.set(ref.lookupId, ref)
      if (unknown.size > 0) for (const [lookupId, owner] of await create(unknown)) found.set(lookupId, owner)
      return refs.map((ref) => {
        if (ref.by === 'subject') return ref.subjectId
        const owner = found.get(ref.lookupId)
        // the row that won was deleted since: only an erasure does that
        if (owner === undefined) throw new Error('an identifier lost its owner')
        return owner
      })
    },
    async claim(subject, identifiers) {
      if (subject.dataKey === undefined) throw beingErased()
      const key = vault.openDataKey(subject._id, { kek: subject.dataKey.kek, sealed: bytesOf(subject.dataKey.sealed) })
      const now = new Date(clock.now())
      const claims: { owner: SubjectId; added: boolean }[] = []
      for (const { identifier, lookupId } of identifiers) {
        const row: IdentifierRow = {
          _id: lookupId,
          subjectId: subject._id,
          kind: identifier.kind,
          sealed: vault.seal(key, subject._id, identifier),
          linkedAt: now,
          unannounced: true,
        }
        const inserted = await store.identifiers.insertOne(row).then(
          () => true,
          (thrown: unknown) => {
            if (duplicateKeyIndex(thrown) === undefined) throw thrown
            return false
          },
        )
        const owner = inserted ? subject._id : (await find([lookupId])).get(lookupId)
        if (owner === undefined) throw new Error('an identifier lost its owner')
        claims.push({ owner, added: inserted })
      }
      return claims
    },
    async subjects(ids) {
      const found = ids.length === 0 ? undefined : await subjectReader.load(ids)
      return new Map(ids.flatMap((id) => pairOf(id, found?.get(id))))
    },
    async identifiers(ids) {
      const found = ids.length === 0 ? undefined : await identifierReader.load(ids)
      return new Map(ids.flatMap((id) => pairOf(id, found?.get(id))))
    },
    async stop() {
      await subjectRows.stop()
      await identifierRows.stop()
    },
  }
}
