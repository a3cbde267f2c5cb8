import { readFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import {
  cosign,
  decodeTile,
  formatNote,
  type Hash,
  MerkleLogError,
  type NodeReader,
  parseNote,
  parseSignerKey,
  parseVerifierKey,
  proveConsistency,
  rootOf,
  type SignerKey,
  sameHash,
  TILE_WIDTH,
  tilePath,
  type VerifierKey,
  verifyCheckpoint,
  verifyConsistency,
} from '@heed/merkle-log'
import { z } from 'zod'
import type { CommandContext } from '../../context.ts'
import { exitCodes, InputError } from '../../failures.ts'

/** What a witness is told. */
export interface WitnessOptions {
  /** Where the log is served, e.g. `https://example.com/trail`. */
  readonly url: string
  /** The log's public keys, handed over beforehand: never fetched. */
  readonly logKeys: readonly string[]
  /** The file in which it remembers what it cosigned last. */
  readonly state: string
  readonly everySeconds: number
  /** Look once and end. */
  readonly once: boolean
}

const stateShape = z.object({ origin: z.string(), size: z.number().int().nonnegative(), rootHash: z.string(), note: z.string() })

/** What a witness remembers: the largest checkpoint that it has verified. */
type Remembered = z.output<typeof stateShape>

/** What a look at the log came to. */
export type Look =
  | { readonly kind: 'cosigned'; readonly size: number; readonly taken: boolean }
  | { readonly kind: 'unreachable'; readonly detail: string }
  | { readonly kind: 'alarm'; readonly detail: string }

const requestTimeoutMs = 15_000
const largestAnswer = 1_000_000

/**
 * Follows a log from outside: verifies each new checkpoint against the one it cosigned last, cosigns it (C2SP tlog-cosignature), and gives the cosignature back to the log. What it verified is
 * on disk before it signs. Ends with exit code 1, in words nobody can overlook, at a log that shrank, forked or is signed by another key.
 */
export async function runWitness(context: CommandContext, options: WitnessOptions): Promise<number> {
  const { output } = context
  const key = witnessKey(context.env)
  const logKeys = options.logKeys.map((text) => readKey('--log-key', () => parseVerifierKey(text)))
  if (logKeys.length === 0) throw new InputError('--log-key: the public key of the log, as its owner handed it to you')
  for (;;) {
    const look = await lookOnce({ ...options, key, keys: logKeys, nowMs: Date.now() })
    output.document(look)
    switch (look.kind) {
      case 'cosigned':
        output.line(
          `${new Date().toISOString()} ${look.size} entries: consistent, cosigned${look.taken ? '' : '; the log did not take the cosignature'}`,
        )
        break
      case 'unreachable':
        output.line(`${new Date().toISOString()} the log cannot be read: ${look.detail}`)
        break
      case 'alarm':
        output.line(`${new Date().toISOString()} ALARM: ${look.detail}`)
        output.line(`ALARM: do not believe this log. Keep ${options.state}: it holds what the log said before.`)
        return exitCodes.failed
      default:
        return look satisfies never
    }
    if (options.once) return look.kind === 'cosigned' ? exitCodes.done : exitCodes.unavailable
    await new Promise((resolve) => setTimeout(resolve, options.everySeconds * 1_000))
  }
}

/** One look. Reads and writes the state file; `nowMs` is the time of the cosignature. */
export async function lookOnce(
  options: Pick<WitnessOptions, 'url' | 'state'> & {
    readonly key: SignerKey
    readonly keys: readonly VerifierKey[]
    readonly nowMs: number
  },
): Promise<Look> {
  const { state, key, keys, nowMs } = options
  const url = options.url.replace(/\/$/, '')
  const held = readState(state)
  const origin = keys[0]?.name ?? ''
  if (held !== undefined && held.origin !== origin) throw new InputError(`${state} is the memory of another log: ${held.origin}`)
  let note: string
  try {
    note = (await fetched(`${url}/checkpoint`)).toString('utf8')
  } catch (thrown) {
    return { kind: 'unreachable', detail: wordsOf(thrown) }
  }
  const verdict = verifyCheckpoint(note, { origin, logKeys: keys })
  if (!verdict.ok) return { kind: 'alarm', detail: `what the log shows as its checkpoint is not signed by its key: ${verdict.detail}` }
  const { size, rootHash } = verdict.checkpoint
  const before = { size: held?.size ?? 0, root: held === undefined ? rootOf([]) : new Uint8Array(Buffer.from(held.rootHash, 'hex')) }
  // an older checkpoint than the one that was seen: the log was rolled back, whatever else it can prove
  if (size < before.size)
    return { kind: 'alarm', detail: `the log had ${before.size} entries and now shows ${size}: it was cut off or rolled back` }
  let proof: Hash[]
  try {
    proof = await proveConsistency(before.size, size, tilesOver(url))
  } catch (thrown) {
    return { kind: 'unreachable', detail: wordsOf(thrown) }
  }
  const claim = { oldSize: before.size, oldRoot: before.root, newSize: size, newRoot: rootHash, proof }
  const consistent = size === before.size ? sameHash(before.root, rootHash) : verifyConsistency(claim).ok
  if (!consistent) {
    return {
      kind: 'alarm',
      detail: `the log of ${size} entries does not begin with the ${before.size} entries that were cosigned: it was rewritten or forked`,
    }
  }
  await writeState(state, { origin, size, rootHash: Buffer.from(rootHash).toString('hex'), note })
  const cosigned = formatNote(cosign(parseNote(note), key, Math.floor(nowMs / 1_000)))
  const taken = await fetch(`${url}/cosignatures`, { method: 'POST', body: cosigned, signal: AbortSignal.timeout(requestTimeoutMs) }).then(
    (response) => response.ok,
    () => false,
  )
  return { kind: 'cosigned', size, taken }
}

/** The log's tiles over HTTP, one request each. Where a partial tile is gone, the full one in its place is taken. */
function tilesOver(url: string): NodeReader {
  const one = async (id: Parameters<typeof tilePath>[0]): Promise<Uint8Array> => {
    const bytes = await fetched(`${url}/${tilePath(id)}`).catch((thrown: unknown) => {
      if (id.width === TILE_WIDTH) throw thrown
      return fetched(`${url}/${tilePath({ ...id, width: TILE_WIDTH })}`)
    })
    decodeTile(bytes)
    return bytes
  }
  return (ids) => Promise.all(ids.map(one))
}

async function fetched(address: string): Promise<Buffer> {
  const response = await fetch(address, { signal: AbortSignal.timeout(requestTimeoutMs), redirect: 'error' })
  if (!response.ok) throw new Error(`${new URL(address).pathname} was answered with ${response.status}`)
  const bytes = Buffer.from(await response.arrayBuffer())
  if (bytes.length > largestAnswer) throw new Error('the answer is larger than anything a log says')
  return bytes
}

function wordsOf(thrown: unknown): string {
  const error = thrown instanceof Error ? thrown : new Error('no answer')
  const { cause } = error
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message
}

function witnessKey(env: NodeJS.ProcessEnv): SignerKey {
  const text = env.HEED_WITNESS_KEY
  if (text === undefined || text === '')
    throw new InputError('HEED_WITNESS_KEY: the secret key of this witness; `heed trail key <name> --witness` makes one')
  const key = readKey('HEED_WITNESS_KEY', () => parseSignerKey(text.trim()))
  if (key.type !== 'cosignature-v1') throw new InputError('HEED_WITNESS_KEY is the key of a log, not of a witness')
  return key
}

function readKey<Key>(what: string, parse: () => Key): Key {
  try {
    return parse()
  } catch (thrown) {
    if (thrown instanceof MerkleLogError) throw new InputError(`${what}: ${thrown.message}`)
    throw thrown
  }
}

function readState(file: string): Remembered | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
  try {
    return stateShape.parse(JSON.parse(text))
  } catch {
    // never begun anew by itself: forgetting what was seen is what a fork needs
    throw new InputError(`${file} is damaged; restore it, or begin anew knowingly by moving it away`)
  }
}

/** On the disk before anything is signed: a witness that forgets could be made to sign a fork. */
async function writeState(file: string, state: Remembered): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(state, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
