import { createHash } from 'node:crypto'
import type { ResolvedIdentifier, Task } from '@heed/connector-kit'
import { type DeliveryId, type Digest, deriveForm, type PurposeKey } from '@heed/domain'
import type { Audience, MailchimpSettings } from './settings.ts'

/** What is asked of one contact. It decides how an answer is read; free of personal data. */
export type Intent =
  /** No marketing mail any more. */
  | 'opt-out'
  /** Only topics change; the contact's own status stays. */
  | 'topics'
  /** Mail again, by fresh evidence. */
  | 'opt-in'
  /** The same, where the vendor asks the person once more by a mail of its own. */
  | 'opt-in-pending'
  /** Forget the contact for ever. */
  | 'erase'

/** One change of one contact in one audience. */
export interface Operation {
  readonly deliveryId: DeliveryId
  readonly intent: Intent
  readonly method: 'PATCH' | 'PUT' | 'POST'
  /** Below `/3.0`, with the contact's key in place of the address. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>> | undefined
}

const marketing = 'email-marketing' as PurposeKey
const leniently = { skip_merge_validation: 'true' } as const

const digest: Digest = (name, text) => createHash(name).update(text, 'utf8').digest()

/** The key of a contact: MD5 of the address in lower case (Mailchimp, Marketing API, "Methods and parameters"). None of what is no address. */
export function memberKey(address: string): string | undefined {
  return deriveForm('email', address, 'legacy-md5-hex', digest)[0]
}

/** The operations that bring one delivery about: one for each address and audience; none where nothing that Mailchimp holds is concerned. */
export function operationsOf(task: Task, settings: MailchimpSettings): Operation[] {
  return task.identifiers
    .filter(({ kind }) => kind === 'email')
    .flatMap((identifier) =>
      settings.audiences.flatMap((audience) => operationOf(task, identifier, audience, settings.suppressUnknown) ?? []),
    )
}

function operationOf(
  task: Task,
  { value: address }: ResolvedIdentifier,
  audience: Audience,
  suppressUnknown: boolean,
): Operation | undefined {
  const key = memberKey(address)
  if (key === undefined) return undefined
  const path = `/lists/${audience.id}/members/${key}`
  const base = { deliveryId: task.deliveryId, path, query: leniently }
  if (task.kind === 'erasure')
    return { ...base, query: {}, intent: 'erase', method: 'POST', path: `${path}/actions/delete-permanent`, body: undefined }
  const interests = interestsOf(task, audience)
  // Unsubscribing does not clear interest flags: both are sent, so that a later opt-in by the person starts without the topics that she refused.
  if (task.wanted[marketing] === 'denied') {
    const body = { status: 'unsubscribed', ...interests }
    return suppressUnknown
      ? { ...base, intent: 'opt-out', method: 'PUT', body: { email_address: address, status_if_new: 'unsubscribed', ...body } }
      : { ...base, intent: 'opt-out', method: 'PATCH', body }
  }
  if (task.wanted[marketing] === 'granted' && task.evidence[marketing] !== undefined) {
    const status = audience.doubleOptIn ? 'pending' : 'subscribed'
    return {
      ...base,
      intent: audience.doubleOptIn ? 'opt-in-pending' : 'opt-in',
      method: 'PUT',
      body: { email_address: address, status_if_new: status, status, ...interests },
    }
  }
  return interests === undefined ? undefined : { ...base, intent: 'topics', method: 'PATCH', body: interests }
}

/** `{interests}` for each topic that this audience knows: off where denied, on only with evidence of its own. Ids that are left out keep their value. */
function interestsOf(task: Task, audience: Audience): { interests: Record<string, boolean> } | undefined {
  const interests: Record<string, boolean> = {}
  for (const [topic, interest] of audience.topics) {
    if (task.wanted[topic] === 'denied') interests[interest] = false
    else if (task.wanted[topic] === 'granted' && task.evidence[topic] !== undefined) interests[interest] = true
  }
  return Object.keys(interests).length === 0 ? undefined : { interests }
}
