import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientOf } from '../audience/test-client.ts'
import { type Sandbox, startSandbox } from '../index.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['optizmo'], optizmo: { workMs: 60_000 } })
})
afterAll(() => sandbox.stop())
const control = () => sandbox.optizmo.control
beforeEach(() => {
  control().reset()
  control().configure({ perMinute: 600, keyHeader: 'either' })
})

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const client = (headers?: Record<string, string>) =>
  clientOf(sandbox.optizmo.url, headers ?? { authorization: `Bearer ${sandbox.optizmo.apiKey}` })
const prepare = (length: number, listId = sandbox.optizmo.listId) =>
  client()('POST', '/optout-list/prepare-upload', { optoutListId: listId, fileContentLength: length })
const put = async (uploadUrl: string, text: string, headers: Record<string, string> = {}) =>
  (await fetch(uploadUrl, { method: 'PUT', body: Buffer.from(text), headers })).status
const status = async (reference: string) => (await client()('GET', `/optout-list/upload-status/${reference}`)).json

it('imports the lines of a file, whichever of the two they are, and counts those that are neither', async () => {
  control().know(['ada@example.com'])
  const text = `${md5('ada@example.com')}\nbob@example.com\nno address\n`
  const { uploadUrl, importReference } = (await prepare(text.length)).json
  expect(await status(importReference)).toEqual({ status: 'running' })
  expect(await put(uploadUrl, text)).toBe(200)
  expect(await status(importReference)).toEqual({ status: 'running' })
  await sandbox.clock.advance(61)
  expect(await status(importReference)).toEqual({ status: 'success', submittedCount: 3, addedCount: 2, malformedCount: 1 })
  expect(control().person({ address: 'ADA@example.com' })).toMatchObject([{ suppressed: true, address: 'ada@example.com' }])
  expect(control().person({ address: 'bob@example.com' })).toMatchObject([{ suppressed: true }])
})

it('keeps a line once', async () => {
  const text = 'bob@example.com\n'
  for (let turn = 0; turn < 2; turn += 1) expect(await put((await prepare(text.length)).json.uploadUrl, text)).toBe(200)
  expect(control().beliefs()).toHaveLength(1)
})

describe('an upload is refused', () => {
  const text = 'bob@example.com\n'
  it('after a quarter of an hour', async () => {
    const { uploadUrl } = (await prepare(text.length)).json
    await sandbox.clock.advance(15 * 60 + 1)
    expect(await put(uploadUrl, text)).toBe(403)
  })
  it.each([
    ['with another signature', (url: string) => `${url}x`, {}, 403],
    ['with credentials beside it', (url: string) => url, { authorization: 'Bearer x' }, 400],
    ['with a type that was not signed', (url: string) => url, { 'content-type': 'text/plain' }, 403],
  ])('%s', async (_, change, headers, expected) => {
    const { uploadUrl } = (await prepare(text.length)).json
    expect(await put(change(uploadUrl), text, headers)).toBe(expected)
    expect(control().beliefs()).toEqual([])
  })
  it('of another length than was announced', async () => {
    expect(await put((await prepare(text.length + 1)).json.uploadUrl, text)).toBe(400)
  })
})

it.each([
  [401, { authorization: 'Bearer other' }],
  [401, {}],
])('a request is refused with %i: %j', async (expected, headers) => {
  expect((await client(headers)('GET', '/optout-list/upload-status/x')).status).toBe(expected)
})

it('takes the key in either header, or in the one that it is told', async () => {
  const byHeader = client({ api_key: sandbox.optizmo.apiKey })
  expect((await byHeader('GET', '/optout-list/upload-status/x')).status).toBe(404)
  control().configure({ keyHeader: 'authorization' })
  expect((await byHeader('GET', '/optout-list/upload-status/x')).status).toBe(401)
})

it('knows its own lists only, and files up to 5 GB', async () => {
  expect((await prepare(10, 'another')).status).toBe(403)
  expect((await prepare(6 * 1024 ** 3)).status).toBe(400)
})

it('says how many requests are left, and refuses one too many', async () => {
  control().configure({ perMinute: 1 })
  const first = await client()('GET', '/optout-list/upload-status/x')
  expect([first.headers.get('x-rate-limit-limit'), first.headers.get('x-rate-limit-remaining')]).toEqual(['1', '0'])
  const second = await client()('GET', '/optout-list/upload-status/x')
  expect([second.status, Number(second.headers.get('x-rate-limit-reset')) > 0]).toEqual([429, true])
})

it.each([
  ['import-fails', { status: 'failed', submittedCount: 1, addedCount: 1, malformedCount: 0 }],
  ['import-removed', { status: 'removed' }],
  ['no-counts', { status: 'success' }],
] as const)('can be told: %s', async (kind, expected) => {
  control().misbehave({ kind })
  const { uploadUrl, importReference } = (await prepare(16)).json
  await put(uploadUrl, 'bob@example.com\n')
  await sandbox.clock.advance(61)
  expect(await status(importReference)).toEqual(expected)
})
