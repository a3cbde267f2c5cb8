import type { IdentifierKind } from './identifier.ts'
import type { ChangeId, PurposeKey, SubjectId } from './ids.ts'

/** What a person chose for one purpose or topic. */
export type Choice = 'granted' | 'denied'

/** Where a change came from. `unknown` may deny and never grant. */
export type OriginKind =
  | 'person'
  | 'one-click'
  | 'preference-page'
  | 'mailto'
  | 'internal-service'
  | 'vendor'
  | 'import'
  | 'operator'
  | 'unknown'

/** Who or what told Heed, without a word about the person. */
export interface Origin {
  readonly kind: OriginKind
  /** The authenticated caller that brought the change. */
  readonly caller: string
  /** The caller's own reference, free of personal data: letters, digits, and `._:-`; at most 128 characters. */
  readonly reference?: string
}

/** What an opt-in stands on. It comes from the person and is newer than the denial it replaces. */
export interface Evidence {
  /** How the person said it. */
  readonly kind: 'form' | 'double-opt-in' | 'preference-page' | 'phone-call' | 'paper' | 'account-setting'
  /** Where the caller keeps the proof; free of personal data. */
  readonly reference: string
  /** When the person said it, ms since the epoch. */
  readonly collectedAt: number
}

/** A choice as the snapshot holds it. */
export interface HeldChoice {
  readonly choice: Choice
  /** The version that last set it. */
  readonly version: number
  /** When that version was accepted, ms since the epoch. */
  readonly at: number
  /** Present on granted choices only. */
  readonly evidence?: Evidence
}

/** Why nothing can be granted for a subject any more: she is being erased, or was; or she is known to be a child. */
export type Bar = 'erasure' | 'known-child'

/** All that a subject has chosen, at a version. The newest one is the truth. */
export interface Snapshot {
  readonly subjectId: SubjectId
  /** 1, 2, 3 …; 0 for a subject without any change yet. */
  readonly version: number
  readonly choices: Readonly<Record<PurposeKey, HeldChoice>>
  /** Set once this subject's identifiers and choices were carried over to another one. */
  readonly mergedInto?: SubjectId
  /** Set where everything that can be refused is denied, whatever else is held, and no grant is taken. */
  readonly barred?: Bar
}

/** Why a new version exists. */
export type ChangeCause = 'choice' | 'identifiers-linked' | 'merged' | 'erasure'

/** One accepted change: the whole snapshot after it, and what is new in it. */
export interface Change {
  readonly id: ChangeId
  readonly snapshot: Snapshot
  readonly cause: ChangeCause
  /** The keys whose choice differs from the version before; empty where only identifiers came in. */
  readonly changed: readonly PurposeKey[]
  /** The kinds of identifier that this change linked. */
  readonly linked: readonly IdentifierKind[]
  readonly origin: Origin
  readonly policyVersion: string
  /** ms since the epoch; never decides order (the version does). */
  readonly acceptedAt: number
}
