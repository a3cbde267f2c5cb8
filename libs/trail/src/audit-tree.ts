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
  hashAt,
  leafHash,
  MerkleLogError,
  partialTiles,
  TILE_WIDTH,
  type Tile,
} from '@heed/merkle-log'
import type { Findings } from './audit-report.ts'
import type { AuditedStores } from './audit-stores.ts'
import { bytesOf } from './bytes.ts'
import { type Entry, entryOf } from './entry.ts'
import { forgottenKey } from './forgotten.ts'
import { eventOf, leafOfEntry, readSecrets, subjectsOf } from './leaves.ts'
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
  readonly progress: (edge: Edge) => Promise<void>
}

const bundlesAtOnce = 4
const span = bundlesAtOnce * TILE_WIDTH

/** Rebuilds the tree from the bundles, 1,024 entries at a time, and compares tiles and rows of entries on the way. Gives the edge at `size`. */
export async function auditTree({ stores, found, edge: begun, size, stops, reached, progress }: TreeAudit): Promise<Edge> {
  const row = await stores.log.log.findOne({ _id: 'log' })
  const seal = row === null ? noHash : bytesOf(row.seal)
  let edge = begun
  if (stops.includes(0) && edge.size === 0) reached(0, frontierRoot(edgeFrontier(edge)))
  while (edge.size < size) {
    const begin = edge.size
    const end = Math.min(size, (Math.floor(begin / span) + 1) * span)
    const [leaves, stored, rows] = await Promise.all([
      readPlaces(stores, found, begin, end),
      lowestTiles(stores, begin, end),
      stores.log.entries.find({ _id: { $gte: begin, $lt: end } }, { sort: { _id: 1 } }).toArray(),
    ])
    const hashes = leaves.map((leaf, at) => {
      const sequence = begin + at
      const told = tileHash(stored, sequence)
      if (leaf === undefined) return told ?? noHash
      const own = leafHash(leaf)
      if (told !== undefined && Buffer.compare(own, told) !== 0)
        found.add(
          'leaf.differs-from-tile',
          `entry ${sequence}`,
          `its leaf in bundle ${Math.floor(sequence / TILE_WIDTH)} is not the one that tile ${tileKey(placeOf(sequence))} has the hash of`,
        )
      return own
    })
    await auditRows(stores, found, seal, begin, leaves, rows)
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
const placeOf = (sequence: number) => ({ level: 0, index: Math.floor(sequence / TILE_WIDTH) })

/** The leaves at these places; undefined where no bundle has one. */
async function readPlaces(stores: AuditedStores, found: Findings, begin: number, end: number): Promise<(Uint8Array | undefined)[]> {
  const first = Math.floor(begin / TILE_WIDTH)
  const last = Math.floor((end - 1) / TILE_WIDTH)
  const bundles = new Map<number, Uint8Array[]>()
  for await (const { _id, entries } of stores.log.bundles.find({ _id: { $gte: first, $lte: last } })) {
    try {
      bundles.set(_id, decodeEntries(bytesOf(entries)))
    } catch (thrown) {
      if (!(thrown instanceof MerkleLogError)) throw thrown
      found.add('bundle.malformed', `bundle ${_id}`, thrown.message)
      bundles.set(_id, [])
    }
  }
  for (let index = first; index <= last; index += 1) {
    const width = Math.min(TILE_WIDTH, end - index * TILE_WIDTH)
    const entries = bundles.get(index)
    if (entries === undefined) found.add('bundle.missing', `bundle ${index}`, 'it is not stored')
    else if (entries.length > 0 && (entries.length < width || entries.length > TILE_WIDTH))
      found.add('bundle.malformed', `bundle ${index}`, `it has ${entries.length} entries where there should be ${width}`)
  }
  return Array.from({ length: end - begin }, (_, at) => bundles.get(Math.floor((begin + at) / TILE_WIDTH))?.[(begin + at) % TILE_WIDTH])
}

async function lowestTiles(stores: AuditedStores, begin: number, end: number): Promise<Map<string, Uint8Array>> {
  const ids: string[] = []
  for (let index = Math.floor(begin / TILE_WIDTH); index * TILE_WIDTH < end; index += 1) ids.push(tileKey({ level: 0, index }))
  const tiles = new Map<string, Uint8Array>()
  for await (const { _id, hashes } of stores.log.tiles.find({ _id: { $in: ids } })) tiles.set(_id, bytesOf(hashes))
  return tiles
}

function tileHash(tiles: ReadonlyMap<string, Uint8Array>, sequence: number): Uint8Array | undefined {
  const tile = tiles.get(tileKey(placeOf(sequence)))
  const at = sequence % TILE_WIDTH
  return tile === undefined || tile.length < (at + 1) * HASH_BYTES ? undefined : hashAt(tile, at)
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
  const events = read.map((one) => one?.event)
  const secrets = await readSecrets(stores.log, subjectsOf(events))
  const erased = await erasedAmong(
    stores,
    subjectsOf(events).filter((id) => !secrets.has(id)),
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
    const text = leaf === undefined ? undefined : Buffer.from(leaf).toString('utf8')
    const one = read[at]
    if (one === undefined) {
      if (row.facts !== undefined) found.add('entry.differs-from-facts', about, 'its facts cannot be read')
      else auditErased(found, about, row, text)
      return
    }
    const { event, said } = one
    const made = leafOfEntry(row, event, secrets, seal)
    if (made === undefined) {
      if (subjectsOf([event]).some((id) => erased.has(id))) found.counts.erased += 1
      else found.add('entry.secrets-missing', about, 'the secrets of its subject are gone, and the subject was not erased')
    } else if (text !== undefined && made.text !== text) {
      found.add('entry.differs-from-leaf', about, `its row is not what the log says: ${namesThatDiffer(text, made.text)}`)
    }
    const other = (['entryId', 'kind', 'at', 'subjectId', 'recipientId', 'version', 'facts'] as const).filter(
      (name) => row[name] !== said[name],
    )
    if (other.length > 0) found.add('entry.differs-from-facts', about, `its row says something else than its facts: ${other.join(', ')}`)
  })
  reportGaps(found, begin, leaves.length, seen)
}

function readRow(row: EntryRow): { readonly event: TrailEvent; readonly said: Entry } | undefined {
  try {
    const event = eventOf(row)
    return event === undefined ? undefined : { event, said: entryOf(event, row.at) }
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
