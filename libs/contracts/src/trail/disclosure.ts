import { sameCommitment, sealedCommitment, subjectCommitment } from './commitment.ts'
import type { Leaf } from './leaf.ts'

/** What stands behind the commitments of a leaf. It is kept beside the log, handed out with proofs, and destroyed when the subject is erased. */
export interface Disclosure {
  /** Every subject that the leaf speaks of: first the one that it is about, then those that it mentions. */
  readonly subjects: readonly { readonly subjectId: string; readonly salt: Uint8Array }[]
  /** The sealed facts as canonical JSON, with the salt of their commitment. */
  readonly sealed?: { readonly text: string; readonly salt: Uint8Array }
}

/** Whether a disclosure belongs to a leaf: it does, or what of it does not. */
export type DisclosureVerdict = { readonly ok: true } | { readonly ok: false; readonly detail: string }

/** The commitments to other subjects that stand in `what`. */
export function mentionedIn(leaf: Leaf): string[] {
  const { mergedInto, merged } = leaf.what
  return [mergedInto, ...(Array.isArray(merged) ? merged : [])].filter((value): value is string => typeof value === 'string')
}

/**
 * Whether everything that is disclosed is what the leaf is bound to. Nothing may be disclosed that the leaf does not speak of; what the leaf speaks of may stay
 * undisclosed. Never throws.
 */
export function checkDisclosure(leaf: Leaf, disclosure: Disclosure): DisclosureVerdict {
  const spoken = [...(leaf.subject === undefined ? [] : [leaf.subject]), ...mentionedIn(leaf)]
  for (const { subjectId, salt } of disclosure.subjects) {
    const known = committed(() => subjectCommitment(salt, subjectId))
    if (known === undefined || !spoken.some((commitment) => sameCommitment(commitment, known)))
      return { ok: false, detail: 'The entry is not about the subject that is disclosed with it.' }
  }
  if (disclosure.sealed !== undefined) {
    const { text, salt } = disclosure.sealed
    const known = committed(() => sealedCommitment(salt, text))
    if (known === undefined || leaf.sealed === undefined || !sameCommitment(leaf.sealed, known))
      return { ok: false, detail: 'The facts that are disclosed are not those that the entry is bound to.' }
  }
  return { ok: true }
}

function committed(compute: () => string): string | undefined {
  try {
    return compute()
  } catch (thrown) {
    // a salt of another length commits to nothing
    if (thrown instanceof RangeError) return undefined
    throw thrown
  }
}
