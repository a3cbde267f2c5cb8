import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { type Failure, failure, MerkleLogError } from './errors.ts'
import type { VerifierKey } from './keys.ts'
import { type NoteReason, openNote, parseNote, type VerifiedSignature } from './note.ts'

/**
 * Whom a verifier believes. `origin` is the log's name for itself; one signature by any of `logKeys` is needed (two keys while one
 * takes over from the other); `minWitnesses` different witnesses out of `witnessKeys` must have cosigned, none by default.
 */
export type TrustPolicy = {
  readonly origin: string
  readonly logKeys: readonly VerifierKey[]
  readonly witnessKeys?: readonly VerifierKey[]
  readonly minWitnesses?: number
}

/** What a signed note says, whoever may have signed it: nobody vouches for it. Undefined where it is no checkpoint. */
export function claimedCheckpoint(note: string): Checkpoint | undefined {
  try {
    return parseCheckpoint(parseNote(note).text)
  } catch (thrown) {
    if (thrown instanceof MerkleLogError) return undefined
    throw thrown
  }
}

/** Why a checkpoint is not to be believed. */
export type CheckpointReason =
  | NoteReason
  | 'checkpoint.malformed'
  | 'checkpoint.origin'
  | 'checkpoint.log-signature'
  | 'checkpoint.witnesses'

/** What `verifyCheckpoint` says: the statement, the log's keys that signed it, and the witnesses that stand by it. */
export type CheckpointVerdict =
  | {
      readonly ok: true
      readonly checkpoint: Checkpoint
      readonly signedBy: readonly VerifierKey[]
      readonly witnessedBy: readonly VerifiedSignature[]
    }
  | Failure<CheckpointReason>

function sameKey(left: VerifierKey, right: VerifierKey): boolean {
  return Buffer.compare(left.publicKey, right.publicKey) === 0
}

/**
 * Whether the policy's log signed this checkpoint and enough witnesses saw it (C2SP tlog-checkpoint, tlog-cosignature). Never
 * throws. A witness counts once, however many names or cosignatures its key has; a plain signature and a key of the log itself do
 * not count as a witness.
 */
export function verifyCheckpoint(signed: string | Uint8Array, policy: TrustPolicy): CheckpointVerdict {
  const witnessKeys = policy.witnessKeys ?? []
  const note = openNote(signed, [...policy.logKeys, ...witnessKeys])
  if (!note.ok) return note
  let checkpoint: Checkpoint
  try {
    checkpoint = parseCheckpoint(note.text)
  } catch (error) {
    if (error instanceof MerkleLogError) return failure('checkpoint.malformed', `The signed text is not a checkpoint: ${error.message}.`)
    throw error
  }
  if (checkpoint.origin !== policy.origin) return failure('checkpoint.origin', 'The checkpoint is of another log than the one asked for.')
  const signedBy = policy.logKeys.filter((key) => note.verified.some((signature) => signature.key === key))
  if (signedBy.length === 0)
    return failure('checkpoint.log-signature', 'The log itself has not signed this checkpoint by a key that is trusted here.')
  const witnessedBy = note.verified.filter(
    ({ key }) => key.type === 'cosignature-v1' && witnessKeys.includes(key) && !policy.logKeys.some((logKey) => sameKey(key, logKey)),
  )
  const witnesses = new Set(witnessedBy.map(({ key }) => Buffer.from(key.publicKey).toString('hex'))).size
  const needed = policy.minWitnesses ?? 0
  // written so that a threshold that is no number is not met
  if (!(witnesses >= needed))
    return failure('checkpoint.witnesses', `${witnesses} of the trusted witnesses cosigned; ${needed} are needed.`)
  return { ok: true, checkpoint, signedBy, witnessedBy }
}
