import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CredentialError, referencedCredentials, resolveReferences, SettingsError } from './settings.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-settings-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('settings', () => {
  it('have references replaced by their text, at any depth, and what is not set left out', async () => {
    const settings = { url: 'env:URL', missing: 'env:NOT_THERE', nested: { list: ['env:ONE', 'two', 'env:NOT_THERE'], count: 3 } }
    expect(await resolveReferences(settings, { URL: ' https://vendor.example ', ONE: 'one' })).toEqual({
      url: 'https://vendor.example',
      nested: { list: ['one', 'two'], count: 3 },
    })
  })

  it('keep credentials as references', async () => {
    const settings = { credential: 'env:KEY', credentials: { signing: ['env:NEW', 'env:OLD'] }, deep: { credential: 'file:/nowhere' } }
    expect(await resolveReferences(settings, { KEY: 'k', NEW: 'n', OLD: 'o' })).toEqual(settings)
  })

  it('name the field whose file cannot be read', async () => {
    await expect(resolveReferences({ tls: { ca: `file:${folder}/none` } }, {})).rejects.toThrow(
      new SettingsError('tls.ca', 'names a file that cannot be read'),
    )
  })
})

describe('credentials', () => {
  it('are read anew: a rotated key needs no restart', async () => {
    const env: Record<string, string> = { KEY: 'first' }
    const path = join(folder, 'rotated')
    await writeFile(path, 'old\n')
    const credentials = referencedCredentials(env)
    expect([await credentials.read('env:KEY'), await credentials.read(`file:${path}`)]).toEqual(['first', 'old'])
    env.KEY = 'second'
    await new Promise((resolve) => setTimeout(resolve, 5)) // for a file time that differs
    await writeFile(path, 'new')
    expect([await credentials.read('env:KEY'), await credentials.read(`file:${path}`)]).toEqual(['second', 'new'])
  })

  it('that a vendor renewed are kept in their file, readable by the owner alone', async () => {
    const path = join(folder, 'refresh-token')
    await writeFile(path, 'old')
    const credentials = referencedCredentials({})
    await credentials.replace(`file:${path}`, 'renewed')
    expect(await credentials.read(`file:${path}`)).toBe('renewed')
    expect(await readFile(path, 'utf8')).toBe('renewed')
    await expect(credentials.replace('env:KEY', 'x')).rejects.toThrow(CredentialError)
  })

  it('that are missing are an error that quotes no value', async () => {
    const credentials = referencedCredentials({ EMPTY: ' ' })
    await expect(credentials.read('env:EMPTY')).rejects.toThrow('the credential env:EMPTY is not set')
    const error = await credentials.read('sk-live-1234567890').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CredentialError)
    expect(String(error)).not.toContain('1234567890')
  })
})
