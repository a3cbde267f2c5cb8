import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builtLog, leafHashes, rootByDefinition } from './built-log.ts'
import { EMPTY_EDGE, edgeFrom, edgeFrontier, extendEdge } from './edge.ts'
import { MerkleLogError } from './errors.ts'
import { appendLeaves, EMPTY_FRONTIER, frontierRoot } from './frontier.ts'
import { partialTiles, tilesFor } from './tiles.ts'

const leaves = leafHashes(66_300)
const size = fc.nat(1_200)

describe('an edge', () => {
  it('writes exactly the tiles that tilesFor names, in its order', () => {
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [before, after] = a < b ? [a, b] : [b, a]
        const { edge } = extendEdge(EMPTY_EDGE, leaves.slice(0, before))
        const { tiles } = extendEdge(edge, leaves.slice(before, after))
        expect(tiles.map(({ level, index, width }) => ({ level, index, width }))).toEqual(tilesFor(before, after))
        expect(tiles.every(({ hashes, width }) => hashes.length === width * 32)).toBe(true)
      }),
      { numRuns: 50, examples: [[65_535, 66_000]] },
    )
  })

  it('has the frontier of its leaves, however they came', () => {
    fc.assert(
      fc.property(fc.array(size, { maxLength: 4 }), size, (cuts, at) => {
        const { frontier } = builtLog(
          leaves.slice(0, at),
          cuts.filter((cut) => cut < at),
        )
        expect(frontier).toEqual(appendLeaves(EMPTY_FRONTIER, leaves.slice(0, at)))
      }),
      { numRuns: 50, examples: [[[65_535, 65_537], 66_300]] },
    )
    expect(frontierRoot(edgeFrontier(EMPTY_EDGE))).toEqual(rootByDefinition([]))
  })

  it('goes on from its partial tiles, also when they have grown since', async () => {
    const log = builtLog(leaves, [300, 66_000])
    for (const at of [0, 255, 256, 300, 512, 66_000]) {
      const edge = edgeFrom(at, await log.readTiles(partialTiles(at)))
      expect(edge).toEqual(extendEdge(EMPTY_EDGE, leaves.slice(0, at)).edge)
      expect(edgeFrontier(extendEdge(edge, leaves.slice(at)).edge)).toEqual(log.frontier)
    }
  })

  it('does not go on from less than its partial tiles', async () => {
    const log = builtLog(leaves.slice(0, 600))
    const [low, high] = await log.readTiles(partialTiles(600))
    expect(() => edgeFrom(600, [])).toThrow(MerkleLogError)
    expect(() => edgeFrom(600, low ? [low] : [])).toThrow(MerkleLogError)
    expect(() => edgeFrom(600, low && high ? [low.subarray(32), high] : [])).toThrow(MerkleLogError)
    expect(() => edgeFrom(600, low && high ? [Buffer.concat([low, Buffer.of(0)]), high] : [])).toThrow(MerkleLogError)
    expect(() => edgeFrontier({ size: 600, partials: [] })).toThrow(expect.objectContaining({ reason: 'malformed.tile' }))
  })

  it('takes only hashes', () => {
    expect(() => extendEdge(EMPTY_EDGE, [new Uint8Array(33)])).toThrow(MerkleLogError)
  })
})
