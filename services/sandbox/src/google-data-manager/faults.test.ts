import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../index.ts'
import { CONTACT, clientFor, destination, hex, member } from './test-client.ts'

let sandbox: Sandbox
let client: ReturnType<typeof clientFor>
const people = ['person-1@example.com', 'person-2@example.com', 'person-3@example.com', 'person-4@example.com']
const body = { destinations: [destination(CONTACT)], audienceMembers: people.map((address) => member(hex(address))), encoding: 'HEX' }
const REMOVE = '/v1/audienceMembers:remove'
const control = () => sandbox.googleDataManager.control
const left = () =>
  control()
    .beliefs()
    .flatMap(({ member: isIn, address }) => (isIn ? [address] : []))

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['google-data-manager'], googleDataManager: { paceMs: 2 } })
  client = clientFor(sandbox)
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  control().reset()
  control().configure({ paceMs: 2 })
  control().seedMembers(CONTACT, { count: 4 })
})

describe('what goes wrong at once', () => {
  it('rate-limited: 429 with the name of the bucket, nothing applied', async () => {
    control().misbehave({ kind: 'rate-limited', count: 1 })
    expect(await client.call('POST', REMOVE, body)).toMatchObject({
      status: 429,
      json: { error: { status: 'RESOURCE_EXHAUSTED', details: [{ metadata: { quota_limit: expect.stringContaining('Minute') } }] } },
    })
    expect(left()).toHaveLength(4)
  })
  it('server-error, bad-gateway-html, forbidden-no-body', async () => {
    for (const [kind, status] of [
      ['server-error', 500],
      ['bad-gateway-html', 502],
      ['forbidden-no-body', 403],
    ] as const) {
      control().misbehave({ kind, count: 1 })
      expect((await client.call('POST', REMOVE, body)).status).toBe(status)
    }
  })
  it('poison: the member is named by its place, and the request is refused', async () => {
    control().misbehave({ kind: 'poison', match: { address: 'person-3@example.com' } })
    const { status, json } = await client.call('POST', REMOVE, body)
    expect([status, json.error.details[1].fieldViolations.map(({ field }: { field: string }) => field)]).toEqual([
      400,
      ['audience_members[2]'],
    ])
    const without = body.audienceMembers.filter((_, index) => index !== 2)
    await client.done(REMOVE, { ...body, audienceMembers: without })
    expect(left()).toEqual(['person-3@example.com'])
  })
  it('applied-then-timeout: taken, never answered', async () => {
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1 })
    await expect(client.call('POST', REMOVE, body)).rejects.toThrow()
    await expect.poll(left).toEqual([])
  })
  it('down: not even read, while signing in goes on elsewhere', async () => {
    control().misbehave({ kind: 'down' })
    await expect(client.call('POST', REMOVE, body)).rejects.toThrow()
    expect((await client.call('POST', '/token', new URLSearchParams({ grant_type: 'x' }))).status).toBe(400)
    expect(left()).toHaveLength(4)
  })
})

describe('what goes wrong later', () => {
  it('poison-late: PARTIAL_SUCCESS with counts only; alone it is FAILED', async () => {
    control().misbehave({ kind: 'poison-late', match: { hash: hex('person-2@example.com') } })
    const [status] = (await client.done(REMOVE, body)).requestStatusPerDestination
    expect(status).toMatchObject({
      requestStatus: 'PARTIAL_SUCCESS',
      errorInfo: { errorCounts: [{ recordCount: '1', reason: 'PROCESSING_ERROR_REASON_INVALID_FORMAT' }] },
    })
    expect(JSON.stringify(status)).not.toContain(hex('person-2@example.com'))
    expect(left()).toEqual(['person-2@example.com'])
    const alone = await client.done(REMOVE, { ...body, audienceMembers: [member(hex('person-2@example.com'))] })
    expect(['FAILED', 'FAILURE']).toContain(alone.requestStatusPerDestination[0].requestStatus)
  })
  it('partial-late: an internal error for half of the members', async () => {
    control().misbehave({ kind: 'partial-late', count: 1 })
    const [status] = (await client.done(REMOVE, body)).requestStatusPerDestination
    expect(status.errorInfo.errorCounts).toEqual([{ recordCount: '2', reason: 'PROCESSING_ERROR_REASON_INTERNAL_ERROR' }])
    expect(left()).toHaveLength(2)
    await client.done(REMOVE, body)
    expect(left()).toEqual([])
  })
  it('fails-late: nothing applied, and the word for it changes', async () => {
    control().misbehave({ kind: 'fails-late', count: 2 })
    const words = [await client.done(REMOVE, body), await client.done(REMOVE, body)].map(
      ({ requestStatusPerDestination }) => requestStatusPerDestination[0].requestStatus,
    )
    expect(words.toSorted()).toEqual(['FAILED', 'FAILURE'])
    expect(left()).toHaveLength(4)
  })
  it('stuck: PROCESSING until the switch is off', async () => {
    control().misbehave({ kind: 'stuck' })
    const { json } = await client.call('POST', REMOVE, body)
    await sandbox.clock.advance(3600)
    expect((await client.status(json.requestId)).requestStatusPerDestination[0].requestStatus).toBe('PROCESSING')
    control().behave()
    await sandbox.clock.advance(2)
    expect(left()).toEqual([])
  })
  it('status-unknown: the answer says that it does not know', async () => {
    const { json } = await client.call('POST', REMOVE, body)
    control().misbehave({ kind: 'status-unknown', count: 1 })
    expect((await client.status(json.requestId)).requestStatusPerDestination[0].requestStatus).toBe('REQUEST_STATUS_UNKNOWN')
  })
})

it('finishes after a restart what it had accepted before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-sandbox-google-'))
  try {
    const start = () => startSandbox({ port: 0, dataDir: folder, vendors: ['google-data-manager'] })
    const first = await start()
    first.googleDataManager.control.seedMembers(CONTACT, { count: 4 })
    first.googleDataManager.control.configure({ paceMs: 3_600_000 })
    const { json } = await clientFor(first).call('POST', REMOVE, body)
    await first.stop()
    const second = await start()
    await second.clock.advance(2 * 3600)
    expect((await clientFor(second).status(json.requestId)).requestStatusPerDestination[0].requestStatus).toBe('SUCCESS')
    expect(second.googleDataManager.control.person({ address: people[0] ?? '' })).toMatchObject([{ member: false }, { member: false }])
    expect(second.googleDataManager.serviceAccountKey).toContain(
      JSON.parse(first.googleDataManager.serviceAccountKey).private_key.slice(30, 60),
    )
    await second.stop()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('logs neither people nor credentials', async () => {
  await client.done(REMOVE, body)
  const log = JSON.stringify([control().requests(), control().requestTotals()])
  expect(log).toContain('"path":"/v1/audienceMembers:remove"')
  expect(control().requestTotals()).toContainEqual({ method: 'POST', path: REMOVE, status: 200, requests: 1, items: 4 })
  for (const secret of [hex(people[0] ?? ''), sandbox.googleDataManager.accessToken]) expect(log).not.toContain(secret)
})
