import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { type Agreement, formFault } from './profiles.ts'

/** The parts of a file's name `{sender}_{list}_{delta|full}_{YYYYMMDDTHHMMSSZ}_{seq6}.csv.gz`. */
export interface FileName {
  /** Sequence numbers count within one sender and list. */
  readonly stream: string
  readonly kind: 'delta' | 'full'
  readonly seq: number
}

/** One row that holds: what is suppressed (`add`) or no longer (`remove`). Row numbers count from 1, without the header. */
export interface Row {
  readonly row: number
  readonly op: 'add' | 'remove'
  readonly hash: string
  readonly scope: string
  readonly effectiveAt: string
  readonly eventId: string
}

/** Why a row is not taken. */
export interface RowError {
  readonly row: number
  readonly code: string
}

/** What the partner makes of a file: refused whole with a code, or taken row by row. */
export type Judgement =
  | { readonly taken: false; readonly code: string; readonly sha256: string; readonly row?: number }
  | {
      readonly taken: true
      readonly name: FileName
      readonly rows: readonly Row[]
      readonly errors: readonly RowError[]
      readonly sha256: string
    }

/** What is judged: the manifest, and the file it speaks of when there is one. */
export interface Submission {
  readonly file: string
  readonly manifest: Buffer
  readonly bytes: Buffer | undefined
}

/** What the judgement depends on beside the files. */
export interface Standing {
  readonly agreement: Agreement
  /** The last sequence number taken of a stream; `undefined` before its first full file. */
  lastSeq(stream: string): number | undefined
  /** Why a hash of the right form is refused all the same. */
  hashFault(hash: string): string | undefined
}

export const HEADER = 'op,hash_profile,hash,scope,effective_at,event_id'
export const MANIFEST_SUFFIX = '.manifest.json'
export const ACK_SUFFIX = '.ack.json'

const NAME = /^([a-z0-9][a-z0-9-]*)_([a-z0-9][a-z0-9-]*)_(delta|full)_(\d{8}T\d{6}Z)_(\d{6})\.csv\.gz$/
const UTC_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/
const SCOPE = /^[a-z0-9][a-z0-9._-]*$/
const SHA256_OF_NOTHING = createHash('sha256').digest('hex')

const manifestSchema = z.strictObject({
  file: z.string(),
  kind: z.enum(['delta', 'full']),
  seq: z.int().positive(),
  rows: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  hash_profile: z.string(),
  created_at: z.string().regex(UTC_TIME),
  previous_seq: z.int().nonnegative().nullable(),
})
type Manifest = z.infer<typeof manifestSchema>

/** Takes a file's name apart; `undefined` when it is not of the agreed form. */
export function readFileName(name: string): FileName | undefined {
  const [, sender = '', list = '', kind = '', stamp = '', seq = ''] = NAME.exec(name) ?? []
  if (kind !== 'delta' && kind !== 'full') return undefined
  const iso = stamp.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z')
  if (Number.isNaN(Date.parse(iso)) || Number(seq) === 0) return undefined
  return { stream: `${sender}_${list}`, kind, seq: Number(seq) }
}

/** The order of the checks: name, manifest, bytes, sequence, text, then each row for itself. */
export function judge(submission: Submission, standing: Standing): Judgement {
  const { file, bytes } = submission
  const sha256 = bytes === undefined ? SHA256_OF_NOTHING : createHash('sha256').update(bytes).digest('hex')
  const refused = (code: string, row?: number): Judgement => ({ taken: false, code, sha256, ...(row === undefined ? {} : { row }) })

  const name = readFileName(file)
  if (name === undefined) return refused('name.malformed')
  const manifest = readManifest(submission.manifest)
  if (manifest === undefined) return refused('manifest.malformed')
  if (manifest.file !== file || manifest.kind !== name.kind || manifest.seq !== name.seq) return refused('manifest.other-file')
  if (manifest.hash_profile !== standing.agreement.profile) return refused('profile.not-agreed')

  // a heartbeat without news may come as a manifest alone
  const heartbeat = bytes === undefined && manifest.kind === 'delta' && manifest.rows === 0
  if (bytes === undefined && !heartbeat) return refused('file.missing')
  if (manifest.bytes !== (bytes?.length ?? 0)) return refused('bytes.differ')
  if (manifest.sha256 !== sha256) return refused('sha256.differs')
  const outOfOrder = sequenceFault(manifest, standing.lastSeq(name.stream))
  if (outOfOrder !== undefined) return refused(outOfOrder)
  if (bytes === undefined) return { taken: true, name, rows: [], errors: [], sha256 }

  const text = readText(bytes)
  if ('code' in text) return refused(text.code)
  const [header, ...lines] = text.lines
  if (header !== HEADER) return refused('header.missing')
  if (lines.length !== manifest.rows) return refused('rows.differ')
  const records = lines.map(readRecord)
  const malformed = records.indexOf(undefined)
  if (malformed >= 0) return refused('csv.malformed', malformed + 1)
  const disorder = orderFault(records)
  if (disorder !== undefined) return refused(disorder.code, disorder.row)
  return { taken: true, name, sha256, ...readRows(records, name.kind, standing) }
}

function readManifest(bytes: Buffer): Manifest | undefined {
  try {
    return manifestSchema.parse(JSON.parse(bytes.toString('utf8')))
  } catch {
    return undefined
  }
}

function sequenceFault({ kind, seq, previous_seq: previous }: Manifest, lastSeq: number | undefined): string | undefined {
  if (lastSeq !== undefined && seq <= lastSeq) return 'sequence.stale'
  // a full file replaces everything, so it may close a gap
  if (kind === 'full') return undefined
  if (lastSeq === undefined) return 'sequence.no-full-yet'
  return seq === lastSeq + 1 && previous === lastSeq ? undefined : 'sequence.gap'
}

function readText(bytes: Buffer): { lines: string[] } | { code: string } {
  let plain: Buffer
  try {
    plain = gunzipSync(bytes, { maxOutputLength: 1024 ** 3 })
  } catch {
    return { code: 'gzip.malformed' }
  }
  if (plain.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))) return { code: 'text.bom' }
  if (plain.includes(0x0d)) return { code: 'text.crlf' }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(plain)
  } catch {
    return { code: 'text.not-utf8' }
  }
  return text.endsWith('\n') ? { lines: text.slice(0, -1).split('\n') } : { code: 'text.no-final-newline' }
}

/** One record of RFC 4180: fields plain or quoted. No field of this contract can hold a line break, so a line is a record. */
function readRecord(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',')
  const fields: string[] = []
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y
  for (let end = ','; end === ','; ) {
    const found = field.exec(line)
    if (found === null) return undefined
    fields.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '')
    end = found[3] ?? ''
  }
  return field.lastIndex === line.length ? fields : undefined
}

/** Sorted by hash, byte by byte, so that the order tells nothing; each (profile, hash, scope) once. */
function orderFault(records: readonly (readonly string[] | undefined)[]): RowError | undefined {
  const seen = new Set<string>()
  let before = ''
  for (const [index, record] of records.entries()) {
    const [, profile = '', hash = '', scope = ''] = record ?? []
    if (hash < before) return { row: index + 1, code: 'rows.unsorted' }
    before = hash
    const key = `${profile},${hash},${scope}`
    if (seen.has(key)) return { row: index + 1, code: 'rows.repeated' }
    seen.add(key)
  }
  return undefined
}

function readRows(
  records: readonly (readonly string[] | undefined)[],
  kind: 'delta' | 'full',
  standing: Standing,
): { rows: Row[]; errors: RowError[] } {
  const rows: Row[] = []
  const errors: RowError[] = []
  records.forEach((record, index) => {
    const row = index + 1
    const [op = '', profile = '', hash = '', scope = '', effectiveAt = '', eventId = ''] = record ?? []
    const code = record?.length !== 6 ? 'row.fields' : rowFault({ op, profile, hash, scope, effectiveAt, eventId }, kind, standing)
    if (code !== undefined) errors.push({ row, code })
    else rows.push({ row, op: op === 'add' ? 'add' : 'remove', hash, scope, effectiveAt, eventId })
  })
  return { rows, errors }
}

type RawRow = Readonly<Record<'op' | 'profile' | 'hash' | 'scope' | 'effectiveAt' | 'eventId', string>>

function rowFault(
  { op, profile, hash, scope, effectiveAt, eventId }: RawRow,
  kind: 'delta' | 'full',
  standing: Standing,
): string | undefined {
  if (op !== 'add' && op !== 'remove') return 'op.unknown'
  if (kind === 'full' && op === 'remove') return 'op.remove-in-full'
  if (profile !== standing.agreement.profile) return 'profile.differs'
  if (!SCOPE.test(scope)) return 'scope.malformed'
  if (!UTC_TIME.test(effectiveAt) || Number.isNaN(Date.parse(effectiveAt))) return 'effective-at.malformed'
  if (eventId === '' || /[@\s]/u.test(eventId)) return 'event-id.malformed'
  return formFault(hash, standing.agreement) ?? standing.hashFault(hash)
}
