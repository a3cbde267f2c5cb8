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
import { GrpcFault } from '@heed/platform/grpc'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import type { mongo } from 'mongoose'
import type { ClaimedIdentifier, Directory, Interruption } from './directory.ts'
import type { PersonRef } from './door.ts'
import { beingErased, contended, refusalFault, unknownSubject } from './faults.ts'
import { changeOf, type Journal, type RowExtras, rowOf, type Standing, snapshotOf } from './journal.ts'
import type { ChangeRow, Store, SubjectRow } from './rows.ts'
import type { Suppressions } from './suppressions.ts'

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
   * An identifier that is suppressed brings its suppression along, as a subject that denies everything.
   * @throws GrpcFault for an unknown subject, a refused origin, a person who is being erased, or where others change the same subjects all the time.
   */
  link(ref: PersonRef, identifiers: readonly ClaimedIdentifier[], origin: Origin): Promise<Linked>
  /** Finishes merges and announcements that a crash left half done, older than the given time. Resolves with how many it found. */
  finish(olderThan: Date): Promise<number>
  /** Finishes the merges of this subject that are under way, so that it is whole. */
  finishMergesOf(subjectId: SubjectId): Promise<void>
}

export interface LinkerOptions {
  readonly store: Store
  readonly directory: Directory
  readonly journal: Journal
  readonly suppressions: Pick<Suppressions, 'find'>
  readonly policy: Policy
  readonly clock: Clock
  readonly committed: () => void
  readonly interrupt?: Interruption
}

const maxAttempts = 100

/**
 * The order of writes is what makes it safe without a transaction. A new identifier is stored before the newest version is read: a denial that was there before
 * is then announced for it, and one that comes later finds it. Of a merge, the older subject takes over the denials first, then the younger one is closed against
 * the very version whose denials were taken over: at no moment is one of them forgotten.
 */
export function linker(options: LinkerOptions): Linker {
  const { store, directory, journal, suppressions, policy, clock, committed, interrupt = () => undefined } = options

  /** Whether the row was stored; false where another one has that version. */
  const append = async (change: Change, extras: RowExtras): Promise<boolean> => {
    try {
      await store.changes.insertOne(rowOf(change, extras))
    } catch (thrown) {
      if (duplicateKeyIndex(thrown) === undefined) throw thrown
      return false
    }
    committed()
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
      if (isErasing(mine) || isErasing(theirs)) throw beingErased()
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
      if (isErasing(standing)) {
        // left by a crash: recipients hear of it with the erasure, and it is destroyed with the rest
        await store.identifiers.updateMany({ _id: { $in: ids } }, { $unset: { unannounced: 1 } })
        return standing
      }
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

  /** Owners that were remembered and are erased by now own nothing. */
  const forgetErased = async (claims: readonly ClaimedIdentifier[]): Promise<void> => {
    const owners = await directory.find(claims.map(({ lookupId }) => lookupId))
    if (owners.size === 0) return
    const standings = await journal.effective([...new Set(owners.values())])
    directory.forget([...owners].filter(([, owner]) => standings.get(owner)?.row?.erased === true).map(([lookupId]) => lookupId))
  }

  /** What is suppressed is given a subject that denies everything, which is merged like any other. */
  const bringSuppressed = async (claims: readonly ClaimedIdentifier[]): Promise<void> => {
    const owners = await directory.find(claims.map(({ lookupId }) => lookupId))
    const unowned = claims.filter(({ lookupId }) => !owners.has(lookupId))
    const suppressed = await suppressions.find(unowned)
    const wanted = unowned.filter(({ lookupId }) => suppressed.has(lookupId))
    if (wanted.length > 0) await directory.create(new Map(wanted.map((claim) => [claim.lookupId, claim])), suppressed)
  }

  /** Merges that have begun and not ended, each as the subject that stays and the one that ends. */
  const finishMerges = async (filter: mongo.Filter<ChangeRow>): Promise<number> => {
    const halfMerged = await store.changes.find({ closing: { $exists: true }, ...filter }, { hint: 'closing', limit: 100 }).toArray()
    for (const row of halfMerged) {
      if (row.closing === undefined) continue
      try {
        await merge(row.subjectId, row.closing, changeOf(row).origin)
      } catch (thrown) {
        // one of them is being erased by itself: the other stays as it is, and finds nothing there
        if (!(thrown instanceof GrpcFault) || thrown.reason !== beingErased().reason) throw thrown
      }
      await store.changes.updateMany({ closing: row.closing }, { $unset: { closing: 1 } })
    }
    return halfMerged.length
  }

  return {
    async link(ref, identifiers, origin) {
      await forgetErased(ref.by === 'identifier' ? [ref, ...identifiers] : identifiers)
      const start = await startingPoint(ref, identifiers)
      const standing = await standingOf(start.subjectId)
      if (isErasing(standing)) throw beingErased()
      let { subjectId } = standing
      await bringSuppressed(start.claims)
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
      if (row?.barred === 'erasure') {
        // she came to be erased meanwhile: what was just added is not hers
        const ids = start.claims.filter((_, index) => claims[index]?.added === true).map(({ lookupId }) => lookupId)
        await store.identifiers.deleteMany({ _id: { $in: ids }, subjectId: standing.subjectId })
        directory.forget(ids)
        throw beingErased()
      }
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
      const halfMerged = await finishMerges({ acceptedAt: { $lt: olderThan } })
      const unheard = await store.identifiers
        .find({ unannounced: true, linkedAt: { $lt: olderThan } }, { hint: 'unannounced', projection: { subjectId: 1 }, limit: 100 })
        .toArray()
      for (const subjectId of new Set(unheard.map((row) => row.subjectId))) {
        await announce(subjectId, { kind: 'internal-service', caller: 'preferences' })
      }
      return halfMerged + unheard.length
    },
    async finishMergesOf(subjectId) {
      await finishMerges({ $or: [{ subjectId }, { closing: subjectId }] })
    },
  }
}

function isErasing({ row }: Standing): boolean {
  return row?.barred === 'erasure'
}

/** The older subject stays: the order never changes, so that no two merges can point at each other. */
function olderFirst(one: Standing, other: Standing, subjects: ReadonlyMap<SubjectId, SubjectRow>): [Standing, Standing] {
  const age = ({ subjectId }: Standing) => subjects.get(subjectId)?.createdAt.getTime() ?? 0
  const older = age(one) - age(other) || (one.subjectId < other.subjectId ? -1 : 1)
  return older < 0 ? [one, other] : [other, one]
}
