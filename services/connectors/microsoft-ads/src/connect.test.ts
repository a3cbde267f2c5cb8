import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type HttpRequest, referencedCredentials } from '@heed/connector-kit'
import type { RecipientId } from '@heed/domain'
import { ManualClock } from '@heed/platform/clock'
import { silentLogger } from '@heed/platform/log'
import { anOptOut } from '@heed/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { microsoftAds } from './connector.ts'
import { parseSettings } from './settings.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** The connector's own transport before a small vendor whose tokens are a1, a2 …; each refresh token works once. `apply` answers everything else. */
async function play(apply: RequestListener) {
  const folder = await mkdtemp(join(tmpdir(), 'heed-microsoft-'))
  const file = join(folder, 'refresh-token')
  await writeFile(file, 'r0')
  const grants: Record<string, string>[] = []
  const server = createServer(async (request, response) => {
    if (request.url !== '/token') return apply(request, response)
    const grant = Object.fromEntries(new URLSearchParams(await textOf(request)))
    const good = grant.refresh_token === `r${grants.length}`
    if (good) grants.push(grant)
    response.statusCode = good ? 200 : 400
    response.end(
      JSON.stringify(
        good
          ? { access_token: `a${grants.length}`, expires_in: 3600, refresh_token: `r${grants.length}`, token_type: 'Bearer' }
          : { error: 'invalid_grant' },
      ),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => rm(folder, { recursive: true }),
  )
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const settings = parseSettings({
    baseUrl: base,
    tokenUrl: `${base}/token`,
    credentials: { clientId: 'env:ID', clientSecret: 'env:SECRET', developerToken: 'env:DEVELOPER' },
    refreshTokenFile: file,
    customerId: '11',
    customerAccountId: '22',
    audiences: ['33'],
    checkAudiences: false,
  })
  const clock = new ManualClock()
  const descriptor = typeof microsoftAds.descriptor === 'function' ? microsoftAds.descriptor(settings) : microsoftAds.descriptor
  const transport = microsoftAds.connect?.(settings, {
    recipientId: 'microsoft-advertising' as RecipientId,
    credentials: referencedCredentials({ ID: 'id', SECRET: 'secret', DEVELOPER: 'developer' }),
    descriptor,
    clock,
    log: silentLogger,
  })
  if (transport === undefined) throw new Error('a transport')
  closers.push(() => transport.close())
  const task = anOptOut('ada@example.org', {
    recipientId: 'microsoft-advertising',
    purposes: ['interest-based-advertising'],
    form: 'plain-sha256-hex',
  })
  const [request] = microsoftAds.plan([task], settings, { sequence: 0, openedAt: 0, extent: 'delta' })
  const send = () => transport.send(request as HttpRequest, { timeoutMs: 2_000, signal: new AbortController().signal })
  return { send, grants, clock, file }
}

describe('the connection to Microsoft Advertising', () => {
  it('sends all headers of the account, with a token whose refresh token is in its file before', async () => {
    const seen: unknown[] = []
    const vendor = await play(async (request, response) => {
      const { authorization, developertoken, customerid, customeraccountid } = request.headers
      seen.push([authorization, developertoken, customerid, customeraccountid, await readFile(vendor.file, 'utf8')])
      response.end('{"PartialErrors":[]}')
    })
    expect(await vendor.send()).toMatchObject({ status: 200 })
    await vendor.clock.advance(3_600_000)
    expect(await vendor.send()).toMatchObject({ status: 200 })
    expect(seen).toEqual([
      ['Bearer a1', 'developer', '11', '22', 'r1'],
      ['Bearer a2', 'developer', '11', '22', 'r2'],
    ])
    expect(vendor.grants[0]).toEqual({
      grant_type: 'refresh_token',
      client_id: 'id',
      client_secret: 'secret',
      refresh_token: 'r0',
      scope: 'https://ads.microsoft.com/msads.manage offline_access',
    })
  })

  it.each([
    [401, 109],
    [400, 109],
    [500, 105],
    [200, 109],
  ])('asks for a new token once when a status %i comes with code %i, and then gives the answer as it is', async (status, code) => {
    const seen: unknown[] = []
    const vendor = await play((request, response) => {
      seen.push(request.headers.authorization)
      response.statusCode = status
      response.end(JSON.stringify({ Errors: [{ Code: code }], Type: 'AdApiFaultDetail' }))
    })
    expect(await vendor.send()).toMatchObject({ status })
    expect(seen).toEqual(['Bearer a1', 'Bearer a2'])
  })

  it('goes on with the new token', async () => {
    const vendor = await play((request, response) => {
      const good = request.headers.authorization === 'Bearer a2'
      response.statusCode = good ? 200 : 400
      response.end(good ? '{"PartialErrors":null}' : '{"Errors":[{"Code":109}]}')
    })
    expect(await vendor.send()).toMatchObject({ status: 200 })
    expect(await vendor.send()).toMatchObject({ status: 200 })
    expect(vendor.grants).toHaveLength(2)
  })

  it('sends nothing where the refresh token is refused: a human has to sign in again', async () => {
    let requests = 0
    const vendor = await play((_, response) => {
      requests += 1
      response.end()
    })
    await writeFile(vendor.file, 'revoked')
    expect(await vendor.send()).toEqual({ via: 'none', sent: false, reason: 'auth.token-refused' })
    expect(requests).toBe(0)
  })

  it('sends nothing where the file of the refresh token is gone', async () => {
    const vendor = await play((_, response) => response.end())
    await rm(vendor.file)
    expect(await vendor.send()).toEqual({ via: 'none', sent: false, reason: 'configuration.credential-missing' })
  })
})
