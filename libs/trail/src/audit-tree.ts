import type { TrailEvent } from '@heed/contracts'
import { parseLeaf } from '@heed/contracts/trail'
import {
  decodeEntries,
  type Edge,
  edgeFrontier,
  extendEdge,
  frontierRoot,
  HASH_BYTES,
  type Hash,
  leafHash,
  MerkleLogError,
  partialTiles,
  TILE_WIDTH,
  type Tile,
} from '@heed/merkle-log'
import type { Findings } from './audit-report.ts'
import type { AuditedStores } from './audit-stores.ts'
import { bytesOf } from './bytes.ts'
import { type Entry, headOf } from './entry.ts'
import { forgottenKey } from './forgotten.ts'
import { eventOf, leafTextOfEntry, readSecrets, subjectsOf } from './leaves.ts'
import { pageOf } from './pages.ts'
import type { EntryRow } from './rows.ts'
import { tileKey } from './tiles.ts'

/** What the rebuilding of the tree needs. */
export interface TreeAudit {
  readonly stores: AuditedStores
  readonly found: Findings
  /** The tree over the entries that were looked at before. */
  readonly edge: Edge
  readonly size: number
  /** Sizes at which the root is asked for. */
  readonly stops: readonly number[]
  readonly reached: (size: number, root: Hash) => void
  /** How many entries are read at a time, rounded to whole bundles. */
  readonly rowsAtOnce: number
  readonly progress: (edge: Edge) => Promise<void>
}

/** Rebuilds the tree from the bundles, some thousands of entries at a time, and compares tiles and rows of entries on the way. Gives the edge at `size`. */
export async function auditTree(audit: TreeAudit): Promise<Edge> {
  const { stores, found, edge: begun, size, stops, reached, progress } = audit
  const row = await stores.log.log.findOne({ _id: 'log' })
  const seal = row === null ? noHash : bytesOf(row.seal)
  let edge = begun
  if (stops.includes(0) && edge.size === 0) reached(0, frontierRoot(edgeFrontier(edge)))
  let coming = edge.size < size ? readPage(audit, edge.size) : undefined
  while (coming !== undefined) {
    const page: Page = await coming
    const { begin, end } = page
    // the next one is on its way while this one is looked at
    coming = end < size ? readPage(audit, end) : undefined
    coming?.catch(() => undefined)
    reportBundles(found, page)
    const leaves = leavesOf(page)
    const hashes = leafHashes(found, page, leaves)
    await auditRows(stores, found, seal, begin, leaves, page.rows)
    const tiles: Tile[] = []
    for (let at = begin; at < end; ) {
      const to = Math.min(end, ...stops.filter((stop) => stop > at))
      const grown = extendEdge(edge, hashes.slice(at - begin, to - begin))
      edge = grown.edge
      tiles.push(...grown.tiles.filter(({ width }) => width === TILE_WIDTH))
      if (stops.includes(to)) reached(to, frontierRoot(edgeFrontier(edge)))
      at = to
    }
    await auditTiles(stores, found, tiles)
    found.counts.entries += end - begin
    await progress(edge)
  }
  await auditTiles(
    stores,
    found,
    partialTiles(size).map((id) => ({ ...id, hashes: edge.partials[id.level] ?? new Uint8Array(0) })),
  )
  return edge
}

const noHash = new Uint8Array(HASH_BYTES)

/** Entries that are looked at together: all of some bundles, but for the ends of the log and of what was looked at before. */
interface Page {
  readonly begin: number
  readonly end: number
  /** The entries of each bundle by its index, or why they cannot be read. */
  readonly bundles: ReadonlyMap<number, readonly Uint8Array[] | string>
  /** The tiles of hashes over them, by index. */
  readonly tiles: ReadonlyMap<number, Uint8Array>
  readonly rows: readonly EntryRow[]
}

async function readPage({ stores, size, rowsAtOnce }: TreeAudit, begin: number): Promise<Page> {
  const span = Math.max(1, Math.floor(rowsAtOnce / TILE_WIDTH)) * TILE_WIDTH
  const end = Math.min(size, (Math.floor(begin / span) + 1) * span)
  const first = Math.floor(begin / TILE_WIDTH)
  const last = Math.floor((end - 1) / TILE_WIDTH)
  const indexes = Array.from({ length: last - first + 1 }, (_, at) => first + at)
  const { bundles, tiles, entries } = stores.log
  const [bundleRows, tileRows, rows] = await Promise.all([
    bundles.find({ _id: { $gte: first, $lte: last } }).toArray(),
    tiles.find({ _id: { $in: indexes.map((index) => tileKey({ level: 0, index })) } }).toArray(),
    pageOf(entries, { filter: { _id: { $gte: begin, $lt: end } }, sort: { _id: 1 }, rowsAtOnce: span }),
  ])
  return {
    begin,
    end,
    bundles: new Map(bundleRows.map(({ _id, entries: bytes }) => [_id, decoded(bytesOf(bytes))])),
    tiles: new Map(tileRows.map(({ _id, hashes }) => [Number(_id.slice(2)), bytesOf(hashes)])),
    rows,
  }
}

function decoded(bytes: Uint8Array): readonly Uint8Array[] | string {
  try {
    return decodeEntries(bytes)
  } catch (thrown) {
    if (thrown instanceof MerkleLogError) return thrown.message
    throw thrown
  }
}

function reportBundles(found: Findings, { begin, end, bundles }: Page): void {
  for (let index = Math.floor(begin / TILE_WIDTH); index * TILE_WIDTH < end; index += 1) {
    const width = Math.min(TILE_WIDTH, end - index * TILE_WIDTH)
    const entries = bundles.get(index)
    if (entries === undefined) found.add('bundle.missing', `bundle ${index}`, 'it is not stored')
    else if (typeof entries === 'string') found.add('bundle.malformed', `bundle ${index}`, entries)
    else if (entries.length < width)
      found.add('bundle.malformed', `bundle ${index}`, `it has ${entries.length} entries where there should be ${width}`)
  }
}

/** The leaves at these places; undefined where no bundle has one. */
function leavesOf({ begin, end, bundles }: Page): (Uint8Array | undefined)[] {
  const leaves: (Uint8Array | undefined)[] = []
  for (let sequence = begin; sequence < end; sequence += 1) {
    const entries = bundles.get(Math.floor(sequence / TILE_WIDTH))
    leaves.push(typeof entries === 'string' ? undefined : entries?.[sequence % TILE_WIDTH])
  }
  return leaves
}

/** The hashes over these leaves, each held against the tile above it, which stands in where there is no leaf. */
function leafHashes(found: Findings, { begin, tiles }: Page, leaves: readonly (Uint8Array | undefined)[]): Hash[] {
  return leaves.map((leaf, at) => {
    const sequence = begin + at
    const index = Math.floor(sequence / TILE_WIDTH)
    const place = (sequence % TILE_WIDTH) * HASH_BYTES
    const tile = tiles.get(index)
    const told = tile === undefined || tile.length < place + HASH_BYTES ? undefined : tile.subarray(place, place + HASH_BYTES)
    if (leaf === undefined) return told ?? noHash
    const own = leafHash(leaf)
    if (told !== undefined && Buffer.compare(own, told) !== 0)
      found.add(
        'leaf.differs-from-tile',
        `entry ${sequence}`,
        `its leaf in bundle ${index} is not the one that tile ${tileKey({ level: 0, index })} has the hash of`,
      )
    return own
  })
}

/** Each of these tiles against the one that is stored, which may be wider than a partial one. */
async function auditTiles(stores: AuditedStores, found: Findings, tiles: readonly Tile[]): Promise<void> {
  if (tiles.length === 0) return
  const stored = new Map<string, Uint8Array>()
  for await (const { _id, hashes } of stores.log.tiles.find({ _id: { $in: tiles.map(tileKey) } })) stored.set(_id, bytesOf(hashes))
  for (const tile of tiles) {
    const key = tileKey(tile)
    const held = stored.get(key)
    found.counts.tiles += 1
    if (held === undefined) found.add('tile.missing', `tile ${key}`, 'it is not stored')
    else if (Buffer.compare(held.subarray(0, tile.width * HASH_BYTES), tile.hashes) !== 0)
      found.add('tile.differs', `tile ${key}`, 'it is not the tile that the entries below it give')
  }
}

/** Each row of an entry against its leaf, and against its own facts. */
async function auditRows(
  stores: AuditedStores,
  found: Findings,
  seal: Uint8Array,
  begin: number,
  leaves: readonly (Uint8Array | undefined)[],
  rows: readonly EntryRow[],
): Promise<void> {
  const read = rows.map(readRow)
  const subjects = subjectsOf(read.map((one) => one?.event))
  const secrets = await readSecrets(stores.log, subjects)
  const erased = await erasedAmong(
    stores,
    subjects.filter((id) => !secrets.has(id)),
  )
  const seen = new Set<number>()
  rows.forEach((row, at) => {
    const { _id: sequence } = row
    const about = `entry ${sequence}`
    const leaf = leaves[sequence - begin]
    if (!Number.isInteger(sequence) || seen.has(sequence)) {
      found.add('entry.extra', about, 'no entry has this place in the trail')
      return
    }
    seen.add(sequence)
    const text = leaf === undefined ? undefined : Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length).toString('utf8')
    const one = read[at]
    if (one === undefined) {
      if (row.facts !== undefined) found.add('entry.differs-from-facts', about, 'its facts cannot be read')
      else auditErased(found, about, row, text)
      return
    }
    const { event, said } = one
    const made = leafTextOfEntry(row, event, secrets, seal)
    if (made === undefined) {
      if (subjectsOf([event]).some((id) => erased.has(id))) found.counts.erased += 1
      else found.add('entry.secrets-missing', about, 'the secrets of its subject are gone, and the subject was not erased')
    } else if (text !== undefined && made !== text) {
      found.add('entry.differs-from-leaf', about, `its row is not what the log says: ${namesThatDiffer(text, made)}`)
    }
    const other = rowFields.filter((name) => row[name] !== said[name])
    if (other.length > 0) found.add('entry.differs-from-facts', about, `its row says something else than its facts: ${other.join(', ')}`)
  })
  reportGaps(found, begin, leaves.length, seen)
}

// how its facts are written says nothing: the leaf was made of what they say
const rowFields = ['entryId', 'kind', 'at', 'subjectId', 'recipientId', 'version'] as const

function readRow(row: EntryRow): { readonly event: TrailEvent; readonly said: Omit<Entry, 'facts'> } | undefined {
  try {
    const event = eventOf(row)
    return event === undefined ? undefined : { event, said: headOf(event, row.at) }
  } catch (thrown) {
    // whatever was put there: it is no event
    if (thrown instanceof SyntaxError || thrown instanceof TypeError || thrown instanceof RangeError) return undefined
    throw thrown
  }
}

/** A row that lost its facts with its subject: what is left of it must be what the leaf says. */
function auditErased(found: Findings, about: string, row: EntryRow, text: string | undefined): void {
  const leaf = text === undefined ? undefined : parseLeaf(text)
  if (leaf === undefined) return
  if (leaf.subject === undefined || row.subjectId !== undefined)
    found.add('entry.facts-missing', about, 'its facts are gone, and no erasure takes them out of such an entry')
  else if (
    row.kind !== leaf.kind ||
    row.at !== leaf.at ||
    (row.recipientId !== undefined && row.recipientId !== leaf.recipient) ||
    (row.version !== undefined && row.version !== leaf.version)
  )
    found.add('entry.differs-from-leaf', about, 'kind, time, recipient or version of its row is not what the log says')
  else found.counts.erased += 1
}

function reportGaps(found: Findings, begin: number, length: number, seen: ReadonlySet<number>): void {
  for (let at = begin; at < begin + length; at += 1) {
    if (seen.has(at)) continue
    let last = at
    while (last + 1 < begin + length && !seen.has(last + 1)) last += 1
    found.add('entry.missing', last === at ? `entry ${at}` : `entries ${at} to ${last}`, 'in the log, and not in the trail beside it')
    at = last
  }
}

/** Which of these subjects were erased. */
export async function erasedAmong(stores: Pick<AuditedStores, 'forgotten'>, subjectIds: readonly string[]): Promise<Set<string>> {
  if (subjectIds.length === 0) return new Set()
  const byKey = new Map(subjectIds.map((id) => [forgottenKey(id), id]))
  const erased = new Set<string>()
  for await (const { _id } of stores.forgotten.find({ _id: { $in: [...byKey.keys()] } })) {
    const id = byKey.get(_id)
    if (id !== undefined) erased.add(id)
  }
  return erased
}

function namesThatDiffer(logged: string, made: string): string {
  const [before, after] = [parseLeaf(logged), parseLeaf(made)]
  if (before === undefined || after === undefined) return 'the leaf cannot be read'
  const names = (['kind', 'at', 'by', 'subject', 'recipient', 'version', 'policy', 'what', 'sealed'] as const).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  return names.join(', ')
}
