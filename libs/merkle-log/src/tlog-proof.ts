import type { Checkpoint } from './checkpoint.ts'
import { type Failure, failure, MerkleLogError } from './errors.ts'
import { type Hash, isHash } from './hash.ts'
import { isSize, parseSize } from './sizes.ts'
import { decodeBase64, encodeBase64, readText } from './text.ts'
import { type CheckpointReason, type TrustPolicy, verifyCheckpoint } from './trust.ts'
import { type InclusionReason, verifyInclusion } from './verify.ts'

/**
 * A proof file: entry `index` is in the log of this checkpoint (C2SP tlog-proof). `checkpoint` is the signed note, letter for
 * letter. `extra` is for the application; nobody signs it, so nothing may be believed because it stands there.
 */
export type TlogProof = {
  readonly index: number
  readonly hashes: readonly Hash[]
  readonly checkpoint: string
  readonly extra?: Uint8Array
}

/** Why a proof file does not prove what it says. */
export type ProofReason = 'proof.malformed' | CheckpointReason | InclusionReason

/** What `verifyTlogProof` says. */
export type ProofVerdict = { readonly ok: true; readonly index: number; readonly checkpoint: Checkpoint } | Failure<ProofReason>

const HEADER = 'c2sp.org/tlog-proof@v1'

// a tree of fewer than 2^53 leaves has no longer path
const MAX_PROOF_HASHES = 53

function malformed(expected: string): MerkleLogError {
  return new MerkleLogError('malformed.proof', expected)
}

/** Hashes as lines of base64, each ended by a newline: the form that tlog-proof and tlog-witness share. Throws `malformed.proof`. */
export function formatHashes(hashes: readonly Hash[]): string {
  if (hashes.length > MAX_PROOF_HASHES || !hashes.every(isHash))
    throw malformed(`a proof has at most ${MAX_PROOF_HASHES} hashes of 32 bytes`)
  return hashes.map((hash) => `${encodeBase64(hash)}\n`).join('')
}

/** Reads lines of base64 as hashes. Throws `malformed.proof`. */
export function parseHashes(lines: readonly string[]): Hash[] {
  if (lines.length > MAX_PROOF_HASHES) throw malformed(`a proof has at most ${MAX_PROOF_HASHES} hashes`)
  return lines.map((line, at) => {
    const hash = decodeBase64(line)
    if (!isHash(hash)) throw malformed(`hash ${at + 1} of the proof is not 32 bytes in canonical base64`)
    return hash
  })
}

/** Divides a text at its first blank line, after which a checkpoint stands. Throws `malformed.proof` when there is none. */
export function divide(text: string | Uint8Array): { readonly lines: string[]; readonly checkpoint: string } {
  const all = readText(text)
  const blank = all?.indexOf('\n\n') ?? -1
  if (all === undefined || blank < 0)
    throw malformed('a proof is UTF-8 text of at most 1,000,000 bytes: some lines, a blank line, and a checkpoint')
  const checkpoint = all.slice(blank + 2)
  if (!/[^\n]\n$/.test(checkpoint)) throw malformed('the checkpoint in a proof ends with one newline')
  return { lines: all.slice(0, blank).split('\n'), checkpoint }
}

/**
 * The proof as a file, by convention named `*.tlog-proof` (C2SP tlog-proof, "Format"). Throws `malformed.proof` when a part cannot
 * be written so that `decodeTlogProof` gives it back.
 */
export function encodeTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  if (!isSize(index)) throw malformed('the index of an entry is a whole number from 0 to 2^53 - 1')
  const extraLine = extra === undefined ? '' : `extra ${encodeBase64(extra)}\n`
  const text = `${HEADER}\n${extraLine}index ${index}\n${formatHashes(hashes)}\n${checkpoint}`
  divide(text)
  return text
}

/**
 * Reads a proof file. Strict: the header, at most one `extra` line, `index` without leading zeros, canonical base64, a blank line,
 * and a text that ends with one newline. Throws `malformed.proof`. It verifies nothing: use `verifyTlogProof`.
 */
export function decodeTlogProof(file: string | Uint8Array): TlogProof {
  const { lines, checkpoint } = divide(file)
  const [header, ...rest] = lines
  if (header !== HEADER) throw malformed(`the first line of a proof is ${HEADER}`)
  const [first = ''] = rest
  const extra = first.startsWith('extra ') ? decodeBase64(first.slice('extra '.length)) : undefined
  if (first.startsWith('extra ') && extra === undefined) throw malformed('the extra data of a proof is canonical base64')
  const [indexLine = '', ...hashLines] = extra === undefined ? rest : rest.slice(1)
  const index = indexLine.startsWith('index ') ? parseSize(indexLine.slice('index '.length)) : undefined
  if (index === undefined) throw malformed('a proof names the entry: "index ", digits, no leading zero, below 2^53')
  return { index, hashes: parseHashes(hashLines), checkpoint, ...(extra === undefined ? {} : { extra }) }
}

/**
 * Whether the file proves that the entry with this leaf hash is in the log that the policy trusts. Never throws. The leaf hash is
 * made from the entry itself (`leafHash`), never taken from the file's `extra`.
 */
export function verifyTlogProof(file: string | Uint8Array, leafHash: Hash, policy: TrustPolicy): ProofVerdict {
  let proof: TlogProof
  try {
    proof = decodeTlogProof(file)
  } catch (error) {
    if (error instanceof MerkleLogError) return failure('proof.malformed', `This is not a proof file: ${error.message}.`)
    throw error
  }
  const verdict = verifyCheckpoint(proof.checkpoint, policy)
  if (!verdict.ok) return verdict
  const { size, rootHash: root } = verdict.checkpoint
  const inclusion = verifyInclusion({ leafHash, index: proof.index, size, root, proof: proof.hashes })
  return inclusion.ok ? { ok: true, index: proof.index, checkpoint: verdict.checkpoint } : inclusion
}
