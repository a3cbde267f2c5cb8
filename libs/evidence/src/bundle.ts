import type { Disclosure } from '@heed/contracts/trail'
import type { Hash } from '@heed/merkle-log'

/** What an evidence bundle is about. Times are ms since the epoch; `to` is not included. */
export type About =
  | { readonly kind: 'change'; readonly changeId: string }
  | { readonly kind: 'delivery'; readonly deliveryId: string }
  | { readonly kind: 'subject'; readonly subjectId: string }
  | { readonly kind: 'period'; readonly from: number; readonly to: number }

/** One entry of the trail, with its proof: `hashes` lead from its leaf to the root of the bundle's checkpoint (RFC 6962). */
export interface EvidenceEntry {
  /** Its place in the log, from 0. */
  readonly sequence: number
  /** The entry as it stands in the log: canonical JSON. */
  readonly leaf: string
  readonly hashes: readonly Hash[]
  /** What stands behind its commitments; absent where that was destroyed or is nobody's to know. */
  readonly disclosure?: Disclosure
}

/** That the tree of an older size is the beginning of the tree of the bundle's checkpoint. */
export interface OlderTree {
  readonly size: number
  readonly hashes: readonly Hash[]
}

/** The text of a policy that was in force, byte for byte. Its SHA-256 stands in an entry of kind `policy-loaded`. */
export interface PolicyText {
  readonly sha256: string
  readonly text: string
}

/**
 * One file that shows what happened, and that anybody can check without Heed: entries of the trail, their proofs, the signed checkpoint that they lead to, and the
 * policy in force. It holds no personal data but what the random ids of its subjects are.
 */
export interface EvidenceBundle {
  readonly about: About
  /** The signed note (C2SP tlog-checkpoint), with every signature and cosignature that was known. */
  readonly checkpoint: string
  /** The keys that the log itself says are its own (C2SP signed-note). Nobody has to believe them: a verifier brings its own. */
  readonly claimedKeys: readonly string[]
  /** In the order of the log. */
  readonly entries: readonly EvidenceEntry[]
  readonly olderTrees: readonly OlderTree[]
  readonly policies: readonly PolicyText[]
}

/** The largest bundle that is read or written, bytes. */
export const MAX_BUNDLE_BYTES = 64 * 1024 * 1024

/** The most entries that one bundle holds. */
export const MAX_BUNDLE_ENTRIES = 20_000

/** Bytes that are no bundle. The message says what was expected, and never repeats the input. */
export class BundleError extends Error {
  override readonly name = 'BundleError'
  readonly reason: BundleReason

  constructor(reason: BundleReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** Why bytes are no bundle: too large; no bundle at all; a bundle that is damaged; of a form that this program does not know. */
export type BundleReason = 'bundle.oversized' | 'bundle.foreign' | 'bundle.damaged' | 'bundle.unsupported'
