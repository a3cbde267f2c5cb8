import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leafHashes } from './built-log.ts'
import { decodeEntries, encodeEntries } from './entries.ts'
import { MerkleLogError } from './errors.ts'
import {
  decodeTile,
  encodeTile,
  entriesPath,
  parseEntriesPath,
  parseTilePath,
  partialTiles,
  type TileId,
  tilePath,
  tilesFor,
  tileWidth,
} from './tiles.ts'

const width = fc.integer({ min: 1, max: 256 })
const index = fc.oneof(fc.nat(2_000), fc.maxSafeNat())

describe('the path of a tile', () => {
  // C2SP tlog-tiles, "Merkle Tree"; github.com/golang/mod, sumdb/tlog/tlog_test.go
  it.each<[string, TileId]>([
    ['tile/0/000', { level: 0, index: 0, width: 256 }],
    ['tile/0/001.p/5', { level: 0, index: 1, width: 5 }],
    ['tile/1/042.p/255', { level: 1, index: 42, width: 255 }],
    ['tile/0/x001/067', { level: 0, index: 1_067, width: 256 }],
    ['tile/0/x001/x234/067', { level: 0, index: 1_234_067, width: 256 }],
    ['tile/5/x123/x456/078.p/2', { level: 5, index: 123_456_078, width: 2 }],
    ['tile/63/999', { level: 63, index: 999, width: 256 }],
  ])('is %s', (path, id) => {
    expect(tilePath(id)).toBe(path)
    expect(parseTilePath(path)).toEqual(id)
  })

  it('is, for entries, tile/entries/<index>', () => {
    expect(entriesPath({ index: 1_234_067, width: 8 })).toBe('tile/entries/x001/x234/067.p/8')
    expect(parseEntriesPath('tile/entries/x001/x234/067.p/8')).toEqual({ index: 1_234_067, width: 8 })
  })

  it('is read back as what was written', () => {
    fc.assert(
      fc.property(fc.nat(63), index, width, (level, at, wide) => {
        expect(parseTilePath(tilePath({ level, index: at, width: wide }))).toEqual({ level, index: at, width: wide })
        expect(parseEntriesPath(entriesPath({ index: at, width: wide }))).toEqual({ index: at, width: wide })
      }),
    )
  })

  it.each([
    '',
    'tile/0/1',
    'tile/0/0001',
    'tile/00/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/123/456',
    'tile/0/x123',
    'tile/0/x000/001',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p',
    'tile/0/000/',
    '/tile/0/000',
    'tile/0/000\n',
    'tile/0/../000',
    'tile/8/0/000',
    'tile/data/000',
    'tile/entries/000',
    `tile/0/${'x999/'.repeat(6)}999`,
    `tile/0/${'x001/'.repeat(100_000)}001`,
  ])('is not %j', (path) => {
    expect(() => parseTilePath(path)).toThrow(MerkleLogError)
  })

  it('of entries is not the path of hashes', () => {
    expect(() => parseEntriesPath('tile/0/000')).toThrow(MerkleLogError)
  })

  it('is one for each text: what is read is written the same', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^tile\/[0-9]{1,2}\/(x[0-9]{3}\/){0,3}[0-9]{2,4}(\.p\/[0-9]{1,3})?$/), (path) => {
        try {
          expect(tilePath(parseTilePath(path))).toBe(path)
        } catch (error) {
          expect(error).toMatchObject({ name: 'MerkleLogError', reason: 'malformed.tile-path' })
        }
      }),
    )
  })

  it('is not made for a tile that cannot be', () => {
    for (const id of [
      { level: 64, index: 0, width: 1 },
      { level: 0.5, index: 0, width: 1 },
      { level: 0, index: -1, width: 1 },
      { level: 0, index: Number.NaN, width: 1 },
      { level: 0, index: 0, width: 0 },
      { level: 0, index: 0, width: 257 },
    ]) {
      expect(() => tilePath(id)).toThrow(MerkleLogError)
    }
  })
})

describe('the tiles of a tree', () => {
  it('are, for 70,000 leaves, those of the example in the specification', () => {
    const ids = tilesFor(0, 70_000)
    const at = (level: number, full: boolean) => ids.filter((id) => id.level === level && (id.width === 256) === full)
    expect(at(0, true)).toHaveLength(273)
    expect(at(0, false)).toEqual([{ level: 0, index: 273, width: 112 }])
    expect(at(1, true)).toEqual([{ level: 1, index: 0, width: 256 }])
    expect(at(1, false)).toEqual([{ level: 1, index: 1, width: 17 }])
    expect(at(2, false)).toEqual([{ level: 2, index: 0, width: 1 }])
    expect(ids).toHaveLength(277)
  })

  it('are, for 256 leaves, one full tile and one hash above it', () => {
    expect(tilesFor(0, 256)).toEqual([
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ])
  })

  it('are written again only where they grow', () => {
    expect(tilesFor(70_000, 70_001)).toEqual([{ level: 0, index: 273, width: 113 }])
    expect(tilesFor(511, 512)).toEqual([
      { level: 0, index: 1, width: 256 },
      { level: 1, index: 0, width: 2 },
    ])
    expect(tilesFor(9, 9)).toEqual([])
    expect(tilesFor(0, 0)).toEqual([])
  })

  it('are the same at the end, whatever the steps', () => {
    const size = fc.oneof(fc.nat(1_000), fc.nat(300_000))
    fc.assert(
      fc.property(size, size, size, (a, b, c) => {
        const [small = 0, middle = 0, large = 0] = [a, b, c].toSorted((x, y) => x - y)
        const last = (steps: readonly TileId[]) => new Map(steps.map((id) => [`${id.level}/${id.index}`, id.width]))
        expect(last([...tilesFor(0, small), ...tilesFor(small, middle), ...tilesFor(middle, large)])).toEqual(last(tilesFor(0, large)))
      }),
      { numRuns: 30 },
    )
  })

  it('end in the partial tiles', () => {
    fc.assert(
      fc.property(fc.nat(300_000), (size) => {
        expect(partialTiles(size)).toEqual(tilesFor(0, size).filter((id) => id.width < 256))
      }),
      { numRuns: 20 },
    )
    expect(partialTiles(2 ** 53 - 1)).toHaveLength(7)
  })

  it('are not those of a log that shrinks, or of no size at all', () => {
    expect(() => tilesFor(2, 1)).toThrow(MerkleLogError)
    for (const size of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => tilesFor(0, size)).toThrow(MerkleLogError)
  })

  it('are 0 wide where the tree has none', () => {
    expect([tileWidth(0, 273, 70_000), tileWidth(0, 274, 70_000), tileWidth(1, 0, 70_000), tileWidth(3, 0, 70_000)]).toEqual([
      112, 0, 256, 0,
    ])
  })
})

describe('the bytes of a tile', () => {
  const hashes = leafHashes(256)

  it('are its hashes, one after the other', () => {
    expect(encodeTile(hashes)).toHaveLength(8_192)
    fc.assert(
      fc.property(width, (wide) => {
        expect(decodeTile(encodeTile(hashes.slice(0, wide)))).toEqual(hashes.slice(0, wide))
      }),
      { numRuns: 10 },
    )
  })

  it('are 1 to 256 whole hashes', () => {
    for (const length of [0, 31, 33, 8_193, 8_224]) expect(() => decodeTile(new Uint8Array(length))).toThrow(MerkleLogError)
    expect(() => encodeTile([])).toThrow(MerkleLogError)
    expect(() => encodeTile([...hashes, ...hashes])).toThrow(MerkleLogError)
    expect(() => encodeTile([new Uint8Array(31)])).toThrow(MerkleLogError)
  })
})

describe('a bundle of entries', () => {
  it('has each entry after its length', () => {
    const bundle = encodeEntries([Buffer.from('a'), new Uint8Array(0), Buffer.alloc(258, 7)])
    expect(Buffer.from(bundle.subarray(0, 7)).toString('hex')).toBe('00016100000102')
    expect(bundle).toHaveLength(3 + 2 + 260)
  })

  it('is read back as what was written', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 1, maxLength: 256 }), (entries) => {
        expect(decodeEntries(encodeEntries(entries))).toEqual(entries)
      }),
      { numRuns: 50 },
    )
    const longest = [new Uint8Array(65_535).fill(1)]
    expect(decodeEntries(encodeEntries(longest))).toEqual(longest)
  })

  it('is refused by the typed error when it is anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        try {
          expect(encodeEntries(decodeEntries(bytes))).toEqual(bytes)
        } catch (error) {
          expect(error).toMatchObject({ name: 'MerkleLogError', reason: 'malformed.entry-bundle' })
        }
      }),
    )
    expect(() => decodeEntries(new Uint8Array(257 * 2))).toThrow('at most 256')
    expect(() => decodeEntries(Uint8Array.of(0))).toThrow('cut off')
    expect(() => encodeEntries([new Uint8Array(65_536)])).toThrow(MerkleLogError)
    expect(() => encodeEntries(Array.from({ length: 257 }, () => new Uint8Array(0)))).toThrow(MerkleLogError)
    expect(() => encodeEntries([])).toThrow(MerkleLogError)
  })
})
