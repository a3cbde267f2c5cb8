import { createHmac } from 'node:crypto'
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { mintUnsubscribeToken, parseLinkKeys } from '@heed/contracts'
import type { PurposeKey } from '@heed/domain'
import { systemClock } from '@heed/platform/clock'
import { createLogger } from '@heed/platform/log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Click } from './click.ts'
import { unsubscribeApp } from './routes.ts'
import { SpoolFull } from './spool.ts'

const secret = (fill: number) => Buffer.alloc(32, fill).toString('base64')
const keys = parseLinkKeys(`k3:${secret(3)},k2:${secret(2)},k1:${secret(1)}:confirm-only`)
const [k3, k2, k1] = keys
if (k3 === undefined || k2 === undefined || k1 === undefined) throw new Error('three keys')
const newsletter = {
  linkRef: '0123456789abcdef0123456789abcdef',
  scope: 'email-marketing/newsletter' as PurposeKey,
  issuedAtSeconds: 1_764_000_000,
}
const token = mintUnsubscribeToken(newsletter, k3)
const form = 'application/x-www-form-urlencoded'

let server: Server
let port: number
let clicks: Click[]
let answers: { status: number; nonconforming: boolean }[]
let full: boolean
let logged: string

beforeEach(async () => {
  clicks = []
  answers = []
  full = false
  logged = ''
  const app = unsubscribeApp({
    keys: () => keys,
    intake: {
      accept: async (click) => {
        if (full) throw new SpoolFull()
        clicks.push(click)
        return 'spooled'
      },
    },
    titleOf: (scope) => (scope === newsletter.scope ? 'Newsletter <monthly>' : undefined),
    sender: 'Qualified <3D>',
    limits: { invalidPerMinute: 5, exposedPerMinute: 2 },
    clock: systemClock,
    log: createLogger('edge', {
      level: 'debug',
      destination: {
        write: (line: string) => {
          logged += line
        },
      },
    }),
    answered: (event) => answers.push(event),
    trustedProxies: 0,
  })
  server = createServer(app).listen(0, '::')
  await new Promise((resolve) => server.once('listening', resolve))
  port = (server.address() as AddressInfo).port
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}
const call = (
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Record<string, string> = {},
  host = '127.0.0.1',
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest({ host, port, method, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
const link = `/v1/u/${token}`
/** Bytes as they are; what is answered until the connection ends. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk
    })
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
  })
const oneClick = (path = link) => call('POST', path, 'List-Unsubscribe=One-Click', { 'content-type': form })

describe('a POST to the link', () => {
  it('unsubscribes with the pair of the RFC: 200, no body, no redirect, no cookie', async () => {
    const answer = await oneClick()
    expect(answer).toMatchObject({ status: 200, text: '' })
    expect(answer.headers.location).toBeUndefined()
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(clicks).toMatchObject([{ linkRef: newsletter.linkRef, scope: newsletter.scope, method: 'one-click', keyId: 'k3' }])
  })

  it.each([
    ['in capitals', 'CONTENT-TYPE: APPLICATION/X-WWW-FORM-URLENCODED'],
    ['in small letters', 'content-type:application/x-www-form-urlencoded'],
    ['with blanks and a charset', 'Content-type:   application/x-www-form-urlencoded ; charset=utf-8  '],
    ['of a multipart that quotes its boundary', 'CoNtEnT-tYpE: Multipart/Form-Data; BOUNDARY="x y"'],
  ])('unsubscribes with the header %s', async (_, header) => {
    const body = header.includes('x y')
      ? '--x y\r\ncontent-disposition:form-data; NAME=List-Unsubscribe\r\n\r\nOne-Click\r\n--x y--\r\n'
      : 'List-Unsubscribe=One-Click'
    const answer = await raw(
      `POST ${link} HTTP/1.1\r\nhost: u.example.com\r\n${header}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(clicks).toHaveLength(1)
  })

  it('does nothing for a header that is folded over two lines: HTTP forbids it', async () => {
    const folded = 'content-type: application/x-www-form-urlencoded;\r\n charset=utf-8'
    const answer = await raw(
      `POST ${link} HTTP/1.1\r\nhost: u.example.com\r\n${folded}\r\ncontent-length: 26\r\nconnection: close\r\n\r\nList-Unsubscribe=One-Click`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(clicks).toEqual([])
  })

  it('unsubscribes with more fields than needed, and in chunks of one byte', async () => {
    expect((await call('POST', link, 'mail=x&List-Unsubscribe=One-Click&utm_source=y', { 'content-type': form })).status).toBe(200)
    const chunks = [...'List-Unsubscribe=One-Click'].map((letter) => `1\r\n${letter}\r\n`).join('')
    const answer = await raw(
      `POST ${link} HTTP/1.1\r\nhost: u.example.com\r\ncontent-type: ${form}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${chunks}0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(clicks.map(({ method }) => method)).toEqual(['one-click', 'one-click'])
  })

  it('unsubscribes whatever else a mail program sends: no cookie, login, origin or user agent is asked for', async () => {
    const strange = {
      'content-type': form,
      origin: 'https://elsewhere.example.com',
      referer: 'https://elsewhere.example.com/',
      cookie: 'a=b',
      'user-agent': '',
    }
    expect((await call('POST', link, 'List-Unsubscribe=One-Click', strange)).status).toBe(200)
    expect(clicks).toHaveLength(1)
  })

  it('unsubscribes as multipart, in chunks, and without any body', async () => {
    await call('POST', link, '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n', {
      'content-type': 'multipart/form-data; boundary=x',
      'transfer-encoding': 'chunked',
    })
    expect((await call('POST', link)).status).toBe(200)
    expect(clicks.map(({ method }) => method)).toEqual(['one-click', 'one-click'])
    expect(answers.map(({ nonconforming }) => nonconforming)).toEqual([false, true])
  })

  it('answers our own button with a page that says it is done', async () => {
    const answer = await call('POST', link, 'confirm=1', { 'content-type': form })
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('<h1>Done: you stopped “Newsletter &lt;monthly&gt;”</h1>')
    // whoever wants more than this topic can say so
    expect(answer.text.match(/<form method="post" action="[^"]+"/g)).toHaveLength(1)
    expect(clicks).toMatchObject([{ method: 'preference-page' }])
  })

  it.each([
    ['another pair', 'List-Unsubscribe=Two-Click', 400],
    ['more than four kilobytes', 'a'.repeat(5000), 413],
  ])('does nothing for %s', async (_, body, status) => {
    expect((await call('POST', link, body, { 'content-type': form })).status).toBe(status)
    expect(clicks).toEqual([])
  })

  it('works with a key that only checks, and for an IPv6 client', async () => {
    const old = mintUnsubscribeToken(newsletter, { ...k2, use: 'sign' })
    expect((await call('POST', `/v1/u/${old}`, undefined, {}, '::1')).status).toBe(200)
    expect(clicks).toMatchObject([{ keyId: 'k2' }])
  })

  it('is limited where the key is known to others, and still reduces mail before that', async () => {
    const exposed = mintUnsubscribeToken(newsletter, { ...k1, use: 'sign' })
    const statuses = []
    for (let count = 0; count < 4; count += 1) statuses.push((await oneClick(`/v1/u/${exposed}`)).status)
    expect(statuses).toEqual([200, 200, 429, 429])
    expect(clicks).toHaveLength(2)
  })

  it('whose key is known to others is not given a wider link', async () => {
    const exposed = `/v1/u/${mintUnsubscribeToken(newsletter, { ...k1, use: 'sign' })}`
    const { text } = await call('GET', exposed)
    expect(text.match(/action="([^"]+)"/g)).toEqual([`action="${exposed}"`])
    expect(text).not.toContain('Stop all marketing email')
  })

  it('from the page offers to try again where it could not be recorded', async () => {
    full = true
    const answer = await call('POST', link, 'confirm=1', { 'content-type': form })
    expect([answer.status, answer.text.includes(`<form method="post" action="${link}"`)]).toEqual([503, true])
  })

  it('is never limited for a good key', async () => {
    const statuses = await Promise.all(Array.from({ length: 100 }, () => oneClick()))
    expect(statuses.every(({ status }) => status === 200)).toBe(true)
  })

  it('answers 503 with Retry-After where the click could not be made durable', async () => {
    full = true
    const answer = await oneClick()
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('30')
  })
})

it.each([
  ['GET', link, undefined, 200],
  ['HEAD', link, undefined, 200],
  ['OPTIONS', link, undefined, 204],
  ['PUT', link, undefined, 405],
  ['POST', link, 'List-Unsubscribe=One-Click', 200],
  ['POST', link, 'confirm=1', 200],
  ['POST', link, 'nonsense=1', 400],
  ['POST', link, 'a'.repeat(5_000), 413],
  ['GET', '/v1/u/nothing', undefined, 404],
  ['GET', '/robots.txt', undefined, 200],
])('%s %s answers with the headers that keep the link to itself, no redirect and no cookie', async (method, path, body, status) => {
  const answer = await call(method, path, body, body === undefined ? {} : { 'content-type': form })
  expect(answer.status).toBe(status)
  expect(answer.headers).toMatchObject({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-robots-tag': 'noindex, nofollow',
    'x-content-type-options': 'nosniff',
  })
  expect(answer.headers['content-security-policy']).toMatch(/default-src 'none'.*form-action 'self'; frame-ancestors 'none'/)
  for (const header of ['location', 'set-cookie', 'x-powered-by', 'etag']) expect(answer.headers[header]).toBeUndefined()
})

describe('everything but a POST', () => {
  it('writes nothing, a hundred times', async () => {
    for (let count = 0; count < 100; count += 1) {
      expect((await call('GET', link)).status).toBe(200)
      expect(await call('HEAD', link)).toMatchObject({ status: 200, text: '' })
    }
    expect(clicks).toEqual([])
  })

  it('shows a page with two forms, escaped, and nothing from elsewhere', async () => {
    const { text, headers } = await call('GET', link)
    expect(text.match(/<form method="post"/g)).toHaveLength(2)
    expect(text).toContain('Newsletter &lt;monthly&gt;')
    expect(text).toContain('Qualified &lt;3D&gt;')
    expect(text).not.toMatch(/<script|https?:\/\//)
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex, nofollow',
      'x-content-type-options': 'nosniff',
    })
  })

  it('tells what is allowed', async () => {
    expect(await call('OPTIONS', link)).toMatchObject({ status: 204, headers: { allow: 'GET, HEAD, POST, OPTIONS' } })
    for (const method of ['PUT', 'PATCH', 'DELETE'])
      expect(await call(method, link)).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD, POST, OPTIONS' } })
    expect((await call('GET', '/robots.txt')).text).toContain('Disallow: /')
  })

  it('never redirects for a slash or another case', async () => {
    for (const path of [`${link}/`, link.toUpperCase(), `/V1/u/${token}`]) expect((await call('POST', path)).status).toBe(404)
    expect(clicks).toEqual([])
  })
})

/** The last letter of 43 stands for 4 bits, and has 4 spellings. */
function sameBits(letter: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return letters[letters.indexOf(letter) ^ 1] ?? ''
}

describe('a link that is not ours', () => {
  const [, , payload = '', mac = ''] = token.split('.')
  const forged = createHmac('sha256', Buffer.alloc(32, 9)).update(`unsub.v1.k3.${payload}`).digest('base64url')

  it.each([
    ['forged', `/v1/u/v1.k3.${payload}.${forged}`],
    ['with an unknown key id', `/v1/u/v1.k9.${payload}.${mac}`],
    ['cut off', `/v1/u/${token.slice(0, -3)}`],
    ['with another spelling of the same bits', `/v1/u/${token.slice(0, -1)}${sameBits(token.at(-1) ?? '')}`],
    ['with padding', `/v1/u/${token}=`],
    ['with broken percent-encoding', '/v1/u/%E0%A4%A'],
    ['elsewhere', '/v1/x'],
  ])('gets the one page that tells nothing: %s', async (_, path) => {
    const [get, post] = [await call('GET', path), await call('POST', path, 'List-Unsubscribe=One-Click', { 'content-type': form })]
    expect([get.status, post.status]).toEqual([404, 404])
    expect(get.text).toBe(post.text)
    expect(get.text).toBe((await call('GET', '/v1/u/nothing')).text)
    expect(clicks).toEqual([])
  })

  it('is limited for one address', async () => {
    const statuses = []
    for (let count = 0; count < 7; count += 1) statuses.push((await call('GET', '/v1/u/nothing')).status)
    expect(statuses).toEqual([404, 404, 404, 404, 404, 429, 429])
  })
})

it('the log holds the fingerprint of a token, never the token', async () => {
  await oneClick()
  await call('POST', '/v1/u/nothing')
  full = true
  await oneClick()
  expect(logged).toContain('"tokenFingerprint"')
  expect(logged).not.toContain(token)
  expect(logged).not.toContain(newsletter.linkRef)
})
