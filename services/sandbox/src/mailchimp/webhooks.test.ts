import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../index.ts'
import { type Answer, clientOf, md5 } from './test-client.ts'

interface Delivery {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

let sandbox: Sandbox
let call: (method: string, path: string, body?: unknown) => Promise<Answer>
let receiver: Server
let url = ''
let list = ''
let answers: number[] = []
let received: Delivery[] = []
const ada = 'ada@example.com'
const control = () => sandbox.mailchimp.control

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, vendors: ['mailchimp'] })
  call = clientOf(sandbox.mailchimp)
  list = control().audiences()[0]?.id ?? ''
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'GET') return response.end('yes')
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
      return response.writeHead(answers.shift() ?? 200).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`
})
afterAll(async () => {
  await sandbox.stop()
  receiver.closeAllConnections()
  await new Promise((resolve) => receiver.close(resolve))
})
beforeEach(() => {
  control().reset()
  answers = []
  received = []
  control().seedMember(list, ada)
})

const all = { subscribe: true, unsubscribe: true, profile: true, cleaned: true, upemail: true, campaign: false }
const register = (sources = { user: true, admin: true, api: false }, events: object = all) =>
  call('POST', `/lists/${list}/webhooks`, { url, events, sources })
const formOf = (delivery: Delivery | undefined) => Object.fromEntries(new URLSearchParams(delivery?.body))

it('tells its secret once, at creation', async () => {
  const created = await register()
  expect(created).toMatchObject({
    status: 200,
    json: { url, signing_enabled: true, signing_secret: expect.stringMatching(/^[0-9a-f]{32}$/) },
  })
  const read = await call('GET', `/lists/${list}/webhooks/${created.json.id}`)
  expect(read.json).not.toHaveProperty('signing_secret')
  expect((await call('GET', `/lists/${list}/webhooks`)).json).toMatchObject({ total_items: 1 })
  expect((await call('DELETE', `/lists/${list}/webhooks/${created.json.id}`)).status).toBe(204)
  expect((await call('GET', `/lists/${list}/webhooks`)).json).toMatchObject({ total_items: 0 })
})

it('wants a receiver that answers GET with 200', async () => {
  for (const bad of ['nonsense', 'http://127.0.0.1:1/hooks']) {
    expect(await call('POST', `/lists/${list}/webhooks`, { url: bad, events: all, sources: {} })).toMatchObject({
      status: 400,
      json: { errors: [{ field: 'url' }] },
    })
  }
})

it('posts a signed form when a person unsubscribes', async () => {
  const { signing_secret: secret } = (await register()).json
  control().act(list, ada, 'unsubscribes')
  await control().webhooksIdle()
  const [delivery] = received
  expect(received).toHaveLength(1)
  expect(delivery?.headers['content-type']).toBe('application/x-www-form-urlencoded')
  expect(formOf(delivery)).toMatchObject({
    type: 'unsubscribe',
    fired_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    'data[action]': 'unsub',
    'data[reason]': 'manual',
    'data[email]': ada,
    'data[list_id]': list,
    'data[id]': expect.stringMatching(/^[0-9a-f]{10}$/),
    'data[merges][EMAIL]': ada,
  })
  const [, t = '', v1 = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(delivery?.headers['x-mailchimp-signature'])) ?? []
  expect(v1).toBe(createHmac('sha256', secret).update(`${t}.${delivery?.body}`).digest('hex'))
  expect(Math.abs(Date.now() / 1000 - Number(t))).toBeLessThan(300)
})

it('echoes changes by API only to those who want them', async () => {
  await register({ user: true, admin: true, api: false })
  await call('PATCH', `/lists/${list}/members/${md5(ada)}`, { status: 'unsubscribed' })
  await control().webhooksIdle()
  expect(received).toEqual([])
  await register({ user: false, admin: false, api: true })
  await call('PATCH', `/lists/${list}/members/${md5(ada)}`, { status: 'subscribed' })
  await control().webhooksIdle()
  expect(received.map((delivery) => formOf(delivery).type)).toEqual(['subscribe'])
})

it('calls each thing by its event, and only those that were asked for', async () => {
  await register({ user: true, admin: true, api: true })
  await register({ user: true, admin: true, api: true }, { cleaned: true })
  control().act(list, ada, 'complains')
  control().act(list, ada, 'bounces')
  await call('PATCH', `/lists/${list}/members/${md5(ada)}`, { email_address: 'ada.new@example.com' })
  await control().webhooksIdle()
  const told = received.map(formOf)
  expect(told.map(({ type }) => type).toSorted()).toEqual(['cleaned', 'cleaned', 'unsubscribe', 'upemail'])
  expect(told.find(({ type }) => type === 'unsubscribe')).toMatchObject({ 'data[reason]': 'abuse' })
  expect(told.find(({ type }) => type === 'upemail')).toMatchObject({ 'data[old_email]': ada, 'data[new_email]': 'ada.new@example.com' })
})

it('tries again for about 75 minutes with the same body, then stops', async () => {
  await register()
  answers = Array(20).fill(500)
  control().act(list, ada, 'unsubscribes')
  await control().webhooksIdle()
  await sandbox.clock.advance(3 * 3600)
  await control().webhooksIdle()
  expect(received).toHaveLength(6)
  expect(new Set(received.map(({ body }) => body)).size).toBe(1)
  expect(
    control()
      .webhookCalls()
      .map(({ attempt, status }) => [attempt, status]),
  ).toEqual([1, 2, 3, 4, 5, 6].map((attempt) => [attempt, 500]))
})

it('stops trying once it was taken; a redirect is not taken', async () => {
  await register()
  answers = [302, 204, 200]
  control().act(list, ada, 'unsubscribes')
  await control().webhooksIdle()
  await sandbox.clock.advance(3 * 3600)
  expect(
    control()
      .webhookCalls()
      .map(({ status }) => status),
  ).toEqual([302, 204, 200])
})

it('can deliver twice, and without a signature as before signing existed', async () => {
  await control().addUnsignedWebhook(list, url)
  control().misbehave({ kind: 'webhook-twice', count: 1 })
  control().act(list, ada, 'unsubscribes')
  await control().webhooksIdle()
  expect(received).toHaveLength(2)
  expect(received[0]?.body).toBe(received[1]?.body)
  expect(received[0]?.headers).not.toHaveProperty('x-mailchimp-signature')
})
