import {
  type Choice,
  type Delivery,
  type DeliveryState,
  deliveryIdOf,
  type Evidence,
  type Outcome,
  type PurposeKey,
  type RecipientId,
  type SubjectId,
  type WaitReason,
} from '@heed/domain'

/**
 * Where a row stands in line. Every open row has a lane; a settled one has none (or waits for a read-back). One index, `(recipientId, lane, dueAt)`, answers
 * every question of the worker: what is next, and when to wake.
 */
export const lanes = {
  /** A denial or an erasure that is to be told. */
  optOut: 0,
  /** Anything else that is to be told. */
  optIn: 1,
  /** Follows a job, or belongs to a sequenced batch. */
  followed: 2,
  /** Awaits a person. */
  parked: 3,
  /** Settled; to be read back at `dueAt`. */
  readBack: 4,
} as const

/** Rows in a lane below this one are open. */
export const firstSettledLane = lanes.readBack

/** The batch that a row follows, and with which of its versions. */
export interface RowLease {
  readonly token: string
  readonly version: number
  readonly assertion: number
  readonly attempt: number
}

/** An outcome that has not been published yet. */
export interface OutboxEntry {
  readonly version: number
  readonly assertion: number
  readonly attempt: number
  /** What tells several outcomes of one attempt apart. */
  readonly step: string
  readonly outcome: Outcome
  readonly waitReason?: WaitReason
  readonly nextTryAt?: number
  readonly at: number
  readonly durationMs: number
}

/** What one recipient must come to hold about one subject, and where that stands. Holds no identifier. */
export interface InboxRow {
  /** `<recipientId>/<subjectId>`. */
  _id: string
  recipientId: RecipientId
  subjectId: SubjectId
  version: number
  assertion: number
  kind: 'preference' | 'erasure'
  wanted: Record<PurposeKey, Choice>
  changed: PurposeKey[]
  evidence: Record<PurposeKey, Evidence>
  acceptedAt: number
  deadlineAt: number
  /** Its place in line: when the state was asked for, ms since the epoch. */
  queuedAt: number
  /** The lane in which it waits. */
  priority: 0 | 1
  state: DeliveryState
  /** With state `accepted`: whether that is all that the vendor will ever say. */
  final: boolean
  lane?: number
  dueAt?: number
  waitReason?: WaitReason
  /** Tries of this version and assertion. */
  attempts: number
  /** Failures in a row, for the back-off. */
  failures: number
  /** Jobs that never came to an end. */
  giveUps: number
  /** Times that the vendor held something else than it had confirmed. */
  drifts: number
  /** Times that it was put back because a newer version is on its way. */
  skips: number
  /** True while an earlier try may have been applied without an answer. */
  unknown: boolean
  /** Not asserted before, because an earlier try may still be applied. */
  quietUntil?: number
  lease?: RowLease
  /** Rows of one part are sent together and without others: halves of a refused batch. */
  part?: string
  /** Versions that came before, ascending, the newest 64: a repeat of one changes nothing. */
  past: number[]
  outbox?: OutboxEntry[]
  /** Changes whenever the outbox does. */
  outboxTag?: string
}

/** How many earlier versions a row remembers. */
export const pastLimit = 64

/** The id of a row. */
export function rowIdOf(recipientId: RecipientId, subjectId: SubjectId): string {
  return `${recipientId}/${subjectId}`
}

/** The subject of a row, by its id. */
export function subjectOfRow(rowId: string): SubjectId {
  return rowId.slice(rowId.indexOf('/') + 1) as SubjectId
}

/** The id of the delivery that a row stands for. */
export function deliveryOfRow(row: Pick<InboxRow, 'recipientId' | 'subjectId' | 'version'>) {
  return deliveryIdOf(row.recipientId, row.subjectId, row.version)
}

/**
 * Whether a delivery goes before others: an erasure, or a denial among the keys that changed (all keys, where it is a repeat). An opt-out that has to wait for
 * opt-ins would be the wrong way round.
 */
export function priorityOf(delivery: Pick<Delivery, 'kind' | 'wanted' | 'changed'>): 0 | 1 {
  if (delivery.kind === 'erasure') return lanes.optOut
  const keys = delivery.changed.length > 0 ? delivery.changed : (Object.keys(delivery.wanted) as PurposeKey[])
  return keys.some((key) => delivery.wanted[key] === 'denied') ? lanes.optOut : lanes.optIn
}

/** The row as it is when a delivery has just been asked for. */
export function newRow(delivery: Delivery, past: readonly number[], now: number): InboxRow {
  const priority = priorityOf(delivery)
  // A clock that runs ahead elsewhere must not make a delivery wait here.
  const queuedAt = Math.min(now, Math.max(delivery.acceptedAt, delivery.assertion))
  return {
    _id: rowIdOf(delivery.recipientId, delivery.subjectId),
    recipientId: delivery.recipientId,
    subjectId: delivery.subjectId,
    version: delivery.version,
    assertion: delivery.assertion,
    kind: delivery.kind,
    wanted: { ...delivery.wanted },
    changed: [...delivery.changed],
    evidence: { ...delivery.evidence },
    acceptedAt: delivery.acceptedAt,
    deadlineAt: delivery.deadlineAt,
    queuedAt,
    priority,
    state: 'pending',
    final: false,
    lane: priority,
    dueAt: queuedAt,
    waitReason: 'waiting_turn',
    attempts: 0,
    failures: 0,
    giveUps: 0,
    drifts: 0,
    skips: 0,
    unknown: false,
    past: [...past].sort((a, b) => a - b).slice(-pastLimit),
  }
}
