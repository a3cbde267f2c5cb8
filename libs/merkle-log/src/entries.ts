import { MerkleLogError } from './errors.ts'
import { TILE_WIDTH } from './tiles.ts'

/** The longest entry that a bundle can carry: its length is a uint16 (C2SP tlog-tiles, "Log entries"). */
export const MAX_ENTRY_BYTES = 65_535

/**
 * The bytes of a bundle: each entry after its length as a big-endian uint16 (C2SP tlog-tiles, "Log entries").
 * Throws `malformed.entry-bundle` unless there are 1 to 256 entries of at most 65,535 bytes.
 */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > TILE_WIDTH) {
    throw new MerkleLogError('malformed.entry-bundle', 'a bundle has 1 to 256 entries')
  }
  const bytes = new Uint8Array(entries.reduce((total, entry) => total + 2 + entry.length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) throw new MerkleLogError('malformed.entry-bundle', 'an entry is at most 65,535 bytes')
    view.setUint16(at, entry.length)
    bytes.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bytes
}

/**
 * The entries of a bundle, as copies. Throws `malformed.entry-bundle` unless the bytes are whole entries, 1 to 256 of them. Whether
 * they are the right ones is not known until their leaf hashes are compared with the level 0 tile.
 */
export function decodeEntries(bytes: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    const length = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
    if (at + 2 + length > bytes.length)
      throw new MerkleLogError('malformed.entry-bundle', `entry ${entries.length} of the bundle is cut off`)
    if (entries.length === TILE_WIDTH) throw new MerkleLogError('malformed.entry-bundle', 'a bundle has at most 256 entries')
    entries.push(new Uint8Array(bytes.subarray(at + 2, at + 2 + length)))
    at += 2 + length
  }
  if (entries.length === 0) throw new MerkleLogError('malformed.entry-bundle', 'a bundle has at least one entry')
  return entries
}
