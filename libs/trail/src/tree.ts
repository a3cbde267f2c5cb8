import {
  decodeEntries,
  type Edge,
  EMPTY_EDGE,
  edgeFrom,
  edgeFrontier,
  encodeEntries,
  extendEdge,
  frontierRoot,
  type Hash,
  leafHash,
  MerkleLogError,
  partialTiles,
  TILE_WIDTH,
  type Tile,
} from '@heed/merkle-log'
import { bytesOf } from './bytes.ts'
import type { LogStore } from './rows.ts'
import { tileReader } from './tiles.ts'

/** The right edge of the log: all that a writer must hold to add to it. A value that is never changed in place. */
export interface Tree {
  readonly size: number
  readonly root: Hash
  readonly edge: Edge
  /** The entries of the last bundle, while it is not full. */
  readonly tail: readonly Uint8Array[]
}

/** The log without entries. */
export const emptyTree: Tree = { size: 0, root: frontierRoot(edgeFrontier(EMPTY_EDGE)), edge: EMPTY_EDGE, tail: [] }

/** A bundle as it is to be stored. */
export interface Bundle {
  readonly index: number
  readonly width: number
  readonly entries: Uint8Array
}

/** The tree with these entries added, and what has to be stored before it may be spoken of. */
export function extendTree(tree: Tree, leaves: readonly Uint8Array[]): { tree: Tree; tiles: Tile[]; bundles: Bundle[] } {
  const { edge, tiles } = extendEdge(tree.edge, leaves.map(leafHash))
  const bundles: Bundle[] = []
  const all = [...tree.tail, ...leaves]
  const first = (tree.size - tree.tail.length) / TILE_WIDTH
  for (let at = 0; at < all.length; at += TILE_WIDTH) {
    const entries = all.slice(at, at + TILE_WIDTH)
    bundles.push({ index: first + at / TILE_WIDTH, width: entries.length, entries: encodeEntries(entries) })
  }
  const tail = all.slice(all.length - (edge.size % TILE_WIDTH))
  return { tree: { size: edge.size, root: frontierRoot(edgeFrontier(edge)), edge, tail }, tiles, bundles }
}

/**
 * The tree of this size as it is stored. What was stored beyond it, by a writer that died before it could say so, is left aside. Throws `MerkleLogError` where a tile or
 * a bundle is missing or too narrow. Whether it is the right tree, its root says.
 */
export async function readTree(store: Pick<LogStore, 'tiles' | 'bundles'>, size: number): Promise<Tree> {
  if (size === 0) return emptyTree
  const ids = partialTiles(size)
  const edge = edgeFrom(size, ids.length === 0 ? [] : await tileReader(store, 0)(ids))
  const width = size % TILE_WIDTH
  let tail: Uint8Array[] = []
  if (width > 0) {
    const row = await store.bundles.findOne({ _id: Math.floor(size / TILE_WIDTH) })
    tail = row === null ? [] : decodeEntries(bytesOf(row.entries)).slice(0, width)
    if (tail.length < width)
      throw new MerkleLogError('malformed.entry-bundle', 'the last bundle of the log is not stored as wide as it should be')
  }
  return { size, root: frontierRoot(edgeFrontier(edge)), edge, tail }
}
