import { floorLog2 } from './sizes.ts'

/** The leaves from `begin` up to, not including, `end`: one subtree of the recursion of RFC 6962 section 2.1. */
export type Range = { readonly begin: number; readonly end: number }

/** A complete subtree: the `index`-th of 2^height leaves. */
export type Subtree = { readonly height: number; readonly index: number }

/** Where RFC 6962 section 2.1 splits a range of two leaves or more: after the largest power of two that is smaller than its length. */
function split({ begin, end }: Range): number {
  return begin + 2 ** floorLog2(end - begin - 1)
}

/**
 * The subtrees whose hashes prove that leaf `index` is in a tree of `size` leaves, the leaf's sibling first (RFC 6962 section
 * 2.1.1). The caller has checked that the index is below the size.
 */
export function inclusionRanges(index: number, size: number): Range[] {
  const path: Range[] = []
  let at: Range = { begin: 0, end: size }
  while (at.end - at.begin > 1) {
    const middle = split(at)
    const left = { begin: at.begin, end: middle }
    const right = { begin: middle, end: at.end }
    path.push(index < middle ? right : left)
    at = index < middle ? left : right
  }
  return path.reverse()
}

/**
 * The subtrees whose hashes prove that a tree of `oldSize` leaves is the beginning of one of `newSize` (RFC 6962 section 2.1.2).
 * The caller has checked that 0 <= oldSize <= newSize. Nothing is needed for an empty or an unchanged tree.
 */
export function consistencyRanges(oldSize: number, newSize: number): Range[] {
  if (oldSize === 0 || oldSize === newSize) return []
  const path: Range[] = []
  let at: Range = { begin: 0, end: newSize }
  while (oldSize !== at.end) {
    const middle = split(at)
    const left = { begin: at.begin, end: middle }
    const right = { begin: middle, end: at.end }
    path.push(oldSize <= middle ? right : left)
    at = oldSize <= middle ? left : right
  }
  // the old tree itself is known to the verifier; a smaller subtree at its end is not
  if (at.begin > 0) path.push(at)
  return path.reverse()
}

/** The complete subtrees that make up a range, largest first: one for each set bit of its length. */
export function subtreesOf(range: Range): Subtree[] {
  const subtrees: Subtree[] = []
  for (let begin = range.begin; begin < range.end; ) {
    const height = floorLog2(range.end - begin)
    subtrees.push({ height, index: begin / 2 ** height })
    begin += 2 ** height
  }
  return subtrees
}
