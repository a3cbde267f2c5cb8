import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Descriptor, HttpRequest, Transport } from '../contract.ts'
import { referencedCredentials, SettingsError } from '../settings.ts'
import { type Authentication, allAuthentications, basicAuthentication, bearerAuthentication } from './authentication.ts'
import { type HttpTransportOptions, httpTransport } from './http.ts'

const descriptor: Descriptor = {
  name: 'example',
  docs: 'https://vendor.example/docs',
  identifiers: ['email'],
  batch: { maxTasks: 1 },
  rate: { concurrentRequests: 2 },
  confirmation: 'in-response',
  timeoutMs: 2_000,
  maxAnswerBytes: 10_000,
  quietAfterUnknownSeconds: 0,
}

const closers: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function vendor(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function tcp(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer(onSocket)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function open(baseUrl: string, options: Partial<HttpTransportOptions> = {}): Transport {
  const transport = httpTransport({ baseUrl, descriptor, ...options })
  closers.push(() => transport.close())
  return transport
}

const limit = { timeoutMs: 1_000, signal: new AbortController().signal }
const get = (path: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  via: 'http',
  intent: 'assert',
  covers: [],
  name: 'example.get',
  method: 'GET',
  path,
  ...more,
})

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

describe('an HTTP transport', () => {
  it('adds base, query, body and credentials, and gives the answer whatever its status', async () => {
    const base = await vendor(async (request, response) => {
      response.statusCode = 418
      response.setHeader('Retry-After', '7')
      response.end(
        JSON.stringify([
          request.method,
          request.url,
          request.headers.authorization,
          request.headers['content-type'],
          await textOf(request),
        ]),
      )
    })
    const credentials = referencedCredentials({ KEY: 'secret' })
    const transport = open(`${base}/v3/`, { authentication: basicAuthentication(credentials, 'any', 'env:KEY') })
    const answer = await transport.send(get('/lists', { method: 'PATCH', query: { a: '1 & 2' }, body: { json: { status: 'x' } } }), limit)
    expect(answer).toMatchObject({ via: 'http', status: 418, headers: { 'retry-after': '7' } })
    expect(JSON.parse(answer.via === 'http' ? answer.body.toString() : '')).toEqual([
      'PATCH',
      '/v3/lists?a=1+%26+2',
      `Basic ${Buffer.from('any:secret').toString('base64')}`,
      'application/json',
      '{"status":"x"}',
    ])
  })

  it('sends forms and texts', async () => {
    const seen: unknown[] = []
    const base = await vendor(async (request, response) => {
      seen.push([request.headers['content-type'], await textOf(request)])
      response.end()
    })
    const transport = open(base)
    await transport.send(get('/', { method: 'POST', body: { form: { a: 'x y' } } }), limit)
    await transport.send(get('/', { method: 'POST', body: { text: 'a,b', type: 'text/csv' } }), limit)
    expect(seen).toEqual([
      ['application/x-www-form-urlencoded', 'a=x+y'],
      ['text/csv', 'a,b'],
    ])
  })

  it('never follows a redirect', async () => {
    let requests = 0
    const base = await vendor((_, response) => {
      requests += 1
      response.writeHead(302, { location: '/elsewhere' }).end()
    })
    expect(await open(base).send(get('/'), limit)).toMatchObject({ status: 302 })
    expect(requests).toBe(1)
  })

  it('gives no credentials to an absolute address elsewhere, and none where a request says so', async () => {
    const seen: unknown[] = []
    const listener: RequestListener = (request, response) => {
      seen.push(request.headers.authorization)
      response.end()
    }
    const [base, elsewhere] = [await vendor(listener), await vendor(listener)]
    const transport = open(base, { authentication: bearerAuthentication(referencedCredentials({ KEY: 'secret' }), 'env:KEY') })
    await transport.send(get(`${elsewhere}/results.tar.gz`), limit)
    await transport.send(get('/', { authenticated: false }), limit)
    await transport.send(get('/'), limit)
    expect(seen).toEqual([undefined, undefined, 'Bearer secret'])
  })

  it.each(['//elsewhere.example/x', '/\\elsewhere.example', 'ftp://vendor.example/', 'http://user:pass@127.0.0.1/', 'not an address'])(
    'refuses to go to %s',
    async (path) => {
      const base = await vendor((_, response) => response.end())
      const answer = await open(base).send(get(path), limit)
      // below the base it is a path like any other; it never leads elsewhere
      if (answer.via === 'http') expect(answer.status).toBe(200)
      else expect(answer).toEqual({ via: 'none', sent: false, reason: 'configuration.address-refused' })
    },
  )

  it('says that a refused connection sent nothing', async () => {
    const base = await vendor(() => undefined)
    await closers.pop()?.()
    expect(await open(base).send(get('/'), limit)).toEqual({ via: 'none', sent: false, reason: 'unavailable.refused' })
  })

  it('says that a request may have been applied when the answer is lost, late, cut or too long', async () => {
    const reset = await tcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const silent = await vendor(() => undefined)
    const cut = await tcp((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')))
    const garbage = await tcp((socket) => socket.once('data', () => socket.end('SSH-2.0-nonsense\r\n')))
    const endless = await vendor((_, response) => {
      response.end('x'.repeat(20_000))
    })
    const send = (base: string, timeoutMs = 1_000) => open(base).send(get('/', { method: 'POST' }), { ...limit, timeoutMs })
    expect(await send(reset)).toEqual({ via: 'none', sent: true, reason: 'unavailable.reset' })
    expect(await send(silent, 50)).toEqual({ via: 'none', sent: true, reason: 'unavailable.timeout' })
    expect(await send(cut)).toMatchObject({ via: 'none', sent: true })
    expect(await send(garbage)).toEqual({ via: 'none', sent: true, reason: 'unavailable.malformed-answer' })
    expect(await send(endless)).toEqual({ via: 'none', sent: true, reason: 'unavailable.answer-too-long' })
  })

  it('reads a long answer no further, where that is all that is asked of it, however long it would go on', async () => {
    let closed = 0
    const flood = await vendor((_, response) => {
      response.statusCode = 202
      const more = setInterval(() => response.write('x'.repeat(9_000)), 1)
      response.on('close', () => {
        clearInterval(more)
        closed += 1
      })
    })
    const transport = open(flood, { longAnswers: 'cut' })
    const answer = await transport.send(get('/', { method: 'POST' }), limit)
    expect(answer).toMatchObject({ via: 'http', status: 202 })
    expect(answer.via === 'http' && answer.body.length).toBe(10_000)
    expect((await transport.send(get('/', { method: 'POST' }), limit)).via).toBe('http')
    await expect.poll(() => closed).toBe(2)
  })

  it('sends nothing where the certificate to prove itself by is missing', async () => {
    let asked = 0
    const base = await vendor((_, response) => {
      asked += 1
      response.end()
    })
    const missing = () =>
      referencedCredentials({})
        .read('env:CLIENT_KEY')
        .then((key) => ({ certificate: '', key }))
    const transport = open(base, { clientCertificate: missing })
    expect(await transport.send(get('/'), limit)).toEqual({ via: 'none', sent: false, reason: 'configuration.credential-missing' })
    expect(asked).toBe(0)
  })

  it('knows that a request which waited for a connection was not sent', async () => {
    const base = await vendor((request, response) => {
      if (request.url === '/slow') return
      response.end()
    })
    const transport = open(base)
    const slow = [1, 2].map(() => transport.send(get('/slow'), { ...limit, timeoutMs: 300 }))
    const third = await transport.send(get('/third'), { ...limit, timeoutMs: 100 })
    expect(third).toEqual({ via: 'none', sent: false, reason: 'unavailable.timeout' })
    expect(await Promise.all(slow)).toMatchObject([{ sent: true }, { sent: true }])
  })

  it('says that a missing credential kept it from sending', async () => {
    const base = await vendor((_, response) => response.end())
    const authentication = bearerAuthentication(referencedCredentials({}), 'env:KEY')
    expect(await open(base, { authentication }).send(get('/'), limit)).toEqual({
      via: 'none',
      sent: false,
      reason: 'configuration.credential-missing',
    })
  })

  it('renews a token once after a 401', async () => {
    let token = 'old'
    const seen: unknown[] = []
    const base = await vendor((request, response) => {
      seen.push(request.headers.authorization)
      response.statusCode = request.headers.authorization === 'Bearer new' ? 200 : 401
      response.end()
    })
    const transport = open(base, {
      authentication: {
        headers: async () => ({ authorization: `Bearer ${token}` }),
        renew: async () => {
          const renewed = token !== 'new'
          token = 'new'
          return renewed
        },
      },
    })
    expect(await transport.send(get('/'), limit)).toMatchObject({ status: 200 })
    expect(seen).toEqual(['Bearer old', 'Bearer new'])
  })

  it.each([
    'http://vendor.example',
    'https://user:pass@vendor.example',
    'https://vendor.example/?key=1',
    'vendor.example',
    'ftp://vendor.example',
  ])('refuses the base URL %s', (baseUrl) => {
    expect(() => httpTransport({ baseUrl, descriptor })).toThrow(SettingsError)
  })
})

describe('an authentication with fields', () => {
  const proof: Authentication = {
    headers: async ({ body }) => ({ 'x-seen': String(body?.length ?? 0) }),
    fields: async () => ({ proof: 'p' }),
  }
  const echo = () => vendor(async (request, response) => response.end(JSON.stringify([await textOf(request), request.headers['x-seen']])))
  const sent = async (request: HttpRequest, authentication: Authentication = proof) => {
    const answer = await open(await echo(), { authentication }).send(request, limit)
    return JSON.parse(answer.via === 'http' ? answer.body.toString() : '[]') as [string, string]
  }

  it('adds them to a JSON object and to a form before the bytes are signed', async () => {
    expect(await sent(get('/', { method: 'DELETE', body: { json: { a: 1 } } }))).toEqual(['{"a":1,"proof":"p"}', '19'])
    expect(await sent(get('/', { method: 'POST', body: { form: { a: '1' } } }))).toEqual(['a=1&proof=p', '11'])
  })

  it('leaves every other body as it is', async () => {
    expect(await sent(get('/', { method: 'POST', body: { json: [1] } }))).toEqual(['[1]', '3'])
    expect(await sent(get('/', { method: 'POST', body: { text: 'a', type: 'text/plain' } }))).toEqual(['a', '1'])
    expect(await sent(get('/'))).toEqual(['', '0'])
    expect(await sent(get('/', { method: 'POST', authenticated: false, body: { json: {} } }))).toEqual(['{}', null])
  })

  it('keeps them where several authentications act together', async () => {
    const both = allAuthentications(proof, { headers: async () => ({ 'x-other': '1' }) })
    expect(await sent(get('/', { method: 'POST', body: { json: {} } }), both)).toEqual(['{"proof":"p"}', '13'])
  })
})
