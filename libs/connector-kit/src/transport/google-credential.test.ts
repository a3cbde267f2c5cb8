import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ManualClock } from '@heed/platform/clock'
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import type { Descriptor, HttpRequest } from '../contract.ts'
import { referencedCredentials } from '../settings.ts'
import { googleAuthentication } from './google-credential.ts'
import { httpTransport } from './http.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const serviceAccount = JSON.stringify({
  type: 'service_account',
  client_email: 'heed@project.iam.example.com',
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  private_key_id: 'k1',
  token_uri: 'https://tokens.example.com/token',
})
const user = JSON.stringify({ type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'r' })
const start = Date.UTC(2026, 2, 1)

const descriptor: Descriptor = {
  name: 'example',
  docs: 'https://vendor.example/docs',
  identifiers: ['email'],
  batch: { maxTasks: 1 },
  rate: { concurrentRequests: 5 },
  confirmation: 'never',
  timeoutMs: 2_000,
  quietAfterUnknownSeconds: 0,
}
const request: HttpRequest = { via: 'http', intent: 'assert', covers: [], name: 'example.get', method: 'GET', path: '/resource' }
const limit = { timeoutMs: 2_000, signal: new AbortController().signal }

const closers: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Vendor {
  readonly grants: URLSearchParams[]
  readonly seen: (string | undefined)[]
  token(response: ServerResponse): void
  resource(response: ServerResponse): void
}

/** A token endpoint and a resource behind it, on this machine. */
async function play(credential: string, vendor: Partial<Vendor> = {}) {
  const clock = new ManualClock(start)
  const grants: URLSearchParams[] = []
  const seen: (string | undefined)[] = []
  const textOf = async (incoming: IncomingMessage) => {
    let text = ''
    for await (const chunk of incoming) text += String(chunk)
    return text
  }
  const server = createServer(async (incoming, response) => {
    if (incoming.url === '/token') {
      grants.push(new URLSearchParams(await textOf(incoming)))
      if (vendor.token !== undefined) return vendor.token(response)
      return response.end(JSON.stringify({ access_token: `t${grants.length}`, expires_in: 3600, token_type: 'Bearer' }))
    }
    seen.push(incoming.headers.authorization)
    if (vendor.resource !== undefined) return vendor.resource(response)
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const authentication = googleAuthentication({
    credentials: referencedCredentials({ KEY: credential }),
    credential: 'env:KEY',
    scope: 'https://scope.example.com/one',
    tokenUrl: `${baseUrl}/token`,
    clock,
    signingClock: clock,
  })
  const transport = httpTransport({ baseUrl, descriptor, authentication })
  closers.push(() => transport.close())
  return { clock, grants, seen, send: () => transport.send(request, limit) }
}

const refusal = (status: number, body: string) => (response: ServerResponse) => {
  response.statusCode = status
  response.end(body)
}

describe('a credential of Google', () => {
  it('that is a service account signs an assertion for its scope, addressed as its key file says', async () => {
    const { grants, send, seen } = await play(serviceAccount)
    await send()
    const assertion = grants[0]?.get('assertion') ?? ''
    expect(grants[0]?.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' })
    expect(decodeJwt(assertion)).toEqual({
      iss: 'heed@project.iam.example.com',
      scope: 'https://scope.example.com/one',
      aud: 'https://tokens.example.com/token',
      iat: start / 1000,
      exp: start / 1000 + 3600,
    })
    await expect(jwtVerify(assertion, publicKey, { currentDate: new Date(start) })).resolves.toBeDefined()
    expect(seen).toEqual(['Bearer t1'])
  })

  it('that is a user trades the refresh token', async () => {
    const { grants, send } = await play(user)
    await send()
    expect(Object.fromEntries(grants[0] ?? [])).toEqual({
      grant_type: 'refresh_token',
      client_id: 'c',
      client_secret: 's',
      refresh_token: 'r',
    })
  })

  it('that is a token goes as it is', async () => {
    const { grants, seen, send } = await play('ya29.token')
    await send()
    expect([grants, seen]).toEqual([[], ['Bearer ya29.token']])
  })

  it('is asked for a token once for all who wait, and again only shortly before its end', async () => {
    const { clock, grants, seen, send } = await play(user)
    await Promise.all([send(), send(), send()])
    await clock.advance(3_539_000)
    await send()
    expect(grants).toHaveLength(1)
    await clock.advance(2_000)
    await send()
    expect(grants).toHaveLength(2)
    expect(seen.at(-1)).toBe('Bearer t2')
  })

  it('is renewed once after a 401, and a second 401 stands', async () => {
    const { grants, seen, send } = await play(user, { resource: refusal(401, '{}') })
    expect(await send()).toMatchObject({ via: 'http', status: 401 })
    expect(seen).toEqual(['Bearer t1', 'Bearer t2'])
    expect(grants).toHaveLength(2)
  })

  it.each([
    ['refused', refusal(400, '{"error":"invalid_grant"}'), 'auth.token-refused'],
    ['unknown', refusal(401, '{"error":"invalid_client"}'), 'auth.token-refused'],
    ['in trouble', refusal(503, ''), 'unavailable.token-endpoint'],
    ['without a token', refusal(200, '{}'), 'unavailable.token-endpoint'],
    ['cut off', (response: ServerResponse) => void response.destroy(), 'unavailable.token-endpoint'],
  ])('sends nothing where the token endpoint is %s', async (_, token, reason) => {
    const { seen, send } = await play(serviceAccount, { token })
    expect(await send()).toEqual({ via: 'none', sent: false, reason })
    expect(seen).toEqual([])
  })

  it.each([
    ['of another kind', '{"type":"external"}'],
    ['with a broken key', JSON.stringify({ type: 'service_account', client_email: 'a', private_key: 'none' })],
    ['with spaces in it', 'no token at all'],
  ])('%s is a fault of the configuration', async (_, credential) => {
    const { send } = await play(credential)
    expect(await send()).toEqual({ via: 'none', sent: false, reason: 'configuration.credential-missing' })
  })
})
