import { gunzipSync } from 'node:zlib'
import { extract } from 'tar-stream'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../index.ts'
import { type Answer, clientOf, md5 } from './test-client.ts'

let sandbox: Sandbox
let call: (method: string, path: string, body?: unknown) => Promise<Answer>
let list = ''
const control = () => sandbox.mailchimp.control

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['mailchimp'] })
  call = clientOf(sandbox.mailchimp)
  list = control().audiences()[0]?.id ?? ''
})
afterAll(() => sandbox.stop())
beforeEach(() => {
  control().reset()
  control().configure({ batchStageMs: 2 })
})

const optOutOf = (n: number) => ({
  method: 'PATCH',
  path: `/lists/${list}/members/${md5(`person-${n}@example.com`)}?skip_merge_validation=true`,
  operation_id: `delivery-${n}`,
  body: '{"status":"unsubscribed"}',
})
const optOuts = (count: number) => Array.from({ length: count }, (_, n) => optOutOf(n + 1))

async function finished(id: string): Promise<Answer['json']> {
  await expect.poll(async () => (await call('GET', `/batches/${id}`)).json.status, { timeout: 5000 }).toBe('finished')
  return (await call('GET', `/batches/${id}`)).json
}

interface Result {
  readonly status_code: number
  readonly operation_id: string
  readonly response: string
}

async function download(url: string): Promise<{ files: number; results: Result[] }> {
  const archive = extract()
  archive.end(gunzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())))
  const results: Result[] = []
  let files = 0
  for await (const entry of archive) {
    const chunks: Buffer[] = []
    for await (const chunk of entry) chunks.push(chunk as Buffer)
    if (entry.header.type !== 'file') continue
    files += 1
    results.push(...JSON.parse(Buffer.concat(chunks).toString()))
  }
  return { files, results }
}

it('goes through every stage, one after the other', async () => {
  control().seedMembers(list, { count: 3 })
  control().configure({ batchStageMs: 60_000 })
  const submitted = await call('POST', '/batches', { operations: optOuts(3) })
  expect(submitted).toMatchObject({
    status: 200,
    json: { status: 'pending', total_operations: 3, finished_operations: 0, response_body_url: '' },
  })
  const seen = ['pending']
  for (let turn = 0; turn < 4; turn += 1) {
    await sandbox.clock.advance(60)
    seen.push((await call('GET', `/batches/${submitted.json.id}`)).json.status)
  }
  expect(seen).toEqual(['pending', 'preprocessing', 'started', 'finalizing', 'finished'])
  expect(
    control()
      .beliefs()
      .every(({ status }) => status === 'unsubscribed'),
  ).toBe(true)
})

it('gives its results as a gzipped tar of JSON arrays, in any order, with the operation ids', async () => {
  control().seedMembers(list, { count: 249 })
  const { json } = await call('POST', '/batches', { operations: optOuts(250) })
  const batch = await finished(json.id)
  expect(batch).toMatchObject({ finished_operations: 250, errored_operations: 1 })
  const { files, results } = await download(batch.response_body_url)
  expect(files).toBe(3)
  expect(results.map(({ operation_id }) => operation_id)).not.toEqual(optOuts(250).map(({ operation_id }) => operation_id))
  expect(new Set(results.map(({ operation_id }) => operation_id))).toEqual(new Set(optOuts(250).map(({ operation_id }) => operation_id)))
  const missing = results.find(({ operation_id }) => operation_id === 'delivery-250')
  expect(missing).toMatchObject({ status_code: 404 })
  expect(JSON.parse(missing?.response ?? '')).toMatchObject({ title: 'Resource Not Found' })
})

it('takes no credentials at the link, which lives for ten minutes; the batch gives a new one', async () => {
  const { json } = await call('POST', '/batches', { operations: [{ method: 'GET', path: '/ping' }] })
  const { response_body_url: url } = await finished(json.id)
  expect((await fetch(url)).status).toBe(200)
  expect((await fetch(url, { headers: { authorization: 'Basic x' } })).status).toBe(400)
  await sandbox.clock.advance(601)
  expect((await fetch(url)).status).toBe(403)
  expect((await fetch((await call('GET', `/batches/${json.id}`)).json.response_body_url)).status).toBe(200)
  expect((await fetch(url.replace(/batch-results\/[0-9a-f]{4}/, 'batch-results/0000'))).status).toBe(403)
})

it('keeps results for seven days', async () => {
  const { json } = await call('POST', '/batches', { operations: [{ method: 'GET', path: '/ping' }] })
  await finished(json.id)
  await sandbox.clock.advance(8 * 86_400)
  expect((await call('GET', `/batches/${json.id}`)).status).toBe(404)
})

it('refuses operations that do not fit, naming the field', async () => {
  const bad = [
    [{ ...optOutOf(1), body: { status: 'unsubscribed' } }, 'operations.item:0.body'],
    [{ ...optOutOf(1), method: 'SUBSCRIBE' }, 'operations.item:0.method'],
    [{ ...optOutOf(1), path: 'lists' }, 'operations.item:0.path'],
  ]
  for (const [operation, field] of bad)
    expect(await call('POST', '/batches', { operations: [operation] })).toMatchObject({ status: 400, json: { errors: [{ field }] } })
  expect((await call('POST', '/batches', { operations: [] })).status).toBe(400)
})

it('takes the query of an operation from its path or its params', async () => {
  const workshops = control().audiences()[1]?.id ?? ''
  control().seedMember(workshops, 'person-1@example.com')
  control().seedMember(workshops, 'person-2@example.com')
  const path = (n: number) => `/lists/${workshops}/members/${md5(`person-${n}@example.com`)}`
  const { json } = await call('POST', '/batches', {
    operations: [
      { ...optOutOf(1), path: path(1), params: { skip_merge_validation: 'true' } },
      { ...optOutOf(2), path: path(2) },
    ],
  })
  expect(await finished(json.id)).toMatchObject({ finished_operations: 2, errored_operations: 1 })
})

it('has at most 500 pending', async () => {
  control().configure({ batchStageMs: 3_600_000 })
  const operations = [{ method: 'GET', path: '/ping' }]
  const statuses: number[] = []
  for (let n = 0; n < 51; n += 1) {
    const some = await Promise.all(Array.from({ length: n === 50 ? 1 : 10 }, () => call('POST', '/batches', { operations })))
    statuses.push(...some.map(({ status }) => status))
  }
  expect(statuses.filter((status) => status === 200)).toHaveLength(500)
  expect(statuses.at(-1)).toBe(429)
})

it('is gone once deleted, and does nothing more', async () => {
  control().configure({ batchStageMs: 60_000 })
  control().seedMembers(list, { count: 1 })
  const { json } = await call('POST', '/batches', { operations: optOuts(1) })
  expect(await call('DELETE', `/batches/${json.id}`)).toMatchObject({ status: 204, text: '' })
  await sandbox.clock.advance(600)
  expect((await call('GET', `/batches/${json.id}`)).status).toBe(404)
  expect(control().beliefs()[0]?.status).toBe('subscribed')
})

it('refuses a poisoned contact in its own result', async () => {
  control().seedMembers(list, { count: 2 })
  control().misbehave({ kind: 'poison', match: { address: 'person-2@example.com' } })
  const { json } = await call('POST', '/batches', { operations: optOuts(2) })
  expect(await finished(json.id)).toMatchObject({ errored_operations: 1 })
  expect(control().person({ address: 'person-1@example.com' })).toMatchObject([{ status: 'unsubscribed' }])
})
