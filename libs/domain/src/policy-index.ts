import type { PurposeKey, RecipientId } from './ids.ts'
import { purposeOf } from './ids.ts'
import type { Policy, Purpose, Recipient } from './policy.ts'

interface PolicyIndex {
  readonly purposes: ReadonlyMap<PurposeKey, Purpose>
  /** Every purpose and every topic, each with the purpose that it belongs to. */
  readonly keys: ReadonlyMap<PurposeKey, Purpose>
  readonly recipients: ReadonlyMap<RecipientId, Recipient>
}

// A policy never changes once it is made, so its index is made once; the decisions are asked thousands of times a second.
const indexes = new WeakMap<Policy, PolicyIndex>()

function indexOf(policy: Policy): PolicyIndex {
  const known = indexes.get(policy)
  if (known !== undefined) return known
  const purposes = new Map<PurposeKey, Purpose>()
  const keys = new Map<PurposeKey, Purpose>()
  for (const purpose of policy.purposes) {
    purposes.set(purpose.key, purpose)
    keys.set(purpose.key, purpose)
    for (const topic of purpose.topics) keys.set(topic.key, purpose)
  }
  const recipients = new Map<RecipientId, Recipient>()
  for (const recipient of policy.recipients) recipients.set(recipient.id, recipient)
  const index = { purposes, keys, recipients }
  indexes.set(policy, index)
  return index
}

/** The purpose that a purpose key or topic key belongs to, or undefined where the policy does not know that key. */
export function findPurpose(policy: Policy, key: PurposeKey): Purpose | undefined {
  return indexOf(policy).keys.get(key)
}

/** The recipient of that id, or undefined where the policy names none. */
export function findRecipient(policy: Policy, id: RecipientId): Recipient | undefined {
  return indexOf(policy).recipients.get(id)
}

/** Whether the recipient serves the purpose that a purpose key or topic key belongs to. */
export function serves(recipient: Recipient, key: PurposeKey): boolean {
  return recipient.purposes.includes(purposeOf(key))
}

/** The kind of connector that keeps the duties of persons. */
export const duties = 'manual'

/** The kind of connector that keeps what is owed to a recipient: its own, `manual` where a person does it, none where nobody has to be told. */
export function connectorOf({ fulfilment }: Recipient): string | undefined {
  switch (fulfilment.by) {
    case 'connector':
      return fulfilment.connector
    case 'person':
      return duties
    case 'nobody':
      return undefined
    default:
      return fulfilment satisfies never
  }
}

/** Whether somebody has to bring this recipient to the wanted state: a connector or a person. */
export function mustBeTold(recipient: Recipient): boolean {
  return recipient.fulfilment.by !== 'nobody'
}
