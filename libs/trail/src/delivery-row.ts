import type { EventData } from '@heed/contracts'
import {
  type Choice,
  type DeliveryId,
  type DeliveryState,
  isSettled,
  newStanding,
  nextStanding,
  nextState,
  type Outcome,
  type PurposeKey,
  type RecipientId,
  type SubjectId,
  type WaitReason,
} from '@heed/domain'

/** Later than every moment that can happen; stands for "not yet". */
export const never = Number.MAX_SAFE_INTEGER

/** What the newest request for a delivery says. */
export interface RequestFacts {
  readonly assertion: number
  readonly kind: 'preference' | 'erasure'
  readonly wanted: readonly { readonly purpose: PurposeKey; readonly choice: Choice }[]
  readonly policyVersion: string
  /** When the change was accepted, and when the recipient must hold it at the latest; ms since the epoch. */
  readonly acceptedAt: number
  readonly deadlineAt: number
}

/** The last that was heard of a delivery, within its newest assertion. */
export interface LastAttempt {
  readonly at: number
  readonly attempt: number
  readonly outcomeId: string
  readonly reason?: string
  readonly wait?: WaitReason
  readonly nextTryAt?: number
}

/**
 * Everything that was heard about one delivery, summed up so that any order and any repetition of the same events leaves the same row: each field is a
 * maximum, a minimum or a union of what the events say. Times are ms since the epoch.
 */
export interface Heard {
  /** The request with the highest assertion; absent while only outcomes are known. */
  readonly request?: RequestFacts
  /** The highest assertion of any event, and where the delivery stands within it. */
  readonly assertion: number
  readonly own: DeliveryState
  readonly final: boolean
  readonly attempts: number
  readonly last?: LastAttempt
  /** Within the newest assertion: the first event that ended it, the first by which the recipient has the state, the first read-back. */
  readonly endedAt?: number
  readonly heldAt?: number
  readonly verifiedAt?: number
  readonly resolved?: { readonly at: number; readonly by: string; readonly why: string; readonly evidence?: string }
  /** The first event of any assertion that ended the duty; `never` where there was none. From then on older versions are superseded. */
  readonly firstEndedAt: number
  /** While nothing of its own ended it: when a higher version of the same recipient and subject first ended; else `never`. */
  readonly supersededAt: number
}

/** One delivery as it is stored: what was heard, and what follows from it for readers and counts. */
export interface DeliveryRow extends Heard {
  readonly _id: DeliveryId
  /** `<recipientId>/<subjectId>`: whose versions supersede each other. */
  readonly pair: string
  readonly recipientId: RecipientId
  readonly subjectId: SubjectId
  readonly version: number
  readonly state: DeliveryState
  readonly settled: boolean
  /** Requested, and not ended by an event of its own. */
  readonly ownOpen: boolean
  /** Requested, and not settled. */
  readonly open: boolean
  /** Where the clock of an open or measured delivery starts. */
  readonly since: number
  /** Where it ends. What a connector asserts anew by itself (a repair, say) has as long as the request had. */
  readonly deadlineAt?: number
  /** Why an open delivery waits. */
  readonly wait?: WaitReason
  readonly settledAt?: number
  /** From `since` to `heldAt`, where the recipient has the state. */
  readonly settleMs?: number
}

/** A delivery of which nothing has been heard yet. */
export function newDeliveryRow(recipientId: RecipientId, subjectId: SubjectId, version: number): DeliveryRow {
  return deliveryRow(unheardDelivery(recipientId, subjectId, version))
}

/** The same, as what was heard alone: `deliveryRow` makes the row once all of it is. */
export function unheardDelivery(recipientId: RecipientId, subjectId: SubjectId, version: number): HeardDelivery {
  const heard: Heard = { assertion: 0, own: 'pending', final: false, attempts: 0, firstEndedAt: never, supersededAt: never }
  const pair = `${recipientId}/${subjectId}`
  return { named: { _id: `${pair}/${version}` as DeliveryId, pair, recipientId, subjectId, version }, heard }
}

type Named = Pick<DeliveryRow, '_id' | 'pair' | 'recipientId' | 'subjectId' | 'version'>

/** Of which delivery, and what was heard of it so far. */
export interface HeardDelivery {
  readonly named: Named
  heard: Heard
}

/** The row that follows from what was heard. */
export function deliveryRow({ named, heard }: HeardDelivery): DeliveryRow {
  return derive(named, heard)
}

/** The row after a request. */
export function foldRequest(row: DeliveryRow, data: EventData<'heed.delivery.requested.v1'>): DeliveryRow {
  const heard = hearRequest(row, data)
  return heard === row ? row : derive(row, heard)
}

/** The row after an outcome. */
export function foldOutcome(row: DeliveryRow, data: EventData<'heed.delivery.attempted.v1'>): DeliveryRow {
  return derive(row, hearOutcome(row, data))
}

/** The row after a named person ended it. It ends every assertion that was asked for until then, and none that is asked for later. */
export function foldResolved(row: DeliveryRow, data: EventData<'heed.delivery.resolved.v1'>): DeliveryRow {
  return derive(row, hearResolved(row, data))
}

/** What is heard with a request; the same object where it says nothing new. */
export function hearRequest(before: Heard, data: EventData<'heed.delivery.requested.v1'>): Heard {
  const heard = atAssertion(before, data.assertion)
  if (before.request !== undefined && before.request.assertion >= data.assertion) return before
  const request: RequestFacts = {
    assertion: data.assertion,
    kind: data.kind,
    wanted: (Object.entries(data.wanted) as [PurposeKey, Choice][])
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([purpose, choice]) => ({ purpose, choice })),
    policyVersion: data.policyVersion,
    acceptedAt: data.acceptedAt,
    deadlineAt: data.deadlineAt,
  }
  return { ...heard, request }
}

/** What is heard with an outcome. */
export function hearOutcome(before: Heard, data: EventData<'heed.delivery.attempted.v1'>): Heard {
  const outcome = data.outcome as Outcome
  const ends = endsDuty(outcome)
  const firstEndedAt = ends ? Math.min(before.firstEndedAt, data.at) : before.firstEndedAt
  if (data.assertion < before.assertion) return { ...before, firstEndedAt }
  const heard = atAssertion(before, data.assertion)
  const { state, final } = nextStanding(
    { assertion: heard.assertion, state: heard.own, final: heard.final },
    { assertion: data.assertion, outcome },
  )
  const holds = outcome.kind === 'confirmed' || outcome.kind === 'verified' || (outcome.kind === 'accepted' && outcome.final)
  return {
    ...heard,
    own: state,
    final,
    firstEndedAt,
    attempts: Math.max(heard.attempts, data.attempt),
    last: later(heard.last, lastOf(data)),
    ...(ends ? { endedAt: earlier(heard.endedAt, data.at) } : {}),
    ...(holds ? { heldAt: earlier(heard.heldAt, data.at) } : {}),
    ...(outcome.kind === 'verified' ? { verifiedAt: earlier(heard.verifiedAt, data.at) } : {}),
  }
}

/** What is heard with a named person's word. */
export function hearResolved(before: Heard, data: EventData<'heed.delivery.resolved.v1'>): Heard {
  const { at, by, why, evidence } = data
  const said = { at, by, why, ...(evidence === undefined ? {} : { evidence }) }
  const held = before.resolved
  const newer = held === undefined || at > held.at || (at === held.at && textOf(said) > textOf(held))
  return { ...before, resolved: newer ? said : held, firstEndedAt: Math.min(before.firstEndedAt, at) }
}

const textOf = ({ by, why, evidence = '' }: NonNullable<Heard['resolved']>): string => `${by}\n${why}\n${evidence}`

/** The row once a higher version of its pair is known to have ended at that moment. */
export function supersededFrom(row: DeliveryRow, at: number): DeliveryRow {
  return row.ownOpen && at < row.supersededAt ? derive(row, { ...row, supersededAt: at }) : row
}

function endsDuty(outcome: Outcome): boolean {
  const { state, final } = nextStanding(newStanding(), { assertion: 0, outcome })
  return isSettled(state, final)
}

// A later assertion starts anew; what stays is what is true of the delivery as such.
function atAssertion(before: Heard, assertion: number): Heard {
  if (assertion <= before.assertion) return before
  const { request, resolved, firstEndedAt, supersededAt } = before
  return {
    ...(request === undefined ? {} : { request }),
    ...(resolved === undefined ? {} : { resolved }),
    assertion,
    own: 'pending',
    final: false,
    attempts: 0,
    firstEndedAt,
    supersededAt,
  }
}

function lastOf(data: EventData<'heed.delivery.attempted.v1'>): LastAttempt {
  const { at, attempt, outcomeId, outcome, waitReason, nextTryAt } = data
  return {
    at,
    attempt,
    outcomeId,
    ...('reason' in outcome ? { reason: outcome.reason } : {}),
    ...(waitReason === undefined ? {} : { wait: waitReason }),
    ...(nextTryAt === undefined ? {} : { nextTryAt }),
  }
}

function later(held: LastAttempt | undefined, arriving: LastAttempt): LastAttempt {
  if (held === undefined) return arriving
  if (held.at !== arriving.at) return arriving.at > held.at ? arriving : held
  if (held.attempt !== arriving.attempt) return arriving.attempt > held.attempt ? arriving : held
  return arriving.outcomeId > held.outcomeId ? arriving : held
}

function earlier(held: number | undefined, at: number): number {
  return held === undefined ? at : Math.min(held, at)
}

/** The stored row: names, what was heard, and all that follows from it. */
function derive(named: Named, heard: Heard): DeliveryRow {
  const { request, assertion, own, final, attempts, last, endedAt, heldAt, verifiedAt, resolved, firstEndedAt } = heard
  const requested = request !== undefined
  const applies = resolved !== undefined && resolved.at >= assertion
  const ownState = applies ? nextState(own, { kind: 'resolved', by: resolved.by, why: resolved.why }) : own
  const ownSettled = isSettled(ownState, final)
  const ownOpen = requested && !ownSettled
  const supersededAt = ownOpen ? heard.supersededAt : never
  const superseded = supersededAt < never
  const state = superseded ? 'superseded' : ownState
  const settled = ownSettled || superseded
  const open = requested && !settled
  const since = request === undefined ? never : Math.max(request.acceptedAt, assertion)
  const deadlineAt = request === undefined ? undefined : request.deadlineAt + since - Math.max(request.acceptedAt, request.assertion)
  const ownEndedAt = Math.min(endedAt ?? never, applies ? resolved.at : never)
  const settledAt = superseded ? supersededAt : ownSettled ? ownEndedAt : undefined
  const holds = state === 'confirmed' || state === 'verified' || (state === 'accepted' && final)
  return {
    _id: named._id,
    pair: named.pair,
    recipientId: named.recipientId,
    subjectId: named.subjectId,
    version: named.version,
    ...(request === undefined ? {} : { request }),
    assertion,
    own,
    final,
    attempts,
    ...(last === undefined ? {} : { last }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(heldAt === undefined ? {} : { heldAt }),
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
    ...(resolved === undefined ? {} : { resolved }),
    firstEndedAt,
    supersededAt,
    state,
    settled,
    ownOpen,
    open,
    since,
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
    ...(open ? { wait: waitOf(state, last) } : {}),
    ...(settledAt === undefined ? {} : { settledAt }),
    ...(requested && holds && heldAt !== undefined ? { settleMs: Math.max(0, heldAt - since) } : {}),
  }
}

function waitOf(state: DeliveryState, last: LastAttempt | undefined): WaitReason {
  if (state === 'needs_person') return 'needs_person'
  return last?.wait ?? (state === 'accepted' ? 'awaiting_confirmation' : 'waiting_turn')
}
