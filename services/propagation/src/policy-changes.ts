import { hash } from 'node:crypto'
import type { AspectDifference } from '@heed/contracts/gen/heed/propagation/v1/AspectDifference.ts'
import type { DiffPolicyResponse } from '@heed/contracts/gen/heed/propagation/v1/DiffPolicyResponse.ts'
import type { EntryChange } from '@heed/contracts/gen/heed/propagation/v1/EntryChange.ts'
import type { EntryDifference } from '@heed/contracts/gen/heed/propagation/v1/EntryDifference.ts'
import type { PolicyName } from '@heed/contracts/gen/heed/propagation/v1/PolicyName.ts'
import {
  diffPolicies,
  effectiveChoice,
  findRecipient,
  heldKeys,
  mustBeToldAnew,
  type Policy,
  purposeOf,
  type Recipient,
  type RecipientId,
  recipientsToldAnew,
  type Snapshot,
} from '@heed/domain'
import type { Snapshots } from './snapshots.ts'

/** A policy and the hash by which it is known. */
export interface NamedPolicy {
  readonly sha256: string
  readonly policy: Policy
}

/** A policy as answers name it. */
export const policyName = ({ sha256, policy }: NamedPolicy): PolicyName => ({ id: policy.id, version: policy.version, sha256 })

/** The same two policies, the older of them applied at the same time: the same name. */
export function applicationId(before: NamedPolicy & { readonly appliedAt?: number }, after: NamedPolicy): string {
  return hash('sha256', `${before.sha256} ${before.appliedAt ?? 0} ${after.sha256}`, 'hex').slice(0, 32)
}

/** The id of the backfill that an application makes of a recipient; always the same one, so that a repeat begins nothing twice. */
export function backfillIdOf(application: string, recipientId: RecipientId): string {
  const hex = hash('sha256', `${application} ${recipientId}`, 'hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

const changes: Readonly<Record<'added' | 'removed' | 'changed', EntryChange>> = {
  added: 'ENTRY_CHANGE_ADDED',
  removed: 'ENTRY_CHANGE_REMOVED',
  changed: 'ENTRY_CHANGE_CHANGED',
}

/** Whether this subject refused something that a recipient served, which may still be owed to it. */
function refusedThere(policy: Policy, recipient: Recipient, snapshot: Snapshot): boolean {
  return heldKeys(snapshot).some(
    (key) => recipient.purposes.includes(purposeOf(key)) && effectiveChoice(policy, snapshot, key) === 'denied',
  )
}

/** The entries that differ, and how many subjects each recipient has to be told of again; `see` counts one more subject. */
function counting(before: NamedPolicy, after: NamedPolicy) {
  const { purposes, recipients } = diffPolicies(before.policy, after.policy)
  const concerned = new Set(recipientsToldAnew(before.policy, after.policy))
  const counts = new Map<RecipientId, number>()
  const gone = recipients.filter(({ change }) => change === 'removed').flatMap(({ id }) => findRecipient(before.policy, id) ?? [])
  const count = (id: RecipientId) => counts.set(id, (counts.get(id) ?? 0) + 1)
  const differencesOf = (list: (typeof recipients)[number]['differences']): AspectDifference[] =>
    list.map(({ aspect, removed, added }) => ({ aspect, removed: [...removed], added: [...added] }))
  const listed = new Set(recipients.map(({ id }) => id))
  const untouched = after.policy.recipients.filter(({ id }) => concerned.has(id) && !listed.has(id))
  return {
    see: (snapshot: Snapshot) => {
      for (const id of concerned) if (mustBeToldAnew(before.policy, after.policy, id, snapshot)) count(id)
      for (const recipient of gone) if (refusedThere(before.policy, recipient, snapshot)) count(recipient.id)
    },
    purposes: (): EntryDifference[] =>
      purposes.map(({ id, title, change, differences }) => ({
        id,
        title,
        change: changes[change],
        differences: differencesOf(differences),
      })),
    recipients: (): EntryDifference[] => [
      ...recipients.map(({ id, title, change, differences }) => ({
        id,
        title,
        change: changes[change],
        differences: differencesOf(differences),
        toldAnew: concerned.has(id),
        subjects: counts.get(id) ?? 0,
      })),
      ...untouched.map(({ id, title }) => ({
        id,
        title,
        change: 'ENTRY_CHANGE_SAME' as const,
        differences: [],
        toldAnew: true,
        subjects: counts.get(id) ?? 0,
      })),
    ],
  }
}

const tellEveryMs = 250

/** What differs between two policies, told again and again while the subjects are counted; the last one has `done`. Changes nothing. */
export async function* countDifference(
  before: NamedPolicy,
  after: NamedPolicy,
  { snapshots, signal }: { readonly snapshots: Snapshots; readonly signal: AbortSignal },
): AsyncIterable<DiffPolicyResponse> {
  const counted = counting(before, after)
  let scanned = 0
  let total = 0
  const told = (done: boolean): DiffPolicyResponse => ({
    before: policyName(before),
    after: policyName(after),
    purposes: counted.purposes(),
    recipients: counted.recipients(),
    scanned,
    total: Math.max(total, scanned),
    done,
  })
  // where nobody is concerned nobody has to be counted
  if (counted.recipients().some(({ toldAnew, change }) => toldAnew === true || change === 'ENTRY_CHANGE_REMOVED')) {
    yield told(false)
    let last = performance.now()
    for await (const page of snapshots.scan({ signal })) {
      total = page.total
      for (const { snapshot } of page.changes) counted.see(snapshot)
      scanned += page.changes.length + page.unreadable.length
      if (performance.now() - last < tellEveryMs) continue
      last = performance.now()
      yield told(false)
    }
  }
  yield told(true)
}
