import { type Audience, type Member, type Status, subscriberHash } from './account.ts'
import { type Call, looksLikeAddress, type MemberChanges } from './member-changes.ts'
import { type FieldError, invalidResource, type Problem, problems } from './problems.ts'

/** What the vendor makes of a wanted change: the contact as it is then, or why not. */
export type Verdict =
  | { readonly ok: true; readonly member: Member; readonly created: boolean }
  | { readonly ok: false; readonly problem: Problem }

/** What else the vendor looks at. */
export interface Circumstances {
  readonly call: Call
  /** `skip_merge_validation=true`: required merge fields may be missing. */
  readonly skipMergeValidation: boolean
  readonly now: number
}

const API_REASON = 'N/A (Unsubscribed by an admin)'

/**
 * Decides what a change of the contact with this hash leads to. The order of the checks is the vendor's: is there such a contact,
 * may it come back at all, is the data complete.
 */
export function decideMember(audience: Audience, hash: string, changes: MemberChanges, circumstances: Circumstances): Verdict {
  const existing = audience.members.get(hash)
  const { call, now } = circumstances
  const email = changes.email ?? existing?.email

  if (existing === undefined && call === 'patch') return refuse(problems.notFound)
  if (email === undefined || !looksLikeAddress(email)) {
    return refuse(invalidResource([{ field: 'email_address', message: 'Please provide a valid email address.' }]))
  }
  if (existing === undefined && audience.forgotten.has(subscriberHash(email))) return refuse(forgottenEmail(email))
  if (existing === undefined && subscriberHash(email) !== hash) {
    return refuse(invalidResource([{ field: 'email_address', message: 'The email address does not belong to this subscriber hash.' }]))
  }
  const movedTo = subscriberHash(email)
  if (movedTo !== hash) {
    if (audience.forgotten.has(movedTo)) return refuse(forgottenEmail(email))
    if (audience.members.has(movedTo)) return refuse(memberExists(email))
  }

  const status = targetStatus(existing, changes, call)
  if (status === undefined)
    return refuse(invalidResource([{ field: call === 'put' ? 'status_if_new' : 'status', message: 'This value is required.' }]))
  if (existing !== undefined && isHeldBack(existing, status)) return refuse(inComplianceState(email))

  const mergeFields = { ...existing?.mergeFields, ...changes.mergeFields }
  const errors = [
    ...(circumstances.skipMergeValidation ? [] : missingMergeFields(audience, mergeFields)),
    ...unknownIds(changes.interests, audience.category.interests, 'interests'),
    ...unknownIds(changes.permissions, audience.permissions, 'marketing_permissions'),
  ]
  if (errors.length > 0) return refuse(invalidResource(errors))

  return {
    ok: true,
    created: existing === undefined || existing.status === 'archived',
    member: {
      hash: movedTo,
      email,
      status,
      emailType: changes.emailType ?? existing?.emailType ?? 'html',
      mergeFields,
      interests: { ...existing?.interests, ...changes.interests },
      permissions: { ...existing?.permissions, ...changes.permissions },
      tags: [...new Set([...(existing?.tags ?? []), ...(changes.tags ?? [])])],
      hold: status === 'subscribed' ? undefined : status === 'cleaned' ? 'bounce' : existing?.hold,
      unsubscribeReason:
        status !== 'unsubscribed' ? undefined : existing?.status === 'unsubscribed' ? existing.unsubscribeReason : API_REASON,
      createdAt: existing?.createdAt ?? now,
      changedAt: now,
    },
  }
}

function refuse(problem: Problem): Verdict {
  return { ok: false, problem }
}

function targetStatus(existing: Member | undefined, changes: MemberChanges, call: Call): Status | undefined {
  switch (call) {
    case 'patch':
      return changes.status ?? existing?.status
    case 'put':
      if (existing === undefined) return changes.statusIfNew
      // an archived contact is "not on the list": an upsert brings it back
      return changes.status ?? (existing.status === 'archived' ? changes.statusIfNew : existing.status)
    case 'bulk':
      return changes.status
    default:
      return call satisfies never
  }
}

// A contact that left on its own, bounced or is under review cannot be subscribed by API; only `pending` (asking the person) is
// open. For bounced and reviewed contacts even the unsubscribed status is refused: they are suppressed harder already (unverified).
function isHeldBack(existing: Member, wanted: Status): boolean {
  if (existing.hold === undefined || wanted === existing.status) return false
  if (wanted === 'subscribed' || wanted === 'transactional') return true
  return wanted === 'unsubscribed' && existing.hold !== 'unsubscribed' && existing.status !== 'pending'
}

function missingMergeFields(audience: Audience, values: Readonly<Record<string, unknown>>): FieldError[] {
  return audience.requiredMergeFields
    .filter((tag) => typeof values[tag] !== 'string' || values[tag] === '')
    .map((field) => ({ field, message: 'Please enter a value' }))
}

function unknownIds(
  given: Readonly<Record<string, boolean>> | undefined,
  known: readonly { readonly id: string }[],
  field: string,
): FieldError[] {
  return Object.keys(given ?? {})
    .filter((id) => !known.some((one) => one.id === id))
    .map((id) => ({ field: `${field}.${id}`, message: 'This id does not belong to the audience.' }))
}

function forgottenEmail(email: string): Problem {
  return {
    status: 400,
    title: 'Forgotten Email Not Subscribed',
    detail: `${email} was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list.`,
  }
}

function memberExists(email: string): Problem {
  return { status: 400, title: 'Member Exists', detail: `${email} is already a list member. Use PUT to insert or update list members.` }
}

function inComplianceState(email: string): Problem {
  return {
    status: 400,
    title: 'Member In Compliance State',
    detail: `${email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed.`,
  }
}

/** The refusal of a contact that the switch `poison` names. */
export function poisoned(email: string): Problem {
  return { status: 400, title: 'Invalid Resource', detail: `${email} looks fake or invalid, please enter a real email address.` }
}
