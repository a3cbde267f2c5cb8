import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../index.ts'
import { aFile, sha256, type TestFile } from './test-file.ts'

let sandbox: Sandbox
let folder = ''
let turn = 0
const control = () => sandbox.hashedEmail.control
const ada = 'Ada@example.com'
const jane = 'Jane.Doe+News@gmail.com'

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['hashed-email'], hashedEmail: { ackDelayMs: 0, partners: [] } })
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-partner-'))
  turn += 1
  control().watchFolder(folder, { name: `partner-${turn}`, profile: 'plain-sha256-hex', knownPeople: [ada, jane] })
})
afterEach(() => {
  control().reset()
  control().removePartner(`partner-${turn}`)
  rmSync(folder, { recursive: true, force: true })
})

function deliver(options: TestFile): string {
  const { name, bytes, manifest } = aFile(options)
  writeFileSync(join(folder, 'in', name), bytes)
  rmSync(join(folder, 'in', `${name}.manifest.json`), { force: true })
  writeFileSync(join(folder, 'in', `${name}.manifest.json`), manifest)
  return name
}
const ackPath = (name: string): string => join(folder, 'ack', `${name}.ack.json`)
async function answered(options: TestFile) {
  const name = deliver(options)
  await control().idle()
  return existsSync(ackPath(name)) ? JSON.parse(readFileSync(ackPath(name), 'utf8')) : undefined
}
const scopesOf = (address: string) =>
  control()
    .person({ address })
    .find(({ partner }) => partner === `partner-${turn}`)?.scopes

it('finds a file by itself, once its manifest is there, and answers it', async () => {
  const { name, bytes, manifest } = aFile({ rows: [{ hash: sha256(ada) }] })
  writeFileSync(join(folder, 'in', name), bytes)
  await control().idle()
  expect(control().requests()).toEqual([])
  expect(scopesOf(ada)).toEqual([])
  writeFileSync(join(folder, 'in', `${name}.manifest.json`), manifest)
  await expect.poll(() => existsSync(ackPath(name))).toBe(true)
  expect(JSON.parse(readFileSync(ackPath(name), 'utf8'))).toEqual({
    file: name,
    sha256: JSON.parse(manifest.toString()).sha256,
    status: 'accepted',
    rows_ok: 1,
    rows_failed: 0,
    errors: [],
    received_at: expect.stringMatching(/Z$/),
  })
})

it('says which of the people that it knows it suppresses now', async () => {
  await answered({ rows: [{ hash: sha256(ada) }, { hash: sha256('nobody@example.org') }] })
  const beliefs = control()
    .beliefs()
    .filter(({ partner }) => partner === `partner-${turn}`)
  expect(beliefs.map(({ address, suppressed }) => [address, suppressed])).toEqual([
    [ada, true],
    [undefined, true],
    [jane, false],
  ])
})

it('adds and removes by deltas, scope by scope', async () => {
  await answered({ rows: [{ hash: sha256(ada) }, { hash: sha256(ada), scope: 'promotions' }] })
  expect(scopesOf(ada)).toEqual(['all', 'promotions'])
  await answered({ kind: 'delta', seq: 2, rows: [{ hash: sha256(ada), op: 'remove', event: 'e-2' }] })
  expect(scopesOf(ada)).toEqual(['promotions'])
})

it('replaces everything by a full file', async () => {
  await answered({ rows: [{ hash: sha256(ada) }] })
  await answered({ seq: 5, rows: [{ hash: sha256(jane) }] })
  expect([scopesOf(ada), scopesOf(jane)]).toEqual([[], ['all']])
})

it('refuses a delta after a gap, and takes it once the gap is closed', async () => {
  await answered({ rows: [] })
  const third: TestFile = { kind: 'delta', seq: 3, rows: [{ hash: sha256(ada) }] }
  expect(await answered(third)).toMatchObject({ status: 'rejected', errors: [{ code: 'sequence.gap' }] })
  expect(scopesOf(ada)).toEqual([])
  await answered({ kind: 'delta', seq: 2 })
  expect(await answered(third)).toMatchObject({ status: 'accepted' })
  expect(scopesOf(ada)).toEqual(['all'])
})

it('answers the same bytes again as before, changing nothing, and refuses other bytes of that name', async () => {
  const file: TestFile = { rows: [{ hash: sha256(ada) }] }
  const name = aFile(file).name
  await answered(file)
  await answered({ kind: 'delta', seq: 2, rows: [{ hash: sha256(ada), op: 'remove' }] })
  rmSync(ackPath(name))
  expect(await answered(file)).toMatchObject({ status: 'accepted', rows_ok: 1 })
  expect(scopesOf(ada)).toEqual([])
  expect(await answered({ rows: [{ hash: sha256(jane) }] })).toMatchObject({ status: 'rejected', errors: [{ code: 'file.changed' }] })
})

it('takes the good rows of a file and names the bad ones', async () => {
  const ack = await answered({ rows: [{ hash: sha256(ada) }, { hash: sha256(jane), scope: 'NOT A SCOPE' }] })
  expect(ack).toMatchObject({ status: 'partial', rows_ok: 1, rows_failed: 1, errors: [{ code: 'scope.malformed' }] })
  expect(scopesOf(ada)).toEqual(['all'])
})

it('takes a delta of which every row is bad, but not such a full file, which would lift every suppression', async () => {
  await answered({ rows: [{ hash: sha256(ada) }] })
  const bad = [{ hash: sha256(jane), scope: 'NOT A SCOPE' }]
  expect(await answered({ kind: 'delta', seq: 2, rows: bad })).toMatchObject({ status: 'partial', rows_ok: 0, rows_failed: 1 })
  expect(await answered({ kind: 'full', seq: 3, rows: bad })).toMatchObject({ status: 'rejected', rows_ok: 0, rows_failed: 1 })
  expect(await answered({ kind: 'delta', seq: 3 })).toMatchObject({ status: 'accepted' })
  expect(scopesOf(ada)).toEqual(['all'])
})

it('finds people whose address was normalised wrongly', async () => {
  const ack = await answered({ rows: [{ hash: sha256('janedoe@gmail.com') }] })
  expect(ack).toMatchObject({ status: 'rejected', errors: [{ row: 1, code: 'hash.wrong-normalisation' }] })
  expect(await answered({ seq: 2, rows: [{ hash: sha256(sha256(ada)) }] })).toMatchObject({ errors: [{ code: 'hash.of-hash' }] })
})

it('counts sequences for each list', async () => {
  await answered({ rows: [] })
  const other = 'heed_partners_delta_20261123T093000Z_000002.csv.gz'
  expect(await answered({ kind: 'delta', seq: 2, name: other })).toMatchObject({ errors: [{ code: 'sequence.no-full-yet' }] })
})

describe('switches', () => {
  const file: TestFile = { rows: [{ hash: sha256(ada) }, { hash: sha256(jane) }] }
  it('never-ack: taken over, never answered; the same file again is answered', async () => {
    control().misbehave({ kind: 'never-ack', count: 1 })
    expect(await answered(file)).toBeUndefined()
    expect(scopesOf(ada)).toEqual(['all'])
    expect(await answered(file)).toMatchObject({ status: 'accepted' })
  })
  it('late-ack: answered when the clock says so, and later files wait for it', async () => {
    control().misbehave({ kind: 'late-ack', count: 1, ms: 86_400_000 })
    const first = deliver(file)
    await expect.poll(() => control().misbehaving()).toEqual([])
    const second = deliver({ kind: 'delta', seq: 2 })
    await sandbox.clock.advance(3600)
    expect([existsSync(ackPath(first)), existsSync(ackPath(second)), scopesOf(ada)]).toEqual([false, false, []])
    await sandbox.clock.advance(86_400)
    await control().idle()
    expect([existsSync(ackPath(first)), existsSync(ackPath(second)), scopesOf(ada)]).toEqual([true, true, ['all']])
  })
  it('negative-ack: refused, nothing taken over', async () => {
    control().misbehave({ kind: 'negative-ack', count: 1 })
    expect(await answered(file)).toMatchObject({ status: 'rejected', rows_ok: 0, errors: [{ code: 'partner.refused' }] })
    expect(scopesOf(ada)).toEqual([])
    expect(await answered(file)).toMatchObject({ status: 'accepted' })
  })
  it('partial-ack: the first row is refused', async () => {
    control().misbehave({ kind: 'partial-ack', count: 1 })
    expect(await answered(file)).toMatchObject({ status: 'partial', rows_ok: 1, errors: [{ row: 1, code: 'hash.refused' }] })
  })
  it('garbled-ack: half an answer', async () => {
    control().misbehave({ kind: 'garbled-ack', count: 1 })
    const name = deliver(file)
    await control().idle()
    expect(() => JSON.parse(readFileSync(ackPath(name), 'utf8'))).toThrow()
  })
  it('poison: one known person is refused', async () => {
    control().misbehave({ kind: 'poison', match: { address: ada } })
    expect(await answered(file)).toMatchObject({ status: 'partial', errors: [{ code: 'hash.refused' }] })
    expect([scopesOf(ada), scopesOf(jane)]).toEqual([[], ['all']])
  })
})

it('logs files by kind and count, without names or hashes', async () => {
  await answered({ rows: [{ hash: sha256(ada) }] })
  const requests = control().requests()
  expect(requests).toMatchObject([{ method: 'FILE', path: `/partner-${turn}/in/{full}`, status: 'accepted', items: 1 }])
  expect(JSON.stringify(requests)).not.toContain(sha256(ada))
})
