import { type Account, type Audience, type Member, subscriberHash, uniqueEmailId } from './account.ts'
import { isRecord, readChanges } from './member-changes.ts'
import { decideMember, poisoned } from './member-rules.ts'
import { type FieldError, invalidResource, type Problem, problems } from './problems.ts'
import { memberView } from './view.ts'
import type { WebhookEvent, WebhookSource, Webhooks } from './webhooks.ts'

/** The result of one call about contacts: a body (none for 204), or a problem. */
export type Result = { readonly body: Record<string, unknown> | undefined; readonly items: number } | { readonly problem: Problem }

/** What the calls about contacts need to know. */
export interface MembersContext {
  readonly account: Account
  readonly webhooks: Webhooks
  now(): number
  /** Whether a switch refuses this contact now. */
  isPoisoned(email: string, hash: string): boolean
  /** Whether a switch drops this contact from the bulk call without a word. */
  isSkippedSilently(email: string, hash: string): boolean
}

const MOST_MEMBERS = 500

/** `PATCH` and `PUT /lists/{id}/members/{hash}`. */
export function writeMember(
  context: MembersContext,
  audience: Audience,
  hash: string,
  body: unknown,
  call: 'patch' | 'put',
  skipMergeValidation: boolean,
): Result {
  const read = readChanges(body, call)
  if ('errors' in read) return { problem: invalidResource(read.errors) }
  const before = audience.members.get(hash)
  const email = before?.email ?? read.changes.email
  if (email !== undefined && context.isPoisoned(email, hash)) return { problem: poisoned(email) }
  const verdict = decideMember(audience, hash, read.changes, { call, skipMergeValidation, now: context.now() })
  if (!verdict.ok) return { problem: verdict.problem }
  keepMember(context, audience, before, verdict.member, 'api')
  return { body: memberView(audience, verdict.member), items: 1 }
}

/** `POST /lists/{id}`: up to 500 contacts; 200 also when some, or all, were refused. */
export function writeMembers(context: MembersContext, audience: Audience, body: unknown, query: URLSearchParams): Result {
  if (!isRecord(body) || !Array.isArray(body.members))
    return { problem: invalidResource([{ field: 'members', message: 'Schema describes array' }]) }
  const { members } = body
  if (members.length > MOST_MEMBERS) {
    return { problem: invalidResource([{ field: 'members', message: `Schema describes at most ${MOST_MEMBERS} items` }]) }
  }
  const schemaErrors: FieldError[] = []
  const wanted = members.map((member: unknown, index) => {
    const read = readChanges(member, 'bulk')
    const errors = 'errors' in read ? read.errors : missing(read.changes)
    for (const { field, message } of errors) schemaErrors.push({ field: `members.item:${index}.${field}`, message })
    return 'changes' in read ? read.changes : {}
  })
  if (schemaErrors.length > 0) return { problem: invalidResource(schemaErrors) }

  const created: Record<string, unknown>[] = []
  const updated: Record<string, unknown>[] = []
  const errors: Record<string, unknown>[] = []
  const seen = new Set<string>()
  const skipDuplicates = isTrue(query.get('skip_duplicate_check'))
  for (const changes of wanted) {
    const email = changes.email ?? ''
    const hash = subscriberHash(email)
    if (seen.has(hash)) {
      if (!skipDuplicates) errors.push(bulkError(email, 'ERROR_GENERIC', `${email} appears more than once in this request.`))
      continue
    }
    seen.add(hash)
    if (context.isSkippedSilently(email, hash)) continue
    const before = audience.members.get(hash)
    if (before !== undefined && before.status !== 'archived' && body.update_existing !== true) {
      errors.push(
        bulkError(
          email,
          'ERROR_CONTACT_EXISTS',
          `${email} is already a list member, do you want to update? please provide update_existing:true in the request body`,
        ),
      )
      continue
    }
    const verdict = context.isPoisoned(email, hash)
      ? { ok: false as const, problem: poisoned(email) }
      : decideMember(audience, hash, changes, {
          call: 'bulk',
          skipMergeValidation: isTrue(query.get('skip_merge_validation')),
          now: context.now(),
        })
    if (!verdict.ok) {
      const [field] = verdict.problem.errors ?? []
      errors.push(bulkError(email, 'ERROR_GENERIC', field?.message ?? verdict.problem.detail, field))
      continue
    }
    keepMember(context, audience, before, verdict.member, 'api')
    const list = verdict.created ? created : updated
    list.push(memberView(audience, verdict.member))
  }
  return {
    body: {
      new_members: created,
      updated_members: updated,
      errors,
      total_created: created.length,
      total_updated: updated.length,
      error_count: errors.length,
    },
    items: members.length,
  }
}

function missing(changes: { email?: string | undefined; status?: string | undefined }): FieldError[] {
  const errors: FieldError[] = []
  if (changes.email === undefined) errors.push({ field: 'email_address', message: 'Required field missing' })
  if (changes.status === undefined) errors.push({ field: 'status', message: 'Required field missing' })
  return errors
}

function bulkError(email: string, code: string, error: string, field?: FieldError): Record<string, unknown> {
  return { email_address: email, error, error_code: code, field: field?.field ?? '', field_message: field?.message ?? '' }
}

/** `DELETE /lists/{id}/members/{hash}`: archives, which is no opt-out. */
export function archiveMember(context: MembersContext, audience: Audience, hash: string): Result {
  const before = audience.members.get(hash)
  if (before === undefined) return { problem: problems.notFound }
  if (before.status === 'archived') return { problem: problems.notRemovable }
  keepMember(context, audience, before, { ...before, status: 'archived', changedAt: context.now() }, 'api', {
    action: 'delete',
    reason: 'manual',
  })
  return { body: undefined, items: 1 }
}

/** `POST …/actions/delete-permanent`: the address can never be added again by API. */
export function deleteMemberPermanently(context: MembersContext, audience: Audience, hash: string): Result {
  if (!audience.members.has(hash)) return { problem: problems.notFound }
  context.account.forget(audience, hash)
  return { body: undefined, items: 1 }
}

/** `POST …/tags`. */
export function tagMember(context: MembersContext, audience: Audience, hash: string, body: unknown): Result {
  const before = audience.members.get(hash)
  if (before === undefined) return { problem: problems.notFound }
  if (context.isPoisoned(before.email, hash)) return { problem: poisoned(before.email) }
  const tags = isRecord(body) ? body.tags : undefined
  if (!Array.isArray(tags)) return { problem: invalidResource([{ field: 'tags', message: 'Schema describes array' }]) }
  const held = new Set(before.tags)
  const errors: FieldError[] = []
  tags.forEach((tag: unknown, index) => {
    if (!isRecord(tag) || typeof tag.name !== 'string' || (tag.status !== 'active' && tag.status !== 'inactive')) {
      errors.push({ field: `tags.item:${index}`, message: 'Schema describes name and a status of active or inactive' })
    } else if (tag.status === 'active') held.add(tag.name)
    else held.delete(tag.name)
  })
  if (errors.length > 0) return { problem: invalidResource(errors) }
  context.account.save(audience, { ...before, tags: [...held], changedAt: context.now() })
  return { body: undefined, items: 1 }
}

/** Keeps the contact and tells the webhooks what happened, whoever did it. */
export function keepMember(
  context: Pick<MembersContext, 'account' | 'webhooks'>,
  audience: Audience,
  before: Member | undefined,
  after: Member,
  source: WebhookSource,
  details: Readonly<Record<string, string>> = {},
): void {
  if (before !== undefined && before.hash !== after.hash) context.account.drop(audience, before.hash)
  context.account.save(audience, after)
  for (const { event, data } of happenings(before, after)) context.webhooks.announce(audience.id, event, source, { ...data, ...details })
}

interface Happening {
  readonly event: WebhookEvent
  readonly data: Readonly<Record<string, string>>
}

function happenings(before: Member | undefined, after: Member): Happening[] {
  const id = uniqueEmailId(after.hash)
  // `data[merges][EMAIL]` once the name is put between `data[` and `]`
  const person = { id, email: after.email, email_type: after.emailType, 'merges][EMAIL': after.email }
  if (before !== undefined && before.hash !== after.hash) {
    return [{ event: 'upemail', data: { new_id: id, new_email: after.email, old_email: before.email } }]
  }
  if (before?.status === after.status) return [{ event: 'profile', data: person }]
  switch (after.status) {
    case 'unsubscribed':
      return [{ event: 'unsubscribe', data: { action: 'unsub', reason: 'manual', ...person } }]
    case 'archived':
      return [{ event: 'unsubscribe', data: { action: 'delete', reason: 'manual', ...person } }]
    case 'cleaned':
      return [{ event: 'cleaned', data: { email: after.email, reason: 'hard' } }]
    case 'subscribed':
      return [{ event: 'subscribe', data: person }]
    case 'pending':
    case 'transactional':
      return []
    default:
      return after.status satisfies never
  }
}

/** A query flag of this API: `true` or `1`. */
export function isTrue(flag: string | null): boolean {
  return flag === 'true' || flag === '1'
}
