import { randomBytes } from 'node:crypto'
import { SALT_BYTES } from '@heed/contracts/trail'
import { MerkleLogError, type Tile } from '@heed/merkle-log'
import { asError } from '@heed/platform/errors'
import { duplicateKeyIndex } from '@heed/platform/mongo'
import { type Bundle, binaryOf, bytesOf, emptyTree, type LogRow, type LogStore, readTree, type Tree, tileKey } from '@heed/trail'
import type { mongo } from 'mongoose'
import { LogFencedError, LogRefusedError } from './faults.ts'

/**
 * Makes this process the one that keeps the log: every write of a lower term matches nothing from now on. Makes the log where there is none. Throws `LogFencedError`
 * where a later term has begun, `LogRefusedError` where the log here has another name.
 */
export async function claimLog(store: Pick<LogStore, 'log'>, origin: string, fence: number): Promise<LogRow> {
  const fresh = { origin, fence, size: 0, root: binaryOf(emptyTree.root), seal: binaryOf(randomBytes(SALT_BYTES)) }
  await store.log.updateOne({ _id: 'log' }, { $setOnInsert: fresh }, { upsert: true })
  const row = await store.log.findOneAndUpdate({ _id: 'log', fence: { $lte: fence } }, { $set: { fence } }, { returnDocument: 'after' })
  if (row === null) throw new LogFencedError(fence)
  if (row.origin !== origin) {
    throw new LogRefusedError('trail.other-origin', `the log in this database is ${row.origin}, and the keys are those of ${origin}`)
  }
  return row
}

/** The tree that the row says is fixed, as it is stored. Throws `LogRefusedError` where the tiles are not those of that tree. */
export async function openTree(store: Pick<LogStore, 'tiles' | 'bundles'>, row: Pick<LogRow, 'size' | 'root'>): Promise<Tree> {
  const tree = await readTree(store, row.size).catch((thrown: unknown) => {
    if (thrown instanceof MerkleLogError)
      throw new LogRefusedError('trail.damaged', `the log of ${row.size} entries cannot be read: ${thrown.message}`)
    throw thrown
  })
  if (Buffer.compare(tree.root, bytesOf(row.root)) !== 0) {
    throw new LogRefusedError('trail.damaged', `the tiles of the log do not give the root that was fixed for its ${row.size} entries`)
  }
  return tree
}

/**
 * Stores what a tree has grown by. Nothing of it is spoken of before `fixTree`. What a writer of an earlier term left there is written over, what one of a later term
 * wrote is left alone.
 */
export async function storeGrowth(
  store: Pick<LogStore, 'tiles' | 'bundles'>,
  fence: number,
  tiles: readonly Tile[],
  bundles: readonly Bundle[],
): Promise<void> {
  // a tile of this term is never written narrower; the same width may come again after a try that failed half-way
  const replaceable = (width: number) => ({ $or: [{ fence: { $lt: fence } }, { fence, width: { $lte: width } }] })
  await Promise.all([
    writeAll(
      store.tiles,
      tiles.map((tile) => ({
        updateOne: {
          filter: { _id: tileKey(tile), ...replaceable(tile.width) },
          update: { $set: { width: tile.width, hashes: binaryOf(tile.hashes), fence } },
          upsert: true,
        },
      })),
    ),
    writeAll(
      store.bundles,
      bundles.map(({ index, width, entries }) => ({
        updateOne: {
          filter: { _id: index, ...replaceable(width) },
          update: { $set: { width, entries: binaryOf(entries), fence } },
          upsert: true,
        },
      })),
    ),
  ])
}

async function writeAll<Row extends mongo.Document>(
  rows: mongo.Collection<Row>,
  writes: mongo.AnyBulkWriteOperation<Row>[],
): Promise<void> {
  if (writes.length === 0) return
  try {
    await rows.bulkWrite(writes, { ordered: false })
  } catch (thrown) {
    // a row of a later term: `fixTree` will say so
    if (duplicateKeyIndex(asError(thrown)) === undefined) throw thrown
  }
}

/**
 * Fixes the tree: from now on there is no other of this size. On condition that the one before is the one that stands there, and that no later term has begun; else
 * throws `LogFencedError`. Nothing is signed before this has resolved.
 */
export async function fixTree(
  store: Pick<LogStore, 'log'>,
  fence: number,
  before: Tree,
  after: Tree,
  clean: readonly number[],
): Promise<void> {
  const fixed = await store.log.updateOne(
    { _id: 'log', fence, size: before.size, root: binaryOf(before.root) },
    {
      $set: { size: after.size, root: binaryOf(after.root) },
      ...(clean.length === 0 ? {} : { $addToSet: { clean: { $each: [...clean] } } }),
    },
  )
  if (fixed.matchedCount === 0) throw new LogFencedError(fence)
}
