import { MerkleLogError } from './errors.ts'
import type { Frontier } from './frontier.ts'
import { HASH_BYTES, type Hash, hashRun, nodeHash } from './hash.ts'
import { consistencyRanges, inclusionRanges, type Range, type Subtree, subtreesOf } from './ranges.ts'
import { isSize, requireSize } from './sizes.ts'
import { type NodeReader, TILE_HEIGHT, TILE_WIDTH, type TileId, tileWidth } from './tiles.ts'

/** Where in the tiles a complete subtree lies: the tile, and the run of its hashes that the subtree spans. */
function placeOf({ height, index }: Subtree, size: number): { tile: TileId; first: number; count: number } {
  const level = Math.floor(height / TILE_HEIGHT)
  const count = 2 ** (height % TILE_HEIGHT)
  const first = index * count
  const tileIndex = Math.floor(first / TILE_WIDTH)
  return { tile: { level, index: tileIndex, width: tileWidth(level, tileIndex, size) }, first: first % TILE_WIDTH, count }
}

function keyOf({ level, index }: TileId): string {
  return `${level}/${index}`
}

function nameOf({ height, index }: Subtree): string {
  return `${height}:${index}`
}

/** Reads the tiles, and sees to it that each has the hashes that were asked for. */
async function readAll(ids: readonly TileId[], readTiles: NodeReader): Promise<Map<string, Uint8Array>> {
  const tiles = ids.length === 0 ? [] : await readTiles(ids)
  return new Map(
    ids.map((id, at) => {
      const bytes = tiles[at]
      const whole = bytes instanceof Uint8Array && bytes.length % HASH_BYTES === 0 && bytes.length <= TILE_WIDTH * HASH_BYTES
      if (!whole || bytes.length < id.width * HASH_BYTES) {
        throw new MerkleLogError('unreadable.tile', `tile ${id.index} of level ${id.level} was read without all of its ${id.width} hashes`)
      }
      return [keyOf(id), bytes]
    }),
  )
}

/**
 * Hashes of complete subtrees above the lowest tiles, which no log ever changes, from one proof to the next: most of the hashing of a proof is theirs. It may forget any
 * of them at any time.
 */
export interface NodeMemory {
  get(name: string): Hash | undefined
  set(name: string, hash: Hash): void
}

/** The hashes of these ranges of a tree of `size` leaves, from tiles that are read in one call. */
async function hashesOf(
  ranges: readonly Range[],
  size: number,
  readTiles: NodeReader,
  frontier?: Frontier,
  memory?: NodeMemory,
): Promise<Hash[]> {
  if (frontier && frontier.size !== size) throw new MerkleLogError('invalid.range', 'the frontier is of another size than the tree')
  const known = new Map<string, Hash>()
  const whole = subtreesOf({ begin: 0, end: size })
  whole.forEach((subtree, at) => {
    const hash = frontier?.nodes[at]
    if (hash) known.set(nameOf(subtree), hash)
  })
  const parts = ranges.map(subtreesOf)
  const missing = new Map<string, Subtree>()
  for (const subtree of parts.flat()) {
    const name = nameOf(subtree)
    if (known.has(name)) continue
    const remembered = subtree.height < TILE_HEIGHT ? undefined : memory?.get(name)
    if (remembered) known.set(name, remembered)
    else missing.set(name, subtree)
  }
  const places = [...missing].map(([name, subtree]) => ({ name, place: placeOf(subtree, size) }))
  const ids = new Map(places.map(({ place }) => [keyOf(place.tile), place.tile]))
  const tiles = await readAll([...ids.values()], readTiles)
  for (const { name, place } of places) {
    const bytes = tiles.get(keyOf(place.tile))
    if (!bytes) continue
    const hash = hashRun(bytes, place.first, place.count)
    known.set(name, hash)
    if (place.tile.level > 0) memory?.set(name, hash)
  }
  return parts.map((subtrees) =>
    subtrees
      .map((subtree) => {
        const hash = known.get(nameOf(subtree))
        if (!hash) throw new MerkleLogError('unreadable.tile', 'a subtree was not read')
        return hash
      })
      .reduceRight((right, left) => nodeHash(left, right)),
  )
}

/**
 * The inclusion proofs of several leaves in the tree of `size` leaves: for each, the hashes from the leaf's sibling up to the
 * root's child (RFC 6962 section 2.1.1; RFC 9162 section 2.1.3.1). All tiles are read in one call, each once: for one leaf at
 * most one tile for each level, plus one partial tile for each level below the top. A caller that has the `frontier` of that size
 * (see `readFrontier`) saves the partial ones: three tiles at 10 million leaves; one that has a `memory` saves the tiles and the hashing above the lowest level.
 *
 * The tiles are believed, not checked: `verifyInclusion` against a signed root says whether they were right.
 * Throws `invalid.range` when a leaf is not in such a tree, `unreadable.tile` when the reader gives too little.
 */
export async function proveInclusions(
  indexes: readonly number[],
  size: number,
  readTiles: NodeReader,
  frontier?: Frontier,
  memory?: NodeMemory,
): Promise<Hash[][]> {
  requireSize(size, 'the size')
  const paths = indexes.map((index) => {
    if (!isSize(index) || index >= size) throw new MerkleLogError('invalid.range', 'the leaf is not in a tree of that size')
    return inclusionRanges(index, size)
  })
  const hashes = await hashesOf(paths.flat(), size, readTiles, frontier, memory)
  let from = 0
  return paths.map((path) => {
    from += path.length
    return hashes.slice(from - path.length, from)
  })
}

/** The inclusion proof of one leaf: see `proveInclusions`. */
export async function proveInclusion(index: number, size: number, readTiles: NodeReader, frontier?: Frontier): Promise<Hash[]> {
  const [proof = []] = await proveInclusions([index], size, readTiles, frontier)
  return proof
}

/**
 * The proof that the tree of `oldSize` leaves is the beginning of the tree of `newSize` (RFC 6962 section 2.1.2; RFC 9162 section
 * 2.1.4.1); empty when the old tree is empty or the same. Tiles are read in one call; a `frontier` of `newSize` saves some.
 * Throws `invalid.range` when the tree would shrink, `unreadable.tile` when the reader gives too little.
 */
export async function proveConsistency(oldSize: number, newSize: number, readTiles: NodeReader, frontier?: Frontier): Promise<Hash[]> {
  requireSize(oldSize, 'the old size')
  requireSize(newSize, 'the new size')
  if (newSize < oldSize) throw new MerkleLogError('invalid.range', 'a log does not shrink')
  return hashesOf(consistencyRanges(oldSize, newSize), newSize, readTiles, frontier)
}

/**
 * The frontier of the tree at any size that the tiles still hold: one read of at most seven tiles. `frontierRoot` of it is the root
 * at that size.
 */
export async function readFrontier(size: number, readTiles: NodeReader): Promise<Frontier> {
  requireSize(size, 'the size')
  const ranges = subtreesOf({ begin: 0, end: size }).map(({ height, index }) => ({
    begin: index * 2 ** height,
    end: (index + 1) * 2 ** height,
  }))
  return { size, nodes: await hashesOf(ranges, size, readTiles) }
}
