import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builtLog, flipped, leafHashes } from './built-log.ts'
import { rootOf } from './frontier.ts'
import { EMPTY_ROOT, type Hash, leafHash } from './hash.ts'
import { proveConsistency, proveInclusion } from './prove.ts'
import { ARGON_2020, CT_CONSISTENCY, CT_ENTRIES, CT_INCLUSION, CT_ROOTS, hex } from './published-vectors.ts'
import { type ConsistencyClaim, type InclusionClaim, verifyConsistency, verifyInclusion } from './verify.ts'

const leaves = leafHashes(400)
const log = builtLog(leaves)
const somethingElse = hex('abacaba000000000000000000000000000000000000000000060061e00123456')

async function inclusionClaim(index: number, size: number): Promise<InclusionClaim> {
  return {
    leafHash: leaves[index] ?? EMPTY_ROOT,
    index,
    size,
    root: rootOf(leaves.slice(0, size)),
    proof: await proveInclusion(index, size, log.readTiles),
  }
}

async function consistencyClaim(oldSize: number, newSize: number): Promise<ConsistencyClaim> {
  return {
    oldSize,
    oldRoot: rootOf(leaves.slice(0, oldSize)),
    newSize,
    newRoot: rootOf(leaves.slice(0, newSize)),
    proof: await proveConsistency(oldSize, newSize, log.readTiles),
  }
}

/** The same claim with one thing wrong, as in the test data of github.com/transparency-dev/merkle. */
function corrupted(proof: readonly Hash[]): (readonly Hash[])[] {
  return [
    ...proof.map((hash, at) => proof.with(at, flipped(hash, 3))),
    [...proof, somethingElse],
    [somethingElse, ...proof],
    [...proof, new Uint8Array(0)],
    [new Uint8Array(0), ...proof],
    ...proof.map((_, at) => proof.toSpliced(at, 1)),
    ...(proof.length > 1 ? [proof.toReversed()] : []),
  ]
}

describe('an inclusion proof', () => {
  const published = CT_INCLUSION.map((vector) => ({
    ...vector,
    leafHash: leafHash(CT_ENTRIES[vector.index] ?? new Uint8Array(0)),
    root: CT_ROOTS[vector.size] ?? EMPTY_ROOT,
  }))

  it.each(published)('of the published ones holds: entry $index of $size', (claim) => {
    expect(verifyInclusion(claim)).toEqual({ ok: true })
  })

  it('of a real log with 961,984,013 entries holds', () => {
    const { leafHash, index, size, root, inclusion: proof } = ARGON_2020
    expect(verifyInclusion({ leafHash, index, size, root, proof })).toEqual({ ok: true })
    expect(verifyInclusion({ leafHash, index: index + 1, size, root, proof })).toMatchObject({ reason: 'inclusion.root' })
  })

  it.each(published)('does not hold with one thing wrong: entry $index of $size', (claim) => {
    const { index, size, proof, root } = claim
    const wrong: InclusionClaim[] = [
      { ...claim, index: index - 1 },
      { ...claim, index: index + 1 },
      { ...claim, index: index ^ 2 },
      { ...claim, size: size * 2 },
      { ...claim, size: Math.floor(size / 2) },
      { ...claim, root: EMPTY_ROOT },
      { ...claim, root: somethingElse },
      { ...claim, leafHash: somethingElse },
      { ...claim, leafHash: new Uint8Array(0) },
      { ...claim, root: new Uint8Array(0) },
      { ...claim, proof: [...proof, root] },
      ...corrupted(proof).map((changed) => ({ ...claim, proof: changed })),
    ]
    expect(wrong.filter((each) => verifyInclusion(each).ok)).toEqual([])
  })

  it('does not hold with any one bit changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 400 }), fc.nat(), fc.nat(), fc.nat(255), async (size, i, at, bit) => {
        const claim = await inclusionClaim(i % size, size)
        const part = at % (claim.proof.length + 2)
        const wrong =
          part < claim.proof.length
            ? { ...claim, proof: claim.proof.map((hash, n) => (n === part ? flipped(hash, bit) : hash)) }
            : part === claim.proof.length
              ? { ...claim, leafHash: flipped(claim.leafHash, bit) }
              : { ...claim, root: flipped(claim.root, bit) }
        expect(verifyInclusion(claim)).toEqual({ ok: true })
        expect(verifyInclusion(wrong)).toMatchObject({ ok: false, reason: 'inclusion.root' })
      }),
    )
  })

  it('holds for one place only', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 400 }), fc.nat(), fc.nat(), async (size, i, j) => {
        const claim = await inclusionClaim(i % size, size)
        fc.pre(i % size !== j % size)
        expect(verifyInclusion({ ...claim, index: j % size }).ok).toBe(false)
        expect(verifyInclusion({ ...claim, leafHash: leaves[j % size] ?? EMPTY_ROOT }).ok).toBe(false)
      }),
    )
  })

  it('says what is wrong with it', async () => {
    const claim = await inclusionClaim(5, 100)
    expect(verifyInclusion({ ...claim, index: 100 })).toMatchObject({ reason: 'inclusion.range' })
    expect(verifyInclusion({ ...claim, index: Number.NaN })).toMatchObject({ reason: 'inclusion.range' })
    expect(verifyInclusion({ ...claim, size: 2 ** 60 })).toMatchObject({ reason: 'inclusion.range' })
    expect(verifyInclusion({ ...claim, proof: claim.proof.slice(1) })).toMatchObject({ reason: 'inclusion.length' })
    expect(verifyInclusion({ ...claim, proof: [...claim.proof, EMPTY_ROOT] })).toMatchObject({ reason: 'inclusion.length' })
    expect(verifyInclusion({ ...claim, proof: [new Uint8Array(31)] })).toMatchObject({ reason: 'inclusion.malformed' })
    expect(verifyInclusion({ ...claim, root: somethingElse })).toMatchObject({ reason: 'inclusion.root' })
  })
})

describe('a consistency proof', () => {
  const published = CT_CONSISTENCY.map((vector) => ({
    ...vector,
    oldRoot: CT_ROOTS[vector.oldSize] ?? EMPTY_ROOT,
    newRoot: CT_ROOTS[vector.newSize] ?? EMPTY_ROOT,
  }))

  it.each(published)('of the published ones holds: $oldSize is the beginning of $newSize', (claim) => {
    expect(verifyConsistency(claim)).toEqual({ ok: true })
  })

  it('of a real log with 961,984,013 entries holds', () => {
    const { oldSize, oldRoot, size: newSize, root: newRoot, consistency: proof } = ARGON_2020
    const claim = { oldSize, oldRoot, newSize, newRoot, proof }
    expect(verifyConsistency(claim)).toEqual({ ok: true })
    expect(verifyConsistency({ ...claim, oldSize: oldSize + 1 }).ok).toBe(false)
  })

  it.each(published.filter(({ proof }) => proof.length > 0))('does not hold with one thing wrong: $oldSize and $newSize', (claim) => {
    const { oldSize, oldRoot, newSize, newRoot, proof } = claim
    const wrong: ConsistencyClaim[] = [
      { ...claim, oldSize: oldSize - 1 },
      { ...claim, oldSize: oldSize + 1 },
      { ...claim, oldSize: oldSize ^ 2 },
      { ...claim, newSize: newSize * 2 },
      { ...claim, newSize: Math.floor(newSize / 2) },
      { ...claim, oldRoot: somethingElse },
      { ...claim, newRoot: somethingElse },
      { ...claim, oldRoot: newRoot, newRoot: oldRoot },
      { ...claim, oldRoot: new Uint8Array(0) },
      { ...claim, proof: [] },
      ...[oldRoot, newRoot, ...proof.slice(0, 1)].flatMap((hash) => [
        { ...claim, proof: [hash, ...proof] },
        { ...claim, proof: [...proof, hash] },
      ]),
      ...corrupted(proof).map((changed) => ({ ...claim, proof: changed })),
    ]
    expect(wrong.filter((each) => verifyConsistency(each).ok)).toEqual([])
  })

  it('does not hold with any one bit changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 400 }), fc.nat(), fc.nat(), fc.nat(255), async (newSize, i, at, bit) => {
        const claim = await consistencyClaim(1 + (i % (newSize - 1)), newSize)
        const part = at % (claim.proof.length + 2)
        const wrong =
          part < claim.proof.length
            ? { ...claim, proof: claim.proof.map((hash, n) => (n === part ? flipped(hash, bit) : hash)) }
            : part === claim.proof.length
              ? { ...claim, oldRoot: flipped(claim.oldRoot, bit) }
              : { ...claim, newRoot: flipped(claim.newRoot, bit) }
        expect(verifyConsistency(claim)).toEqual({ ok: true })
        expect(verifyConsistency(wrong).ok).toBe(false)
      }),
    )
  })

  it('is empty for the empty log and for the same log, and says when it should be', () => {
    const root = rootOf(leaves.slice(0, 3))
    const claim = { oldSize: 3, oldRoot: root, newSize: 3, newRoot: root, proof: [] }
    expect(verifyConsistency(claim)).toEqual({ ok: true })
    expect(verifyConsistency({ ...claim, oldSize: 0, oldRoot: EMPTY_ROOT })).toEqual({ ok: true })
    expect(verifyConsistency({ ...claim, oldSize: 0, newSize: 0, oldRoot: EMPTY_ROOT, newRoot: EMPTY_ROOT })).toEqual({ ok: true })
    expect(verifyConsistency({ ...claim, oldSize: 0 })).toMatchObject({ reason: 'consistency.old-root' })
    expect(verifyConsistency({ ...claim, oldSize: 0, newSize: 0, oldRoot: EMPTY_ROOT })).toMatchObject({ reason: 'consistency.new-root' })
    expect(verifyConsistency({ ...claim, newRoot: somethingElse })).toMatchObject({ reason: 'consistency.new-root' })
    expect(verifyConsistency({ ...claim, proof: [EMPTY_ROOT] })).toMatchObject({ reason: 'consistency.length' })
    expect(verifyConsistency({ ...claim, oldSize: 0, oldRoot: EMPTY_ROOT, proof: [EMPTY_ROOT] })).toMatchObject({
      reason: 'consistency.length',
    })
  })

  it('says what is wrong with it', async () => {
    const claim = await consistencyClaim(50, 100)
    expect(verifyConsistency({ ...claim, newSize: 49 })).toMatchObject({
      reason: 'consistency.range',
      detail: expect.stringContaining('rolled back'),
    })
    expect(verifyConsistency({ ...claim, oldSize: -1 })).toMatchObject({ reason: 'consistency.range' })
    expect(verifyConsistency({ ...claim, proof: claim.proof.slice(0, -1) })).toMatchObject({ reason: 'consistency.length' })
    expect(verifyConsistency({ ...claim, proof: [...claim.proof, EMPTY_ROOT] })).toMatchObject({ reason: 'consistency.length' })
    expect(verifyConsistency({ ...claim, oldRoot: new Uint8Array(1) })).toMatchObject({ reason: 'consistency.malformed' })
    expect(verifyConsistency({ ...claim, oldRoot: somethingElse })).toMatchObject({ reason: 'consistency.old-root' })
    expect(verifyConsistency({ ...claim, newRoot: somethingElse })).toMatchObject({ reason: 'consistency.new-root' })
  })
})

describe('a verifier', () => {
  it('answers anything with a verdict, and never with ok', () => {
    const bytes = fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 40 }))
    const number = fc.oneof(fc.nat(20), fc.maxSafeInteger(), fc.double())
    fc.assert(
      fc.property(bytes, bytes, number, number, fc.array(bytes, { maxLength: 60 }), (one, two, a, b, proof) => {
        fc.pre(Buffer.compare(one, two) !== 0)
        const inclusion = verifyInclusion({ leafHash: one, index: a, size: b, root: two, proof })
        const consistency = verifyConsistency({ oldSize: a, oldRoot: one, newSize: b, newRoot: two, proof })
        expect([inclusion.ok, consistency.ok]).toEqual([false, false])
      }),
      { numRuns: 500 },
    )
  })

  it('answers what is not even of the right type with a verdict', () => {
    for (const thing of [undefined, null, 7, 'text', {}, [], [undefined]]) {
      const claim = { leafHash: thing, index: thing, size: thing, root: thing, proof: thing } as unknown as InclusionClaim
      const other = { oldSize: thing, oldRoot: thing, newSize: thing, newRoot: thing, proof: thing } as unknown as ConsistencyClaim
      expect([verifyInclusion(claim).ok, verifyConsistency(other).ok]).toEqual([false, false])
    }
  })
})
