import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type ParsedPolicy, type Policy, type PolicyProblem, parsePolicy } from '@heed/domain'
import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'

/** One fault of a policy file, at the line and column (both from 1) where it is to be mended. */
export interface PolicyFileProblem {
  readonly line: number
  readonly column: number
  /** Keys and list positions from the top, as `recipients[3].grants[0].form`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
}

/** A policy file that is no policy. `problems` holds every fault found, in the order of the file; the message tells them all, one a line. */
export class PolicyFileError extends Error {
  override readonly name = 'PolicyFileError'
  readonly fileName: string
  readonly problems: readonly PolicyFileProblem[]

  constructor(fileName: string, problems: readonly PolicyFileProblem[]) {
    const lines = problems.map(
      ({ line, column, path, message }) => `${fileName}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`,
    )
    super(lines.join('\n'))
    this.fileName = fileName
    this.problems = problems
  }
}

function pathText(path: PolicyProblem['path']): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '')
}

/** Where the last part of a path that exists stands: a key at the key itself, a list item at its beginning. */
function offsetOf(document: Document, path: PolicyProblem['path']): number {
  let node: unknown = document.contents
  let offset = document.contents?.range?.[0] ?? 0
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === part)
      if (pair === undefined || !isScalar(pair.key)) return offset
      offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part]
      const range =
        typeof node === 'object' && node !== null && 'range' in node ? (node.range as readonly number[] | null | undefined) : undefined
      offset = range?.[0] ?? offset
    } else {
      return offset
    }
  }
  return offset
}

/** A place in a file, from 1. */
export interface FilePlace {
  readonly line: number
  readonly column: number
}

/** A policy, and where its parts stand in the file that it was read from. */
export interface LocatedPolicy {
  readonly policy: Policy
  /** Where the last part of a path that exists stands: a key at the key itself, a list item at its beginning. */
  placeOf(path: PolicyProblem['path']): FilePlace
}

/** The text of a policy file (YAML 1.2, one document) as a policy. Throws `PolicyFileError`; `fileName` only appears in its message. */
export function parsePolicyText(text: string, fileName: string): Policy {
  return locatePolicyText(text, fileName).policy
}

/** The same, with the places of everything in it. Throws `PolicyFileError`. */
export function locatePolicyText(text: string, fileName: string): LocatedPolicy {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  // a warning (an unknown tag, say) would change what is read without a word: it counts as a fault
  const faults = [...document.errors, ...document.warnings].map(({ pos, message }) => ({ ...at(pos[0]), path: '', message }))
  if (faults.length > 0) throw new PolicyFileError(fileName, faults)
  let parsed: ParsedPolicy
  try {
    parsed = parsePolicy(document.toJS({ maxAliasCount: 100 }))
  } catch (error) {
    // the reader refuses aliases that would blow up, and such that point nowhere
    if (!(error instanceof ReferenceError)) throw error
    throw new PolicyFileError(fileName, [{ line: 1, column: 1, path: '', message: error.message }])
  }
  if (parsed.ok) return { policy: parsed.policy, placeOf: (path) => at(offsetOf(document, path)) }
  const problems = parsed.problems.map(({ path, message }) => ({ ...at(offsetOf(document, path)), path: pathText(path), message }))
  throw new PolicyFileError(
    fileName,
    problems.sort((a, b) => a.line - b.line || a.column - b.column),
  )
}

/**
 * The policy of a YAML file. Throws `PolicyFileError` with line and column of every fault where the file is no policy or no UTF-8, and the error of the file
 * system where it cannot be read.
 */
export async function readPolicyFile(path: string): Promise<Policy> {
  return (await locatePolicyFile(path)).policy
}

/** A policy with the very text that it was read from. */
export interface PolicyDocument {
  readonly policy: Policy
  readonly text: string
  /** SHA-256 over the bytes of the file, 64 hexadecimal digits: what the trail says of it. */
  readonly sha256: string
}

/** The policy of a YAML file with its text. Throws what `readPolicyFile` throws. */
export async function readPolicyDocument(path: string): Promise<PolicyDocument> {
  const bytes = await readFile(path)
  const text = textOf(bytes, basename(path))
  return { policy: parsePolicyText(text, basename(path)), text, sha256: hash('sha256', bytes, 'hex') }
}

/** The policy of a YAML file, with the places of everything in it. Throws what `readPolicyFile` throws. */
export async function locatePolicyFile(path: string): Promise<LocatedPolicy> {
  const fileName = basename(path)
  return locatePolicyText(textOf(await readFile(path), fileName), fileName)
}

function textOf(bytes: Uint8Array, fileName: string): string {
  try {
    // a mark of the byte order stays: whoever hashes the text must come to the hash of the file
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new PolicyFileError(fileName, [{ line: 1, column: 1, path: '', message: 'the file is not UTF-8' }])
  }
}
