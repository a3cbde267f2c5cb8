import { MerkleLogError } from './errors.ts'
import type { Hash } from './hash.ts'
import { isSize, parseSize } from './sizes.ts'
import { divide, formatHashes, parseHashes } from './tlog-proof.ts'

/**
 * What a log asks of a witness: cosign this checkpoint, and here is the proof that it extends the one of `oldSize` entries that you
 * cosigned last (C2SP tlog-witness, "add-checkpoint"). Also the form in which a consistency proof travels as a file.
 */
export type AddCheckpoint = { readonly oldSize: number; readonly proof: readonly Hash[]; readonly checkpoint: string }

/** The request's body. Throws `malformed.proof` when a part cannot be written so that `decodeAddCheckpoint` gives it back. */
export function encodeAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  if (!isSize(oldSize)) throw new MerkleLogError('malformed.proof', 'the old size is a whole number from 0 to 2^53 - 1')
  const text = `old ${oldSize}\n${formatHashes(proof)}\n${checkpoint}`
  divide(text)
  return text
}

/** Reads a request's body, strictly. Throws `malformed.proof`. It verifies neither the proof nor the checkpoint. */
export function decodeAddCheckpoint(body: string | Uint8Array): AddCheckpoint {
  const { lines, checkpoint } = divide(body)
  const [oldLine = '', ...hashLines] = lines
  const oldSize = oldLine.startsWith('old ') ? parseSize(oldLine.slice('old '.length)) : undefined
  if (oldSize === undefined) throw new MerkleLogError('malformed.proof', 'the first line is "old ", digits, no leading zero, below 2^53')
  return { oldSize, proof: parseHashes(hashLines), checkpoint }
}
