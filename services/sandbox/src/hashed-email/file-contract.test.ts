import { describe, expect, it } from 'vitest'
import { judge, readFileName } from './file-contract.ts'
import { agree } from './profiles.ts'
import { aFile, sha256, type TestFile } from './test-file.ts'

const ada = sha256('ada@example.com')
const bob = sha256('bob@example.com')
const [first, second] = [ada, bob].toSorted() as [string, string]

function judged(options: TestFile, lastSeq?: number, change: { bytes?: Buffer | undefined } = {}) {
  const { name, bytes, manifest } = aFile(options)
  return judge(
    { file: name, manifest, bytes: 'bytes' in change ? change.bytes : bytes },
    { agreement: agree('plain-sha256-hex'), lastSeq: () => lastSeq, hashFault: () => undefined },
  )
}

it('takes a file that keeps to everything', () => {
  expect(judged({ rows: [{ hash: ada }, { hash: bob, scope: 'promotions', event: 'mailchimp/s-1/7' }] })).toMatchObject({
    taken: true,
    errors: [],
    name: { stream: 'heed_marketing', kind: 'full', seq: 1 },
  })
  expect(judged({ kind: 'delta', seq: 8, rows: [{ hash: ada, op: 'remove' }] }, 7)).toMatchObject({ taken: true, errors: [] })
})

it('takes quoted fields', () => {
  const judgement = judged({ rows: [{ hash: ada }], text: (text) => text.replace(',all,', ',"all",') })
  expect(judgement).toMatchObject({ taken: true, rows: [{ scope: 'all' }] })
})

it('takes an empty delta as a heartbeat, with its file or as a manifest alone', () => {
  expect(judged({ kind: 'delta', seq: 2 }, 1)).toMatchObject({ taken: true, rows: [] })
  const nothing = { bytes: 0, sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' }
  expect(judged({ kind: 'delta', seq: 2, manifest: nothing }, 1, { bytes: undefined })).toMatchObject({ taken: true, rows: [] })
})

describe('the name', () => {
  it.each([
    'heed_marketing_delta_20261123T093000Z_1.csv.gz',
    'heed_marketing_delta_20261123T093000Z_000000.csv.gz',
    'heed_marketing_delta_20261399T093000Z_000001.csv.gz',
    'heed_marketing_update_20261123T093000Z_000001.csv.gz',
    'heed_delta_20261123T093000Z_000001.csv.gz',
    'heed_ada@example.com_delta_20261123T093000Z_000001.csv.gz',
    'heed_marketing_delta_20261123T093000Z_000001.csv',
  ])('cannot be %s', (name) => {
    expect(readFileName(name)).toBeUndefined()
    expect(judged({ name })).toMatchObject({ taken: false, code: 'name.malformed' })
  })
})

describe('a file is refused whole', () => {
  const rows = [{ hash: first }, { hash: second }]
  const refusals: [code: string, options: TestFile, lastSeq?: number][] = [
    ['manifest.malformed', { manifest: { note: 'more than agreed' } }],
    ['manifest.malformed', { manifest: { created_at: '2026-11-23T09:30:00+01:00' } }],
    ['manifest.other-file', { manifest: { seq: 2 } }],
    ['manifest.other-file', { manifest: { file: 'another.csv.gz' } }],
    ['profile.not-agreed', { profile: 'uid2-sha256-b64' }],
    ['bytes.differ', { manifest: { bytes: 3 } }],
    ['sha256.differs', { manifest: { sha256: 'a'.repeat(64) } }],
    ['rows.differ', { rows, manifest: { rows: 3 } }],
    ['sequence.no-full-yet', { kind: 'delta', seq: 1 }],
    ['sequence.gap', { kind: 'delta', seq: 9 }, 7],
    ['sequence.gap', { kind: 'delta', seq: 8, previous: 6 }, 7],
    ['sequence.stale', { kind: 'delta', seq: 7 }, 7],
    ['sequence.stale', { kind: 'full', seq: 7 }, 7],
    ['text.bom', { rows, text: (text) => `\ufeff${text}` }],
    ['text.crlf', { rows, text: (text) => text.replaceAll('\n', '\r\n') }],
    ['text.no-final-newline', { rows, text: (text) => text.trimEnd() }],
    ['header.missing', { rows, text: (text) => text.split('\n').slice(1).join('\n') }],
    ['header.missing', { rows, text: (text) => text.replace('hash_profile,hash', 'hash,hash_profile') }],
    ['csv.malformed', { rows, text: (text) => text.replace(',all,', ',"all,') }],
    ['rows.unsorted', { rows: [{ hash: second }, { hash: first }], sorted: false }],
    ['rows.repeated', { rows: [{ hash: first }, { hash: first }] }],
  ]
  it.each(refusals)('%s', (code, options, lastSeq) => {
    expect(judged(options, lastSeq)).toMatchObject({ taken: false, code })
  })
  it('when it is not there, is not gzip, or is not UTF-8', () => {
    expect(judged({ rows }, undefined, { bytes: undefined })).toMatchObject({ code: 'file.missing' })
    const noGzip = Buffer.from('op,hash_profile')
    const digest = { bytes: noGzip.length, sha256: 'a28ecd54fc6f1b5e9f2cc4b9b9a8ba2bd19d7ebc1d1f4e7a6e0a4b2c9f6d3e10' }
    expect(judged({ rows, manifest: digest }, undefined, { bytes: noGzip })).toMatchObject({ taken: false, code: 'sha256.differs' })
  })
  it('but a full file may close a gap', () => {
    expect(judged({ kind: 'full', seq: 12, rows }, 7)).toMatchObject({ taken: true })
  })
  it('and one hash may stand in two scopes', () => {
    expect(judged({ rows: [{ hash: first }, { hash: first, scope: 'promotions' }] })).toMatchObject({ taken: true, errors: [] })
  })
})

describe('a row is refused alone', () => {
  it.each([
    ['op.unknown', { op: 'delete' }],
    ['op.remove-in-full', { op: 'remove' }],
    ['profile.differs', { profile: 'legacy-md5-hex' }],
    ['hash.upper-case', { hash: first.toUpperCase() }],
    ['hash.raw-address', { hash: '0ada@example.com' }],
    ['hash.length', { hash: 'abc' }],
    ['scope.malformed', { scope: 'All people' }],
    ['effective-at.malformed', { at: '2026-11-23 09:30:00' }],
    ['effective-at.malformed', { at: '2026-13-23T09:30:00Z' }],
    ['event-id.malformed', { event: '' }],
    ['event-id.malformed', { event: 'ada@example.com' }],
    ['row.fields', { event: 'e-1,more' }],
  ])('%s', (code, change) => {
    const judgement = judged({ rows: [{ hash: second }, { hash: first, scope: 'other', ...change }] })
    expect(judgement).toMatchObject({ taken: true, errors: [{ code }], rows: [{ hash: second }] })
  })
})
