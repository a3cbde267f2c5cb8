import type { Choice, Evidence, HeldChoice, Snapshot } from './choice.ts'
import type { PurposeKey, SubjectId } from './ids.ts'
import { purposeOf } from './ids.ts'
import type { Policy } from './policy.ts'
import { findPurpose } from './policy-index.ts'

/** The snapshot of a subject without any change yet: version 0, nothing chosen. */
export function emptySnapshot(subjectId: SubjectId): Snapshot {
  return { subjectId, version: 0, choices: {} }
}

/** What the snapshot holds under this very key, or undefined. Safe for a key such as `constructor`. */
export function heldChoice(snapshot: Snapshot, key: PurposeKey): HeldChoice | undefined {
  return Object.hasOwn(snapshot.choices, key) ? snapshot.choices[key] : undefined
}

/** The keys under which the snapshot holds a choice, sorted. */
export function heldKeys(snapshot: Snapshot): PurposeKey[] {
  return (Object.keys(snapshot.choices) as PurposeKey[]).sort()
}

/**
 * What holds for a purpose or a topic, whether it was chosen or not. Of a barred subject everything that can be refused is denied, what a later policy adds too.
 * A denied purpose denies each of its topics; a topic denied by name stays denied under a granted purpose; a purpose that cannot be refused is granted;
 * a key that the policy does not know is denied.
 */
export function effectiveChoice(policy: Policy, snapshot: Snapshot, key: PurposeKey): Choice {
  const purpose = findPurpose(policy, key)
  if (purpose === undefined) return 'denied'
  if (!purpose.refusable) return 'granted'
  if (snapshot.barred !== undefined) return 'denied'
  const whole = heldChoice(snapshot, purpose.key)?.choice ?? purpose.default
  if (whole === 'denied' || key === purpose.key) return whole
  return heldChoice(snapshot, key)?.choice ?? whole
}

/** The effective choice of each purpose named, and of each of its topics that was chosen. */
export function effectiveChoices(policy: Policy, snapshot: Snapshot, purposes: readonly PurposeKey[]): Record<PurposeKey, Choice> {
  const choices: Record<PurposeKey, Choice> = {}
  for (const purpose of purposes) choices[purpose] = effectiveChoice(policy, snapshot, purpose)
  for (const key of heldKeys(snapshot)) {
    if (purposes.includes(purposeOf(key)) && findPurpose(policy, key) !== undefined) choices[key] = effectiveChoice(policy, snapshot, key)
  }
  return choices
}

/**
 * What an effectively granted key stands on: the newer evidence of the key's own grant and of its purpose's grant.
 * Undefined where the key is denied, or granted by default only.
 */
export function evidenceFor(policy: Policy, snapshot: Snapshot, key: PurposeKey): Evidence | undefined {
  if (effectiveChoice(policy, snapshot, key) === 'denied') return undefined
  const own = heldChoice(snapshot, key)?.evidence
  const whole = heldChoice(snapshot, purposeOf(key))?.evidence
  if (own === undefined || whole === undefined) return own ?? whole
  return whole.collectedAt > own.collectedAt ? whole : own
}

function mergedChoice(mine: HeldChoice | undefined, theirs: HeldChoice | undefined, version: number, now: number): HeldChoice | undefined {
  if (theirs === undefined) return mine
  const carried = { ...theirs, version, at: now }
  if (mine === undefined) return carried
  if (mine.choice !== theirs.choice) return mine.choice === 'denied' ? mine : carried
  // of two denials the later one is held: evidence collected between them must not count as newer
  if (mine.choice === 'denied') return theirs.at > mine.at ? carried : mine
  return (theirs.evidence?.collectedAt ?? 0) > (mine.evidence?.collectedAt ?? 0) ? carried : mine
}

/**
 * The next snapshot of `into` once `from` turned out to be the same person: the union of both, where denied wins.
 * A choice that was carried over is held from `now` on, under the new version. A bar of either is a bar of both.
 */
export function mergeSnapshots(into: Snapshot, from: Snapshot, now: number): Snapshot {
  const version = into.version + 1
  const choices: Record<PurposeKey, HeldChoice> = {}
  for (const key of new Set([...heldKeys(into), ...heldKeys(from)])) {
    const merged = mergedChoice(heldChoice(into, key), heldChoice(from, key), version, now)
    if (merged !== undefined) choices[key] = merged
  }
  const barred = into.barred ?? from.barred
  return { subjectId: into.subjectId, version, choices, ...(barred === undefined ? {} : { barred }) }
}

/** The keys whose held choice differs between two snapshots, sorted. */
export function changedKeys(before: Snapshot, after: Snapshot): PurposeKey[] {
  const keys = new Set([...heldKeys(before), ...heldKeys(after)])
  return [...keys].filter((key) => heldChoice(before, key)?.choice !== heldChoice(after, key)?.choice).sort()
}
