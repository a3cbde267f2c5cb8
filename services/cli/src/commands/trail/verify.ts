import { existsSync, readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatVerifierKey, MerkleLogError, parseSignerKey, verifierOf } from '@heed/merkle-log'
import type { CommandContext } from '../../context.ts'
import { exitCodes, InputError } from '../../failures.ts'
import { type Verification, VerificationInputError, verifyFile } from '../../verification.ts'

/** Checks a bundle without asking anybody: exit code 0 proved, 1 not proved, 2 no bundle or no key. */
export async function verify(context: CommandContext, asked: Verification): Promise<number> {
  const keys = asked.keys.length > 0 ? asked.keys : knownKeys(context.env)
  try {
    const { lines, document, code } = verifyFile({ ...asked, keys })
    context.output.document(document)
    for (const line of lines) context.output.line(line)
    return code
  } catch (thrown) {
    if (thrown instanceof VerificationInputError) throw new InputError(thrown.message)
    throw thrown
  }
}

/** The keys that this machine believes: `HEED_TRAIL_PUBLIC_KEYS`, or the development log of its own data folder. */
export function knownKeys(env: NodeJS.ProcessEnv): string[] {
  const named = (env.HEED_TRAIL_PUBLIC_KEYS ?? '').split(',').filter((key) => key.trim() !== '')
  if (named.length > 0) return named.map((key) => key.trim())
  const file = join(env.HEED_DATA_DIR ?? '.heed', 'trail-key')
  if (!existsSync(file)) return []
  try {
    return [formatVerifierKey(verifierOf(parseSignerKey(readFileSync(file, 'utf8').trim())))]
  } catch (thrown) {
    if (thrown instanceof MerkleLogError) return []
    throw thrown
  }
}

/** Copies the verifier that is one file and needs nothing but Node to a place, to be handed on. */
export async function copyVerifier(context: CommandContext, to: string): Promise<number> {
  const from = fileURLToPath(new URL('./heed-verify.mjs', import.meta.url))
  if (!existsSync(from)) throw new InputError('the verifier is not built yet: run `npm run build` once')
  await copyFile(from, to)
  context.output.document({ file: to })
  context.output.line(`${to}: check a bundle with \`node ${to} <bundle> --key <public key>\``)
  return exitCodes.done
}
