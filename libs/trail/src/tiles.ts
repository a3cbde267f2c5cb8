import { MerkleLogError, type NodeReader, TILE_WIDTH, type TileId } from '@heed/merkle-log'
import { Lru } from '@heed/platform/cache'
import { bytesOf } from './bytes.ts'
import type { LogStore } from './rows.ts'

/** Under which id a tile is stored. */
export const tileKey = ({ level, index }: Pick<TileId, 'level' | 'index'>): string => `${level}/${index}`

/**
 * Reads tiles from the database, those that are asked for together by one query. Full tiles above the lowest level, which nearly every proof shares, are kept in memory:
 * at most so many (512 unless told, 4 MB).
 */
export function tileReader(store: Pick<LogStore, 'tiles'>, maxKept = 512): NodeReader {
  const kept = new Lru<string, Uint8Array>(maxKept)
  return async (ids) => {
    const found = new Map<string, Uint8Array>()
    const missing: string[] = []
    for (const id of ids) {
      const key = tileKey(id)
      const bytes = kept.get(key)
      if (bytes === undefined) missing.push(key)
      else found.set(key, bytes)
    }
    if (missing.length > 0) {
      for await (const { _id, width, hashes } of store.tiles.find({ _id: { $in: missing } })) {
        const bytes = bytesOf(hashes)
        found.set(_id, bytes)
        if (width === TILE_WIDTH && !_id.startsWith('0/')) kept.set(_id, new Uint8Array(bytes))
      }
    }
    return ids.map((id) => {
      const bytes = found.get(tileKey(id))
      if (bytes === undefined) throw new MerkleLogError('unreadable.tile', `tile ${id.index} of level ${id.level} is not stored`)
      return bytes
    })
  }
}
