import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builtLog } from './built-log.ts'
import { appendLeaves, EMPTY_FRONTIER, frontierRoot, rootOf } from './frontier.ts'
import { EMPTY_ROOT, leafHash } from './hash.ts'
import { proveConsistency, proveInclusion } from './prove.ts'
import { verifyConsistency, verifyInclusion } from './verify.ts'

// What somebody with full access to the store can do to a log whose checkpoint is already in other hands. Entries may repeat, as
// real ones may: a change is only one when it leads to another sequence.

type Entries = readonly string[]

const entries = fc.array(fc.string({ maxLength: 3 }), { minLength: 2, maxLength: 40 })
const hashesOf = (log: Entries) => log.map((entry) => leafHash(Buffer.from(entry)))
const rootOfEntries = (log: Entries) => rootOf(hashesOf(log))
const same = (left: Entries, right: Entries) => left.length === right.length && left.every((entry, at) => entry === right[at])

const manipulations: readonly [string, (log: Entries, at: number, to: number, entry: string) => Entries][] = [
  ['an entry edited', (log, at, _, entry) => log.with(at, entry)],
  ['an entry dropped', (log, at) => log.toSpliced(at, 1)],
  ['an entry put in', (log, at, _, entry) => log.toSpliced(at, 0, entry)],
  ['an entry doubled', (log, at) => log.toSpliced(at, 0, log[at] ?? '')],
  ['two entries swapped', (log, at, to) => log.with(at, log[to] ?? '').with(to, log[at] ?? '')],
  ['an entry moved', (log, at, to) => log.toSpliced(at, 1).toSpliced(to, 0, log[at] ?? '')],
  ['the end cut off', (log, at) => log.slice(0, at)],
  ['the beginning cut off', (log, at) => log.slice(at + 1)],
  ['everything reversed', (log) => log.toReversed()],
  ['two entries joined into one', (log, at) => log.toSpliced(at, 2, `${log[at]}${log[at + 1] ?? ''}`)],
  ['an entry split in two', (log, at) => log.toSpliced(at, 1, (log[at] ?? '').slice(0, 1), (log[at] ?? '').slice(1))],
  ['another end', (log, at, _, entry) => [...log.slice(0, at), entry, `${entry}!`]],
]

const changed = fc
  .tuple(entries, fc.nat(), fc.nat(), fc.string({ maxLength: 3 }), fc.constantFrom(...manipulations))
  .map(([log, a, b, entry, manipulation]) => {
    const [name, manipulate] = manipulation
    return { name, log, changed: manipulate(log, a % log.length, b % log.length, entry) }
  })

describe('a log that was changed after its checkpoint was given out', () => {
  it.each(manipulations)('has another root: %s', (_, manipulate) => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), fc.string({ maxLength: 3 }), (log, a, b, entry) => {
        const other = manipulate(log, a % log.length, b % log.length, entry)
        fc.pre(!same(log, other))
        expect(rootOfEntries(other)).not.toEqual(rootOfEntries(log))
      }),
    )
  })

  it('cannot be shown to extend that checkpoint, however it grows on', async () => {
    await fc.assert(
      fc.asyncProperty(changed, entries, async ({ log, changed, name }, more) => {
        const grown = [...changed, ...more]
        // a log that was only cut and then grew the same entries again is the same log
        fc.pre(!same(log, grown.slice(0, log.length)))
        const forged = builtLog(hashesOf(grown))
        const claim = { oldSize: log.length, oldRoot: rootOfEntries(log), newSize: grown.length, newRoot: forged.root }
        const proof = log.length <= grown.length ? await proveConsistency(log.length, grown.length, forged.readTiles) : []
        expect(verifyConsistency({ ...claim, proof }), name).toMatchObject({ ok: false })
      }),
      { numRuns: 300 },
    )
  })

  it('cannot be shown to extend that checkpoint by the proof of the honest log', async () => {
    await fc.assert(
      fc.asyncProperty(changed, entries, async ({ log, changed }, more) => {
        const honest = builtLog(hashesOf([...log, ...more]))
        const forged = rootOfEntries([...changed, ...more])
        fc.pre(!same([...changed, ...more], [...log, ...more]))
        const proof = await proveConsistency(log.length, log.length + more.length, honest.readTiles)
        const claim = { oldSize: log.length, oldRoot: rootOfEntries(log), newSize: log.length + more.length, proof }
        expect(verifyConsistency({ ...claim, newRoot: honest.root })).toEqual({ ok: true })
        expect(verifyConsistency({ ...claim, newRoot: forged })).toMatchObject({ reason: 'consistency.new-root' })
      }),
    )
  })

  it('cannot prove the changed entry against that checkpoint', async () => {
    await fc.assert(
      fc.asyncProperty(changed, fc.nat(), async ({ log, changed }, i) => {
        fc.pre(changed.length > 0)
        const index = i % changed.length
        fc.pre(changed[index] !== log[index])
        const forged = builtLog(hashesOf(changed))
        const proof = await proveInclusion(index, changed.length, forged.readTiles)
        const leaf = leafHash(Buffer.from(changed[index] ?? ''))
        for (const size of new Set([log.length, changed.length])) {
          expect(verifyInclusion({ leafHash: leaf, index, size, root: rootOfEntries(log), proof })).toMatchObject({ ok: false })
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is found by a mirror that follows entry by entry', () => {
    fc.assert(
      fc.property(changed, entries, ({ log, changed }, more) => {
        const mirror = appendLeaves(EMPTY_FRONTIER, hashesOf(log))
        const other = [...changed, ...more]
        fc.pre(!same([...log, ...more], other))
        expect(frontierRoot(appendLeaves(mirror, hashesOf(more)))).not.toEqual(rootOfEntries(other))
      }),
    )
  })
})

describe('two logs with one beginning', () => {
  it('are a fork: each extends the common part, neither extends the other', async () => {
    await fc.assert(
      fc.asyncProperty(entries, entries, entries, async (common, left, right) => {
        const shorter = Math.min(left.length, right.length)
        fc.pre(!same(left.slice(0, shorter), right.slice(0, shorter)))
        const [a, b] = [builtLog(hashesOf([...common, ...left])), builtLog(hashesOf([...common, ...right]))]
        const [sizeA, sizeB] = [common.length + left.length, common.length + right.length]
        for (const [log, size] of [
          [a, sizeA],
          [b, sizeB],
        ] as const) {
          const proof = await proveConsistency(common.length, size, log.readTiles)
          const claim = { oldSize: common.length, oldRoot: rootOfEntries(common), newSize: size, newRoot: log.root, proof }
          expect(verifyConsistency(claim)).toEqual({ ok: true })
        }
        const [older, olderSize, newer, newerSize] = sizeA <= sizeB ? [a, sizeA, b, sizeB] : [b, sizeB, a, sizeA]
        const proof = await proveConsistency(olderSize, newerSize, newer.readTiles)
        const claim = { oldSize: olderSize, oldRoot: older.root, newSize: newerSize, newRoot: newer.root, proof }
        expect(verifyConsistency(claim)).toMatchObject({ ok: false })
      }),
    )
  })

  it('and nobody wrote anything: the empty log is the beginning of all', () => {
    fc.assert(
      fc.property(entries, (log) => {
        const claim = { oldSize: 0, oldRoot: EMPTY_ROOT, newSize: log.length, newRoot: rootOfEntries(log), proof: [] }
        expect(verifyConsistency(claim)).toEqual({ ok: true })
      }),
    )
  })
})
