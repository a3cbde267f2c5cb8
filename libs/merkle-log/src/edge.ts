import { MerkleLogError } from './errors.ts'
import type { Frontier } from './frontier.ts'
import { HASH_BYTES, type Hash, hashRun, isHash } from './hash.ts'
import { subtreesOf } from './ranges.ts'
import { partialTiles, TILE_HEIGHT, TILE_WIDTH, type Tile } from './tiles.ts'

/**
 * All that a writer of tiles must remember: the partial tile of each level, lowest first, empty where a level has none. At most
 * 57 KB; a value that is never changed in place. `readEdge` restores it after a restart from `partialTiles(size)`.
 */
export type Edge = { readonly size: number; readonly partials: readonly Uint8Array[] }

/** The edge of the tree without leaves. */
export const EMPTY_EDGE: Edge = { size: 0, partials: [] }

/**
 * The edge of a tree of `size` leaves from its partial tiles, in the order of `partialTiles(size)`; wider ones are cut to size, so
 * a writer that died after it wrote tiles and before it wrote a checkpoint goes on from the checkpoint. Throws `unreadable.tile`
 * when one is missing or too narrow. Whether they are the right ones, the root says: compare it with the checkpoint's.
 */
export function edgeFrom(size: number, tiles: readonly Uint8Array[]): Edge {
  const partials: Uint8Array[] = []
  partialTiles(size).forEach(({ level, width }, at) => {
    const bytes = tiles[at]
    if (!bytes || bytes.length < width * HASH_BYTES || bytes.length % HASH_BYTES !== 0) {
      throw new MerkleLogError('unreadable.tile', `the partial tile of level ${level} was read without all of its ${width} hashes`)
    }
    while (partials.length < level) partials.push(new Uint8Array(0))
    partials.push(new Uint8Array(bytes.subarray(0, width * HASH_BYTES)))
  })
  return { size, partials }
}

/**
 * The edge after these leaf hashes, and the tiles to write before a checkpoint of the new size may be signed: the tiles of
 * `tilesFor(edge.size, new size)`, in that order, with their hashes. About one node hash for each leaf. Throws `malformed.hash`.
 */
export function extendEdge(edge: Edge, leafHashes: readonly Hash[]): { readonly edge: Edge; readonly tiles: Tile[] } {
  if (!leafHashes.every(isHash)) throw new MerkleLogError('malformed.hash', 'a leaf hash is 32 bytes')
  const tiles: Tile[] = []
  const partials: Uint8Array[] = []
  const size = edge.size + leafHashes.length
  let added: readonly Hash[] = leafHashes
  for (let level = 0; added.length > 0 || level < edge.partials.length; level += 1) {
    const before = edge.partials[level] ?? new Uint8Array(0)
    const hashes = Buffer.concat([before, ...added])
    const firstIndex = Math.floor(edge.size / TILE_WIDTH ** (level + 1))
    const roots: Hash[] = []
    let at = 0
    for (; at + TILE_WIDTH * HASH_BYTES <= hashes.length; at += TILE_WIDTH * HASH_BYTES) {
      const full = new Uint8Array(hashes.subarray(at, at + TILE_WIDTH * HASH_BYTES))
      tiles.push({ level, index: firstIndex + roots.length, width: TILE_WIDTH, hashes: full })
      roots.push(hashRun(full, 0, TILE_WIDTH))
    }
    const partial = new Uint8Array(hashes.subarray(at))
    const width = partial.length / HASH_BYTES
    if (width > 0 && added.length > 0) tiles.push({ level, index: firstIndex + roots.length, width, hashes: partial })
    partials.push(partial)
    added = roots
  }
  return { edge: { size, partials }, tiles }
}

/** The frontier of the edge's tree, and with `frontierRoot` its root: at most 53 nodes, a few hundred hashes. */
export function edgeFrontier(edge: Edge): Frontier {
  const nodes = subtreesOf({ begin: 0, end: edge.size }).map(({ height, index }) => {
    const count = 2 ** (height % TILE_HEIGHT)
    return hashRun(edge.partials[Math.floor(height / TILE_HEIGHT)] ?? new Uint8Array(0), (index * count) % TILE_WIDTH, count)
  })
  return { size: edge.size, nodes }
}
