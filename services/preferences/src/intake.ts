import {
  decideChange,
  type Evidence,
  emptySnapshot,
  type Origin,
  type Policy,
  type RequestedChoice,
  type Snapshot,
  type SubjectId,
} from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import { asError } from '@heed/platform/errors'
import { GrpcFault } from '@heed/platform/grpc'
import type { Logger } from '@heed/platform/log'
import { type GroupCommit, groupCommit, QueueFullError } from '@heed/platform/mongo'
import type { ClaimedIdentifier, Directory } from './directory.ts'
import type { PersonRef } from './door.ts'
import { contended, intakeFull, refusalFault, reusedRequestId, unknownSubject, versionMismatch } from './faults.ts'
import { type Journal, lostVersion, rowOf, snapshotOf } from './journal.ts'
import { Lanes } from './lanes.ts'
import { type Accepted, acceptedOf, rememberedRequests } from './request-memory.ts'
import type { ChangeRow, RequestRow, Store } from './rows.ts'

/** One request to change what a person chose, checked at the door. */
export interface IntakeItem {
  /** `<caller>:<request id>` */
  readonly rowId: string
  readonly body: string
  readonly ref: PersonRef
  readonly requested: readonly RequestedChoice[]
  readonly evidence?: Evidence
  readonly origin: Origin
  /** The newest version that the caller has seen. */
  readonly expectedVersion?: number
}

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
  readonly policy: Policy
  readonly clock: Clock
  readonly log: Logger
  /** Called after rows became durable. */
  readonly committed: (rows: number) => void
  /** At most so many requests wait; more are refused with RESOURCE_EXHAUSTED. */
  readonly maxWaiting?: number
}

interface Work {
  readonly item: IntakeItem
  attempts: number
  settled: boolean
  resolve(accepted: Accepted): void
  reject(error: Error): void
}

const nobody = emptySnapshot('' as SubjectId)
const maxBatch = 500
const maxAttempts = 200

/**
 * Two steps, each of which works on whatever has gathered meanwhile. First: whom does each request mean (and a new subject for whom nobody knows)? One batch at
 * a time, so that order is kept. Second: for up to 500 subjects, one request each, read what is held, decide, insert. An insert that loses the race for its
 * version against another process is decided again on what that one wrote.
 */
export function intake(options: IntakeOptions): Intake {
  const { store, directory, journal, policy, clock, log, committed, maxWaiting = 20_000 } = options
  const changes: GroupCommit<ChangeRow> = groupCommit({
    collection: store.changes,
    maxBatch: 1_000,
    maxQueue: maxWaiting + 1,
    log,
    concurrency: 2,
  })
  const requests: GroupCommit<RequestRow> = groupCommit({ collection: store.requests, maxBatch: 1_000, maxQueue: maxWaiting + 1, log })
  const arriving: Work[] = []
  const lanes = new Lanes<SubjectId, Work>()
  const underWay = new Map<string, Promise<Accepted>>()
  let waiting = 0
  let locating = false
  let deciding = 0
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
  const strangersRefusal = (item: IntakeItem): GrpcFault | undefined => {
    if (item.expectedVersion !== undefined) return versionMismatch(0)
    const decision = decisionOn(item, nobody)
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
        const welcome = batch.filter((work) => {
          const { ref } = work.item
          if (ref.by === 'subject' || owners.has(ref.lookupId)) return true
          const refusal = strangersRefusal(work.item)
          // nothing is kept of somebody whose first request is refused
          if (refusal !== undefined) refuse(work, refusal)
          else strangers.set(ref.lookupId, ref)
          return refusal === undefined
        })
        const created = strangers.size === 0 ? new Map<string, SubjectId>() : await directory.create(strangers)
        for (const work of welcome) {
          const { ref } = work.item
          const owner = ref.by === 'subject' ? ref.subjectId : (owners.get(ref.lookupId) ?? created.get(ref.lookupId))
          if (owner !== undefined) lanes.add(owner, work)
          else refuse(work, unknownSubject())
        }
      } catch (thrown) {
        for (const work of batch) if (!work.settled) refuse(work, thrown)
      }
      pump()
    }
    locating = false
  }

  // ---- second step: read, decide, insert

  const pump = () => {
    while (deciding < 2 && lanes.isReady) {
      const heads = lanes.take(maxBatch)
      deciding += 1
      void decide(heads).finally(() => {
        deciding -= 1
        pump()
      })
    }
  }

  const next = (subjectId: SubjectId) => {
    lanes.done(subjectId)
    pump()
  }

  /** The head of a lane is tried again on what is held by then. */
  const again = (subjectId: SubjectId, work: Work) => {
    work.attempts += 1
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

  const decide = async (heads: readonly (readonly [SubjectId, Work])[]) => {
    const giveUp = (subjectId: SubjectId, work: Work, thrown: unknown) => {
      refuse(work, thrown)
      next(subjectId)
    }
    const read = async () => {
      const [standings, remembered] = await Promise.all([
        journal.effective(heads.map(([subjectId]) => subjectId)),
        rememberedRequests(
          store,
          heads.map(([, { item }]) => item.rowId),
        ),
      ])
      const named = heads.filter(([subjectId, { item }]) => item.ref.by === 'subject' && standings.get(subjectId)?.row === undefined)
      const existing = await directory.subjects(named.map(([subjectId]) => subjectId))
      return { standings, remembered, unknown: new Set(named.map(([subjectId]) => subjectId).filter((id) => !existing.has(id))) }
    }
    let found: Awaited<ReturnType<typeof read>>
    try {
      found = await read()
    } catch (thrown) {
      for (const [subjectId, work] of heads) giveUp(subjectId, work, thrown)
      return
    }
    for (const [subjectId, work] of heads) {
      const standing = found.standings.get(subjectId)
      const before = found.remembered.get(work.item.rowId)
      if (before !== undefined) {
        if (before.body === work.item.body) answer(work, before.accepted)
        else refuse(work, reusedRequestId())
        next(subjectId)
      } else if (standing === undefined || found.unknown.has(subjectId)) giveUp(subjectId, work, unknownSubject())
      else if (standing.subjectId !== subjectId) {
        // merged: it waits its turn among the requests about the subject that is left
        lanes.add(standing.subjectId, work)
        next(subjectId)
      } else {
        try {
          carryOut(subjectId, work, standing.row)
        } catch (thrown) {
          giveUp(subjectId, work, thrown)
        }
      }
    }
  }

  const carryOut = (subjectId: SubjectId, work: Work, current: ChangeRow | undefined) => {
    const { item } = work
    const snapshot = snapshotOf(subjectId, current)
    if (item.expectedVersion !== undefined && item.expectedVersion !== snapshot.version) {
      refuse(work, versionMismatch(snapshot.version))
      next(subjectId)
      return
    }
    const decision = decisionOn(item, snapshot)
    switch (decision.kind) {
      case 'refused':
        refuse(work, refusalFault(decision.violations))
        next(subjectId)
        return
      case 'unchanged':
        void keepAnswer(subjectId, work, snapshot.version, current?.acceptedAt.getTime() ?? clock.now())
        return
      case 'changed':
        void insert(subjectId, work, rowOf(decision.change, { rowId: item.rowId, body: item.body, absorbs: current?.absorbs }))
        return
      default:
        decision satisfies never
    }
  }

  const insert = async (subjectId: SubjectId, work: Work, row: ChangeRow) => {
    try {
      const result = await changes.insert(row)
      if (result !== 'inserted') {
        if (!lostVersion(result.duplicateKey)) log.debug({ index: result.duplicateKey }, 'intake.repeated-request')
        again(subjectId, work)
        return
      }
      committed(1)
      answer(work, acceptedOf(row, true))
    } catch (thrown) {
      refuse(work, thrown)
    }
    next(subjectId)
  }

  const keepAnswer = async (subjectId: SubjectId, work: Work, version: number, acceptedAt: number) => {
    try {
      const kept = { subjectId, version, acceptedAt }
      const result = await requests.insert({ _id: work.item.rowId, body: work.item.body, at: new Date(clock.now()), answer: kept })
      if (result !== 'inserted') {
        again(subjectId, work)
        return
      }
      answer(work, acceptedOf({ ...kept, acceptedAt: new Date(acceptedAt) }, false))
    } catch (thrown) {
      refuse(work, thrown)
    }
    next(subjectId)
  }

  const take = (item: IntakeItem): Promise<Accepted> => {
    if (stopping) return Promise.reject(GrpcFault.unavailable('SERVER_STOPPING', 'the server is stopping'))
    if (waiting >= maxWaiting) return Promise.reject(intakeFull())
    waiting += 1
    const taken = new Promise<Accepted>((resolve, reject) => {
      arriving.push({ item, attempts: 0, settled: false, resolve, reject })
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
