import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

/** A row as a test writes it. */
export interface TestRow {
  readonly op?: string
  readonly profile?: string
  readonly hash: string
  readonly scope?: string
  readonly at?: string
  readonly event?: string
}

/** What a test changes about a file that would otherwise be right. */
export interface TestFile {
  readonly kind?: 'delta' | 'full'
  readonly seq?: number
  readonly previous?: number | null
  readonly rows?: readonly TestRow[]
  readonly profile?: string
  /** Sorts the rows, unless false. */
  readonly sorted?: boolean
  /** Changes the text before it is compressed. */
  readonly text?: (text: string) => string
  readonly manifest?: Readonly<Record<string, unknown>>
  readonly name?: string
}

/** Plain SHA-256 of an address in lowercase hex, computed apart from the code under test. */
export function sha256(address: string): string {
  return createHash('sha256').update(address.trim().toLowerCase()).digest('hex')
}

/** A file and its manifest as the contract wants them, but for what is asked to be different. */
export function aFile(options: TestFile = {}): { name: string; bytes: Buffer; manifest: Buffer } {
  const { kind = 'full', seq = 1, rows = [], profile = 'plain-sha256-hex', sorted = true, text = (same: string) => same } = options
  const { previous = kind === 'delta' ? seq - 1 : null } = options
  const name = options.name ?? `heed_marketing_${kind}_20261123T093000Z_${String(seq).padStart(6, '0')}.csv.gz`
  const ordered = sorted ? rows.toSorted((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0)) : rows
  const lines = ordered.map(({ op = 'add', profile: own = profile, hash, scope = 'all', at = '2026-11-23T09:30:00Z', event = 'e-1' }) =>
    [op, own, hash, scope, at, event].join(','),
  )
  const bytes = gzipSync(text(`${['op,hash_profile,hash,scope,effective_at,event_id', ...lines].join('\n')}\n`))
  const manifest = {
    file: name,
    kind,
    seq,
    rows: rows.length,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    hash_profile: profile,
    created_at: '2026-11-23T09:30:00Z',
    previous_seq: previous,
    ...options.manifest,
  }
  return { name, bytes, manifest: Buffer.from(JSON.stringify(manifest)) }
}
