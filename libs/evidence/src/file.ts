import { canonicalJson, type Disclosure, type JsonValue } from '@heed/contracts/trail'
import { HASH_BYTES, type Hash } from '@heed/merkle-log'
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate'
import { z } from 'zod'
import { BundleError, type EvidenceBundle, type EvidenceEntry, MAX_BUNDLE_BYTES, MAX_BUNDLE_ENTRIES } from './bundle.ts'
import { PAGE_FORM, renderPage } from './page.ts'

const FORMAT = 'heed-evidence/1'

/** The names in the file, in their order. */
const names = {
  page: 'index.html',
  evidence: 'evidence.json',
  checkpoint: 'checkpoint.txt',
  policy: (sha256: string) => `policy/${sha256}.yaml`,
}

// One bundle has one file: no compression, which programs do differently, one date for all, the names in one order.
// The date of a zip has no zone: midnight by the local clock is the same bytes everywhere.
const options = { level: 0, mtime: new Date(1980, 0, 1), os: 3, attrs: 0o644 << 16 } as const

/**
 * The bundle as a file: a zip with `index.html` for people, `evidence.json`, the checkpoint as it was signed, and the policies. The same bundle gives the same bytes.
 * Throws `BundleError` (`bundle.oversized`) where it would not be read again.
 */
export function encodeBundle(bundle: EvidenceBundle): Uint8Array {
  return pack(bundle, renderPage(bundle), PAGE_FORM)
}

function pack(bundle: EvidenceBundle, page: string, pageForm: number): Uint8Array {
  if (bundle.entries.length > MAX_BUNDLE_ENTRIES)
    throw new BundleError('bundle.oversized', `a bundle holds at most ${MAX_BUNDLE_ENTRIES} entries`)
  const files: Record<string, Uint8Array> = {
    [names.page]: strToU8(page),
    [names.evidence]: strToU8(evidenceText(bundle, pageForm)),
    [names.checkpoint]: strToU8(bundle.checkpoint),
  }
  for (const { sha256, text } of bundle.policies) files[names.policy(sha256)] = strToU8(text)
  const bytes = zipSync(files, options)
  if (bytes.length > MAX_BUNDLE_BYTES) throw new BundleError('bundle.oversized', `a bundle has at most ${MAX_BUNDLE_BYTES} bytes`)
  return bytes
}

const base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)
const count = z.int().nonnegative()
const disclosed = z.strictObject({
  subjects: z.array(z.strictObject({ id: z.string().max(64), salt: base64.max(64) })).max(65),
  sealed: z.strictObject({ text: z.string(), salt: base64.max(64) }).optional(),
})
// a tree of fewer than 2^53 entries has no longer path
const path = base64.max(4 * Math.ceil((53 * HASH_BYTES) / 3))

const evidence = z.strictObject({
  format: z.literal(FORMAT),
  page: count,
  about: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('change'), changeId: z.string().max(128) }),
    z.strictObject({ kind: z.literal('delivery'), deliveryId: z.string().max(128) }),
    z.strictObject({ kind: z.literal('subject'), subjectId: z.string().max(64) }),
    z.strictObject({ kind: z.literal('period'), from: count, to: count }),
  ]),
  claimedKeys: z.array(z.string().max(2_000)).max(16),
  entries: z
    .array(z.strictObject({ sequence: count, leaf: z.string(), proof: path, disclosed: disclosed.optional() }))
    .max(MAX_BUNDLE_ENTRIES),
  olderTrees: z.array(z.strictObject({ size: count, proof: path })).max(64),
  policies: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(64),
})

const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const fromBase64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'))
const joined = (hashes: readonly Hash[]) => toBase64(Buffer.concat(hashes))

function evidenceText({ about, claimedKeys, entries, olderTrees, policies }: EvidenceBundle, page: number): string {
  const value: z.input<typeof evidence> = {
    format: FORMAT,
    page,
    about,
    claimedKeys: [...claimedKeys],
    entries: entries.map(({ sequence, leaf, hashes, disclosure }) => ({
      sequence,
      leaf,
      proof: joined(hashes),
      ...(disclosure === undefined ? {} : { disclosed: disclosedOf(disclosure) }),
    })),
    olderTrees: olderTrees.map(({ size, hashes }) => ({ size, proof: joined(hashes) })),
    policies: policies.map(({ sha256 }) => sha256),
  }
  return `${canonicalJson(value as JsonValue)}\n`
}

function disclosedOf({ subjects, sealed }: Disclosure): z.input<typeof disclosed> {
  return {
    subjects: subjects.map(({ subjectId, salt }) => ({ id: subjectId, salt: toBase64(salt) })),
    ...(sealed === undefined ? {} : { sealed: { text: sealed.text, salt: toBase64(sealed.salt) } }),
  }
}

function hashesOf(proof: string, what: string): Hash[] {
  const bytes = fromBase64(proof)
  if (bytes.length % HASH_BYTES !== 0)
    throw new BundleError('bundle.damaged', `the proof of ${what} is not a row of ${HASH_BYTES}-byte hashes`)
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES) as Hash)
}

/** A bundle, and whether its page says what its evidence says; `unknown` for a page that another release drew. */
export interface DecodedBundle {
  readonly bundle: EvidenceBundle
  readonly page: 'true' | 'false' | 'unknown'
}

/**
 * Reads what `encodeBundle` writes, and nothing else: a file with one byte more, less or other is refused. Throws `BundleError`. It verifies nothing: use
 * `verifyBundle`.
 */
export function decodeBundle(bytes: Uint8Array): DecodedBundle {
  const files = filesOf(bytes)
  const text = (name: string) => {
    const file = files.get(name)
    if (file === undefined) throw new BundleError('bundle.damaged', `the file ${name} is missing in the bundle`)
    return utf8(name, file)
  }
  const read = parsedEvidence(text(names.evidence))
  const bundle: EvidenceBundle = {
    about: read.about,
    checkpoint: text(names.checkpoint),
    claimedKeys: read.claimedKeys,
    entries: read.entries.map(entryOf),
    olderTrees: read.olderTrees.map(({ size, proof }) => ({ size, hashes: hashesOf(proof, `the tree of ${size} entries`) })),
    policies: read.policies.map((sha256) => ({ sha256, text: text(names.policy(sha256)) })),
  }
  const page = text(names.page)
  const again = pack(bundle, page, read.page)
  if (Buffer.compare(again, bytes) !== 0) throw whatDiffers(files, filesOf(again))
  return { bundle, page: read.page === PAGE_FORM ? (page === renderPage(bundle) ? 'true' : 'false') : 'unknown' }
}

function entryOf({ sequence, leaf, proof, disclosed: shown }: z.output<typeof evidence>['entries'][number]): EvidenceEntry {
  return {
    sequence,
    leaf,
    hashes: hashesOf(proof, `entry ${sequence}`),
    ...(shown === undefined
      ? {}
      : {
          disclosure: {
            subjects: shown.subjects.map(({ id, salt }) => ({ subjectId: id, salt: fromBase64(salt) })),
            ...(shown.sealed === undefined ? {} : { sealed: { text: shown.sealed.text, salt: fromBase64(shown.sealed.salt) } }),
          },
        }),
  }
}

function filesOf(bytes: Uint8Array): Map<string, Uint8Array> {
  if (bytes.length > MAX_BUNDLE_BYTES)
    throw new BundleError('bundle.oversized', `the file has more than the ${MAX_BUNDLE_BYTES} bytes of a bundle`)
  if (bytes.length < 4 || bytes[0] !== 0x50 || bytes[1] !== 0x4b)
    throw new BundleError('bundle.foreign', 'the file is no evidence bundle: it is no zip file')
  const found = new Map<string, Uint8Array>()
  let unpacked: Record<string, Uint8Array>
  try {
    unpacked = unzipSync(bytes, {
      filter: ({ name, originalSize, compression }) => {
        if (compression !== 0 || originalSize > bytes.length)
          throw new BundleError('bundle.damaged', 'a bundle is not compressed; this file was packed by another program')
        if (found.has(name) || found.size > 100)
          throw new BundleError('bundle.damaged', 'a file stands in the bundle twice, or too many do')
        found.set(name, new Uint8Array())
        return true
      },
    })
  } catch (thrown) {
    if (thrown instanceof BundleError) throw thrown
    throw new BundleError('bundle.damaged', 'the file is damaged or cut off: it cannot be unpacked')
  }
  return new Map(Object.entries(unpacked))
}

function utf8(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new BundleError('bundle.damaged', `${known(name)} in the bundle is not UTF-8`)
  }
}

// names of foreign files are not repeated
const known = (name: string) =>
  /^(?:index\.html|evidence\.json|checkpoint\.txt|policy\/[0-9a-f]{64}\.yaml)$/.test(name) ? name : 'a foreign file'

function parsedEvidence(text: string): z.output<typeof evidence> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new BundleError('bundle.damaged', `${names.evidence} in the bundle is no JSON`)
  }
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined
  if (format === undefined) throw new BundleError('bundle.foreign', `${names.evidence} is not that of an evidence bundle`)
  if (format !== FORMAT) throw new BundleError('bundle.unsupported', `the bundle is of another form than ${FORMAT}: use a newer verifier`)
  const parsed = evidence.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BundleError(
    'bundle.damaged',
    `${names.evidence} has something else than expected at ${issue?.path.map(String).join('.') || 'its top'}`,
  )
}

function whatDiffers(files: ReadonlyMap<string, Uint8Array>, expected: ReadonlyMap<string, Uint8Array>): BundleError {
  for (const [name, bytes] of expected) {
    const other = files.get(name)
    if (other !== undefined && Buffer.compare(other, bytes) !== 0)
      return new BundleError('bundle.damaged', `${known(name)} is not written as it should be`)
  }
  return new BundleError('bundle.damaged', 'the bundle holds more than it should, or in another order')
}

/** A file of a bundle by its name, as text; for those who want to look inside. */
export function readBundledFile(bytes: Uint8Array, name: string): string | undefined {
  const file = filesOf(bytes).get(name)
  return file === undefined ? undefined : strFromU8(file)
}
