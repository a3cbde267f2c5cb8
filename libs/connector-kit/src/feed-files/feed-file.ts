import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { stringify } from 'csv-stringify/sync'
import type { BatchContext } from '../contract.ts'

/** What a file of a feed is made of. */
export interface FeedFileParts {
  /** Who sends, and which list of the partner it is about: both stand in the name. Lower-case letters, digits and hyphens. */
  readonly sender: string
  readonly list: string
  readonly batch: BatchContext
  readonly columns: readonly string[]
  /** One text for each column. Their order is the caller's: it must not tell who came first. */
  readonly records: readonly (readonly string[])[]
  /** What the manifest says beside the file itself, e.g. a hash profile. No personal data. */
  readonly manifest?: Readonly<Record<string, string>>
}

/** A file of a feed, and the manifest that makes it visible. */
export interface FeedFile {
  readonly name: string
  readonly content: Uint8Array
  readonly manifest: Uint8Array
  /** Of the content, in hex: what an ack has to quote. */
  readonly sha256: string
}

/** How many files a sequence can count: six digits stand in a name. */
const lastSequence = 999_999

/**
 * The file of a batch: CSV (RFC 4180, line feeds, a header), compressed, with a manifest in JSON. The same records and batch give the same bytes: a file that is
 * sent again is the same file. Throws `RangeError` past the last sequence number.
 */
export function feedFile({ sender, list, batch, columns, records, manifest = {} }: FeedFileParts): FeedFile {
  if (batch.sequence > lastSequence) throw new RangeError(`a feed has at most ${lastSequence} files: agree on a new list name`)
  const createdAt = new Date(batch.openedAt).toISOString()
  const stamp = `${createdAt.slice(0, 19).replaceAll(/[-:]/g, '')}Z`
  const name = `${sender}_${list}_${batch.extent}_${stamp}_${String(batch.sequence).padStart(6, '0')}.csv.gz`
  const csv = stringify(
    records.map((record) => [...record]),
    { header: true, columns: [...columns], record_delimiter: 'unix' },
  )
  const content = gzipSync(csv)
  const sha256 = createHash('sha256').update(content).digest('hex')
  const described = {
    file: name,
    kind: batch.extent,
    seq: batch.sequence,
    rows: records.length,
    bytes: content.length,
    sha256,
    ...manifest,
    created_at: createdAt,
    previous_seq: batch.sequence > 1 ? batch.sequence - 1 : null,
  }
  return { name, content, manifest: Buffer.from(JSON.stringify(described)), sha256 }
}
