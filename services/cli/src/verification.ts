import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { BundleError, type BundleVerdict, MAX_BUNDLE_BYTES, reportOf, verifyBundle } from '@heed/evidence'
import { MerkleLogError, parseVerifierKey, type TrustPolicy, type VerifierKey } from '@heed/merkle-log'

// Imports nothing that talks to anybody: `heed trail verify` and the verifier in one file are this.

/** What to check, and whom to believe. Keys are public keys as they are exchanged (`name+id+key`), or files with one on each line. */
export interface Verification {
  readonly file: string
  readonly keys: readonly string[]
  readonly witnesses: readonly string[]
  /** How many of the witnesses must have cosigned. */
  readonly minWitnesses: number
  /** Files with checkpoints that were kept from earlier. */
  readonly against: readonly string[]
}

/** What came out: what to print, as text and as a document, and the exit code: 0 proved, 1 not proved. */
export interface Verified {
  readonly lines: readonly string[]
  readonly document: unknown
  readonly code: 0 | 1
}

/** What was asked for cannot be checked: a file that is not there or no bundle, a key that is none. One line that says how to mend it; exit code 2. */
export class VerificationInputError extends Error {
  override readonly name = 'VerificationInputError'
}

/** Checks a bundle. Reads only the files that are named. Throws `VerificationInputError`. */
export function verifyFile({ file, keys, witnesses, minWitnesses, against }: Verification): Verified {
  const bytes = readBytes(file)
  const logKeys = keys.flatMap((text) => keysOf(text, 'ed25519'))
  const witnessKeys = witnesses.flatMap((text) => keysOf(text, 'cosignature-v1'))
  const [first] = logKeys
  if (logKeys.some(({ name }) => name !== first?.name))
    throw new VerificationInputError('the keys are of different logs: name those of one')
  if (!Number.isSafeInteger(minWitnesses) || minWitnesses < 0 || minWitnesses > witnessKeys.length)
    throw new VerificationInputError(`${minWitnesses} witnesses are asked for and ${witnessKeys.length} are named`)
  const policy: TrustPolicy | undefined = first === undefined ? undefined : { origin: first.name, logKeys, witnessKeys, minWitnesses }
  const older = against.map((name) => Buffer.from(readBytes(name)).toString('utf8'))
  let verdict: BundleVerdict
  try {
    verdict = verifyBundle(bytes, { policy, older })
  } catch (thrown) {
    if (thrown instanceof BundleError) throw new VerificationInputError(`${basename(file)}: ${thrown.message}`)
    throw thrown
  }
  const claimed = verdict.bundle.claimedKeys
  const lines = [
    ...reportOf(verdict),
    ...(policy === undefined
      ? [
          '',
          'Say which key you believe: --key <public key>. Take it from where the company published it. The file itself says that it was signed with',
          ...claimed.map((key) => `  ${key}`),
        ]
      : []),
  ]
  return { lines, document: documentOf(verdict), code: verdict.ok ? 0 : 1 }
}

function documentOf({ ok, findings, notices, checkpoint, signedBy, witnessedBy, bundle, story }: BundleVerdict): unknown {
  return {
    ok,
    about: bundle.about,
    entries: bundle.entries.length,
    findings,
    notices,
    checkpoint:
      checkpoint === undefined
        ? null
        : { origin: checkpoint.origin, size: checkpoint.size, rootHash: Buffer.from(checkpoint.rootHash).toString('hex') },
    signedBy,
    witnessedBy: witnessedBy.map(({ key, atSeconds }) => ({ name: key.name, atSeconds })),
    changes: story.changes,
    deliveries: story.deliveries,
  }
}

function readBytes(file: string): Uint8Array {
  try {
    const { size } = statSync(file)
    if (size > MAX_BUNDLE_BYTES)
      throw new VerificationInputError(`${basename(file)} has more than the ${MAX_BUNDLE_BYTES} bytes of a bundle`)
    return new Uint8Array(readFileSync(file))
  } catch (thrown) {
    if (thrown instanceof VerificationInputError) throw thrown
    throw new VerificationInputError(`${basename(file)} cannot be read: ${(thrown as NodeJS.ErrnoException).code ?? 'unknown reason'}`)
  }
}

function keysOf(text: string, type: VerifierKey['type']): VerifierKey[] {
  const texts = /^[^\s+]+\+[0-9a-f]{8}\+/.test(text)
    ? [text]
    : Buffer.from(readBytes(text))
        .toString('utf8')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
  return texts.map((line) => {
    try {
      const key = parseVerifierKey(line)
      if (key.type !== type) throw new VerificationInputError(`the key ${key.name} is of another kind than is asked for here`)
      return key
    } catch (thrown) {
      if (thrown instanceof MerkleLogError) throw new VerificationInputError(`a key is no public key: ${thrown.message}`)
      throw thrown
    }
  })
}
