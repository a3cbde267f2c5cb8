import { changeFromEvent, type EventData } from '@heed/contracts'
import {
  type ChangeId,
  type Choice,
  type DeliveryId,
  deliveriesFor,
  deliveryIdOf,
  heldChoice,
  heldKeys,
  type Policy,
  type PurposeKey,
  type RecipientId,
  type SubjectId,
} from '@heed/domain'
import type { DeliveryRow } from '@heed/trail'

/** One accepted change as it is stored; written once. */
export interface ChangeRow {
  readonly _id: ChangeId
  readonly subjectId: SubjectId
  readonly version: number
  readonly acceptedAt: number
  readonly cause: string
  readonly choices: readonly { readonly purpose: PurposeKey; readonly choice: Choice }[]
  readonly changed: readonly PurposeKey[]
  /** The subject that this one turned out to be. */
  readonly mergedInto?: SubjectId
  readonly policyVersion: string
  /**
   * Whom the policy names for it. Absent where the change was made under another version of the policy than the one that this process serves: then only
   * the deliveries that were requested tell.
   */
  readonly owed?: readonly RecipientId[]
  /** The place of its entry in the trail. */
  readonly sequence: number
  /** When that was, by the clock of the process that appends, ms since the epoch. */
  readonly appendedAt: number
}

/** The row of an accepted change. */
export function changeRowOf(
  policy: Policy,
  data: EventData<'heed.preference.changed.v1'>,
  sequence: number,
  appendedAt: number,
): ChangeRow {
  const change = changeFromEvent(data)
  return {
    _id: change.id,
    subjectId: data.subjectId,
    version: data.version,
    acceptedAt: data.acceptedAt,
    cause: data.cause,
    choices: heldKeys(change.snapshot).flatMap((purpose) => {
      const held = heldChoice(change.snapshot, purpose)
      return held === undefined ? [] : [{ purpose, choice: held.choice }]
    }),
    changed: data.changed,
    ...(data.mergedInto === undefined ? {} : { mergedInto: data.mergedInto }),
    policyVersion: data.policyVersion,
    ...(data.policyVersion === policy.version ? { owed: deliveriesFor(policy, change).map(({ recipientId }) => recipientId) } : {}),
    sequence,
    appendedAt,
  }
}

/** The deliveries that a change must have come to, as far as the policy in force says. */
export function owedDeliveries(change: Pick<ChangeRow, 'subjectId' | 'version' | 'owed'>): DeliveryId[] {
  return (change.owed ?? []).map((recipientId) => deliveryIdOf(recipientId, change.subjectId, change.version))
}

/**
 * Whether nothing is owed any more for a change: every delivery that the policy names for it was requested, and each one known has ended.
 * Where it is not known whom the policy names, at least one delivery must be known.
 */
export function isChangeSettled(change: Pick<ChangeRow, 'subjectId' | 'version' | 'owed'>, deliveries: readonly DeliveryRow[]): boolean {
  const requested = deliveries.filter((row) => row.request !== undefined)
  if (requested.some((row) => !row.settled)) return false
  if (change.owed === undefined) return requested.length > 0
  const known = new Set(requested.map((row) => row._id))
  return owedDeliveries(change).every((id) => known.has(id))
}
