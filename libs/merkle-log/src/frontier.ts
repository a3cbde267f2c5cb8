import { MerkleLogError } from './errors.ts'
import { EMPTY_ROOT, HASH_BYTES, type Hash, hashAt, isHash, nodeHash } from './hash.ts'
import { countOnes, isOdd, isSize } from './sizes.ts'

/**
 * All that must be remembered of a tree to append to it and to know its root: the roots of its complete subtrees, largest
 * (leftmost) first, one for each set bit of the size. At most 53 hashes. Also called the compact range of [0, size)
 * (transparency-dev/merkle, docs/compact_ranges.md); a value that is never changed in place.
 */
export type Frontier = { readonly size: number; readonly nodes: readonly Hash[] }

/** The frontier of the tree without leaves. */
export const EMPTY_FRONTIER: Frontier = { size: 0, nodes: [] }

function requireFrontier({ size, nodes }: Frontier): void {
  if (!isSize(size) || nodes.length !== countOnes(size) || !nodes.every(isHash)) {
    throw new MerkleLogError('malformed.frontier', 'a frontier has one hash of 32 bytes for each set bit of its size')
  }
}

/**
 * The frontier after these leaf hashes (see `leafHash`), in order. Splitting the same leaves over several calls gives the same
 * frontier. About one node hash for each leaf. Throws `malformed.hash` for a leaf
 * hash that is not 32 bytes, `malformed.frontier` for a frontier that is none.
 */
export function appendLeaves(frontier: Frontier, leafHashes: Iterable<Hash>): Frontier {
  requireFrontier(frontier)
  const nodes = [...frontier.nodes]
  let size = frontier.size
  for (const leaf of leafHashes) {
    if (!isHash(leaf)) throw new MerkleLogError('malformed.hash', 'a leaf hash is 32 bytes')
    let node = leaf
    // each set bit at the low end of the size is a complete subtree of the height that `node` has just reached
    for (let rest = size; isOdd(rest); rest = (rest - 1) / 2) node = nodeHash(nodes.pop() ?? EMPTY_ROOT, node)
    nodes.push(node)
    size += 1
  }
  return { size, nodes }
}

/** The root of the tree with this frontier (RFC 6962 section 2.1, MTH). Throws `malformed.frontier`. */
export function frontierRoot(frontier: Frontier): Hash {
  requireFrontier(frontier)
  return frontier.nodes.reduceRight<Hash | undefined>((right, node) => (right ? nodeHash(node, right) : node), undefined) ?? EMPTY_ROOT
}

/** The frontier as bytes: the size as a big-endian uint64, then its hashes. `decodeFrontier` reads it. Throws `malformed.frontier`. */
export function encodeFrontier(frontier: Frontier): Uint8Array {
  requireFrontier(frontier)
  const bytes = new Uint8Array(8 + frontier.nodes.length * HASH_BYTES)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(frontier.size))
  frontier.nodes.forEach((node, at) => {
    bytes.set(node, 8 + at * HASH_BYTES)
  })
  return bytes
}

/** Reads what `encodeFrontier` wrote. Throws `malformed.frontier` unless there are exactly the hashes that the size calls for. */
export function decodeFrontier(bytes: Uint8Array): Frontier {
  if (bytes.length < 8) throw new MerkleLogError('malformed.frontier', 'a frontier begins with eight bytes of size')
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0))
  if (!isSize(size)) throw new MerkleLogError('malformed.frontier', 'the size of a frontier is at most 2^53 - 1')
  const count = countOnes(size)
  if (bytes.length !== 8 + count * HASH_BYTES) {
    throw new MerkleLogError('malformed.frontier', `a frontier of this size has ${count} hashes and no more bytes`)
  }
  return { size, nodes: Array.from({ length: count }, (_, at) => hashAt(bytes.subarray(8), at)) }
}

/** The root of a tree with these leaf hashes: short for an empty frontier with all of them appended. */
export function rootOf(leafHashes: Iterable<Hash>): Hash {
  return frontierRoot(appendLeaves(EMPTY_FRONTIER, leafHashes))
}
