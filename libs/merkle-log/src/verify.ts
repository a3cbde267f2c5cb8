import { failure, type Verdict } from './errors.ts'
import { EMPTY_ROOT, type Hash, isHash, nodeHash, sameHash } from './hash.ts'
import { half, isOdd, isSize } from './sizes.ts'

// Written from RFC 9162, and sharing nothing with prove.ts but the hashes, so that one mistake cannot be in both.

/** Why an inclusion proof does not hold. */
export type InclusionReason = 'inclusion.malformed' | 'inclusion.range' | 'inclusion.length' | 'inclusion.root'

/** Why a consistency proof does not hold. */
export type ConsistencyReason =
  | 'consistency.malformed'
  | 'consistency.range'
  | 'consistency.length'
  | 'consistency.old-root'
  | 'consistency.new-root'

/** What `verifyInclusion` is asked: is this leaf hash at `index` of the tree with this size and root? */
export type InclusionClaim = {
  readonly leafHash: Hash
  readonly index: number
  readonly size: number
  readonly root: Hash
  readonly proof: readonly Hash[]
}

/** What `verifyConsistency` is asked: is the old tree the beginning of the new one? */
export type ConsistencyClaim = {
  readonly oldSize: number
  readonly oldRoot: Hash
  readonly newSize: number
  readonly newRoot: Hash
  readonly proof: readonly Hash[]
}

/**
 * Whether the proof shows that the leaf is in the tree (RFC 9162 section 2.1.3.2). Never throws. The root has to come from a
 * checkpoint whose signature was verified; the leaf hash, from the entry itself.
 */
export function verifyInclusion({ leafHash, index, size, root, proof }: InclusionClaim): Verdict<InclusionReason> {
  if (!isHash(leafHash) || !isHash(root) || !Array.isArray(proof) || !proof.every(isHash)) {
    return failure('inclusion.malformed', 'The leaf hash, the root and each hash of the proof must be 32 bytes.')
  }
  if (!isSize(index) || !isSize(size) || index >= size) {
    return failure('inclusion.range', 'The entry number is not below the size of the tree.')
  }
  let fn = index
  let sn = size - 1
  let hash = leafHash
  for (const sibling of proof) {
    if (sn === 0) return failure('inclusion.length', 'The proof has more hashes than a tree of this size calls for.')
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(sibling, hash)
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn)
        sn = half(sn)
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    fn = half(fn)
    sn = half(sn)
  }
  if (sn !== 0) return failure('inclusion.length', 'The proof has fewer hashes than a tree of this size calls for.')
  if (!sameHash(hash, root)) {
    return failure(
      'inclusion.root',
      `The entry and the proof give another root than the checkpoint has: this is not entry number ${index} of that log.`,
    )
  }
  return { ok: true }
}

/**
 * Whether the proof shows that the old tree is the beginning of the new one: nothing in it was changed, removed, moved or put
 * between (RFC 9162 section 2.1.4.2). Never throws. An old tree without leaves is the beginning of every tree.
 */
export function verifyConsistency({ oldSize, oldRoot, newSize, newRoot, proof }: ConsistencyClaim): Verdict<ConsistencyReason> {
  if (!isHash(oldRoot) || !isHash(newRoot) || !Array.isArray(proof) || !proof.every(isHash)) {
    return failure('consistency.malformed', 'Both roots and each hash of the proof must be 32 bytes.')
  }
  if (!isSize(oldSize) || !isSize(newSize)) return failure('consistency.range', 'A size is a whole number from 0 to 2^53 - 1.')
  if (newSize < oldSize)
    return failure('consistency.range', `The log had ${oldSize} entries and now has ${newSize}: it was cut or rolled back.`)
  const oldRootDiffers = () => failure('consistency.old-root', `The log that is shown did not have the old root at ${oldSize} entries.`)
  const newRootDiffers = () =>
    failure('consistency.new-root', `The proof does not lead from the old root to the new root at ${newSize} entries.`)
  if (oldSize === 0 || oldSize === newSize) {
    if (proof.length > 0) return failure('consistency.length', 'Nothing is to be proved here, so the proof must be empty.')
    if (oldSize === 0 && !sameHash(oldRoot, EMPTY_ROOT)) return oldRootDiffers()
    return oldSize !== newSize || sameHash(oldRoot, newRoot) ? { ok: true } : newRootDiffers()
  }

  let fn = oldSize - 1
  let sn = newSize - 1
  while (isOdd(fn)) {
    fn = half(fn)
    sn = half(sn)
  }
  // fn is 0 exactly when the old size is a power of two: the old root is then itself a node of the new tree
  const [first, ...rest] = fn === 0 ? [oldRoot, ...proof] : proof
  if (!first) return failure('consistency.length', 'The proof is empty.')
  let fr = first
  let sr = first
  for (const node of rest) {
    if (sn === 0) return failure('consistency.length', 'The proof has more hashes than trees of these sizes call for.')
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(node, fr)
      sr = nodeHash(node, sr)
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn)
        sn = half(sn)
      }
    } else {
      sr = nodeHash(sr, node)
    }
    fn = half(fn)
    sn = half(sn)
  }
  if (sn !== 0) return failure('consistency.length', 'The proof has fewer hashes than trees of these sizes call for.')
  if (!sameHash(fr, oldRoot)) return oldRootDiffers()
  return sameHash(sr, newRoot) ? { ok: true } : newRootDiffers()
}
