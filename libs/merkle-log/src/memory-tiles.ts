import { MerkleLogError } from './errors.ts'
import { HASH_BYTES } from './hash.ts'
import type { NodeReader, Tile } from './tiles.ts'

/** Tiles in memory: for tests, for a tool that builds a small log, and as the plainest example of a `NodeReader`. */
export type MemoryTiles = {
  /** Keeps the tiles. A wider tile takes the place of a narrower one; a narrower one changes nothing. */
  readonly write: (tiles: readonly Tile[]) => void
  /** Answers with what was kept, as wide as it is; rejects with `unreadable.tile` when there is no such tile. */
  readonly readTiles: NodeReader
}

/** Makes an empty store of tiles. */
export function memoryTiles(): MemoryTiles {
  const kept = new Map<string, Uint8Array>()
  return {
    write: (tiles) => {
      for (const { level, index, width, hashes } of tiles) {
        const before = kept.get(`${level}/${index}`)
        if (!before || before.length < width * HASH_BYTES) kept.set(`${level}/${index}`, hashes)
      }
    },
    readTiles: async (ids) =>
      ids.map(({ level, index }) => {
        const hashes = kept.get(`${level}/${index}`)
        if (!hashes) throw new MerkleLogError('unreadable.tile', `tile ${index} of level ${level} is not there`)
        return hashes
      }),
  }
}
