import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builtLog, leafHashes, rootByDefinition } from './built-log.ts'
import { appendLeaves, EMPTY_FRONTIER, type Frontier, frontierRoot } from './frontier.ts'
import { EMPTY_ROOT, leafHash } from './hash.ts'
import { proveConsistency, proveInclusion, proveInclusions, readFrontier } from './prove.ts'
import { CT_CONSISTENCY, CT_ENTRIES, CT_INCLUSION } from './published-vectors.ts'
import { countOnes } from './sizes.ts'
import type { NodeReader, TileId } from './tiles.ts'
import { verifyConsistency, verifyInclusion } from './verify.ts'

const leaves = leafHashes(70_000)
const log = builtLog(leaves)
const roots = new Map<number, Uint8Array>()
function rootAt(size: number): Uint8Array {
  const root = roots.get(size) ?? frontierRoot(appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)))
  roots.set(size, root)
  return root
}

const readRoot = async (size: number) => frontierRoot(await readFrontier(size, log.readTiles))

describe('proofs from tiles', () => {
  const ct = builtLog(CT_ENTRIES.map(leafHash))

  it.each(CT_INCLUSION)('are the published ones: entry $index of $size', async ({ index, size, proof }) => {
    expect(await proveInclusion(index, size, ct.readTiles)).toEqual(proof)
  })

  it.each(CT_CONSISTENCY)('are the published ones: $oldSize is the beginning of $newSize', async ({ oldSize, newSize, proof }) => {
    expect(await proveConsistency(oldSize, newSize, ct.readTiles)).toEqual(proof)
  })

  it('verify for every leaf of every small tree', async () => {
    for (let size = 1; size <= 40; size += 1) {
      const root = rootByDefinition(leaves.slice(0, size))
      const proofs = await proveInclusions([...Array(size).keys()], size, log.readTiles)
      const verdicts = proofs.map((proof, index) => verifyInclusion({ leafHash: leaves[index] ?? EMPTY_ROOT, index, size, root, proof }))
      expect(verdicts.filter((verdict) => !verdict.ok)).toEqual([])
    }
  })

  it('verify between every two small sizes', async () => {
    for (let newSize = 0; newSize <= 40; newSize += 1) {
      for (let oldSize = 0; oldSize <= newSize; oldSize += 1) {
        const proof = await proveConsistency(oldSize, newSize, log.readTiles)
        expect(verifyConsistency({ oldSize, oldRoot: rootAt(oldSize), newSize, newRoot: rootAt(newSize), proof })).toEqual({ ok: true })
      }
    }
  })

  it('are the same from memory, which asks for no tile twice above the lowest', async () => {
    const memory = new Map<string, Uint8Array>()
    const above = new Set<string>()
    const readTiles: NodeReader = (ids) => {
      for (const { level, index, width } of ids) {
        if (level === 0) continue
        const name = `${level}/${index}/${width}`
        expect(above.has(name)).toBe(false)
        above.add(name)
      }
      return log.readTiles(ids)
    }
    const size = 70_000
    const frontier = await readFrontier(size, log.readTiles)
    const first = [0, 1, 300, 65_535, 65_536, size - 1]
    await proveInclusions(first, size, readTiles, frontier, memory)
    for (const index of first)
      expect(await proveInclusions([index], size, readTiles, frontier, memory)).toEqual([await proveInclusion(index, size, log.readTiles)])
    const other = await proveInclusions([40_000], size, log.readTiles, frontier, memory)
    expect(other).toEqual([await proveInclusion(40_000, size, log.readTiles)])
    expect(await proveInclusions([5], 69_000, log.readTiles, undefined, memory)).toEqual([await proveInclusion(5, 69_000, log.readTiles)])
  })

  it('verify in trees of several levels of tiles, with and without the frontier', async () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 65_530, max: 65_540 }), fc.integer({ min: 1, max: 70_000 }))
    await fc.assert(
      fc.asyncProperty(size, size, fc.boolean(), async (a, b, withFrontier) => {
        const [oldSize, newSize] = a < b ? [a, b] : [b, a]
        const frontier = withFrontier ? await readFrontier(newSize, log.readTiles) : undefined
        const index = oldSize - 1
        const proof = await proveInclusion(index, newSize, log.readTiles, frontier)
        const newRoot = await readRoot(newSize)
        const leaf = leaves[index] ?? EMPTY_ROOT
        expect(verifyInclusion({ leafHash: leaf, index, size: newSize, root: newRoot, proof })).toEqual({ ok: true })
        const path = await proveConsistency(oldSize, newSize, log.readTiles, frontier)
        expect(verifyConsistency({ oldSize, oldRoot: await readRoot(oldSize), newSize, newRoot, proof: path })).toEqual({ ok: true })
      }),
      { numRuns: 40 },
    )
  })

  it('give the frontier, and so the root, at any size that the tiles hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(70_000), async (size) => {
        expect(await readFrontier(size, log.readTiles)).toEqual(appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)))
      }),
      { numRuns: 8 },
    )
  })

  it('are refused for what is not in the tree', async () => {
    for (const [index, size] of [
      [0, 0],
      [5, 5],
      [-1, 5],
      [0.5, 5],
      [Number.NaN, 5],
      [0, 2 ** 53],
    ] as const) {
      await expect(proveInclusion(index, size, log.readTiles)).rejects.toMatchObject({ reason: 'invalid.range' })
    }
    await expect(proveConsistency(6, 5, log.readTiles)).rejects.toMatchObject({ reason: 'invalid.range' })
    await expect(proveInclusion(0, 70_000, log.readTiles, EMPTY_FRONTIER)).rejects.toMatchObject({ reason: 'invalid.range' })
  })
})

describe('reading tiles', () => {
  /** Answers with tiles of the right size that hold nothing, and keeps the ids of each call. */
  function counting(): { calls: TileId[][]; readTiles: NodeReader } {
    const calls: TileId[][] = []
    return {
      calls,
      readTiles: async (ids) => {
        calls.push([...ids])
        return ids.map(({ width }) => new Uint8Array(width * 32))
      },
    }
  }

  const size = 10_000_000
  const frontier: Frontier = { size, nodes: Array.from({ length: countOnes(size) }, () => EMPTY_ROOT) }

  it('takes one call, and three tiles at 10 million leaves when the frontier is known, five when not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), async (index) => {
        const known = counting()
        const proof = await proveInclusion(index, size, known.readTiles, frontier)
        expect(proof.length).toBeLessThanOrEqual(24)
        expect(known.calls.length).toBeLessThanOrEqual(1)
        expect(known.calls.flat().length).toBeLessThanOrEqual(3)
        const unknown = counting()
        await proveInclusion(index, size, unknown.readTiles)
        expect(unknown.calls).toHaveLength(1)
        expect(unknown.calls.flat().length).toBeLessThanOrEqual(5)
      }),
      { numRuns: 30 },
    )
  })

  it('asks for each tile once, only for tiles of that tree, and in one call for many leaves', async () => {
    const { calls, readTiles } = counting()
    await proveInclusions([0, 1, 255, 256, 9_999_999], size, readTiles)
    expect(calls).toHaveLength(1)
    const names = calls.flat().map(({ level, index }) => `${level}/${index}`)
    expect(new Set(names).size).toBe(names.length)
    expect(calls.flat().find(({ level, index }) => level === 0 && index === 39_062)?.width).toBe(128)
  })

  it('reads nothing when nothing is to be proved', async () => {
    const { calls, readTiles } = counting()
    expect(await proveInclusion(0, 1, readTiles)).toEqual([])
    expect(await proveConsistency(0, size, readTiles)).toEqual([])
    expect(await proveConsistency(size, size, readTiles)).toEqual([])
    expect(await proveInclusions([], size, readTiles)).toEqual([])
    expect(calls).toEqual([])
  })

  it('refuses tiles that are missing, too narrow, too wide or not whole hashes, and says which', async () => {
    const wrong: ((width: number) => readonly Uint8Array[])[] = [
      () => [],
      (width) => [new Uint8Array((width - 1) * 32)],
      (width) => [new Uint8Array(width * 32 + 1)],
      () => [new Uint8Array(257 * 32)],
    ]
    for (const answer of wrong) {
      const readTiles: NodeReader = async ([id]) => answer(id?.width ?? 0)
      await expect(proveInclusion(3, 200, readTiles)).rejects.toMatchObject({
        reason: 'unreadable.tile',
        message: expect.stringContaining('tile 0 of level 0'),
      })
    }
  })

  it('passes on that a tile cannot be read', async () => {
    const readTiles: NodeReader = () => Promise.reject(new Error('disk gone'))
    await expect(proveInclusion(3, 200, readTiles)).rejects.toThrow('disk gone')
    await expect(proveInclusion(0, 70_001, log.readTiles)).rejects.toMatchObject({ reason: 'unreadable.tile' })
  })

  it('makes, from a tile that was changed, a proof that does not verify', async () => {
    const readTiles: NodeReader = async (ids) => (await log.readTiles(ids)).map((bytes) => new Uint8Array(bytes).fill(0, 0, 32))
    const proof = await proveInclusion(7, 1_000, readTiles)
    const verdict = verifyInclusion({ leafHash: leaves[7] ?? EMPTY_ROOT, index: 7, size: 1_000, root: rootAt(1_000), proof })
    expect(verdict).toMatchObject({ ok: false, reason: 'inclusion.root' })
  })
})
