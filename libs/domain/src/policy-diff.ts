import type { Snapshot } from './choice.ts'
import type { PurposeKey, RecipientId } from './ids.ts'
import { purposeOf } from './ids.ts'
import type { DeadlineRule, Grant, Policy, Purpose, Recipient } from './policy.ts'
import { findRecipient, mustBeTold } from './policy-index.ts'
import { effectiveChoices, heldChoice, heldKeys } from './snapshot.ts'

/** In what two entries of the same name differ: a closed list. */
export type DifferenceAspect =
  | 'purposes'
  | 'identifiers'
  | 'deadline'
  | 'erasure'
  /** By whom it is told. */
  | 'fulfilment'
  /** Accounts, lists, addresses: where its connector tells it. */
  | 'settings'
  | 'retired'
  | 'refusable'
  | 'default'
  | 'topics'
  /** Titles, roles, clauses and quotations: nobody is told anything by them. */
  | 'wording'

/** One aspect in which an entry differs, with what is there no more and what is new. */
export interface Difference {
  readonly aspect: DifferenceAspect
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

/** An entry that is in one of two policies only, or differs between them. */
export interface EntryDifference<Id> {
  readonly id: Id
  readonly title: string
  readonly change: 'added' | 'removed' | 'changed'
  /** Empty where the entry as a whole was added or removed. */
  readonly differences: readonly Difference[]
}

/** Two policies held against each other. */
export interface PolicyDifference {
  readonly purposes: readonly EntryDifference<PurposeKey>[]
  readonly recipients: readonly EntryDifference<RecipientId>[]
}

// an object whose keys are in another order is the same object
function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, stable(inner)]),
  )
}

const textOf = (value: unknown): string => JSON.stringify(stable(value) ?? null)

function difference(aspect: DifferenceAspect, before: readonly string[], after: readonly string[]): Difference[] {
  const removed = before.filter((one) => !after.includes(one))
  const added = after.filter((one) => !before.includes(one))
  return removed.length + added.length === 0 ? [] : [{ aspect, removed, added }]
}

const grantText = ({ kind, form }: Grant): string => `${kind} (${form})`

function clockText(rule: DeadlineRule | undefined): string[] {
  if (rule === undefined) return []
  return ['hours' in rule ? `${rule.hours} hours` : `${rule.businessDays} business days`]
}

function toldByText({ fulfilment }: Recipient): string {
  switch (fulfilment.by) {
    case 'connector':
      return `connector ${fulfilment.connector}`
    case 'person':
      return `a person: ${fulfilment.ownerRole}`
    case 'nobody':
      return 'nobody'
    default:
      return fulfilment satisfies never
  }
}

const settingsOf = ({ fulfilment }: Recipient): unknown => (fulfilment.by === 'connector' ? fulfilment.settings : {})

/** The settings at the top that differ, by name: their values may be of no use to a reader, and long. */
function settingsDifference(before: Recipient, after: Recipient): Difference[] {
  if (toldByText(before) !== toldByText(after)) return []
  const [old, fresh] = [settingsOf(before), settingsOf(after)] as readonly [Record<string, unknown>, Record<string, unknown>]
  const differing = (one: Record<string, unknown>, other: Record<string, unknown>) =>
    Object.keys(one).filter((name) => textOf(one[name]) !== textOf(other[name]))
  const [removed, added] = [differing(old, fresh), differing(fresh, old)]
  return removed.length + added.length === 0 ? [] : [{ aspect: 'settings', removed, added }]
}

function wordingDifference(before: object, after: object): Difference[] {
  return textOf(before) === textOf(after) ? [] : [{ aspect: 'wording', removed: [], added: [] }]
}

function recipientDifferences(before: Recipient, after: Recipient): Difference[] {
  const words = ({ title, role, clause, quote, also, deadline, fulfilment }: Recipient) => {
    const steps = fulfilment.by === 'person' ? fulfilment.instruction : undefined
    return {
      title,
      role,
      clause,
      quote,
      also,
      steps,
      why: deadline.why,
      reason: fulfilment.by === 'nobody' ? fulfilment.reason : undefined,
    }
  }
  return [
    ...difference('purposes', before.purposes, after.purposes),
    ...difference('identifiers', before.grants.map(grantText), after.grants.map(grantText)),
    ...difference('deadline', clockText(before.deadline), clockText(after.deadline)),
    ...difference('erasure', clockText(before.erasure), clockText(after.erasure)),
    ...difference('fulfilment', [toldByText(before)], [toldByText(after)]),
    ...settingsDifference(before, after),
    ...difference(
      'retired',
      before.retired === undefined ? [] : [before.retired.since],
      after.retired === undefined ? [] : [after.retired.since],
    ),
    ...wordingDifference(words(before), words(after)),
  ]
}

function purposeDifferences(before: Purpose, after: Purpose): Difference[] {
  const words = ({ title, clause, quote, also, topics }: Purpose) => ({
    title,
    clause,
    quote,
    also,
    topics: topics.map((topic) => topic.title),
  })
  const topics = (purpose: Purpose) => purpose.topics.map(({ key }) => key)
  return [
    ...difference('refusable', [before.refusable ? 'yes' : 'no'], [after.refusable ? 'yes' : 'no']),
    ...difference('default', [before.default], [after.default]),
    ...difference('topics', topics(before), topics(after)),
    ...wordingDifference(words(before), words(after)),
  ]
}

function entriesDifference<Id extends string, Entry extends { readonly title: string }>(
  before: readonly Entry[],
  after: readonly Entry[],
  idOf: (entry: Entry) => Id,
  differencesOf: (before: Entry, after: Entry) => Difference[],
): EntryDifference<Id>[] {
  const old = new Map(before.map((entry) => [idOf(entry), entry]))
  const left = new Set(after.map(idOf))
  const stayedOrCame = after.flatMap((entry): EntryDifference<Id>[] => {
    const id = idOf(entry)
    const was = old.get(id)
    if (was === undefined) return [{ id, title: entry.title, change: 'added', differences: [] }]
    const differences = differencesOf(was, entry)
    return differences.length === 0 ? [] : [{ id, title: entry.title, change: 'changed', differences }]
  })
  const gone = before
    .filter((entry) => !left.has(idOf(entry)))
    .map((entry): EntryDifference<Id> => ({ id: idOf(entry), title: entry.title, change: 'removed', differences: [] }))
  return [...stayedOrCame, ...gone]
}

/** In what two policies differ, entry by entry, in the order of the newer one; what is gone comes last. */
export function diffPolicies(before: Policy, after: Policy): PolicyDifference {
  return {
    purposes: entriesDifference(before.purposes, after.purposes, ({ key }) => key, purposeDifferences),
    recipients: entriesDifference(before.recipients, after.recipients, ({ id }) => id, recipientDifferences),
  }
}

/** Whether what a recipient was told so far has to be told once more for everybody: other identifiers, another place, or a recipient that is back. */
function isToldAnewWhole(before: Recipient, after: Recipient): boolean {
  const granted = new Set(before.grants.map(grantText))
  return (
    !mustBeTold(before) ||
    before.retired !== undefined ||
    toldByText(before) !== toldByText(after) ||
    textOf(settingsOf(before)) !== textOf(settingsOf(after)) ||
    after.grants.some((grant) => !granted.has(grantText(grant)))
  )
}

/**
 * Whether a recipient has to be told of a subject again because one policy took the place of another: it is new there, it is told elsewhere or by other
 * identifiers, or what it must hold of this subject differs. What a recipient serves no more is no reason: nobody is put back on a list by an edit of a policy. Nor is
 * a purpose that it serves now and about which this subject has said nothing, unless nothing said means refused.
 */
export function mustBeToldAnew(before: Policy, after: Policy, recipientId: RecipientId, snapshot: Snapshot): boolean {
  const recipient = findRecipient(after, recipientId)
  if (recipient === undefined || !mustBeTold(recipient) || recipient.retired !== undefined) return false
  const held = new Set(heldKeys(snapshot).map(purposeOf))
  if (!recipient.purposes.some((purpose) => held.has(purpose))) return false
  const former = findRecipient(before, recipientId)
  if (former === undefined || isToldAnewWhole(former, recipient)) return true
  const told = effectiveChoices(before, snapshot, former.purposes)
  const wanted = effectiveChoices(after, snapshot, recipient.purposes)
  return (Object.keys(wanted) as PurposeKey[]).some((key) => {
    if (Object.hasOwn(told, key)) return told[key] !== wanted[key]
    return heldChoice(snapshot, key) !== undefined || wanted[key] === 'denied'
  })
}

/** The recipients of the newer policy that some subject may have to be told to again, in its order. */
export function recipientsToldAnew(before: Policy, after: Policy): RecipientId[] {
  const purposes = new Map(diffPolicies(before, after).purposes.map((entry) => [entry.id, entry]))
  return after.recipients.flatMap((recipient) => {
    if (!mustBeTold(recipient) || recipient.retired !== undefined) return []
    const former = findRecipient(before, recipient.id)
    const concerned =
      former === undefined ||
      isToldAnewWhole(former, recipient) ||
      recipient.purposes.some((purpose) => {
        const changed = purposes.get(purpose)?.differences.some(({ aspect }) => aspect !== 'wording') ?? purposes.has(purpose)
        return changed || !former.purposes.includes(purpose)
      })
    return concerned ? [recipient.id] : []
  })
}
