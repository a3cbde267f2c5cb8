import { parseLeaf } from '@heed/contracts/trail'
import { formatCheckpoint, formatNote, parseNote, signNote } from '@heed/merkle-log'
import fc from 'fast-check'
import { unzipSync, zipSync } from 'fflate'
import { beforeAll, describe, expect, it } from 'vitest'
import { BundleError, type EvidenceBundle } from './bundle.ts'
import { ada, exampleBundle, key, log, origin, otherKey, trusted } from './example.fixture.ts'
import { decodeBundle, encodeBundle } from './file.ts'
import { verifyBundle } from './verify.ts'

const packing = { level: 0, mtime: new Date(1980, 0, 1), os: 3, attrs: 0o644 << 16 } as const

let bundle: EvidenceBundle
beforeAll(async () => {
  bundle = await exampleBundle()
})

const verdictOf = (changed: EvidenceBundle, trust: Parameters<typeof verifyBundle>[1] = trusted) =>
  verifyBundle(encodeBundle(changed), trust)
const reasonsOf = (changed: EvidenceBundle, trust?: Parameters<typeof verifyBundle>[1]) => [
  ...new Set(verdictOf(changed, trust).findings.map(({ reason }) => reason)),
]
const withEntry = (
  at: number,
  change: (entry: EvidenceBundle['entries'][number]) => EvidenceBundle['entries'][number],
): EvidenceBundle => ({
  ...bundle,
  entries: bundle.entries.map((entry, index) => (index === at ? change(entry) : entry)),
})

describe('a bundle that nobody touched', () => {
  it('holds', () => {
    const verdict = verdictOf(bundle)
    expect(verdict.findings).toEqual([])
    expect(verdict).toMatchObject({ ok: true, notices: [], signedBy: [origin], checkpoint: { size: log.size } })
  })

  it('is the same file each time, and reads back as what it was', () => {
    const bytes = encodeBundle(bundle)
    expect(Buffer.compare(bytes, encodeBundle(structuredClone(bundle)))).toBe(0)
    const { bundle: read, page } = decodeBundle(bytes)
    expect(page).toBe('true')
    expect(Buffer.compare(encodeBundle(read), bytes)).toBe(0)
  })

  it('tells who confirmed, who did not and why', () => {
    const { story } = verdictOf(bundle)
    const [change] = story.changes
    expect(change?.recipients.find(({ recipient }) => recipient === 'mailchimp')).toMatchObject({
      certainty: 'read back',
      because: '',
      state: 'verified',
    })
    const open = change?.recipients.filter(({ recipient }) => recipient !== 'mailchimp') ?? []
    for (const part of open) {
      expect(part).toMatchObject({ certainty: 'open' })
      expect(part.because).toContain('rate limited (unavailable.rate-limited); next try 2026-11-23 10:03:11.123')
    }
  })

  it('holds proofs of at most 1,024 letters each at ten million leaves', () => {
    // 24 hashes lead from a leaf to the root of a tree of that size
    expect(Buffer.alloc(24 * 32).toString('base64').length).toBeLessThanOrEqual(1_024)
  })
})

describe('whoever holds it against', () => {
  it('an older checkpoint sees that nothing before it was rewritten', () => {
    expect(verdictOf(bundle, { ...trusted, older: [log.checkpoint(4)] }).ok).toBe(true)
    expect(verdictOf(bundle, { ...trusted, older: [log.checkpoint()] }).ok).toBe(true)
  })

  it('a checkpoint of a log that was forked sees the fork', () => {
    expect(reasonsOf(bundle, { ...trusted, older: [log.checkpoint(log.size, key, log.rootOf(3))] })).toEqual(['consistency.new-root'])
    expect(reasonsOf(bundle, { ...trusted, older: [log.checkpoint(4, key, log.rootOf(3))] }).join()).toContain('consistency.')
    expect(verdictOf(bundle, { ...trusted, older: [log.checkpoint(log.size, key, log.rootOf(3))] }).findings[0]?.detail).toContain('forked')
  })

  it('a checkpoint of more entries, or one without a proof, is told so', () => {
    expect(reasonsOf(bundle, { ...trusted, older: [log.checkpoint(log.size + 5, key, log.rootOf(3))] })).toEqual(['older.newer'])
    expect(reasonsOf(bundle, { ...trusted, older: [log.checkpoint(5)] })).toEqual(['older.no-proof'])
    expect(reasonsOf(bundle, { ...trusted, older: [log.checkpoint(4, otherKey)] })).toEqual(['note.unknown-signers'])
  })

  it('no key is told that nothing is proved', () => {
    expect(reasonsOf(bundle, { policy: undefined })).toEqual(['trust.no-key'])
  })

  it('witnesses that did not sign is told so', () => {
    const policy = { ...trusted.policy, witnessKeys: [], minWitnesses: 1 }
    expect(reasonsOf(bundle, { policy })).toEqual(['checkpoint.witnesses'])
  })
})

describe('a bundle that somebody changed', () => {
  const kinds: readonly [string, () => EvidenceBundle, string][] = [
    ['an entry edited', () => withEntry(1, (entry) => ({ ...entry, leaf: entry.leaf.replace('"choice"', '"merged"') })), 'inclusion.root'],
    [
      'an outcome changed',
      () => withEntry(bundle.entries.length - 1, (entry) => ({ ...entry, leaf: entry.leaf.replace('deferred', 'verified') })),
      'inclusion.root',
    ],
    [
      'an entry dated otherwise',
      () => withEntry(1, (entry) => ({ ...entry, leaf: entry.leaf.replace(/"at":(\d)/, '"at":9') })),
      'inclusion.root',
    ],
    ['another place claimed', () => withEntry(1, (entry) => ({ ...entry, sequence: entry.sequence - 1 })), 'inclusion.root'],
    [
      'two entries swapped',
      () => ({
        ...bundle,
        entries: [bundle.entries[1], bundle.entries[0], ...bundle.entries.slice(2)].filter((entry) => entry !== undefined),
      }),
      'entry.order',
    ],
    [
      'an entry doubled',
      () => ({ ...bundle, entries: bundle.entries.flatMap((entry, at) => (at === 2 ? [entry, entry] : [entry])) }),
      'entry.order',
    ],
    ['the change taken out', () => ({ ...bundle, entries: bundle.entries.filter((_, at) => at !== 1) }), 'about.missing'],
    [
      'an entry of somebody else put in',
      () => ({ ...bundle, entries: [...bundle.entries.slice(0, 1), ...foreign(), ...bundle.entries.slice(1)] }),
      'about.foreign',
    ],
    [
      'another subject disclosed',
      () => withEntry(1, (entry) => ({ ...entry, disclosure: { subjects: [{ subjectId: ada, salt: new Uint8Array(32) }] } })),
      'entry.disclosure',
    ],
    [
      'other facts disclosed',
      () =>
        withEntry(1, (entry) => ({
          ...entry,
          disclosure: { subjects: entry.disclosure?.subjects ?? [], sealed: { text: '{}', salt: new Uint8Array(32) } },
        })),
      'entry.disclosure',
    ],
    ['the root replaced', () => ({ ...bundle, checkpoint: log.checkpoint(log.size, key, log.rootOf(3)) }), 'inclusion.root'],
    ['the checkpoint cut back', () => ({ ...bundle, checkpoint: log.checkpoint(5) }), 'inclusion.range'],
    ['the signature forged', () => ({ ...bundle, checkpoint: forged() }), 'note.signature'],
    ['signed again with another key', () => ({ ...bundle, checkpoint: log.checkpoint(log.size, otherKey) }), 'note.unknown-signers'],
    ['a checkpoint of another log', () => ({ ...bundle, checkpoint: otherLog() }), 'checkpoint.origin'],
    [
      'the policy text changed',
      () => ({
        ...bundle,
        policies: bundle.policies.map((policy) => ({ ...policy, text: policy.text.replace('hours: 24', 'hours: 99') })),
      }),
      'policy.text',
    ],
    ['the policy taken out', () => ({ ...bundle, policies: [] }), 'policy.missing'],
    ['the entry that binds the policy taken out', () => ({ ...bundle, entries: bundle.entries.slice(1) }), 'policy.not-in-trail'],
    [
      'a proof with one hash more',
      () => withEntry(2, (entry) => ({ ...entry, hashes: [...entry.hashes, new Uint8Array(32)] })),
      'inclusion.length',
    ],
    ['a proof with one hash less', () => withEntry(2, (entry) => ({ ...entry, hashes: entry.hashes.slice(1) })), 'inclusion'],
  ]

  it.each(kinds)('%s: is found', (_, change, reason) => {
    const verdict = verdictOf(change())
    expect(verdict.ok).toBe(false)
    expect(verdict.findings.map((finding) => finding.reason).join(' ')).toContain(reason)
  })

  it('names the entry', () => {
    const wrong = bundle.entries[3]
    const verdict = verdictOf(withEntry(3, (entry) => ({ ...entry, leaf: entry.leaf.replace('"version":1', '"version":2') })))
    expect(verdict.findings[0]).toMatchObject({ sequence: wrong?.sequence, reason: 'inclusion.root' })
  })

  it('says it when recipients were left out', () => {
    const left = { ...bundle, entries: bundle.entries.filter(({ leaf }) => parseLeaf(leaf)?.recipient !== 'mailchimp') }
    expect(verdictOf(left)).toMatchObject({ ok: true, notices: [expect.stringContaining('mailchimp')] })
  })

  it('never holds after any bit of the file was flipped', () => {
    const bytes = encodeBundle(bundle)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length * 8 - 1 }), (bit) => {
        const changed = new Uint8Array(bytes)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(holds(changed)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it('never holds after it was cut, and never throws anything but BundleError', () => {
    const bytes = encodeBundle(bundle)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        expect(holds(bytes.subarray(0, length))).toBe(false)
      }),
      { numRuns: 100 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        expect(holds(garbage)).toBe(false)
        expect(holds(Buffer.concat([bytes, garbage, Buffer.of(0)]))).toBe(false)
        expect(holds(Buffer.concat([Buffer.from('PK\u0003\u0004'), garbage]))).toBe(false)
      }),
      { numRuns: 100 },
    )
  })

  it('says it when the page was rewritten, by somebody who packs as we do', () => {
    const files = unzipSync(encodeBundle(bundle))
    const page = Buffer.from(files['index.html'] ?? []).toString()
    expect(page).toContain('rate limited (unavailable')
    const repacked = zipSync(
      { ...files, 'index.html': Buffer.from(page.replaceAll('rate limited (unavailable', 'confirmed (unavailable')) },
      packing,
    )
    expect(verifyBundle(repacked, trusted).findings.map(({ reason }) => reason)).toEqual(['page.differs'])
    expect(verifyBundle(zipSync(files, packing), trusted).ok).toBe(true)
    expect(() => verifyBundle(zipSync({ ...files, 'more.txt': new Uint8Array(3) }, packing), trusted)).toThrow(BundleError)
    expect(() => verifyBundle(zipSync(files, { ...packing, level: 9 }), trusted)).toThrow(BundleError)
  })
})

function holds(bytes: Uint8Array): boolean {
  try {
    return verifyBundle(bytes, trusted).ok
  } catch (thrown) {
    if (thrown instanceof BundleError) return false
    throw thrown
  }
}

function foreign(): EvidenceBundle['entries'] {
  // a true entry of the log, of another subject, with a proof that holds
  const row = log.rows[1]
  const [first] = bundle.entries
  return row === undefined || first === undefined
    ? []
    : [{ sequence: 1, leaf: row.leaf, hashes: foreignProof, ...(row.disclosure === undefined ? {} : { disclosure: row.disclosure }) }]
}

let foreignProof: EvidenceBundle['entries'][number]['hashes'] = []
beforeAll(async () => {
  const { proveInclusion } = await import('@heed/merkle-log')
  foreignProof = await proveInclusion(1, log.size, log.readTiles)
})

function forged(): string {
  const note = parseNote(log.checkpoint())
  const other = parseNote(log.checkpoint(4))
  return formatNote({ ...note, signatures: other.signatures })
}

function otherLog(): string {
  return formatNote(
    signNote(formatCheckpoint({ origin: 'example.org/trail', size: log.size, rootHash: log.rootOf(log.size), extensions: [] }), [key]),
  )
}
