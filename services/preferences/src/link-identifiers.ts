import {
  type Change,
  type ChangeId,
  changeIdOf,
  decideChange,
  decideMerge,
  type IdentifierKind,
  type Origin,
  type Policy,
  type SubjectId,
} from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import type { ClaimedIdentifier, Directory, Interruption } from './directory.ts'
import type { PersonRef } from './door.ts'
import { contended, refusalFault, unknownSubject } from './faults.ts'
import { changeOf, type Journal, type RowExtras, rowOf, type Standing, snapshotOf } from './journal.ts'
import type { ChangeRow, Store, SubjectRow } from './rows.ts'

/** What a link came to. */
export interface Linked {
  /** The subject that has all of it now. */
  readonly subjectId: SubjectId
  readonly version: number
  /** The newest change of the subject that this link made. */
  readonly changeId?: ChangeId
  /** The kinds that came in, one for each identifier that nobody had. */
  readonly added: readonly IdentifierKind[]
  readonly merged: readonly SubjectId[]
}

/** Joins identifiers and subjects that are one person. */
export interface Linker {
  /**
   * Gives a person identifiers. Where one of them belongs to another subject already, the two become one: the older subject stays, holds every denial of
   * both, and the other one ends with a last version that points at it. When it resolves, whatever is denied is denied for all of them. Doing it again is harmless.
   * @throws GrpcFault for an unknown subject, a refused origin, or where others change the same subjects all the time.
   */
  link(ref: PersonRef, identifiers: readonly ClaimedIdentifier[], origin: Origin): Promise<Linked>
  /** Finishes merges and announcements that a crash left half done, older than the given time. Resolves with how many it found. */
  finish(olderThan: Date): Promise<number>
}

export interface LinkerOptions {
  readonly store: Store
  readonly directory: Directory
  readonly journal: Journal
  readonly policy: Policy
  readonly clock: Clock
  readonly committed: (rows: number) => void
  readonly interrupt?: Interruption
}

const maxAttempts = 100

/**
 * The order of writes is what makes it safe without a transaction. A new identifier is stored before the newest version is read: a denial that was there before
 * is then announced for it, and one that comes later finds it. Of a merge, the older subject takes over the denials first, then the younger one is closed against
 * the very version whose denials were taken over: at no moment is one of them forgotten.
 */
export function linker(options: LinkerOptions): Linker {
  const { store, directory, journal, policy, clock, committed, interrupt = () => undefined } = options

  /** Whether the row was stored; false where another one has that version. */
  const append = async (change: Change, extras: RowExtras): Promise<boolean> => {
    try {
      await store.changes.insertOne(rowOf(change, extras))
    } catch (thrown) {
      if (duplicateKeyIndex(thrown) === undefined) throw thrown
      return false
    }
    committed(1)
    return true
  }

  const standingOf = async (subjectId: SubjectId): Promise<Standing> => {
    const standing = (await journal.effective([subjectId])).get(subjectId)
    return standing ?? { subjectId, row: undefined }
  }

  const subjectRow = async (subjectId: SubjectId): Promise<SubjectRow> => {
    const row = (await directory.subjects([subjectId])).get(subjectId)
    if (row === undefined) throw unknownSubject()
    return row
  }

  /** All subjects whose identifiers are one person's. */
  const wholeOf = ({ subjectId, row }: Standing): SubjectId[] => [subjectId, ...(row?.absorbs ?? [])]

  const identifierKindsOf = async (
    subjects: readonly SubjectId[],
    unannounced?: true,
  ): Promise<{ ids: string[]; kinds: IdentifierKind[] }> => {
    const rows = await store.identifiers
      .find({ subjectId: { $in: [...subjects] }, ...(unannounced === undefined ? {} : { unannounced }) }, { projection: { kind: 1 } })
      .toArray()
    return { ids: rows.map((row) => row._id), kinds: [...new Set(rows.map((row) => row.kind))] }
  }

  const pause = (attempt: number) => (attempt === 0 ? Promise.resolve() : clock.sleep(Math.random() * Math.min(2 ** attempt, 32)))

  /** Makes one subject of two; resolves with the one that stays. */
  const merge = async (one: SubjectId, other: SubjectId, origin: Origin): Promise<{ stays: SubjectId; ended?: SubjectId }> => {
    const subjects = await directory.subjects([one, other])
    let absorbed: { into: SubjectId; version: number } | undefined
    // those whose end is announced in a row of the one that stays; each has come to it once both are one
    const ending = new Set<SubjectId>()
    const ended = async (stays: SubjectId, from?: SubjectId) => {
      if (ending.size > 0) await store.changes.updateMany({ closing: { $in: [...ending] } }, { $unset: { closing: 1 } })
      return { stays, ...(from === undefined ? {} : { ended: from }) }
    }
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      await pause(attempt)
      const [mine, theirs] = [await standingOf(one), await standingOf(other)]
      if (mine.subjectId === theirs.subjectId) return ended(mine.subjectId, absorbed === undefined ? undefined : other)
      for (const { subjectId } of [mine, theirs]) if (!subjects.has(subjectId)) subjects.set(subjectId, await subjectRow(subjectId))
      const [into, from] = olderFirst(mine, theirs, subjects)
      const { ids, kinds } = await identifierKindsOf(wholeOf(from))
      const changes = decideMerge({
        policy,
        into: snapshotOf(into.subjectId, into.row),
        from: snapshotOf(from.subjectId, from.row),
        linked: kinds,
        origin,
        now: clock.now(),
      })
      const fresh = absorbed?.into !== into.subjectId || absorbed.version !== (from.row?.version ?? 0)
      if (fresh) {
        const absorbs = [...new Set([...(into.row?.absorbs ?? []), ...wholeOf(from)])]
        if (!(await append(changes.into, { absorbs, closing: from.subjectId }))) continue
        absorbed = { into: into.subjectId, version: from.row?.version ?? 0 }
        ending.add(from.subjectId)
        await interrupt('merge-absorbed')
      }
      // against the very version whose denials were taken over: a newer one is taken over first
      if (!(await append(changes.from, { absorbs: from.row?.absorbs }))) continue
      await interrupt('merge-closed')
      // the version that took them over told of them
      await store.identifiers.updateMany({ _id: { $in: ids }, unannounced: true }, { $unset: { unannounced: 1 } })
      return ended(into.subjectId, from.subjectId)
    }
    throw contended()
  }

  /** Tells the recipients of held choices about identifiers that they have not heard of. Resolves with the newest row. */
  const announce = async (subjectId: SubjectId, origin: Origin): Promise<Standing & { made?: ChangeRow }> => {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      await pause(attempt)
      const standing = await standingOf(subjectId)
      const { ids, kinds } = await identifierKindsOf(wholeOf(standing), true)
      if (ids.length === 0) return standing
      const current = snapshotOf(standing.subjectId, standing.row)
      const decision = decideChange({ policy, current, requested: [], origin, linked: kinds, now: clock.now() })
      if (decision.kind === 'refused') throw refusalFault(decision.violations)
      if (decision.kind === 'changed' && !(await append(decision.change, { absorbs: standing.row?.absorbs }))) continue
      await interrupt('announced')
      await store.identifiers.updateMany({ _id: { $in: ids } }, { $unset: { unannounced: 1 } })
      if (decision.kind === 'unchanged') return standing
      const made = rowOf(decision.change, { absorbs: standing.row?.absorbs })
      return { subjectId: standing.subjectId, row: made, made }
    }
    throw contended()
  }

  /** The subject to which identifiers are given: the one named, or the owner of any of them, or a new one. */
  const startingPoint = async (
    ref: PersonRef,
    identifiers: readonly ClaimedIdentifier[],
  ): Promise<{ subjectId: SubjectId; claims: readonly ClaimedIdentifier[] }> => {
    if (ref.by === 'subject') {
      await subjectRow(ref.subjectId)
      return { subjectId: ref.subjectId, claims: identifiers }
    }
    const owners = await directory.find([ref.lookupId, ...identifiers.map(({ lookupId }) => lookupId)])
    const owner = owners.get(ref.lookupId)
    if (owner !== undefined) return { subjectId: owner, claims: identifiers }
    const [known] = owners.values()
    if (known !== undefined) return { subjectId: known, claims: [ref, ...identifiers] }
    const [created] = await directory.findOrCreate([ref])
    if (created === undefined) throw unknownSubject()
    return { subjectId: created, claims: identifiers }
  }

  return {
    async link(ref, identifiers, origin) {
      const start = await startingPoint(ref, identifiers)
      let { subjectId } = await standingOf(start.subjectId)
      const claims = await directory.claim(await subjectRow(subjectId), start.claims)
      await interrupt('identifiers-claimed')
      const added = start.claims.filter((_, index) => claims[index]?.added === true).map(({ identifier }) => identifier.kind)
      const merged: SubjectId[] = []
      for (const owner of new Set(claims.map((claim) => claim.owner))) {
        if (owner === subjectId) continue
        const { stays, ended } = await merge(subjectId, owner, origin)
        if (ended !== undefined) merged.push(ended)
        subjectId = stays
      }
      const before = merged.length === 0 ? undefined : (await standingOf(subjectId)).row
      const { row, made } = await announce(subjectId, origin)
      const newest = made ?? before
      return {
        subjectId: row?.subjectId ?? subjectId,
        version: row?.version ?? 0,
        ...(newest === undefined ? {} : { changeId: changeIdOf(newest.subjectId, newest.version) }),
        added,
        merged,
      }
    },
    async finish(olderThan) {
      const halfMerged = await store.changes
        .find({ closing: { $exists: true }, acceptedAt: { $lt: olderThan } }, { hint: 'closing', limit: 100 })
        .toArray()
      for (const row of halfMerged) {
        if (row.closing === undefined) continue
        await merge(row.subjectId, row.closing, changeOf(row).origin)
        await store.changes.updateMany({ closing: row.closing }, { $unset: { closing: 1 } })
      }
      const unheard = await store.identifiers
        .find({ unannounced: true, linkedAt: { $lt: olderThan } }, { hint: 'unannounced', projection: { subjectId: 1 }, limit: 100 })
        .toArray()
      for (const subjectId of new Set(unheard.map((row) => row.subjectId))) {
        await announce(subjectId, { kind: 'internal-service', caller: 'preferences' })
      }
      return halfMerged.length + unheard.length
    },
  }
}

/** The older subject stays: the order never changes, so that no two merges can point at each other. */
function olderFirst(one: Standing, other: Standing, subjects: ReadonlyMap<SubjectId, SubjectRow>): [Standing, Standing] {
  const age = ({ subjectId }: Standing) => subjects.get(subjectId)?.createdAt.getTime() ?? 0
  const older = age(one) - age(other) || (one.subjectId < other.subjectId ? -1 : 1)
  return older < 0 ? [one, other] : [other, one]
}
