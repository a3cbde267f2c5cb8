import type { Snapshot } from './choice.ts'
import type { PurposeKey, RecipientId } from './ids.ts'
import type { Policy } from './policy.ts'
import { findPurpose, findRecipient, serves } from './policy-index.ts'
import { effectiveChoice, heldChoice } from './snapshot.ts'

/** May this recipient, or anybody, use this subject for this purpose? Without a purpose: for all that the recipient serves. */
export interface PermissionQuestion {
  readonly recipientId?: RecipientId
  readonly purpose?: PurposeKey
}

/** Why the answer is what it is: a closed list. */
export type PermissionReason = 'granted' | 'denied' | 'default_granted' | 'default_denied' | 'cannot_be_refused' | 'not_served'

/** The answer to a permission question. */
export interface Permission {
  readonly allowed: boolean
  readonly reason: PermissionReason
  /** Those among the purposes asked about that are effectively denied. */
  readonly deniedPurposes: readonly PurposeKey[]
}

function reasonFor(policy: Policy, snapshot: Snapshot, key: PurposeKey): PermissionReason {
  const purpose = findPurpose(policy, key)
  if (purpose === undefined) return 'not_served'
  if (!purpose.refusable) return 'cannot_be_refused'
  if (snapshot.barred !== undefined) return 'denied'
  const choice = effectiveChoice(policy, snapshot, key)
  const held = heldChoice(snapshot, purpose.key)?.choice === choice || heldChoice(snapshot, key)?.choice === choice
  return held ? choice : `default_${choice}`
}

// the reason that says most about several purposes: a refusal before a permission, the person's word before the default
const weight: readonly PermissionReason[] = ['denied', 'default_denied', 'granted', 'default_granted', 'cannot_be_refused']

/**
 * Whether a subject may be used. A purpose or recipient that the policy does not know, a recipient that is retired, a purpose that the recipient does not serve, and a question that names
 * neither are answered `not_served`. Without a purpose the recipient is allowed only if nothing that it serves is denied.
 */
export function mayUse(policy: Policy, snapshot: Snapshot, question: PermissionQuestion): Permission {
  const notServed: Permission = { allowed: false, reason: 'not_served', deniedPurposes: [] }
  const recipient = question.recipientId === undefined ? undefined : findRecipient(policy, question.recipientId)
  if (question.recipientId !== undefined && (recipient === undefined || recipient.retired !== undefined)) return notServed
  if (question.purpose !== undefined) {
    if (findPurpose(policy, question.purpose) === undefined) return notServed
    if (recipient !== undefined && !serves(recipient, question.purpose)) return notServed
  }
  const asked = question.purpose !== undefined ? [question.purpose] : (recipient?.purposes ?? [])
  const deniedPurposes = asked.filter((key) => effectiveChoice(policy, snapshot, key) === 'denied')
  const reasons = asked.map((key) => reasonFor(policy, snapshot, key))
  const reason = weight.find((candidate) => reasons.includes(candidate))
  return reason === undefined ? notServed : { allowed: deniedPurposes.length === 0, reason, deniedPurposes }
}
