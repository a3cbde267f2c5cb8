import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leafHashes, rootByDefinition } from './built-log.ts'
import { MerkleLogError } from './errors.ts'
import { appendLeaves, decodeFrontier, EMPTY_FRONTIER, encodeFrontier, type Frontier, frontierRoot, rootOf } from './frontier.ts'
import { EMPTY_ROOT, leafHash, nodeHash } from './hash.ts'
import { CT_ENTRIES, CT_ROOTS, hex } from './published-vectors.ts'

const leaves = leafHashes(600)

describe('hashes', () => {
  it('gives an entry the hash that RFC 6962 gives it', () => {
    // github.com/transparency-dev/merkle, rfc6962/rfc6962_test.go
    expect(leafHash(Buffer.from('L123456'))).toEqual(hex('395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56'))
  })

  it('hashes a long entry as it hashes a short one', () => {
    const root = (entry: Uint8Array) => Buffer.from(leafHash(entry)).toString('hex')
    // what sha256sum says of 4,096, 4,097, 4,098 and 65,536 zero bytes: the prefix and the entry
    expect([4_095, 4_096, 4_097, 65_535].map((length) => root(new Uint8Array(length)))).toEqual([
      'ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7',
      'b587fa297299ce9c602e58292b51379402bf7b1074f6b18679c2fb871c917ca8',
      '9f65dac5e3cdc605e2878452e9c4a76c31a9b49a8213c5b456804b123b97c1a1',
      'de2f256064a0af797747c2b97505dc0b9f3df0de4f489eac731c23ae9ca9cc31',
    ])
  })

  it('does not take two nodes for an entry', () => {
    const [left = EMPTY_ROOT, right = EMPTY_ROOT] = leaves
    expect(nodeHash(left, right)).not.toEqual(leafHash(Buffer.concat([left, right])))
  })

  it('refuses to hash what is not a hash', () => {
    expect(() => nodeHash(EMPTY_ROOT, new Uint8Array(31))).toThrow(MerkleLogError)
  })
})

describe('a frontier', () => {
  it('has the published roots for 0 to 8 leaves', () => {
    const hashes = CT_ENTRIES.map(leafHash)
    expect(CT_ROOTS.map((_, size) => rootOf(hashes.slice(0, size)))).toEqual(CT_ROOTS)
  })

  it('has the root of the definition at every size', () => {
    let frontier = EMPTY_FRONTIER
    for (let size = 0; size <= 300; size += 1) {
      expect(frontierRoot(frontier)).toEqual(rootByDefinition(leaves.slice(0, size)))
      frontier = appendLeaves(frontier, leaves.slice(size, size + 1))
    }
  })

  it('is the same however the leaves are split over calls', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 6 }), fc.integer({ min: 0, max: 600 }), (cuts, size) => {
        let frontier: Frontier = EMPTY_FRONTIER
        for (const cut of [...cuts.filter((at) => at < size).toSorted((a, b) => a - b), size]) {
          frontier = appendLeaves(frontier, leaves.slice(frontier.size, cut))
        }
        expect(frontier).toEqual(appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)))
      }),
    )
  })

  it('does not change the frontier that it grows from', () => {
    const before = appendLeaves(EMPTY_FRONTIER, leaves.slice(0, 7))
    const bytes = encodeFrontier(before)
    appendLeaves(before, leaves.slice(7, 20))
    expect(encodeFrontier(before)).toEqual(bytes)
  })

  it('goes on from its bytes', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), (size, more) => {
        const frontier = appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size))
        const restored = decodeFrontier(encodeFrontier(frontier))
        expect(restored).toEqual(frontier)
        expect(frontierRoot(appendLeaves(restored, leaves.slice(size, size + more)))).toEqual(rootOf(leaves.slice(0, size + more)))
      }),
    )
  })

  it('is read from bytes of exactly its length, or refused by the typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(encodeFrontier(decodeFrontier(bytes))).toEqual(bytes)
        } catch (error) {
          expect(error).toMatchObject({ name: 'MerkleLogError', reason: 'malformed.frontier' })
        }
      }),
    )
    expect(() => decodeFrontier(hex('0020000000000000'))).toThrow('2^53')
  })

  it('refuses a frontier that has lost a hash', () => {
    const { size, nodes } = appendLeaves(EMPTY_FRONTIER, leaves.slice(0, 7))
    expect(() => frontierRoot({ size, nodes: nodes.slice(1) })).toThrow(MerkleLogError)
    expect(() => appendLeaves({ size: size + 1, nodes }, leaves)).toThrow(MerkleLogError)
  })
})
