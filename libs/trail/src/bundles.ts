import { type BundleId, decodeEntries, encodeEntries, MerkleLogError, TILE_WIDTH } from '@heed/merkle-log'
import { bytesOf } from './bytes.ts'
import type { LogStore } from './rows.ts'

/** The first `width` entries of a bundle, as a bundle. Throws `MerkleLogError` where it has fewer. */
export function cutBundle(bundle: Uint8Array, width: number): Uint8Array {
  const entries = decodeEntries(bundle)
  if (entries.length < width) throw new MerkleLogError('malformed.entry-bundle', 'the bundle has fewer entries than were asked for')
  return entries.length === width ? bundle : encodeEntries(entries.slice(0, width))
}

/** The bundles with their first `width` entries each; undefined for one that is not stored, or not as wide. */
export async function readBundles(store: Pick<LogStore, 'bundles'>, ids: readonly BundleId[]): Promise<(Uint8Array | undefined)[]> {
  const found = new Map<number, Uint8Array>()
  for await (const { _id, entries } of store.bundles.find({ _id: { $in: ids.map(({ index }) => index) } })) found.set(_id, bytesOf(entries))
  return ids.map(({ index, width }) => {
    const bundle = found.get(index)
    try {
      return bundle === undefined ? undefined : cutBundle(bundle, width)
    } catch (thrown) {
      if (thrown instanceof MerkleLogError) return undefined
      throw thrown
    }
  })
}

/** The bytes of the entries at these places, as the log has them; undefined for one that is in no bundle. */
export async function readLeaves(
  store: Pick<LogStore, 'bundles'>,
  sequences: readonly number[],
): Promise<Map<number, Uint8Array | undefined>> {
  const indexes = [...new Set(sequences.map((sequence) => Math.floor(sequence / TILE_WIDTH)))]
  const bundles = new Map<number, Uint8Array[]>()
  for await (const { _id, entries } of store.bundles.find({ _id: { $in: indexes } })) bundles.set(_id, decodeEntries(bytesOf(entries)))
  return new Map(sequences.map((sequence) => [sequence, bundles.get(Math.floor(sequence / TILE_WIDTH))?.[sequence % TILE_WIDTH]]))
}
