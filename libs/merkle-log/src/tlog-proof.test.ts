import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builtLog, flipped, leafHashes } from './built-log.ts'
import { formatCheckpoint } from './checkpoint.ts'
import { MerkleLogError } from './errors.ts'
import { EMPTY_ROOT, leafHash } from './hash.ts'
import { generateSignerKey, verifierOf } from './keys.ts'
import { cosign, formatNote, signNote } from './note.ts'
import { proveConsistency, proveInclusion } from './prove.ts'
import { decodeTlogProof, encodeTlogProof, verifyTlogProof } from './tlog-proof.ts'
import { decodeAddCheckpoint, encodeAddCheckpoint } from './witness.ts'

// any UTF-16 unit, lone surrogates and control characters among them
const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

const origin = 'example.com/log'
const key = generateSignerKey(origin, 'ed25519')
const witness = generateSignerKey('witness.example.com', 'cosignature-v1')
const policy = { origin, logKeys: [verifierOf(key)], witnessKeys: [verifierOf(witness)], minWitnesses: 1 }
const leaves = leafHashes(300)
const log = builtLog(leaves)
const checkpoint = formatNote(
  cosign(signNote(formatCheckpoint({ origin, size: 300, rootHash: log.root, extensions: [] }), [key]), witness, 1_800_000_000),
)
const leaf = leaves[123] ?? EMPTY_ROOT
const file = encodeTlogProof({ index: 123, hashes: await proveInclusion(123, 300, log.readTiles), checkpoint })

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const anyCheckpoint = fc.string({ unit }).map((text) => `${text.replaceAll(/[\n\p{Surrogate}]/gu, '')}.\n`)

describe('a proof file', () => {
  // transparency-dev/formats, proof/tlog_proof_test.go, TestMarshal; the hashes are SHA-256 of "hash1" and "hash2"
  const one = 'rzG4hJBtMO0DuuZcMkRmJNyOgNOlA4nZtiMfpOmDVPc='
  it('has the form of the specification', () => {
    const hashes = [new Uint8Array(Buffer.from(one, 'base64'))]
    expect(encodeTlogProof({ index: 5, hashes, checkpoint: 'test checkpoint\n' })).toBe(
      `c2sp.org/tlog-proof@v1\nindex 5\n${one}\n\ntest checkpoint\n`,
    )
    expect(encodeTlogProof({ index: 10, hashes, checkpoint: 'checkpoint data\n', extra: Buffer.from('extra information') })).toBe(
      `c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n${one}\n\ncheckpoint data\n`,
    )
    expect(encodeTlogProof({ index: 0, hashes: [], checkpoint: 'checkpoint\n' })).toBe('c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n')
  })

  it('is read as the example of the C2SP page is', () => {
    // the page cuts its signatures short; the text before them is whole
    const page = [
      'c2sp.org/tlog-proof@v1',
      'extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ',
      'index 73894',
      'gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=',
      'B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=',
      'EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=',
      'RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=',
      'AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=',
      '',
      'example.com/fancylog',
      '109482',
      'sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=',
      '',
    ].join('\n')
    const proof = decodeTlogProof(page)
    expect(proof).toMatchObject({ index: 73_894, hashes: { length: 5 } })
    expect(Buffer.from(proof.extra ?? []).toString('latin1')).toMatch(/^age-v1\.2\.1-darwin-arm64\.tar\.gz/)
    expect(proof.checkpoint).toMatch(/^example\.com\/fancylog\n109482\n/)
  })

  it('is read back as what was written', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.array(hash, { maxLength: 53 }),
        anyCheckpoint,
        fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
        (index, hashes, text, extra) => {
          const proof = { index, hashes, checkpoint: text, ...(extra === undefined ? {} : { extra }) }
          expect(decodeTlogProof(encodeTlogProof(proof))).toEqual(proof)
        },
      ),
    )
  })

  it('is not written when it could not be read back', () => {
    const proof = { index: 1, hashes: [], checkpoint }
    for (const wrong of [
      { index: -1 },
      { index: 2 ** 53 },
      { hashes: [new Uint8Array(31)] },
      { hashes: Array(54).fill(EMPTY_ROOT) },
      { checkpoint: '' },
      { checkpoint: '\n' },
      { checkpoint: 'no newline' },
      { checkpoint: 'two newlines\n\n' },
      { checkpoint: '\ud800\n' },
      { extra: new Uint8Array(1_000_000) },
    ]) {
      expect(() => encodeTlogProof({ ...proof, ...wrong })).toThrow(expect.objectContaining({ reason: 'malformed.proof' }))
    }
  })

  const header = 'c2sp.org/tlog-proof@v1'
  const some = `${'A'.repeat(43)}=`
  it.each([
    ['nothing', ''],
    ['another header', 'wrong-header\nindex 0\n\ncheckpoint\n'],
    ['another version', 'c2sp.org/tlog-proof@v2\nindex 0\n\ncheckpoint\n'],
    ['no index', `${header}\n\n\ncheckpoint\n`],
    ['an index that is no number', `${header}\nindex notanumber\n\ncheckpoint\n`],
    ['a negative index', `${header}\nindex -5\n\ncheckpoint\n`],
    ['a signed index', `${header}\nindex +1\n\ncheckpoint\n`],
    ['an index with a leading zero', `${header}\nindex 007\n\ncheckpoint\n`],
    ['an index above 2^53', `${header}\nindex 18446744073709551615\n\ncheckpoint\n`],
    ['two spaces', `${header}\nindex  1\n\ncheckpoint\n`],
    ['extra data that is not base64', `${header}\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n`],
    ['extra data with bits left over', `${header}\nextra YR==\nindex 0\n\ncheckpoint\n`],
    ['extra data after the index', `${header}\nindex 0\nextra YQ==\n\ncheckpoint\n`],
    ['extra data twice', `${header}\nextra YQ==\nextra YQ==\nindex 0\n\ncheckpoint\n`],
    ['extra without a space', `${header}\nextra\nindex 0\n\ncheckpoint\n`],
    ['a hash that is not base64', `${header}\nindex 0\n!!notbase64!!\n\ncheckpoint\n`],
    ['a hash with bits left over', `${header}\nindex 0\n${'A'.repeat(42)}B=\n\ncheckpoint\n`],
    ['a hash of another length', `${header}\nindex 0\n${Buffer.alloc(64).toString('base64')}\n\ncheckpoint\n`],
    ['54 hashes', `${header}\nindex 0\n${`${some}\n`.repeat(54)}\ncheckpoint\n`],
    ['carriage returns', `${header}\r\nindex 5\r\n\r\ncheckpoint\r\n`],
    ['no blank line', `${header}\nindex 1\n`],
    ['no checkpoint', `${header}\nindex 1\n\n`],
    ['no newline at the end', `${header}\nindex 1\n\ncheckpoint`],
    ['two newlines at the end', `${header}\nindex 1\n\ncheckpoint\n\n`],
    ['a blank line first', `\n${header}\nindex 1\n\ncheckpoint\n`],
    ['a million hashes', `${header}\nindex 0\n${`${some}\n`.repeat(30_000)}\ncheckpoint\n`],
  ])('is not one with %s', (_, text) => {
    expect(() => decodeTlogProof(text)).toThrow(expect.objectContaining({ reason: 'malformed.proof' }))
    expect(verifyTlogProof(text, leaf, policy)).toMatchObject({ ok: false, reason: 'proof.malformed' })
  })

  it('proves its entry to whoever trusts the log and its witness', () => {
    expect(verifyTlogProof(file, leaf, policy)).toMatchObject({ ok: true, index: 123, checkpoint: { size: 300 } })
    expect(verifyTlogProof(Buffer.from(file), leaf, policy).ok).toBe(true)
  })

  it('proves nothing else, and names the check that failed', () => {
    expect(verifyTlogProof(file, leafHash(Buffer.from('another entry')), policy)).toMatchObject({ reason: 'inclusion.root' })
    expect(verifyTlogProof(file.replace('index 123', 'index 122'), leaf, policy)).toMatchObject({ reason: 'inclusion.root' })
    expect(verifyTlogProof(file.replace('index 123', 'index 300'), leaf, policy)).toMatchObject({ reason: 'inclusion.range' })
    expect(verifyTlogProof(file, leaf, { ...policy, minWitnesses: 2 })).toMatchObject({ reason: 'checkpoint.witnesses' })
    expect(verifyTlogProof(file, leaf, { ...policy, origin: 'example.org/log' })).toMatchObject({ reason: 'checkpoint.origin' })
    expect(verifyTlogProof(file.replace('\n300\n', '\n301\n'), leaf, policy)).toMatchObject({ reason: 'note.signature' })
    expect(verifyTlogProof(file.replace(/^([A-Za-z0-9+/]{43}=)\n/m, ''), leaf, policy)).toMatchObject({ reason: 'inclusion.length' })
  })

  it('proves nothing with a bit of any byte changed', () => {
    const bytes = Buffer.from(file)
    for (let bit = 0; bit < bytes.length * 8; bit += 7) {
      if (verifyTlogProof(flipped(bytes, bit), leaf, policy).ok) expect.unreachable(`bit ${bit}`)
    }
  })

  it('is answered by a verdict, never by an error, when it is garbage', () => {
    const lines = fc.constantFrom(header, 'extra YQ==', 'index 1', some, '', 'example.com/log', '7', '\u2014 example.com/log AAAAAAA=')
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit, maxLength: 300 }),
      fc.array(lines, { maxLength: 12 }).map((each) => `${each.join('\n')}\n`),
    )
    fc.assert(
      fc.property(garbage, (text) => {
        expect(verifyTlogProof(text, leaf, policy).ok).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a request to a witness', () => {
  it('has the form of the specification, and carries a consistency proof', async () => {
    const proof = await proveConsistency(200, 300, log.readTiles)
    const body = encodeAddCheckpoint({ oldSize: 200, proof, checkpoint })
    expect(body).toMatch(/^old 200\n([A-Za-z0-9+/]{43}=\n)+\nexample\.com\/log\n300\n/)
    expect(decodeAddCheckpoint(body)).toEqual({ oldSize: 200, proof, checkpoint })
    expect(encodeAddCheckpoint({ oldSize: 0, proof: [], checkpoint: 'c\n' })).toBe('old 0\n\nc\n')
  })

  it('is read back as what was written', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.array(hash, { maxLength: 53 }), anyCheckpoint, (oldSize, proof, text) => {
        expect(decodeAddCheckpoint(encodeAddCheckpoint({ oldSize, proof, checkpoint: text }))).toEqual({ oldSize, proof, checkpoint: text })
      }),
    )
  })

  it.each([
    '',
    'old 1\n',
    'old 01\n\nc\n',
    'old  1\n\nc\n',
    'new 1\n\nc\n',
    'old 1\nAAAA\n\nc\n',
    'old 1\n\nc',
    'old 1\n\n',
    '\nold 1\n\nc\n',
  ])('is not %j', (body) => {
    expect(() => decodeAddCheckpoint(body)).toThrow(MerkleLogError)
  })

  it('is not written when it could not be read back', () => {
    expect(() => encodeAddCheckpoint({ oldSize: -1, proof: [], checkpoint })).toThrow(MerkleLogError)
    expect(() => encodeAddCheckpoint({ oldSize: 1, proof: [new Uint8Array(3)], checkpoint })).toThrow(MerkleLogError)
    expect(() => encodeAddCheckpoint({ oldSize: 1, proof: [], checkpoint: 'c' })).toThrow(MerkleLogError)
  })
})
