import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { fc, test } from '@fast-check/vitest'
import type { BatchContext, FileRequest, PlannedRequest, Task } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure, anOptIn, anOptOut, exampleTime } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { hashedEmail } from './connector.ts'
import { parseSettings } from './settings.ts'

const given = { transport: 'folder', path: 'out', sender: 'heed', list: 'partners', hashProfile: 'plain-sha256-hex' }
const settings = parseSettings(given)
const form = 'plain-sha256-hex'
const delta: BatchContext = { sequence: 7, openedAt: exampleTime, extent: 'delta' }
const full: BatchContext = { sequence: 8, openedAt: exampleTime, extent: 'full' }
const options = { recipientId: 'select-third-parties', purposes: ['third-party-marketing'], form } as const
const ada = anOptOut('USER@example.com', options)
const bob = anOptOut('bob@example.org', options)
const cy = anOptIn('cy@example.org', options)

testConnector(hashedEmail, {
  settings,
  tasks: [ada, bob, cy, anErasure('dee@example.org', options)],
  job: { id: 'heed_partners_delta_20260301T093000Z_000007.csv.gz', pollAfterSeconds: 30, note: { sha256: 'x', rows: [0] } },
})

const { path: _, ...files } = given
const bucketGiven = {
  ...files,
  transport: 's3',
  bucket: 'heed-select-partners',
  region: 'eu-central-1',
  credentials: { accessKeyId: 'env:S3_ID', secretAccessKey: 'env:S3_SECRET' },
}
const inBucket = parseSettings(bucketGiven)
testConnector(hashedEmail, { settings: inBucket, tasks: [ada, bob, cy], secrets: ['AKIA'] })

const fileOf = (planned: ReturnType<typeof hashedEmail.plan>): FileRequest => {
  const found = planned.find((request) => request.via === 'file')
  if (found?.via !== 'file') throw new Error('a file')
  return found
}
const planFile = (tasks: readonly Task[], batch = delta) => fileOf(hashedEmail.plan(tasks, settings, batch))
const linesOf = (request: FileRequest) =>
  gunzipSync(request.put?.[0]?.content ?? new Uint8Array())
    .toString('utf8')
    .split('\n')
const manifestOf = (request: FileRequest) =>
  JSON.parse(Buffer.from(request.put?.[1]?.content ?? []).toString('utf8')) as Record<string, unknown>

describe('a file', () => {
  const request = planFile([bob, cy, ada])

  it('is named by sender, list, kind, time and sequence, and holds no personal data in its name', () => {
    expect(request.put?.map(({ path }) => path)).toEqual([
      'in/heed_partners_delta_20260301T093000Z_000007.csv.gz',
      'in/heed_partners_delta_20260301T093000Z_000007.csv.gz.manifest.json',
    ])
  })

  it('has a header, one row for each hash and scope, sorted by hash, and ends with a line feed', () => {
    const [header, ...rows] = linesOf(request)
    expect(header).toBe('op,hash_profile,hash,scope,effective_at,event_id')
    expect(rows.at(-1)).toBe('')
    const fields = rows.slice(0, -1).map((row) => row.split(','))
    expect(fields.map(([, , hash]) => hash)).toEqual(fields.map(([, , hash]) => hash).sort())
    expect(fields).toHaveLength(3)
    expect(fields.find(([, , hash]) => hash === 'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514')).toEqual([
      'add',
      form,
      'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514',
      'all',
      '2026-03-01T09:30:00.000Z',
      expect.stringMatching(/^evt_[0-9a-f]{32}$/),
    ])
    expect(fields.filter(([op]) => op === 'remove')).toHaveLength(1)
  })

  it('is described by a manifest that is written last', () => {
    const content = request.put?.[0]?.content ?? new Uint8Array()
    expect(manifestOf(request)).toEqual({
      file: 'heed_partners_delta_20260301T093000Z_000007.csv.gz',
      kind: 'delta',
      seq: 7,
      rows: 3,
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
      hash_profile: form,
      created_at: '2026-03-01T09:30:00.000Z',
      previous_seq: 6,
    })
  })

  it('lifts nothing where nobody consented anew, and then no file goes', () => {
    const silent = anOptIn('cy@example.org', { ...options, evidence: {} })
    expect(hashedEmail.plan([silent], settings, delta)).toEqual([
      { via: 'nothing', covers: [silent.deliveryId], outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' } },
    ])
  })

  it('that is full only suppresses: who is not in it is not suppressed', () => {
    expect(linesOf(planFile([ada, cy], full)).filter((line) => line.startsWith('remove'))).toEqual([])
    expect(manifestOf(planFile([], full))).toMatchObject({ kind: 'full', rows: 0 })
  })

  it('without rows is a heartbeat', () => {
    expect(manifestOf(planFile([]))).toMatchObject({ kind: 'delta', rows: 0, seq: 7 })
  })

  it('names each purpose where the partner serves several', () => {
    const both = anOptOut('ada@example.org', { ...options, purposes: ['cross-device-linking', 'interest-based-advertising'] })
    expect(
      linesOf(planFile([both]))
        .slice(1, -1)
        .map((line) => line.split(',')[3])
        .sort(),
    ).toEqual(['cross-device-linking', 'interest-based-advertising'])
  })

  test.prop([fc.shuffledSubarray([ada, bob, cy, anErasure('dee@example.org', options)])])(
    'has the same bytes in whatever order its tasks come',
    (tasks) => {
      const sorted = [...tasks].sort((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1))
      if (tasks.length > 0) expect(planFile(tasks).put).toEqual(planFile(sorted).put)
    },
  )
})

describe('an ack', () => {
  const request = planFile([ada, bob])
  const { job } = hashedEmail.interpret(request, { via: 'file', files: {} }, settings)
  if (job === undefined || hashedEmail.follow === undefined) throw new Error('a job')
  const follow: PlannedRequest = hashedEmail.follow(job, request.covers, settings)
  const path = 'ack/heed_partners_delta_20260301T093000Z_000007.csv.gz.ack.json'
  const sha256 = (request.note as { sha256: string }).sha256
  const read = (ack: unknown) =>
    hashedEmail.interpret(
      follow,
      { via: 'file', files: { [path]: ack === undefined ? undefined : Buffer.from(typeof ack === 'string' ? ack : JSON.stringify(ack)) } },
      settings,
    )
  const ack = (more: object) => read({ file: job.id, sha256, rows_ok: 0, rows_failed: 0, received_at: '2026-03-01T10:00:00Z', ...more })

  it('is looked for by the name of the file', () => {
    expect(follow).toMatchObject({ via: 'file', get: [path] })
  })

  it('confirms what was accepted', () => {
    expect(ack({ status: 'accepted' }).outcomes.map(({ outcome }) => outcome.kind)).toEqual(['confirmed', 'confirmed'])
  })

  it.each([
    ['missing', undefined],
    ['half-written', '{"file":'],
    ['about other bytes', { file: 'x', sha256: '0', status: 'accepted' }],
  ])('that is %s is waited for', (_, content) => {
    expect(read(content)).toMatchObject({ outcomes: [], job: { id: job.id } })
  })

  it('that refuses a row refuses that person alone', () => {
    const rows = linesOf(request).slice(1, -1)
    const row = rows.findIndex((line) => line.includes('b4c9a289')) + 1
    const outcomes = new Map(
      ack({ status: 'partial', errors: [{ row, code: 'hash.unknown-form' }] }).outcomes.map(({ deliveryId, outcome }) => [
        deliveryId,
        outcome,
      ]),
    )
    expect(outcomes.get(ada.deliveryId)).toEqual({ kind: 'rejected', reason: 'item.refused-by-partner' })
    expect(outcomes.get(bob.deliveryId)).toEqual({ kind: 'confirmed' })
  })

  it('that finds a gap asks for a full file', () => {
    expect(ack({ status: 'rejected', errors: [{ code: 'sequence.gap' }] })).toMatchObject({ needsFull: true })
  })

  it('that refuses the file as a whole rejects nobody', () => {
    expect(ack({ status: 'rejected', errors: [{ code: 'gzip.malformed' }] }).outcomes[0]?.outcome).toEqual({
      kind: 'deferred',
      reason: 'batch.file-rejected',
    })
  })
})

it('is the same file in a bucket as over SFTP or in a folder', () => {
  expect(hashedEmail.plan([ada, bob], inBucket, delta)).toEqual(hashedEmail.plan([ada, bob], settings, delta))
})

describe('settings', () => {
  it.each([
    [{ ...given, transport: 'sftp' }, 'host'],
    [{ ...given, hashProfile: 'rot13' }, 'hashProfile'],
    [{ ...given, directory: '../in' }, 'directory'],
    [{ ...given, list: 'Ada Lovelace' }, 'list'],
    [{ ...given, transport: 'carrier-pigeon' }, 'transport'],
    [{ ...bucketGiven, bucket: 'Not A Bucket' }, 'bucket'],
    [{ ...bucketGiven, bucketOwner: 'us' }, 'bucketOwner'],
    [{ ...bucketGiven, credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'env:S3_SECRET' } }, 'credentials.accessKeyId'],
  ])('that are wrong are refused by the name of the field', (wrong, field) => {
    expect(() => parseSettings(wrong)).toThrow(field)
  })
})
