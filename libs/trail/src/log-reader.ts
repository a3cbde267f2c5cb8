import type { Disclosure } from '@heed/contracts/trail'
import {
  decodeEntries,
  type Frontier,
  formatNote,
  frontierRoot,
  type Hash,
  hashAt,
  leafHash,
  type NodeReader,
  parseNote,
  proveConsistency,
  proveInclusions,
  readFrontier,
  TILE_WIDTH,
  tileWidth,
  verifyInclusion,
} from '@heed/merkle-log'
import { Lru } from '@heed/platform/cache'
import type { mongo } from 'mongoose'
import { bytesOf } from './bytes.ts'
import { eventOf, leafOfEntry, readSecrets, subjectsOf } from './leaves.ts'
import type { EntryRow, LogStore } from './rows.ts'
import { tileKey, tileReader } from './tiles.ts'

/** A checkpoint that was published, with every cosignature that came in for it. */
export interface KnownCheckpoint {
  readonly size: number
  readonly root: Hash
  /** The signed note (C2SP tlog-checkpoint). */
  readonly note: string
  /** When it was signed, ms since the epoch. */
  readonly at: number
}

/** An entry as it stands in the log. */
export interface LoggedEntry {
  readonly sequence: number
  /** Its leaf, as text. */
  readonly leaf: string
  /** What is behind its commitments; absent once the subject was erased, and where the row beside the log is not what the log says. */
  readonly disclosure?: Disclosure
}

/** Which entries: those that fit everything that is said. */
export interface EntryFilter {
  readonly from?: number
  /** Not included. */
  readonly to: number
  readonly subjectId?: string
  readonly version?: number
  readonly recipientId?: string
  readonly kinds?: readonly string[]
  /** Dated from this moment on, ms since the epoch. */
  readonly since?: number
  /** Dated before this moment. */
  readonly before?: number
}

/** Some entries in order, and where to go on. */
export interface LoggedEntries {
  readonly entries: readonly LoggedEntry[]
  readonly next: number
}

/** A proof with the leaf hash that it is about. */
export interface Inclusion {
  readonly sequence: number
  readonly leafHash: Hash
  readonly hashes: readonly Hash[]
}

/** The log here cannot prove what it should: a tile, a bundle or a row was changed. */
export class LogDamageError extends Error {
  override readonly name = 'LogDamageError'
}

/** Reads the log. Whoever writes it may be another process. */
export interface LogReader {
  /** The newest published checkpoint, or that of this size; undefined where there is none, or none is kept. */
  checkpoint(size?: number): Promise<KnownCheckpoint | undefined>
  /** The newest that a witness cosigned. */
  witnessed(): Promise<KnownCheckpoint | undefined>
  /** The root of the tree at this size. */
  root(size: number): Promise<Hash>
  /**
   * That the entries at these places are in the tree of this size: each proof was verified before it is given. Throws `MerkleLogError` `invalid.range` for a place that such a
   * tree has not, `LogDamageError` where no proof can be given.
   */
  prove(sequences: readonly number[], size: number): Promise<Inclusion[]>
  /** That the tree of one size is the beginning of that of the other. */
  proveGrowth(oldSize: number, newSize: number): Promise<Hash[]>
  /** Entries in the order of the log, at most 256 at a time; a page may be empty. */
  entries(filter: EntryFilter): AsyncIterable<LoggedEntries>
  /** Tiles, as they are stored. */
  readonly readTiles: NodeReader
}

/** What is needed of a row to tell what the log says in its place. */
type ReadRow = Pick<EntryRow, '_id'> & Partial<Pick<EntryRow, 'kind' | 'at' | 'facts'>>

/** A row for each place: the log has an entry there, whatever became of the row beside it. */
function everyPlace(rows: readonly EntryRow[], begin: number, end: number): ReadRow[] {
  const found = new Map(rows.map((row) => [row._id, row]))
  return Array.from({ length: end - begin }, (_, at) => found.get(begin + at) ?? { _id: begin + at })
}

/** So many hashes above the lowest tiles are kept, 2 MB or so: all of them up to two million entries. */
const keptNodes = 16_384

/** A reader of the log in this store. `noticed` is told of rows that are not what the log says. */
export function logReader(store: LogStore, noticed: (sequence: number) => void = () => undefined): LogReader {
  const readTiles = tileReader(store)
  const nodes = new Lru<string, Hash>(keptNodes)
  let newestFrontier: Frontier | undefined

  const frontierAt = async (size: number): Promise<Frontier> => {
    if (newestFrontier?.size === size) return newestFrontier
    const frontier = await readFrontier(size, readTiles)
    if (size >= (newestFrontier?.size ?? 0)) newestFrontier = frontier
    return frontier
  }

  const withCosignatures = async (size: number, root: Hash, note: string, at: Date): Promise<KnownCheckpoint> => {
    const lines = await store.cosignatures.find({ size }, { sort: { _id: 1 } }).toArray()
    const parsed = parseNote(note)
    const added = lines.flatMap(({ line }) => parseNote(`${parsed.text}\n${line}\n`).signatures)
    return { size, root, note: formatNote({ text: parsed.text, signatures: [...parsed.signatures, ...added] }), at: at.getTime() }
  }

  const checkpoint = async (size?: number): Promise<KnownCheckpoint | undefined> => {
    const newest = (await store.log.findOne({ _id: 'log' }))?.published
    if (newest !== undefined && (size === undefined || size === newest.size)) {
      return withCosignatures(newest.size, bytesOf(newest.root), newest.note, newest.at)
    }
    const row = size === undefined ? null : await store.checkpoints.findOne({ _id: size })
    return row === null ? undefined : withCosignatures(row._id, bytesOf(row.root), row.note, row.at)
  }

  const prove = async (sequences: readonly number[], size: number): Promise<Inclusion[]> => {
    const read = new Map<string, Uint8Array>()
    const keep: NodeReader = async (ids) => {
      const tiles = await readTiles(ids)
      ids.forEach((id, at) => {
        read.set(tileKey(id), tiles[at] ?? new Uint8Array(0))
      })
      return tiles
    }
    const frontier = await frontierAt(size)
    const proofs = await proveInclusions(sequences, size, keep, frontier, nodes)
    const lowest = [...new Set(sequences.map((sequence) => Math.floor(sequence / TILE_WIDTH)))]
      .map((index) => ({ level: 0, index, width: tileWidth(0, index, size) }))
      .filter((id) => !read.has(tileKey(id)))
    if (lowest.length > 0) await keep(lowest)
    const root = frontierRoot(frontier)
    return sequences.map((sequence, at) => {
      const tile = read.get(tileKey({ level: 0, index: Math.floor(sequence / TILE_WIDTH) }))
      const own = hashAt(tile ?? new Uint8Array(0), sequence % TILE_WIDTH)
      const hashes = proofs[at] ?? []
      const verdict = verifyInclusion({ leafHash: own, index: sequence, size, root, proof: hashes })
      if (!verdict.ok) throw new LogDamageError(`the tiles of the log do not prove entry ${sequence} of ${size}: ${verdict.detail}`)
      return { sequence, leafHash: own, hashes }
    })
  }

  const logged = async (rows: readonly ReadRow[]): Promise<LoggedEntry[]> => {
    if (rows.length === 0) return []
    const log = await store.log.findOne({ _id: 'log' }, { projection: { seal: 1 } })
    const events = rows.map(({ kind, facts }) =>
      kind === undefined ? undefined : eventOf({ kind, ...(facts === undefined ? {} : { facts }) }),
    )
    const secrets = await readSecrets(store, subjectsOf(events))
    const bundles = new Map<number, Uint8Array[]>()
    const indexes = [...new Set(rows.map(({ _id }) => Math.floor(_id / TILE_WIDTH)))]
    // rows that lie apart: their lowest tiles, 8 KB each, say whether a leaf made from the row is the one in the log
    const dense = indexes.length * 16 <= rows.length
    if (dense) await readBundles(indexes, bundles)
    const hashes = dense ? new Map<number, Uint8Array>() : await lowestTiles(indexes)
    const made = rows.map((row, at) => {
      const event = events[at]
      return event === undefined || log === null
        ? undefined
        : leafOfEntry({ _id: row._id, at: row.at ?? 0 }, event, secrets, bytesOf(log.seal))
    })
    const matches = rows.map(({ _id }, at) => {
      const text = made[at]?.text
      if (text === undefined) return false
      const bytes = Buffer.from(text)
      const index = Math.floor(_id / TILE_WIDTH)
      if (dense) return Buffer.compare(bundles.get(index)?.[_id % TILE_WIDTH] ?? new Uint8Array(0), bytes) === 0
      return Buffer.compare(hashAt(hashes.get(index) ?? new Uint8Array(0), _id % TILE_WIDTH), leafHash(bytes)) === 0
    })
    const others = [...new Set(rows.filter((_, at) => !matches[at]).map(({ _id }) => Math.floor(_id / TILE_WIDTH)))]
    await readBundles(
      others.filter((index) => !bundles.has(index)),
      bundles,
    )
    return rows.map(({ _id }, at): LoggedEntry => {
      const own = made[at]
      if (own !== undefined && matches[at]) return { sequence: _id, leaf: own.text, disclosure: own.disclosure }
      if (own !== undefined) noticed(_id)
      const leaf = bundles.get(Math.floor(_id / TILE_WIDTH))?.[_id % TILE_WIDTH]
      if (leaf === undefined) throw new LogDamageError(`entry ${_id} is in no bundle of the log`)
      return { sequence: _id, leaf: Buffer.from(leaf).toString('utf8') }
    })
  }

  const readBundles = async (indexes: readonly number[], into: Map<number, Uint8Array[]>): Promise<void> => {
    if (indexes.length === 0) return
    for await (const { _id, entries } of store.bundles.find({ _id: { $in: [...indexes] } })) into.set(_id, decodeEntries(bytesOf(entries)))
  }

  const lowestTiles = async (indexes: readonly number[]): Promise<Map<number, Uint8Array>> => {
    const found = new Map<number, Uint8Array>()
    for await (const { _id, hashes } of store.tiles.find({ _id: { $in: indexes.map((index) => tileKey({ level: 0, index })) } }))
      found.set(Number(_id.slice(2)), bytesOf(hashes))
    return found
  }

  async function* entries(filter: EntryFilter): AsyncIterable<LoggedEntries> {
    const { subjectId, version, recipientId, kinds, since, before, to } = filter
    const about: mongo.Filter<EntryRow> = {
      ...(subjectId === undefined ? {} : { subjectId: subjectId as NonNullable<EntryRow['subjectId']> }),
      ...(version === undefined ? {} : { version }),
      ...(recipientId === undefined ? {} : { recipientId: recipientId as NonNullable<EntryRow['recipientId']> }),
      ...(kinds === undefined ? {} : { kind: { $in: kinds as EntryRow['kind'][] } }),
      ...(since === undefined && before === undefined
        ? {}
        : { at: { ...(since === undefined ? {} : { $gte: since }), ...(before === undefined ? {} : { $lt: before }) } }),
    }
    const plain = Object.keys(about).length === 0
    let next = Math.max(filter.from ?? 0, since === undefined ? 0 : await notBefore(since))
    while (next < to) {
      // without a filter a page ends where a bundle ends: each is read once
      const end = plain ? Math.min(to, (Math.floor(next / TILE_WIDTH) + 1) * TILE_WIDTH) : to
      const rows = await store.entries
        .find(
          { ...about, _id: { $gte: next, $lt: end } },
          { sort: { _id: 1 }, limit: TILE_WIDTH, ...(subjectId === undefined ? {} : { hint: 'timeline' }) },
        )
        .toArray()
      const last = rows.at(-1)
      const begin = next
      next = plain ? end : rows.length < TILE_WIDTH || last === undefined ? to : last._id + 1
      yield { entries: await logged(plain ? everyPlace(rows, begin, end) : rows), next }
    }
  }

  /** A place below which nothing was appended that happened after this moment, clocks being less than an hour apart. */
  const notBefore = async (moment: number): Promise<number> => {
    const older = await store.checkpoints.findOne({ at: { $lt: new Date(moment - 3_600_000) } }, { sort: { at: -1 } })
    return older?._id ?? 0
  }

  return {
    checkpoint,
    witnessed: async () => {
      const newest = await store.cosignatures.findOne({}, { sort: { size: -1 } })
      return newest === null ? undefined : checkpoint(newest.size)
    },
    root: async (size) => frontierRoot(await frontierAt(size)),
    prove,
    proveGrowth: async (oldSize, newSize) =>
      proveConsistency(oldSize, newSize, readTiles, newSize === 0 ? undefined : await frontierAt(newSize)),
    entries,
    readTiles,
  }
}
