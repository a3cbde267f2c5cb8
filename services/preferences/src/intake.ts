import { decideChange, emptySnapshot, type Policy, type Snapshot, type SubjectId } from '@heed/domain'
import { Lru } from '@heed/platform/cache'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { GrpcFault } from '@heed/platform/grpc'
import type { Logger } from '@heed/platform/log'
import { type GroupCommit, groupCommit, type InsertOutcome, QueueFullError } from '@heed/platform/mongo'
import type { ClaimedIdentifier, Directory } from './directory.ts'
import { contended, intakeFull, refusalFault, requestForgotten, reusedRequestId, unknownSubject, versionMismatch } from './faults.ts'
import { type Findings, intakeLookup, mayBeRemembered } from './intake-lookup.ts'
import type { Head, IntakeItem, Made, Pending, Work } from './intake-work.ts'
import { type Journal, lostVersion, rowOf, snapshotOf } from './journal.ts'
import { Lanes } from './lanes.ts'
import type { Handed } from './outbox.ts'
import { type Accepted, acceptedOf } from './request-memory.ts'
import { rounds } from './rounds.ts'
import type { ChangeRow, RequestRow, Store } from './rows.ts'
import type { Suppression, Suppressions } from './suppressions.ts'

/** Takes changes. */
export interface Intake {
  /**
   * Journals what follows from the request. Requests about one subject are carried out in the order of the calls, whatever they name it by; the others share
   * reads and inserts. The same row id with the same body gives the same answer again.
   * Rejects with a `GrpcFault` that says why nothing was changed, or with the database's error, in which case the outcome is unknown: repeat the request.
   */
  submit(item: IntakeItem): Promise<Accepted>
  /** Requests that wait or are under way. */
  readonly waiting: number
  /** Takes no more requests, and resolves once those that were taken are answered. */
  stop(): Promise<void>
}

export interface IntakeOptions {
  readonly store: Store
  readonly directory: Directory
  readonly journal: Pick<Journal, 'effective'>
  readonly suppressions: Pick<Suppressions, 'find'>
  /** What a suppressed identifier that nobody owns would begin with. */
  readonly suppressedSnapshot: (suppression: Suppression) => Snapshot
  readonly policy: Policy
  readonly clock: Clock
  readonly log: Logger
  /** Called after rows became durable. */
  readonly committed: (rows: readonly Handed[]) => void
  /** At most so many requests wait; more are refused with RESOURCE_EXHAUSTED. */
  readonly maxWaiting?: number
  /** How many subjects' newest rows are remembered. */
  readonly remembered?: number
}

const nobody = emptySnapshot('' as SubjectId)
const maxBatch = 500
const maxRounds = 2
const worthARound = 128
const maxAttempts = 200

/**
 * Two steps, each of which works on whatever has gathered meanwhile. First: whom does each request mean (and a new subject for whom nobody knows)? One batch at
 * a time, so that order is kept. Second, in rounds: for up to 500 subjects, one request each, look at what is held, decide, insert all of it at once. An insert that
 * loses the race for its version against another process is decided again on what that one wrote.
 *
 * The first decision may stand on a remembered row, and does not ask whether the request made a change before: the insert itself would fail, on (subject, version)
 * or on the request's row id. Whatever does not end in an insert is decided once more on what is read then.
 */
export function intake(options: IntakeOptions): Intake {
  const { store, directory, journal, suppressions, suppressedSnapshot, policy, clock, log, committed } = options
  const { maxWaiting = 20_000, remembered = 10_000 } = options
  const changes: GroupCommit<ChangeRow> = groupCommit({
    collection: store.changes,
    maxBatch: 1_000,
    maxQueue: maxWaiting + 1,
    log,
    concurrency: maxRounds,
  })
  const requests: GroupCommit<RequestRow> = groupCommit({ collection: store.requests, maxBatch: 1_000, maxQueue: maxWaiting + 1, log })
  const arriving: Work[] = []
  const lanes = new Lanes<SubjectId, Work>()
  /** Newest rows as this process wrote or read them; another process may have written newer ones. */
  const rows = new Lru<SubjectId, ChangeRow>(remembered)
  const look = intakeLookup({ store, directory, journal, rows })
  const underWay = new Map<string, Promise<Accepted>>()
  let waiting = 0
  let locating = false
  let stopping = false
  let drained: (() => void) | undefined

  const settle = (work: Work) => {
    work.settled = true
    waiting -= 1
    if (waiting === 0) drained?.()
  }
  const answer = (work: Work, accepted: Accepted) => {
    work.resolve(accepted)
    settle(work)
  }
  const refuse = (work: Work, thrown: unknown) => {
    work.reject(thrown instanceof QueueFullError ? intakeFull() : asError(thrown))
    settle(work)
  }

  const decisionOn = (item: IntakeItem, current: Snapshot) =>
    decideChange({
      policy,
      current,
      requested: item.requested,
      ...(item.evidence === undefined ? {} : { evidence: item.evidence }),
      origin: item.origin,
      now: clock.now(),
    })

  /** Why a request about somebody who is not known would be refused. */
  const strangersRefusal = (item: IntakeItem, suppression: Suppression | undefined): GrpcFault | undefined => {
    if (item.expectedVersion !== undefined) return versionMismatch(0)
    const decision = decisionOn(item, suppression === undefined ? nobody : suppressedSnapshot(suppression))
    return decision.kind === 'refused' ? refusalFault(decision.violations) : undefined
  }

  // ---- first step: whom does each request mean?

  const locate = async () => {
    locating = true
    // whatever arrives in the same turn of the event loop goes together
    await new Promise((resolve) => setImmediate(resolve))
    while (arriving.length > 0) {
      const batch = arriving.splice(0, maxBatch)
      try {
        const owners = await directory.find(batch.flatMap(({ item }) => (item.ref.by === 'identifier' ? [item.ref.lookupId] : [])))
        const strangers = new Map<string, ClaimedIdentifier>()
        const suppressed = await suppressions.find(
          batch.flatMap(({ item: { ref } }) => (ref.by === 'identifier' && !owners.has(ref.lookupId) ? [ref] : [])),
        )
        const welcome = batch.filter((work) => {
          const { ref } = work.item
          if (ref.by === 'subject' || owners.has(ref.lookupId)) return true
          const refusal = strangersRefusal(work.item, suppressed.get(ref.lookupId))
          // nothing is kept of somebody whose first request is refused
          if (refusal !== undefined) refuse(work, refusal)
          else strangers.set(ref.lookupId, ref)
          return refusal === undefined
        })
        const created = strangers.size === 0 ? new Map<string, SubjectId>() : await directory.create(strangers, suppressed)
        for (const work of welcome) {
          const { ref } = work.item
          const owner = ref.by === 'subject' ? ref.subjectId : (owners.get(ref.lookupId) ?? created.get(ref.lookupId))
          if (owner === undefined) {
            refuse(work, unknownSubject())
            continue
          }
          work.fresh = ref.by === 'identifier' && !owners.has(ref.lookupId) && !suppressed.has(ref.lookupId)
          lanes.add(owner, work)
        }
      } catch (thrown) {
        for (const work of batch) if (!work.settled) refuse(work, thrown)
      }
      pump()
    }
    locating = false
  }

  // ---- second step: look up, decide, insert

  const turns = rounds({
    ready: () => lanes.ready,
    begin: () => {
      const heads = lanes.take(maxBatch)
      return { size: heads.length, done: round(heads) }
    },
    most: maxRounds,
    worthOne: worthARound,
    clock,
  })
  const pump = () => turns.poke()

  const next = (subjectId: SubjectId) => lanes.done(subjectId)

  /** The head of a lane is tried again on what is held by then. */
  const again = (subjectId: SubjectId, work: Work) => {
    work.attempts += 1
    work.certain = true
    if (work.attempts >= maxAttempts) {
      refuse(work, contended())
      next(subjectId)
      return
    }
    const retry = () => {
      lanes.again(subjectId)
      pump()
    }
    // the row that won may not be readable on a majority yet, and several losers should not meet again at once
    void clock.sleep(Math.random() * Math.min(2 ** work.attempts, 32)).then(retry)
  }

  /** Who was remembered as the owner of its identifier was erased: it is asked again whom the request means. */
  const locateAnew = (subjectId: SubjectId, work: Work, lookupId: string) => {
    work.attempts += 1
    directory.forget([lookupId])
    if (work.attempts >= maxAttempts) refuse(work, contended())
    else arriving.push(work)
    next(subjectId)
    if (!locating && arriving.length > 0) void locate()
  }

  const giveUp = (subjectId: SubjectId, work: Work, thrown: unknown) => {
    refuse(work, thrown)
    next(subjectId)
  }

  const round = async (heads: readonly Head[]): Promise<void> => {
    let found: Findings
    try {
      found = await look(heads)
    } catch (thrown) {
      for (const [subjectId, work] of heads) giveUp(subjectId, work, thrown)
      return
    }
    const made: Made[] = []
    const kept: Pending<RequestRow>[] = []
    for (const [subjectId, work] of heads) {
      const standing = found.standings.get(subjectId)
      const before = found.before(work.item.rowId)
      if (before !== undefined) {
        if (before.erased) refuse(work, requestForgotten())
        else if (before.body === work.item.body) answer(work, before.accepted)
        else refuse(work, reusedRequestId())
        next(subjectId)
      } else if (standing === undefined || found.unknown.has(subjectId)) giveUp(subjectId, work, unknownSubject())
      else if (standing.row?.erased === true && work.item.ref.by === 'identifier') locateAnew(subjectId, work, work.item.ref.lookupId)
      else if (standing.subjectId !== subjectId) {
        // merged: it waits its turn among the requests about the subject that is left
        work.fresh = false
        lanes.add(standing.subjectId, work)
        next(subjectId)
      } else {
        try {
          decide(subjectId, work, standing.row, made, kept)
        } catch (thrown) {
          giveUp(subjectId, work, thrown)
        }
      }
    }
    await Promise.all([insert(made), keepAnswers(kept)])
  }

  const decide = (subjectId: SubjectId, work: Work, current: ChangeRow | undefined, made: Made[], kept: Pending<RequestRow>[]) => {
    const { item } = work
    const snapshot = snapshotOf(subjectId, current)
    const mismatch = item.expectedVersion !== undefined && item.expectedVersion !== snapshot.version
    const decision = decisionOn(item, snapshot)
    if (!work.certain && (mismatch || decision.kind !== 'changed')) {
      // a newer row, or the request's own, may say otherwise
      work.certain = true
      lanes.again(subjectId)
    } else if (mismatch) giveUp(subjectId, work, versionMismatch(snapshot.version))
    else
      switch (decision.kind) {
        case 'refused':
          giveUp(subjectId, work, refusalFault(decision.violations))
          return
        case 'unchanged': {
          const acceptedAt = current?.acceptedAt.getTime() ?? clock.now()
          const answered = { subjectId, version: snapshot.version, acceptedAt }
          kept.push({ subjectId, work, row: { _id: item.rowId, body: item.body, at: new Date(clock.now()), answer: answered } })
          return
        }
        case 'changed':
          made.push({
            subjectId,
            work,
            row: rowOf(decision.change, { rowId: item.rowId, body: item.body, absorbs: current?.absorbs }),
            inTurn: current === undefined || current.publishedAt !== null,
          })
          return
        default:
          decision satisfies never
      }
  }

  const insert = async (pending: readonly Made[]) => {
    if (pending.length === 0) return
    let results: InsertOutcome[]
    try {
      results = await changes.insertEach(pending.map(({ row }) => row))
    } catch (thrown) {
      // they may be stored all the same
      results = pending.map(() => asError(thrown))
    }
    const inserted: Made[] = []
    for (const [index, one] of pending.entries()) {
      const { subjectId, work, row } = one
      const result = results[index]
      if (result === 'inserted') {
        inserted.push(one)
        if (mayBeRemembered(row)) rows.set(subjectId, row)
        else rows.delete(subjectId)
        answer(work, acceptedOf(row, true))
        next(subjectId)
        continue
      }
      rows.delete(subjectId)
      if (result === undefined || result instanceof Error) giveUp(subjectId, work, result)
      else {
        if (!lostVersion(result.duplicateKey)) log.debug({ index: result.duplicateKey }, 'intake.repeated-request')
        again(subjectId, work)
      }
    }
    if (inserted.length > 0) committed(inserted)
  }

  const keepAnswers = async (pending: readonly Pending<RequestRow>[]) => {
    if (pending.length === 0) return
    let results: InsertOutcome[]
    try {
      results = await requests.insertEach(pending.map(({ row }) => row))
    } catch (thrown) {
      results = pending.map(() => asError(thrown))
    }
    for (const [index, { subjectId, work, row }] of pending.entries()) {
      const result = results[index]
      if (result === 'inserted') {
        answer(work, acceptedOf({ ...row.answer, acceptedAt: new Date(row.answer.acceptedAt) }, false))
        next(subjectId)
      } else if (result === undefined || result instanceof Error) giveUp(subjectId, work, result)
      else again(subjectId, work)
    }
  }

  const take = (item: IntakeItem): Promise<Accepted> => {
    if (stopping) return Promise.reject(GrpcFault.unavailable('SERVER_STOPPING', 'the server is stopping'))
    if (waiting >= maxWaiting) return Promise.reject(intakeFull())
    waiting += 1
    const taken = new Promise<Accepted>((resolve, reject) => {
      arriving.push({ item, attempts: 0, settled: false, certain: false, fresh: false, resolve, reject })
    })
    if (!locating) void locate()
    return taken
  }

  return {
    submit(item) {
      // the same request twice at once: the second one finds what came of the first
      const first = underWay.get(item.rowId)
      if (first !== undefined) return first.then(ignored, ignored).then(() => this.submit(item))
      const taken = take(item)
      const forget = () => underWay.delete(item.rowId)
      underWay.set(item.rowId, taken)
      taken.then(forget, forget)
      return taken
    },
    get waiting() {
      return waiting
    },
    async stop() {
      stopping = true
      if (waiting > 0) await new Promise<void>((resolve) => (drained = resolve))
      await Promise.all([changes.stop(), requests.stop()])
    },
  }
}

const ignored = () => undefined
