import type { Bar, Change, HeldChoice, Origin, Snapshot } from './choice.ts'
import { everyRefusal } from './decide-change.ts'
import type { PurposeKey, SubjectId } from './ids.ts'
import { changeIdOf } from './ids.ts'
import type { Policy } from './policy.ts'
import { findPurpose } from './policy-index.ts'
import { changedKeys, emptySnapshot, heldChoice, heldKeys } from './snapshot.ts'

/** What a step of an erasure depends on. */
export interface ErasureInput {
  readonly policy: Policy
  /** The newest snapshot of the subject; `emptySnapshot` where she never chose anything. Neither merged nor barred by an erasure already. */
  readonly current: Snapshot
  readonly origin: Origin
  /** ms since the epoch. */
  readonly now: number
}

/** Everything that can be refused, and every topic that was granted by name: no grant and no evidence is left in the snapshot. */
function denied(policy: Policy, current: Snapshot, version: number, at: number): Record<PurposeKey, HeldChoice> {
  const choices: Record<PurposeKey, HeldChoice> = {}
  const refused = new Set(everyRefusal(policy).map(({ key }) => key))
  for (const key of heldKeys(current)) {
    const held = heldChoice(current, key)
    // a key that the policy no longer knows is denied with the rest
    if (held?.choice === 'granted' && findPurpose(policy, key)?.refusable !== false) refused.add(key)
    else if (held !== undefined) choices[key] = held
  }
  for (const key of refused) if (heldChoice(current, key)?.choice !== 'denied') choices[key] = { choice: 'denied', version, at }
  return choices
}

/**
 * The first step of an erasure: everything that can be refused is denied, and nothing is granted any more. Undefined where all of it was denied before; then the
 * erasure itself comes at once. Throws `RangeError` for a subject that was merged or is being erased.
 */
export function decideDenial(input: ErasureInput): Change | undefined {
  const { policy, current, origin, now } = input
  if (current.mergedInto !== undefined || current.barred === 'erasure') throw new RangeError('a merged or erased subject denies nothing')
  const version = current.version + 1
  const snapshot: Snapshot = { subjectId: current.subjectId, version, choices: denied(policy, current, version, now), barred: 'erasure' }
  const changed = changedKeys(current, snapshot)
  if (changed.length === 0) return undefined
  return {
    id: changeIdOf(current.subjectId, version),
    snapshot,
    cause: 'choice',
    changed,
    linked: [],
    origin,
    policyVersion: policy.version,
    acceptedAt: now,
  }
}

/**
 * The version by which those recipients that can erase are told to. What is held stays as it was denied; keys that a newer policy has brought are denied with it.
 * Throws `RangeError` for a merged subject.
 */
export function decideErasure(input: ErasureInput): Change {
  const { policy, current, origin, now } = input
  if (current.mergedInto !== undefined) throw new RangeError('a merged subject is not erased by itself')
  const version = current.version + 1
  const snapshot: Snapshot = { subjectId: current.subjectId, version, choices: denied(policy, current, version, now), barred: 'erasure' }
  return {
    id: changeIdOf(current.subjectId, version),
    snapshot,
    cause: 'erasure',
    changed: changedKeys(current, snapshot),
    linked: [],
    origin,
    policyVersion: policy.version,
    acceptedAt: now,
  }
}

/**
 * The first version of a subject whose identifier is suppressed: everything that can be refused is denied, held since the suppression began, so that only evidence
 * that the person gave after that is newer. `barred`: a child's identifier stays barred.
 */
export function decideSuppressed(input: {
  readonly policy: Policy
  readonly subjectId: SubjectId
  /** When the suppression began, ms since the epoch. */
  readonly since: number
  readonly barred?: Extract<Bar, 'known-child'>
  readonly origin: Origin
  readonly now: number
}): Change {
  const { policy, subjectId, since, barred, origin, now } = input
  const empty = emptySnapshot(subjectId)
  const snapshot: Snapshot = {
    subjectId,
    version: 1,
    choices: denied(policy, empty, 1, since),
    ...(barred === undefined ? {} : { barred }),
  }
  return {
    id: changeIdOf(subjectId, 1),
    snapshot,
    cause: 'choice',
    changed: changedKeys(empty, snapshot),
    linked: [],
    origin,
    policyVersion: policy.version,
    acceptedAt: now,
  }
}
