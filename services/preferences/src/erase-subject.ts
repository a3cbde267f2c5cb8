import { type Change, changeIdOf, decideDenial, decideErasure, type Origin, type Policy, type SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import type { SubjectErasedRow } from './acts.ts'
import type { Directory, Interruption } from './directory.ts'
import type { PersonRef } from './door.ts'
import type { ErasureCause, ErasureRow, ErasureStage } from './erasure-rows.ts'
import { contended, reusedRequestId, unknownSubject } from './faults.ts'
import { type Journal, rowOf, type Standing, snapshotOf } from './journal.ts'
import type { Linker } from './link-identifiers.ts'
import { rememberedChanges, unchangedRequests } from './request-memory.ts'
import type { ChangeRow, Store } from './rows.ts'
import type { Suppressions } from './suppressions.ts'

/** A request to erase somebody, checked at the door. */
export interface ErasureRequest {
  /** `<caller>:<request id>` */
  readonly rowId: string
  readonly body: string
  readonly ref: PersonRef
  readonly cause: ErasureCause
  readonly reference: string
  readonly caller: string
  /** Also where the identifier was erased before. */
  readonly again: boolean
}

/** An erasure as it stands, or that the person was erased before and nothing says any more which subject she was. */
export type ErasureView =
  | { readonly kind: 'erasure'; readonly row: ErasureRow }
  | { readonly kind: 'erased-before'; readonly since: number; readonly child: boolean }

/** Begins erasures. */
export interface Eraser {
  /**
   * Begins the erasure of a person, with all identifiers and subjects that were linked to her, or answers with the one that goes on already. When it resolves, the
   * denial is journalled, nothing is granted for her any more, and the rest follows whatever crashes. An identifier that nobody owns becomes a subject first, so
   * that recipients who may know her are told.
   * @throws GrpcFault for an unknown subject id, a request id of another request, or where others change the same subject all the time.
   */
  begin(request: ErasureRequest): Promise<ErasureView>
  /** The erasure of a subject, or of the one that it was merged into. */
  find(subjectId: SubjectId): Promise<ErasureRow | undefined>
  /**
   * Makes sure that the subject of an erasure is barred and whole. Answers with its versions and the subjects that it is made of; undefined where it was merged
   * into an older one, which is then erased instead.
   */
  deny(row: ErasureRow): Promise<Barred | undefined>
  /** The version by which those recipients that can erase are told to: made, or found. */
  tell(row: ErasureRow, barred: Barred): Promise<Barred>
  /** Records that a stage was reached, once. */
  record(row: ErasureRow, stage: ErasureStage, barred: Pick<Barred, 'subjects' | 'denial' | 'erasure'>): Promise<void>
}

/** A subject whose erasure is journalled. */
export interface Barred {
  readonly standing: Standing
  /** The subject and those that were merged into it. */
  readonly subjects: readonly SubjectId[]
  readonly denial?: number
  readonly erasure?: number
}

export interface EraserOptions {
  readonly store: Store
  readonly directory: Directory
  readonly journal: Journal
  readonly linker: Pick<Linker, 'finishMergesOf'>
  readonly suppressions: Suppressions
  readonly policy: Policy
  readonly clock: Clock
  /** Called after rows became durable. */
  readonly committed: (rows: number) => void
  readonly interrupt?: Interruption
}

const maxAttempts = 100

function originOf({ cause, by, reference }: Pick<ErasureRow, 'cause' | 'by' | 'reference'>): Origin {
  return { kind: cause === 'request' ? 'person' : 'operator', caller: by, reference }
}

/**
 * The order of writes is what makes it safe without a transaction: first the row that says that somebody is to be erased, then the version that bars her. A crash
 * in between erases somebody whose caller was not answered; never the other way round.
 */
export function eraser(options: EraserOptions): Eraser {
  const { store, directory, journal, linker, suppressions, policy, clock, committed, interrupt = () => undefined } = options

  const pause = (attempt: number) => (attempt === 0 ? Promise.resolve() : clock.sleep(Math.random() * Math.min(2 ** attempt, 32)))

  const append = async (change: Change, absorbs: ChangeRow['absorbs']): Promise<boolean> => {
    try {
      await store.changes.insertOne(rowOf(change, { absorbs }))
    } catch (thrown) {
      if (duplicateKeyIndex(thrown) === undefined) throw thrown
      return false
    }
    committed(1)
    return true
  }

  const standingOf = async (subjectId: SubjectId): Promise<Standing> =>
    (await journal.effective([subjectId])).get(subjectId) ?? { subjectId, row: undefined }

  /** The versions of an erasure: of those that bar the subject, which one denied and which one erased. */
  const barredBy = async (standing: Standing): Promise<Barred> => {
    const { subjectId, row } = standing
    const rows = await store.changes
      .find({ subjectId, barred: 'erasure' }, { projection: { version: 1, cause: 1 }, sort: { version: 1 } })
      .toArray()
    const denial = rows.find(({ cause }) => cause !== 'erasure')?.version
    const erasure = rows.find(({ cause }) => cause === 'erasure')?.version
    return {
      standing,
      subjects: [...new Set([subjectId, ...(row?.absorbs ?? [])])],
      ...(denial === undefined ? {} : { denial }),
      ...(erasure === undefined ? {} : { erasure }),
    }
  }

  const record: Eraser['record'] = async (row, stage, { subjects, denial, erasure }) => {
    const version = stage === 'requested' ? denial : stage === 'recipients-told' ? erasure : undefined
    const { destruction } = row
    const late = stage === 'identifiers-destroyed' || stage === 'completed'
    const act: Omit<SubjectErasedRow, '_id'> = {
      type: 'heed.subject.erased.v1',
      at: stage === 'requested' ? row.requestedAt : new Date(clock.now()),
      by: row.by,
      publishedAt: null,
      subjectId: row._id,
      stage,
      cause: row.cause,
      reference: row.reference,
      mergedSubjectIds: subjects.filter((id) => id !== row._id).slice(0, 64),
      ...(version === undefined ? {} : { changeId: changeIdOf(row._id, version) }),
      ...(late && destruction !== undefined
        ? { because: destruction.because, openDeliveries: destruction.openDeliveries, identifiers: destruction.identifiers }
        : {}),
    }
    const done = await store.acts.updateOne({ _id: `erased/${row._id}/${stage}` }, { $setOnInsert: act }, { upsert: true })
    if (done.upsertedCount > 0) committed(1)
  }

  const deny: Eraser['deny'] = async (row) => {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      await pause(attempt)
      await linker.finishMergesOf(row._id)
      const standing = await standingOf(row._id)
      if (standing.subjectId !== row._id) {
        // she turned out to be an older subject before she was barred: that one is erased, with all of both
        await store.erasures.updateOne({ _id: standing.subjectId }, { $setOnInsert: withoutId(row) }, { upsert: true })
        await store.erasures.deleteOne({ _id: row._id })
        return undefined
      }
      if (standing.row?.barred === 'erasure') return barredBy(standing)
      const input = { policy, current: snapshotOf(row._id, standing.row), origin: originOf(row), now: clock.now() }
      const change = decideDenial(input) ?? decideErasure(input)
      if (await append(change, standing.row?.absorbs)) await interrupt('erasure-denied')
    }
    throw contended()
  }

  const tell: Eraser['tell'] = async (row, before) => {
    let barred = before
    for (let attempt = 0; barred.erasure === undefined; attempt += 1) {
      if (attempt >= maxAttempts) throw contended()
      await pause(attempt)
      const { standing } = barred
      const input = { policy, current: snapshotOf(row._id, standing.row), origin: originOf(row), now: clock.now() }
      if (await append(decideErasure(input), standing.row?.absorbs)) await interrupt('erasure-told')
      barred = await barredBy(await standingOf(row._id))
    }
    return barred
  }

  /** Whom the request means; a new subject for an identifier that nobody owns, unless it was erased before. */
  const locate = async ({ ref, again }: ErasureRequest): Promise<SubjectId | Extract<ErasureView, { kind: 'erased-before' }>> => {
    if (ref.by === 'subject') {
      if (!(await directory.subjects([ref.subjectId])).has(ref.subjectId)) throw unknownSubject()
      return ref.subjectId
    }
    const owner = (await directory.find([ref.lookupId])).get(ref.lookupId)
    if (owner !== undefined && (await standingOf(owner)).row?.erased !== true) return owner
    if (owner !== undefined) directory.forget([ref.lookupId])
    const suppression = (await suppressions.find([ref])).get(ref.lookupId)
    const anew = (await directory.find([ref.lookupId])).get(ref.lookupId)
    if (anew !== undefined && anew !== owner) return anew
    if (suppression !== undefined && !again) return { kind: 'erased-before', ...suppression }
    const created = (await directory.create(new Map([[ref.lookupId, ref]]))).get(ref.lookupId)
    if (created === undefined) throw contended()
    return created
  }

  /** What was answered to this request before, so that a repeat gets the same. */
  const earlier = async (request: ErasureRequest): Promise<ErasureRow | undefined> => {
    const [changed, unchanged] = await Promise.all([rememberedChanges(store, [request.rowId]), unchangedRequests(store, [request.rowId])])
    const before = changed.get(request.rowId) ?? unchanged.get(request.rowId)
    if (before === undefined) return undefined
    const row = before.body === request.body ? await find(before.accepted.subjectId) : undefined
    if (row === undefined) throw reusedRequestId()
    return row
  }

  const remember = async (request: ErasureRequest, row: ErasureRow, version: number): Promise<void> => {
    const answer = { subjectId: row._id, version, acceptedAt: row.requestedAt.getTime() }
    await store.requests.updateOne(
      { _id: request.rowId },
      { $setOnInsert: { body: request.body, at: new Date(clock.now()), answer } },
      { upsert: true },
    )
  }

  const find: Eraser['find'] = async (subjectId) => {
    const standing = await standingOf(subjectId)
    return (await store.erasures.findOne({ _id: standing.subjectId })) ?? undefined
  }

  /** The row of the erasure: the one that goes on, or a new one. A child stays a child, whoever asked first. */
  const note = async (subjectId: SubjectId, { cause, reference, caller }: ErasureRequest): Promise<ErasureRow> => {
    const now = new Date(clock.now())
    const fresh: Omit<ErasureRow, '_id'> = {
      cause,
      reference,
      by: caller,
      requestedAt: now,
      stage: 'requested',
      lookAt: now,
      looks: 0,
    }
    const filter = { _id: subjectId }
    await store.erasures.updateOne(filter, { $setOnInsert: fresh }, { upsert: true })
    if (cause === 'known-child') await store.erasures.updateOne({ ...filter, destruction: { $exists: false } }, { $set: { cause } })
    const row = await store.erasures.findOne(filter)
    if (row === null) throw contended()
    return row
  }

  return {
    find,
    deny,
    tell,
    record,
    async begin(request) {
      const before = await earlier(request)
      if (before !== undefined) return { kind: 'erasure', row: before }
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        await pause(attempt)
        const located = await locate(request)
        if (typeof located === 'object') {
          if (request.cause === 'known-child' && request.ref.by === 'identifier')
            await suppressions.add([request.ref.identifier], { since: clock.now(), child: true })
          return located
        }
        const { subjectId } = await standingOf(located)
        const row = await note(subjectId, request)
        await interrupt('erasure-noted')
        if (row.stage !== 'requested') {
          await remember(request, row, row.erasure ?? 0)
          return { kind: 'erasure', row }
        }
        const barred = await deny(row)
        if (barred === undefined) continue
        const { denial, erasure } = barred
        const versions = { ...(denial === undefined ? {} : { denial }), ...(erasure === undefined ? {} : { erasure }) }
        await store.erasures.updateOne({ _id: row._id }, { $set: versions })
        await record(row, 'requested', barred)
        await remember(request, row, barred.standing.row?.version ?? 0)
        return { kind: 'erasure', row: { ...row, ...versions } }
      }
      throw contended()
    },
  }
}

function withoutId(row: ErasureRow): Omit<ErasureRow, '_id'> {
  const { _id, ...rest } = row
  return rest
}
