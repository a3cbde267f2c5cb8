import { choiceWords, toTimestamp } from '@heed/contracts'
import type { ChangeStatus as WireChangeStatus } from '@heed/contracts/gen/heed/audit/v1/ChangeStatus.ts'
import type { DeliveryState__Output } from '@heed/contracts/gen/heed/audit/v1/DeliveryState.ts'
import type { DeliveryStatus } from '@heed/contracts/gen/heed/audit/v1/DeliveryStatus.ts'
import type { RecipientStatus as WireRecipientStatus } from '@heed/contracts/gen/heed/audit/v1/RecipientStatus.ts'
import type { TimelineEntry } from '@heed/contracts/gen/heed/audit/v1/TimelineEntry.ts'
import type { PurposeChoice } from '@heed/contracts/gen/heed/common/v1/PurposeChoice.ts'
import type { Choice, DeliveryState, Policy, PurposeKey, RecipientId } from '@heed/domain'
import type { DeliveryRow } from '@heed/trail'
import type { EntryRow } from './audit-store.ts'
import type { ChangeStatus } from './change-status.ts'
import type { RecipientStatus } from './recipient-status.ts'

/** What is known, as it goes over the wire. */

const states: Readonly<Record<DeliveryState, DeliveryState__Output>> = {
  pending: 'DELIVERY_STATE_PENDING',
  accepted: 'DELIVERY_STATE_ACCEPTED',
  confirmed: 'DELIVERY_STATE_CONFIRMED',
  verified: 'DELIVERY_STATE_VERIFIED',
  superseded: 'DELIVERY_STATE_SUPERSEDED',
  not_applicable: 'DELIVERY_STATE_NOT_APPLICABLE',
  needs_person: 'DELIVERY_STATE_NEEDS_PERSON',
  resolved: 'DELIVERY_STATE_RESOLVED',
}

const time = (ms: number | undefined) => (ms === undefined ? null : toTimestamp(ms))

const choices = (list: readonly { readonly purpose: PurposeKey; readonly choice: Choice }[]): PurposeChoice[] =>
  list.map(({ purpose, choice }) => ({ purpose, choice: choiceWords.toWire(choice) }))

/** Why it waits, or why it ended; empty where the state says it all. */
function whyOf(row: DeliveryRow): string {
  if (row.wait !== undefined) return row.wait
  if (row.state === 'not_applicable') return row.last?.reason ?? ''
  return row.state === 'resolved' ? (row.resolved?.why ?? '') : ''
}

/** The role whose duty a recipient is, where the policy gives it to a person. */
export type OwnerOf = (recipientId: RecipientId) => string | undefined

/** The roles as a policy gives them out. */
export function ownersOf(policy: Policy): OwnerOf {
  const roles = new Map(policy.recipients.flatMap(({ id, fulfilment }) => (fulfilment.by === 'person' ? [[id, fulfilment.ownerRole]] : [])))
  return (recipientId) => roles.get(recipientId)
}

/** One delivery. */
export function deliveryMessage(row: DeliveryRow, ownerOf: OwnerOf): DeliveryStatus {
  return {
    deliveryId: row._id,
    recipientId: row.recipientId,
    subjectId: row.subjectId,
    version: row.version,
    state: states[row.state],
    settled: row.settled,
    waitReason: whyOf(row),
    lastReason: row.last?.reason ?? '',
    attempts: row.attempts,
    acceptedAt: time(row.request?.acceptedAt),
    deadlineAt: time(row.deadlineAt),
    lastAttemptAt: time(row.last?.at),
    nextTryAt: time(row.open ? row.last?.nextTryAt : undefined),
    settledAt: time(row.settledAt),
    verifiedAt: time(row.verifiedAt),
    wanted: choices(row.request?.wanted ?? []),
    kind: row.request?.kind ?? '',
    ownerRole: ownerOf(row.recipientId) ?? '',
    resolvedBy: row.state === 'resolved' ? (row.resolved?.by ?? '') : '',
    resolvedEvidence: row.state === 'resolved' ? (row.resolved?.evidence ?? '') : '',
  }
}

/** One change with its deliveries. */
export function changeMessage({ change, deliveries, settled }: ChangeStatus, ownerOf: OwnerOf): WireChangeStatus {
  return {
    changeId: change._id,
    subjectId: change.subjectId,
    version: change.version,
    acceptedAt: time(change.acceptedAt),
    choices: choices(change.choices),
    changed: [...change.changed],
    policyVersion: change.policyVersion,
    deliveries: deliveries.map((delivery) => deliveryMessage(delivery, ownerOf)),
    settled,
  }
}

/** One recipient. */
export function recipientMessage(status: RecipientStatus): WireRecipientStatus {
  const { counts } = status
  return {
    recipientId: status.recipientId,
    requested: counts.requested,
    open: counts.open,
    accepted: counts.accepted,
    confirmed: counts.confirmed,
    verified: counts.verified,
    superseded: counts.superseded,
    notApplicable: counts.notApplicable,
    needsPerson: counts.needsPerson,
    resolved: counts.resolved,
    oldestOpenAt: time(status.oldestOpenAt),
    pastHalf: status.pastHalf,
    pastEighty: status.pastEighty,
    late: status.late,
    paused: status.paused,
    waiting: status.waiting.map(({ reason, count }) => ({ reason, count })),
    settleP50Ms: status.settleP50Ms,
    settleP99Ms: status.settleP99Ms,
  }
}

/** One entry of the trail. */
export function entryMessage(row: EntryRow): TimelineEntry {
  return {
    sequence: row._id,
    at: time(row.at),
    kind: row.kind,
    subjectId: row.subjectId ?? '',
    version: row.version ?? 0,
    recipientId: row.recipientId ?? '',
    factsJson: row.facts ?? '',
  }
}
