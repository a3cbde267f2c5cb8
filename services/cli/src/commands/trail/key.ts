import { formatSignerKey, formatVerifierKey, generateSignerKey, isKeyName, keyFingerprint, verifierOf } from '@heed/merkle-log'
import type { CommandContext } from '../../context.ts'
import { exitCodes, InputError } from '../../failures.ts'

/** Makes a key: of a log, or of a witness. It is shown once and stored nowhere. With `secretOnly` nothing but the secret key is written, for a script. */
export async function makeKey(context: CommandContext, name: string, witness: boolean, secretOnly: boolean): Promise<number> {
  if (!isKeyName(name) || name.includes(',')) {
    throw new InputError('a name such as example.com/trail, without spaces, plus signs and commas, is needed')
  }
  const key = generateSignerKey(name, witness ? 'cosignature-v1' : 'ed25519')
  const made = { name, secretKey: formatSignerKey(key), publicKey: formatVerifierKey(verifierOf(key)), fingerprint: keyFingerprint(key) }
  if (secretOnly) {
    context.output.document({ secretKey: made.secretKey })
    context.output.line(made.secretKey)
    return exitCodes.done
  }
  context.output.document(made)
  context.output.line(`secret key   ${made.secretKey}`)
  context.output.line(`public key   ${made.publicKey}`)
  context.output.line(`fingerprint  ${made.fingerprint}`)
  context.output.line(
    witness
      ? '\nKeep the secret key in HEED_WITNESS_KEY of the machine that runs `heed trail witness`; the log takes its cosignatures once HEED_TRAIL_WITNESSES names the public key.'
      : '\nPut the secret key into HEED_TRAIL_KEYS of audit, and into no other place; hand out the public key. While one key takes over from another, name both: both sign.',
  )
  return exitCodes.done
}
