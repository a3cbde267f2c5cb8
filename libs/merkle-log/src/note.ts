import { parseCheckpoint } from './checkpoint.ts'
import { type Failure, failure, MerkleLogError } from './errors.ts'
import { isKeyName, type SignerKey, signMessage, type VerifierKey, verifyMessage } from './keys.ts'
import { requireSize } from './sizes.ts'
import { decodeBase64, encodeBase64, hasControlCharacter, readText } from './text.ts'

/** How many signatures a note may have. C2SP signed-note asks for a limit of 16 or more; golang.org/x/mod has this one. */
export const MAX_SIGNATURES = 100

/** One signature line: whose it says it is, and the bytes after the key id. Nothing of it is verified. */
export type NoteSignature = { readonly name: string; readonly keyId: string; readonly signature: Uint8Array }

/** A note taken apart (C2SP signed-note). Its text is not to be believed before `openNote` says so. */
export type SignedNote = { readonly text: string; readonly signatures: readonly NoteSignature[] }

/** A signature that verified. A cosignature says when it was made, in seconds since 1970; a plain signature does not. */
export type VerifiedSignature = { readonly key: VerifierKey; readonly atSeconds: number | undefined }

/** Why a note is not to be believed. */
export type NoteReason = 'note.malformed' | 'note.signature' | 'note.unknown-signers'

/** What `openNote` says. `unknown` are signatures of keys that were not given: they count for nothing and harm nothing. */
export type NoteVerdict =
  | {
      readonly ok: true
      readonly text: string
      readonly verified: readonly VerifiedSignature[]
      readonly unknown: readonly NoteSignature[]
    }
  | Failure<NoteReason>

function malformed(expected: string): MerkleLogError {
  return new MerkleLogError('malformed.note', expected)
}

/** One signature line without its newline: em dash, name, base64(key id || signature) (C2SP signed-note, "Signatures"). */
export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  if (!isKeyName(name) || !/^[0-9a-f]{8}$/.test(keyId) || signature.length === 0) {
    throw malformed('a signature has the name of a key, a key id of eight hexadecimal digits, and at least one byte')
  }
  return `\u2014 ${name} ${encodeBase64(Buffer.concat([Buffer.from(keyId, 'hex'), signature]))}`
}

function parseSignature(line: string, at: number): NoteSignature {
  const [dash, name = '', base64 = '', ...rest] = line.split(' ')
  const bytes = decodeBase64(base64)
  if (dash !== '\u2014' || !isKeyName(name) || rest.length > 0 || !bytes || bytes.length <= 4) {
    throw malformed(`signature line ${at + 1} is not an em dash, a key name and canonical base64 of more than four bytes`)
  }
  return { name, keyId: Buffer.from(bytes.subarray(0, 4)).toString('hex'), signature: bytes.slice(4) }
}

/** The note as it is stored and sent. Throws `malformed.note` when a part cannot be written so that `parseNote` gives it back. */
export function formatNote({ text, signatures }: SignedNote): string {
  const note = `${text}\n${signatures.map((signature) => `${formatSignature(signature)}\n`).join('')}`
  if (!text.endsWith('\n') || hasControlCharacter(text))
    throw malformed('the text of a note ends with a newline and has no other control character')
  if (signatures.length < 1 || signatures.length > MAX_SIGNATURES) throw malformed(`a note has 1 to ${MAX_SIGNATURES} signatures`)
  if (readText(note) === undefined) throw malformed('a note is at most 1,000,000 bytes of UTF-8')
  return note
}

/**
 * Takes a note apart (C2SP signed-note, "Format"). Strict: UTF-8, no control character but the newline, a blank line between text
 * and signatures, exactly one newline at the end, canonical base64, at most 1,000,000 bytes and 100 signatures. Throws
 * `malformed.note`.
 */
export function parseNote(note: string | Uint8Array): SignedNote {
  const all = readText(note)
  if (all === undefined) throw malformed('a note is at most 1,000,000 bytes of UTF-8')
  if (hasControlCharacter(all)) throw malformed('a note has no control character but the newline')
  const blank = all.lastIndexOf('\n\n')
  const lines = blank < 0 ? [] : all.slice(blank + 2).split('\n')
  if (lines.pop() !== '' || lines.length === 0)
    throw malformed('a note is a text, a blank line, and signature lines, each ended by a newline')
  if (lines.length > MAX_SIGNATURES) throw malformed(`a note has at most ${MAX_SIGNATURES} signatures`)
  return { text: all.slice(0, blank + 1), signatures: lines.map(parseSignature) }
}

/**
 * What a cosignature signs: a header, the time, and the text of the checkpoint (C2SP tlog-cosignature, "Ed25519 signed message").
 * Throws `malformed.checkpoint` when the text is none: a witness signs nothing else.
 */
function cosignedMessage(text: string, atSeconds: number): Uint8Array {
  parseCheckpoint(text)
  return Buffer.from(`cosignature/v1\ntime ${atSeconds}\n${text}`)
}

function withSignature(note: SignedNote, added: NoteSignature): SignedNote {
  const others = note.signatures.filter(({ name, keyId }) => name !== added.name || keyId !== added.keyId)
  return { text: note.text, signatures: [...others, added] }
}

/**
 * The text with a signature by each of these `ed25519` keys: by both the old and the new one while a key is being changed. Throws
 * `unsupported.key-type` for a witness's key, `malformed.note` for a text that cannot be a note.
 */
export function signNote(text: string, keys: readonly SignerKey[]): SignedNote {
  const note = keys.reduce<SignedNote>(
    (signed, key) => {
      if (key.type !== 'ed25519') throw new MerkleLogError('unsupported.key-type', 'a note is signed by a key of type ed25519')
      return withSignature(signed, { name: key.name, keyId: key.keyId, signature: signMessage(key, Buffer.from(text)) })
    },
    { text, signatures: [] },
  )
  formatNote(note)
  return note
}

/**
 * The checkpoint with this witness's cosignature of that time added; an earlier one by the same key is replaced (C2SP
 * tlog-cosignature, v1). The caller has verified that the checkpoint is consistent with every one it cosigned before: that is
 * what the signature says. Throws `unsupported.key-type` unless the key is a witness's, `malformed.checkpoint` when the text is
 * none, `invalid.range` for a time that is not whole seconds.
 */
export function cosign(note: SignedNote, key: SignerKey, atSeconds: number): SignedNote {
  if (key.type !== 'cosignature-v1') throw new MerkleLogError('unsupported.key-type', 'a witness signs by a key of type cosignature-v1')
  requireSize(atSeconds, 'the time of a cosignature in seconds')
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(atSeconds))
  const signature = Buffer.concat([time, signMessage(key, cosignedMessage(note.text, atSeconds))])
  return withSignature(note, { name: key.name, keyId: key.keyId, signature: new Uint8Array(signature) })
}

/** The verified signature, or undefined when the key did not make it. Times from 2^53 on are nobody's. */
function verified(key: VerifierKey, text: string, signature: Uint8Array): VerifiedSignature | undefined {
  switch (key.type) {
    case 'ed25519':
      return verifyMessage(key, Buffer.from(text), signature) ? { key, atSeconds: undefined } : undefined
    case 'cosignature-v1': {
      if (signature.length !== 72) return undefined
      const atSeconds = Number(Buffer.from(signature.subarray(0, 8)).readBigUInt64BE())
      if (!Number.isSafeInteger(atSeconds)) return undefined
      return verifyMessage(key, cosignedMessage(text, atSeconds), signature.subarray(8)) ? { key, atSeconds } : undefined
    }
    default:
      return key.type satisfies never
  }
}

/**
 * Reads a note and verifies every signature that says it is by one of these keys (C2SP signed-note, "Signatures"). Never throws.
 * Believed only when at least one verifies and none of a known key fails; signatures of other keys are ignored, as the page
 * demands, also when they share a name or an id (but not both) with a known one.
 */
export function openNote(note: string | Uint8Array, keys: readonly VerifierKey[]): NoteVerdict {
  let parsed: SignedNote
  try {
    parsed = parseNote(note)
  } catch (error) {
    if (error instanceof MerkleLogError) return failure('note.malformed', `This is not a signed note: ${error.message}.`)
    throw error
  }
  const known: VerifiedSignature[] = []
  const unknown: NoteSignature[] = []
  for (const line of parsed.signatures) {
    const candidates = keys.filter((key) => key.name === line.name && key.keyId === line.keyId)
    if (candidates.length === 0) {
      unknown.push(line)
      continue
    }
    let found: VerifiedSignature | undefined
    try {
      found = candidates.map((key) => verified(key, parsed.text, line.signature)).find((signature) => signature !== undefined)
    } catch (error) {
      // a witness's signature on a text that is no checkpoint
      if (!(error instanceof MerkleLogError)) throw error
    }
    if (!found)
      return failure(
        'note.signature',
        `The signature of the known key ${line.name}+${line.keyId} does not belong to this text: one of them was changed or forged.`,
      )
    known.push(found)
  }
  if (known.length === 0) return failure('note.unknown-signers', 'None of the signatures is by a key that is trusted here.')
  return { ok: true, text: parsed.text, verified: known, unknown }
}
