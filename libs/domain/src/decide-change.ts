import type { Bar, Change, Choice, Evidence, HeldChoice, Origin, OriginKind, Snapshot } from './choice.ts'
import type { IdentifierKind } from './identifier.ts'
import type { PurposeKey } from './ids.ts'
import { changeIdOf, purposeOf } from './ids.ts'
import type { Policy } from './policy.ts'
import { findPurpose } from './policy-index.ts'
import { changedKeys, effectiveChoice, heldChoice, heldKeys, mergeSnapshots } from './snapshot.ts'

/** One wish: this choice for this purpose or topic. */
export interface RequestedChoice {
  readonly key: PurposeKey
  readonly choice: Choice
}

/** All that a decision about a change depends on. */
export interface ChangeInput {
  readonly policy: Policy
  /** The newest snapshot of the subject; `emptySnapshot` for a new one. */
  readonly current: Snapshot
  readonly requested: readonly RequestedChoice[]
  /** What every grant among `requested` stands on. Denials need none. */
  readonly evidence?: Evidence
  readonly origin: Origin
  /** The kinds of identifier that come in with this request and were not the subject's before. */
  readonly linked?: readonly IdentifierKind[]
  /** ms since the epoch. */
  readonly now: number
}

/** Why a request is refused: a closed list. */
export type ViolationCode =
  | 'unknown-purpose'
  | 'not-refusable'
  | 'purpose-denied'
  | 'origin-cannot-grant'
  | 'evidence-missing'
  | 'evidence-not-newer'
  | 'evidence-in-future'
  | 'evidence-too-old'
  | 'malformed-reference'
  | 'subject-merged'
  | 'being-erased'
  | 'known-child'

/** One fault of a request: where it is (`choices[2]`, `evidence.collectedAt`), what it is, and how to mend it. Never contains personal data. */
export interface Violation {
  readonly field: string
  readonly code: ViolationCode
  readonly message: string
}

/** What follows from a request. */
export type Decision =
  | { readonly kind: 'changed'; readonly change: Change }
  | { readonly kind: 'unchanged'; readonly snapshot: Snapshot }
  | { readonly kind: 'refused'; readonly violations: readonly Violation[] }

/** How far ahead of ours a caller's clock may be, ms. */
export const evidenceClockSkewMs = 5 * 60_000

const dayMs = 86_400_000
const referencePattern = /^[A-Za-z0-9._:-]{1,128}$/

/** Whether a text is fit to be a reference: letters, digits and `._:-`, 1 to 128 of them. An address is not. */
export function isReference(text: string): boolean {
  return referencePattern.test(text)
}

/** Whether an opt-in may come from there at all. A vendor, an import and an unknown origin can only deny. */
export function mayGrant(origin: OriginKind): boolean {
  switch (origin) {
    case 'unknown':
    case 'import':
    case 'vendor':
      return false
    case 'person':
    case 'one-click':
    case 'preference-page':
    case 'mailto':
    case 'internal-service':
    case 'operator':
      return true
    default:
      return origin satisfies never
  }
}

/** A denial of every purpose that can be refused. */
export function everyRefusal(policy: Policy): RequestedChoice[] {
  return policy.purposes.filter((purpose) => purpose.refusable).map(({ key }) => ({ key, choice: 'denied' as const }))
}

// one choice for each key; where a request says both, denied wins
function wishes(requested: readonly RequestedChoice[]): Map<PurposeKey, { choice: Choice; index: number }> {
  const wished = new Map<PurposeKey, { choice: Choice; index: number }>()
  for (const [index, { key, choice }] of requested.entries()) {
    if (!wished.has(key) || choice === 'denied') wished.set(key, { choice, index })
  }
  return wished
}

function evidenceViolation(evidence: Evidence | undefined, policy: Policy, now: number): Violation | undefined {
  if (evidence === undefined) {
    return { field: 'evidence', code: 'evidence-missing', message: 'an opt-in needs evidence of what the person said, where and when' }
  }
  if (!isReference(evidence.reference)) {
    return {
      field: 'evidence.reference',
      code: 'malformed-reference',
      message: 'use 1 to 128 letters, digits and . _ : - and no personal data',
    }
  }
  // NaN fails both comparisons, hence the test for what is right rather than for what is wrong
  if (!(evidence.collectedAt <= now + evidenceClockSkewMs)) {
    return {
      field: 'evidence.collectedAt',
      code: 'evidence-in-future',
      message: 'give the moment at which the person said it; it cannot lie ahead',
    }
  }
  if (now - evidence.collectedAt > policy.evidenceMaxAgeDays * dayMs) {
    return {
      field: 'evidence.collectedAt',
      code: 'evidence-too-old',
      message: `evidence may be at most ${policy.evidenceMaxAgeDays} days old: ask the person again`,
    }
  }
  return undefined
}

function barViolation(barred: Bar): Pick<Violation, 'code' | 'message'> {
  switch (barred) {
    case 'erasure':
      return { code: 'being-erased', message: 'this person is being erased: an opt-in can be taken once that is done' }
    case 'known-child':
      return { code: 'known-child', message: 'this person is known to be a child under 13: no opt-in is taken' }
    default:
      return barred satisfies never
  }
}

function violationsOf(input: ChangeInput, wished: ReturnType<typeof wishes>): Violation[] {
  const { policy, current, evidence, origin, now } = input
  const violations: Violation[] = []
  if (current.mergedInto !== undefined) {
    violations.push({
      field: 'subject',
      code: 'subject-merged',
      message: 'this subject was merged into another one: ask for the identifiers again',
    })
  }
  if (origin.reference !== undefined && !isReference(origin.reference)) {
    violations.push({
      field: 'origin.reference',
      code: 'malformed-reference',
      message: 'use 1 to 128 letters, digits and . _ : - and no personal data',
    })
  }
  // what is linked now would neither be told to the recipients nor be destroyed with the rest
  if (current.barred === 'erasure' && (input.linked ?? []).length > 0) violations.push({ field: 'subject', ...barViolation('erasure') })
  let grants = false
  for (const [key, { choice, index }] of wished) {
    const field = `choices[${index}]`
    const purpose = findPurpose(policy, key)
    if (purpose === undefined) {
      violations.push({ field, code: 'unknown-purpose', message: `the policy ${policy.id} ${policy.version} has no such purpose or topic` })
      continue
    }
    if (!purpose.refusable) {
      violations.push({
        field,
        code: 'not-refusable',
        message: `${purpose.key} is no choice: clause ${purpose.clause} of the policy says that it cannot be refused`,
      })
      continue
    }
    if (choice === 'denied') continue
    grants = true
    if (current.barred !== undefined) {
      violations.push({ field, ...barViolation(current.barred) })
      continue
    }
    if (key !== purpose.key) {
      const whole = wished.get(purpose.key)?.choice ?? effectiveChoice(policy, current, purpose.key)
      if (whole === 'denied') {
        violations.push({
          field,
          code: 'purpose-denied',
          message: `${purpose.key} is denied: grant it in the same request, or leave the topic`,
        })
      }
    }
    const held = heldChoice(current, key)
    if (evidence !== undefined && held?.choice === 'denied' && !(evidence.collectedAt > held.at)) {
      violations.push({
        field: 'evidence.collectedAt',
        code: 'evidence-not-newer',
        message: `the denial of ${key} is newer than this evidence: the person has to opt in again`,
      })
    }
  }
  if (!grants) return violations
  if (!mayGrant(origin.kind)) {
    violations.push({ field: 'origin.kind', code: 'origin-cannot-grant', message: `the origin ${origin.kind} can deny and never grant` })
  }
  const fault = evidenceViolation(evidence, policy, now)
  if (fault !== undefined) violations.push(fault)
  return violations
}

/**
 * What follows from a request, as a function of its arguments.
 * An opt-out always wins: over a grant of the same request, over older evidence, over an origin that cannot grant. A request is taken whole or refused whole.
 * Where nothing differs from what is held there is no new version, unless identifiers came in while any choice is held: then every recipient has to
 * hear of them. For a barred subject nothing is granted; while she is being erased there is no new version at all.
 */
export function decideChange(input: ChangeInput): Decision {
  const { policy, current, evidence, origin, now } = input
  const linked = [...new Set(input.linked ?? [])].sort()
  const wished = wishes(input.requested)
  const violations = violationsOf(input, wished)
  if (violations.length > 0) return { kind: 'refused', violations }

  const version = current.version + 1
  const choices: Record<PurposeKey, HeldChoice> = {}
  for (const key of heldKeys(current)) {
    const held = heldChoice(current, key)
    if (held !== undefined) choices[key] = held
  }
  for (const [key, { choice }] of wished) {
    if (heldChoice(current, key)?.choice === choice) continue
    // a newer version would overtake what the recipients are asked to erase, and says nothing that does not hold already
    if (current.barred === 'erasure') continue
    choices[key] = {
      choice,
      version,
      at: now,
      ...(choice === 'granted' && evidence !== undefined ? { evidence } : {}),
    }
  }
  const { barred } = current
  const snapshot: Snapshot = { subjectId: current.subjectId, version, choices, ...(barred === undefined ? {} : { barred }) }
  const changed = changedKeys(current, snapshot)
  const spreads = linked.length > 0 && heldKeys(snapshot).length > 0
  if (changed.length === 0 && !spreads) return { kind: 'unchanged', snapshot: current }
  return {
    kind: 'changed',
    change: {
      id: changeIdOf(current.subjectId, version),
      snapshot,
      cause: changed.length === 0 ? 'identifiers-linked' : 'choice',
      changed,
      linked,
      origin,
      policyVersion: policy.version,
      acceptedAt: now,
    },
  }
}

/** Two subjects that turned out to be one person. */
export interface MergeInput {
  readonly policy: Policy
  readonly into: Snapshot
  readonly from: Snapshot
  /** The kinds of identifier that `into` takes over. */
  readonly linked: readonly IdentifierKind[]
  readonly origin: Origin
  readonly now: number
}

/**
 * The two changes of a merge: `into` holds the union of both, where denied wins, and `from` points at it for good.
 * Neither may have been merged before or be under erasure, and they must differ; anything else is a fault of the caller and throws `RangeError`.
 */
export function decideMerge(input: MergeInput): { into: Change; from: Change } {
  const { policy, into, from, origin, now } = input
  if (into.subjectId === from.subjectId) throw new RangeError('a subject cannot be merged into itself')
  if (into.mergedInto !== undefined || from.mergedInto !== undefined) throw new RangeError('a merged subject cannot be merged again')
  if (into.barred === 'erasure' || from.barred === 'erasure') throw new RangeError('a subject that is being erased cannot be merged')
  const merged = mergeSnapshots(into, from, now)
  const common = { cause: 'merged', origin, policyVersion: policy.version, acceptedAt: now } as const
  const last: Snapshot = { ...from, version: from.version + 1, mergedInto: into.subjectId }
  return {
    into: {
      ...common,
      id: changeIdOf(into.subjectId, merged.version),
      snapshot: merged,
      changed: changedKeys(into, merged),
      linked: [...new Set(input.linked)].sort(),
    },
    from: { ...common, id: changeIdOf(from.subjectId, last.version), snapshot: last, changed: [], linked: [] },
  }
}

/** The purposes that a change concerns: those of its changed keys, and with new identifiers (or a merge) all for which a choice is held. */
export function concernedPurposes(change: Change): ReadonlySet<PurposeKey> {
  const wide = change.linked.length > 0 || change.cause === 'identifiers-linked' || change.cause === 'merged'
  return new Set([...change.changed, ...(wide ? heldKeys(change.snapshot) : [])].map(purposeOf))
}
