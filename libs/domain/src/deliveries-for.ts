import type { Change, Evidence } from './choice.ts'
import { deadlineAt } from './deadline.ts'
import { concernedPurposes } from './decide-change.ts'
import type { Delivery } from './delivery.ts'
import type { PurposeKey, RecipientId } from './ids.ts'
import { deliveryIdOf, purposeOf } from './ids.ts'
import type { Policy, Recipient } from './policy.ts'
import { findRecipient, mustBeTold } from './policy-index.ts'
import { effectiveChoices, evidenceFor, heldKeys } from './snapshot.ts'

/** Which deliveries of a change are wanted. Without options: those that the change itself makes. */
export interface DeliveryOptions {
  /** When a repeat of this version was asked for, ms since the epoch; 0 or absent for the change's own deliveries. */
  readonly assertion?: number
  /** Only these recipients. */
  readonly only?: readonly RecipientId[]
  /** Every recipient that serves a purpose with a held choice, changed or not: backfill and redelivery. */
  readonly all?: boolean
}

/** Who is told to erase by this change; whoever cannot erase is told what is denied, as ever. */
function erases(recipient: Recipient, change: Change): boolean {
  return change.cause === 'erasure' && recipient.erasure !== undefined
}

function deliveryTo(policy: Policy, recipient: Recipient, change: Change, assertion: number): Delivery {
  const { snapshot } = change
  const erasing = erases(recipient, change)
  const wanted = effectiveChoices(policy, snapshot, recipient.purposes)
  const evidence: Record<PurposeKey, Evidence> = {}
  for (const key of Object.keys(wanted) as PurposeKey[]) {
    const found = evidenceFor(policy, snapshot, key)
    if (found !== undefined) evidence[key] = found
  }
  return {
    id: deliveryIdOf(recipient.id, snapshot.subjectId, snapshot.version),
    recipientId: recipient.id,
    subjectId: snapshot.subjectId,
    version: snapshot.version,
    assertion,
    kind: erasing ? 'erasure' : 'preference',
    wanted,
    changed: assertion === 0 ? change.changed.filter((key) => Object.hasOwn(wanted, key)) : [],
    evidence,
    changeId: change.id,
    policyVersion: policy.version,
    acceptedAt: change.acceptedAt,
    deadlineAt: deadlineAt(
      erasing && recipient.erasure !== undefined ? recipient.erasure : recipient.deadline,
      Math.max(change.acceptedAt, assertion),
      policy.calendar,
    ),
  }
}

/**
 * What each recipient must come to hold because of a change: one delivery for each recipient that the change concerns, in the policy's order.
 * Concerned are the recipients that serve a changed purpose; after new identifiers or a merge those that serve any purpose with a held choice; at an erasure
 * those that can erase, by their own clock for it. A recipient that nobody has to tell gets none, and one that is retired none in which nothing is refused. The same arguments give the same deliveries, and a repeat differs in `assertion`, `changed` and
 * its clock only.
 */
export function deliveriesFor(policy: Policy, change: Change, options: DeliveryOptions = {}): Delivery[] {
  const { assertion = 0, only, all = false } = options
  const purposes = all ? new Set(heldKeys(change.snapshot).map(purposeOf)) : concernedPurposes(change)
  return policy.recipients
    .filter((recipient) => mustBeTold(recipient) && (only === undefined || only.includes(recipient.id)))
    .filter((recipient) => erases(recipient, change) || recipient.purposes.some((purpose) => purposes.has(purpose)))
    .map((recipient) => deliveryTo(policy, recipient, change, assertion))
    .filter(({ recipientId, kind, wanted }) => {
      // one that is retired is told to leave people out, and of nothing else
      const retired = findRecipient(policy, recipientId)?.retired !== undefined
      return !retired || kind === 'erasure' || Object.values(wanted).includes('denied')
    })
}
