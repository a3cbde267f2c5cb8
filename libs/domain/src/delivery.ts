import type { Choice, Evidence } from './choice.ts'
import type { ChangeId, DeliveryId, PurposeKey, RecipientId, SubjectId } from './ids.ts'

/** One duty: at this version this recipient must hold this state about this subject. */
export interface Delivery {
  readonly id: DeliveryId
  readonly recipientId: RecipientId
  readonly subjectId: SubjectId
  readonly version: number
  /**
   * 0 for the delivery that a change made. A redelivery or backfill of the same version carries the time it was asked for (ms since the epoch), so that
   * an inbox that has settled this version sees that it is wanted once more.
   */
  readonly assertion: number
  readonly kind: 'preference' | 'erasure'
  /** What must hold, for every purpose that the recipient serves and each of its topics that was chosen: the effective choice. */
  readonly wanted: Readonly<Record<PurposeKey, Choice>>
  /** The keys among `wanted` that this version changed; empty for a repeat. */
  readonly changed: readonly PurposeKey[]
  /** For each granted key that the person granted herself: what it stands on. */
  readonly evidence: Readonly<Record<PurposeKey, Evidence>>
  readonly changeId: ChangeId
  readonly policyVersion: string
  /** When the change was accepted and when the recipient must hold it at the latest, ms since the epoch. */
  readonly acceptedAt: number
  readonly deadlineAt: number
}

/** Why an open delivery waits: a closed list, shown to people. */
export const waitReasons = [
  'waiting_turn',
  'rate_limited',
  'recipient_unavailable',
  'breaker_open',
  'auth_failed',
  'unknown_outcome',
  'awaiting_confirmation',
  'paused',
  'needs_person',
] as const

/** One reason of the closed list `waitReasons`. */
export type WaitReason = (typeof waitReasons)[number]

/**
 * Why a vendor's answer was not simply yes, as two levels: `<who>.<what>`.
 * `unavailable.*`, `auth.*` and `configuration.*` are faults of the recipient as a whole: nothing is rejected for them, its worker waits.
 * `item.*` is a fault of that one item. `batch.*` says that the request as a whole was refused for an item that the vendor did not name.
 * `not-applicable.*` closes the duty.
 */
export type ReasonCode = `${'unavailable' | 'auth' | 'configuration' | 'item' | 'batch' | 'not-applicable'}.${string}`

/** The states of a delivery. The README of this room has the drawing. */
export type DeliveryState =
  | 'pending'
  | 'accepted'
  | 'confirmed'
  | 'verified'
  | 'superseded'
  | 'not_applicable'
  | 'needs_person'
  | 'resolved'

/** What one attempt came to, for one delivery. */
export type Outcome =
  | { readonly kind: 'confirmed' }
  /** The vendor took it. `final`: its contract never says more. Otherwise a job or a later answer is awaited. */
  | { readonly kind: 'accepted'; readonly final: boolean; readonly receipt?: string }
  | { readonly kind: 'verified' }
  | { readonly kind: 'deferred'; readonly reason: ReasonCode; readonly retryAfterSeconds?: number }
  | { readonly kind: 'rejected'; readonly reason: ReasonCode }
  | { readonly kind: 'notApplicable'; readonly reason: ReasonCode }
  | { readonly kind: 'superseded'; readonly by: number }
  /** Ended by a named person, who says what was done and where the proof of it is. */
  | { readonly kind: 'resolved'; readonly by: string; readonly why: string; readonly evidence?: string }
