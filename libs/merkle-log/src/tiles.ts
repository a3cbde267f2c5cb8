import { MerkleLogError } from './errors.ts'
import { HASH_BYTES, type Hash, hashAt } from './hash.ts'
import { parseSize, requireSize } from './sizes.ts'

/** How many hashes a full tile has, and how many entries a full bundle has (C2SP tlog-tiles, "Merkle Tree"). */
export const TILE_WIDTH = 256

/** The height of the subtree that one tile spans. */
export const TILE_HEIGHT = 8

/** The highest level that a tree of fewer than 2^53 leaves can have. */
const MAX_LEVEL = 6

/**
 * Which tile: the hashes `index * 256` to `index * 256 + width - 1` of level `level`. At level 0 they are leaf hashes; at level
 * l each is the root of 256^l leaves. A `width` of 256 is a full tile, 1 to 255 a partial one (C2SP tlog-tiles).
 */
export type TileId = { readonly level: number; readonly index: number; readonly width: number }

/** A tile with its hashes, one after the other: `width` × 32 bytes, as it is served. */
export type Tile = TileId & { readonly hashes: Uint8Array }

/** Which bundle of entries: `index * 256` to `index * 256 + width - 1`. */
export type BundleId = { readonly index: number; readonly width: number }

/**
 * Reads stored tiles, all in one call. When it resolves, answer i holds the hashes of tile i from its first on, at least `width`
 * of them: where the tile has grown since, the wider one may be given (as the tlog-tiles page allows). It rejects when a tile
 * cannot be read; it never answers with something else in its place.
 */
export type NodeReader = (ids: readonly TileId[]) => Promise<readonly Uint8Array[]>

function indexPath(index: number): string {
  const groups: string[] = []
  let rest = index
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'))
    rest = Math.floor(rest / 1000)
  } while (rest > 0)
  return groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/')
}

function path(folder: string, { index, width }: BundleId): string {
  requireSize(index, 'the index of a tile')
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new MerkleLogError('invalid.range', 'the width of a tile is 1 to 256')
  }
  return `tile/${folder}/${indexPath(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** The path of a tile below the log's prefix, such as `tile/0/x001/x234/067.p/8` (C2SP tlog-tiles, "Merkle Tree"). */
export function tilePath(id: TileId): string {
  if (!Number.isInteger(id.level) || id.level < 0 || id.level > 63) {
    throw new MerkleLogError('invalid.range', 'the level of a tile is 0 to 63')
  }
  return path(String(id.level), id)
}

/** The path of a bundle of entries below the log's prefix, such as `tile/entries/x001/067` (C2SP tlog-tiles, "Log entries"). */
export function entriesPath(id: BundleId): string {
  return path('entries', id)
}

function parsePath(text: string): { folder: string; index: number; width: number } {
  // the longest real path is far shorter; the bound keeps the work on garbage small
  const found = text.length > 80 ? null : /^tile\/([0-9]{1,2}|entries)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(text)
  const [, folder = '', groups = '', partial] = found ?? []
  const index = Number(groups.replaceAll(/[x/]/g, ''))
  const width = partial === undefined ? TILE_WIDTH : Number(partial)
  // an index in more groups than it needs would give one tile two names
  if (!found || !Number.isSafeInteger(index) || indexPath(index) !== groups || (partial !== undefined && width >= TILE_WIDTH)) {
    throw new MerkleLogError(
      'malformed.tile-path',
      'a tile path is tile/<level or "entries">/<index in groups of three digits>[.p/<1 to 255>]',
    )
  }
  return { folder, index, width }
}

/** Reads what `tilePath` writes, and nothing else: one tile has one path. Throws `malformed.tile-path`. */
export function parseTilePath(text: string): TileId {
  const { folder, index, width } = parsePath(text)
  const level = parseSize(folder)
  if (level === undefined || level > 63) throw new MerkleLogError('malformed.tile-path', 'the level of a tile is 0 to 63')
  return { level, index, width }
}

/** Reads what `entriesPath` writes, and nothing else. Throws `malformed.tile-path`. */
export function parseEntriesPath(text: string): BundleId {
  const { folder, index, width } = parsePath(text)
  if (folder !== 'entries') throw new MerkleLogError('malformed.tile-path', 'the path of a bundle of entries begins with tile/entries/')
  return { index, width }
}

/** How many hashes level `level` has in a tree of `size` leaves: the number of complete subtrees of 256^level leaves. */
export function hashesAtLevel(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

/** How wide the tile is in a tree of `size` leaves: 0 when that tree has no such tile. */
export function tileWidth(level: number, index: number, size: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, hashesAtLevel(level, size) - index * TILE_WIDTH))
}

/**
 * The tiles to write when a tree grows from `oldSize` to `newSize`: every tile that the old tree has not, or has narrower, lowest
 * level first and from left to right. The level 0 ids are also the bundles of entries to write. `tilesFor(0, n)` is the whole
 * tree. Throws `invalid.range` when the tree would shrink.
 */
export function tilesFor(oldSize: number, newSize: number): TileId[] {
  requireSize(oldSize, 'the old size')
  requireSize(newSize, 'the new size')
  if (newSize < oldSize) throw new MerkleLogError('invalid.range', 'a log does not shrink')
  const ids: TileId[] = []
  for (let level = 0; level <= MAX_LEVEL; level += 1) {
    const before = hashesAtLevel(level, oldSize)
    const after = hashesAtLevel(level, newSize)
    if (after === before) break
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < after; index += 1) {
      ids.push({ level, index, width: tileWidth(level, index, newSize) })
    }
  }
  return ids
}

/** The partial tiles at the right edge of a tree, lowest level first: what a writer reads to go on where it left off. At most seven. */
export function partialTiles(size: number): TileId[] {
  requireSize(size, 'the size')
  return Array.from({ length: MAX_LEVEL + 1 }, (_, level) => {
    const hashes = hashesAtLevel(level, size)
    return { level, index: Math.floor(hashes / TILE_WIDTH), width: hashes % TILE_WIDTH }
  }).filter((id) => id.width > 0)
}

/** The bytes of a tile: its hashes one after the other. Throws `malformed.tile` unless there are 1 to 256 hashes of 32 bytes. */
export function encodeTile(hashes: readonly Hash[]): Uint8Array {
  if (hashes.length < 1 || hashes.length > TILE_WIDTH || hashes.some((hash) => hash.length !== HASH_BYTES)) {
    throw new MerkleLogError('malformed.tile', 'a tile has 1 to 256 hashes of 32 bytes')
  }
  return new Uint8Array(Buffer.concat(hashes))
}

/**
 * The hashes of a tile. Throws `malformed.tile` unless the bytes are 1 to 256 whole hashes. `rootOf` a full tile's hashes is the hash
 * that the tile above has in its place, so a damaged tile can be found and named.
 */
export function decodeTile(bytes: Uint8Array): Hash[] {
  if (bytes.length === 0 || bytes.length > TILE_WIDTH * HASH_BYTES || bytes.length % HASH_BYTES !== 0) {
    throw new MerkleLogError('malformed.tile', 'a tile has 1 to 256 hashes of 32 bytes')
  }
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, at) => hashAt(bytes, at))
}
