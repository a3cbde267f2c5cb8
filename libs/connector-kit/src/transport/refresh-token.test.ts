import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Credentials } from '../contract.ts'
import { CredentialError, referencedCredentials } from '../settings.ts'
import { AuthenticationError } from './authentication.ts'
import { fetchByRefreshToken } from './refresh-token.ts'
import type { Grant, GrantedToken, TokenEndpoint } from './token-endpoint.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-refresh-'))
  file = join(folder, 'refresh-token')
  await writeFile(file, 'r0')
})
afterEach(() => rm(folder, { recursive: true }))

/** A server that knows one refresh token at a time, as Microsoft's may: each use gives the next. */
function rotating(): TokenEndpoint & { readonly grants: Grant[] } {
  const grants: Grant[] = []
  return {
    grants,
    request: async (grant) => {
      if (grant.refresh_token !== `r${grants.length}`) throw new AuthenticationError('auth.token-refused', 'refused')
      grants.push(grant)
      return { value: `a${grants.length}`, expiresAt: 1_000, refreshToken: `r${grants.length}` }
    },
  }
}

const env = { ID: 'client', SECRET: 'secret', REFRESH: 'r0' }
const client = { clientId: 'env:ID', clientSecret: 'env:SECRET' }

describe('an access token by a refresh token', () => {
  it('is asked for with all that the server wants', async () => {
    const endpoint = rotating()
    const token = await fetchByRefreshToken({
      endpoint,
      credentials: referencedCredentials(env),
      ...client,
      refreshToken: `file:${file}`,
      scope: 's',
    })()
    expect(token).toEqual({ value: 'a1', expiresAt: 1_000 })
    expect(endpoint.grants).toEqual([
      { grant_type: 'refresh_token', client_id: 'client', client_secret: 'secret', refresh_token: 'r0', scope: 's' },
    ])
  })

  it('is handed out after the new refresh token is kept', async () => {
    const endpoint = rotating()
    const inner = referencedCredentials(env)
    const seen: string[] = []
    const credentials: Credentials = {
      read: inner.read,
      replace: async (reference, value) => {
        await inner.replace(reference, value)
        seen.push('kept')
      },
    }
    const fetch = fetchByRefreshToken({ endpoint, credentials, ...client, refreshToken: `file:${file}` })
    await fetch().then(() => seen.push('given'))
    expect(seen).toEqual(['kept', 'given'])
    expect(await readFile(file, 'utf8')).toBe('r1')
    expect((await fetch()).value).toBe('a2')
    expect(await readFile(file, 'utf8')).toBe('r2')
  })

  it('is not handed out while the new refresh token cannot be kept, which is not lost', async () => {
    const endpoint = rotating()
    const inner = referencedCredentials(env)
    let full = true
    const credentials: Credentials = {
      read: inner.read,
      replace: async (reference, value) => {
        if (full) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
        await inner.replace(reference, value)
      },
    }
    const fetch = fetchByRefreshToken({ endpoint, credentials, ...client, refreshToken: `file:${file}` })
    await expect(fetch()).rejects.toThrow(CredentialError)
    await expect(fetch()).rejects.toThrow(CredentialError)
    expect(endpoint.grants).toHaveLength(1)
    full = false
    expect((await fetch()).value).toBe('a2')
    expect(await readFile(file, 'utf8')).toBe('r2')
  })

  it('has one user of its refresh token at a time, also where two recipients share it', async () => {
    const endpoint = rotating()
    const credentials = referencedCredentials(env)
    const recipients = [1, 2].map(() => fetchByRefreshToken({ endpoint, credentials, ...client, refreshToken: `file:${file}` }))
    const tokens = await Promise.all(recipients.flatMap((fetch) => [fetch(), fetch()]))
    expect(tokens.map(({ value }) => value)).toEqual(['a1', 'a2', 'a3', 'a4'])
    expect(await readFile(file, 'utf8')).toBe('r4')
  })

  it('leaves a refresh token alone that the server does not change, wherever it is kept', async () => {
    const same: GrantedToken[] = [{ value: 'a', refreshToken: 'r0' }, { value: 'b' }]
    const endpoint: TokenEndpoint = { request: async () => same.shift() ?? { value: 'c' } }
    const fetch = fetchByRefreshToken({ endpoint, credentials: referencedCredentials(env), ...client, refreshToken: 'env:REFRESH' })
    expect([await fetch(), await fetch()]).toEqual([{ value: 'a' }, { value: 'b' }])
  })

  it('fails where a new refresh token has no place to be kept, and where the server refuses', async () => {
    const credentials = referencedCredentials(env)
    await expect(fetchByRefreshToken({ endpoint: rotating(), credentials, ...client, refreshToken: 'env:REFRESH' })()).rejects.toThrow(
      CredentialError,
    )
    await writeFile(file, 'revoked')
    const refused = fetchByRefreshToken({ endpoint: rotating(), credentials, ...client, refreshToken: `file:${file}` })
    await expect(refused()).rejects.toMatchObject({ reason: 'auth.token-refused' })
    // what failed does not stand in the way of the next
    await new Promise((resolve) => setTimeout(resolve, 5)) // for a file time that differs
    await writeFile(file, 'r0')
    expect((await refused()).value).toBe('a1')
  })
})
