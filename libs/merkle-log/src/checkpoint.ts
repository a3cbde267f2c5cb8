import { MerkleLogError } from './errors.ts'
import { EMPTY_ROOT, type Hash, isHash, sameHash } from './hash.ts'
import { isSize, parseSize } from './sizes.ts'
import { decodeBase64, encodeBase64, hasControlCharacter, readText } from './text.ts'

/**
 * What a log says of itself when it signs: "the log `origin` has `size` entries, and this is the root of its tree"
 * (C2SP tlog-checkpoint). `extensions` are further lines that this library keeps and does not understand.
 */
export type Checkpoint = {
  readonly origin: string
  readonly size: number
  readonly rootHash: Hash
  readonly extensions: readonly string[]
}

function isLine(text: string): boolean {
  return text !== '' && !text.includes('\n') && !hasControlCharacter(text)
}

/**
 * The checkpoint as the text of a note: origin, size and root, a line each, then the extensions (C2SP tlog-checkpoint, "Note
 * text"). Throws `malformed.checkpoint` when a part cannot be written so that `parseCheckpoint` gives it back.
 */
export function formatCheckpoint({ origin, size, rootHash, extensions }: Checkpoint): string {
  if (!isLine(origin) || !extensions.every(isLine) || !isSize(size) || !isHash(rootHash)) {
    throw new MerkleLogError('malformed.checkpoint', 'a checkpoint has an origin, a size, a root of 32 bytes, and lines that are not empty')
  }
  const text = `${[origin, size, encodeBase64(rootHash), ...extensions].join('\n')}\n`
  // what cannot be read back is not written: too long, a lone surrogate, an empty tree with a root
  parseCheckpoint(text)
  return text
}

/**
 * Reads the text of a note as a checkpoint. Strict: at least three lines, none empty, each ended by one newline; the size without
 * leading zeros, the root in canonical base64. Throws `malformed.checkpoint`, also for an empty tree with a root that is not the
 * empty one. It says nothing of signatures: use `verifyCheckpoint` for a checkpoint that came from elsewhere.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = readText(text)?.split('\n') ?? []
  const end = lines.pop()
  if (end !== '' || lines.length < 3 || !lines.every(isLine)) {
    throw new MerkleLogError('malformed.checkpoint', 'a checkpoint is three lines or more, none empty, each ended by a newline')
  }
  const [origin = '', sizeLine = '', rootLine = '', ...extensions] = lines
  const size = parseSize(sizeLine)
  if (size === undefined)
    throw new MerkleLogError('malformed.checkpoint', 'the second line of a checkpoint is its size: digits, no leading zero, below 2^53')
  const rootHash = decodeBase64(rootLine)
  if (!isHash(rootHash)) throw new MerkleLogError('malformed.checkpoint', 'the third line of a checkpoint is 32 bytes in canonical base64')
  if (size === 0 && !sameHash(rootHash, EMPTY_ROOT)) {
    throw new MerkleLogError('malformed.checkpoint', 'an empty tree has the root SHA-256("")')
  }
  return { origin, size, rootHash, extensions }
}
