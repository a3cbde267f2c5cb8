import { createHash } from 'node:crypto'
import { type Edge, EMPTY_EDGE, edgeFrontier, extendEdge } from './edge.ts'
import { type Frontier, frontierRoot } from './frontier.ts'
import { EMPTY_ROOT, type Hash, leafHash, nodeHash } from './hash.ts'
import { memoryTiles } from './memory-tiles.ts'
import type { NodeReader, Tile } from './tiles.ts'

// For tests only.

/** The leaf hashes of `count` different entries. */
export function leafHashes(count: number, seed = 'entry'): Hash[] {
  return Array.from({ length: count }, (_, at) => leafHash(Buffer.from(`${seed} ${at}`)))
}

/** The root by the letter of RFC 6962 section 2.1, which nothing else here is made from. */
export function rootByDefinition(hashes: readonly Hash[]): Hash {
  if (hashes.length === 0) return new Uint8Array(createHash('sha256').digest())
  const [only] = hashes
  if (hashes.length === 1) return only ?? EMPTY_ROOT
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return nodeHash(rootByDefinition(hashes.slice(0, k)), rootByDefinition(hashes.slice(k)))
}

/** A log with these leaf hashes, its tiles in memory, written in the given batches (one by default). */
export type BuiltLog = {
  readonly edge: Edge
  readonly frontier: Frontier
  readonly root: Hash
  readonly tiles: readonly Tile[]
  readonly readTiles: NodeReader
}

/** Builds such a log. */
export function builtLog(hashes: readonly Hash[], batches: readonly number[] = []): BuiltLog {
  const store = memoryTiles()
  const tiles: Tile[] = []
  let edge = EMPTY_EDGE
  for (const size of [...batches.toSorted((a, b) => a - b), hashes.length]) {
    const grown = extendEdge(edge, hashes.slice(edge.size, size))
    edge = grown.edge
    store.write(grown.tiles)
    tiles.push(...grown.tiles)
  }
  const frontier = edgeFrontier(edge)
  return { edge, frontier, root: frontierRoot(frontier), tiles, readTiles: store.readTiles }
}

/** The bytes with bit number `bit` changed. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = new Uint8Array(bytes)
  const at = Math.floor(bit / 8) % copy.length
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8))
  return copy
}
