import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CredentialError, referencedCredentials, resolveReferences, SettingsError } from './settings.ts'
import { keptLog } from './testing.fixture.ts'

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
  it('are read anew from the environment', async () => {
    const env: Record<string, string> = { KEY: 'first' }
    const credentials = referencedCredentials(env)
    expect(await credentials.read('env:KEY')).toBe('first')
    env.KEY = 'second'
    expect(await credentials.read('env:KEY')).toBe('second')
  })

  it('are found when the folder of a file is swapped by its link, as a cluster does with its secrets, under the same time', async () => {
    const mount = await mkdtemp(join(folder, 'mount-'))
    const at = new Date(1_700_000_000_000)
    const version = async (name: string, text: string) => {
      await mkdir(join(mount, name))
      await writeFile(join(mount, name, 'key'), text)
      await utimes(join(mount, name, 'key'), at, at)
      await symlink(name, join(mount, `${name}.link`))
      await rename(join(mount, `${name}.link`), join(mount, '..data'))
    }
    await version('..one', 'key-1')
    await symlink(join('..data', 'key'), join(mount, 'key'))
    const credentials = referencedCredentials({})
    expect(await credentials.read(`file:${mount}/key`)).toBe('key-1')
    await version('..two', 'key-2')
    expect(await credentials.read(`file:${mount}/key`)).toBe('key-2')
  })

  it('are found when a file is written over in place, with as many bytes and its old time', async () => {
    const path = join(folder, 'in-place')
    const at = new Date(1_700_000_000_000)
    const credentials = referencedCredentials({})
    for (const text of ['key-1', 'key-2']) {
      await writeFile(path, text)
      await utimes(path, at, at)
      expect(await credentials.read(`file:${path}`)).toBe(text)
    }
  })

  it('stay what they were while the file is missing, empty or half written; that is said once, by the name of the file', async () => {
    const path = join(folder, 'unsteady')
    const log = keptLog()
    const credentials = referencedCredentials({}, { log })
    await writeFile(path, 'sk-live-1')
    expect(await credentials.read(`file:${path}`)).toBe('sk-live-1')
    await rm(path)
    expect(await Promise.all([1, 2, 3].map(() => credentials.read(`file:${path}`)))).toEqual(['sk-live-1', 'sk-live-1', 'sk-live-1'])
    await writeFile(path, '')
    expect(await credentials.read(`file:${path}`)).toBe('sk-live-1')

    // somebody who writes it piece by piece, for longer than a look takes
    let text = ''
    const growing = setInterval(() => {
      text += 'x'
      writeFileSync(path, text)
    }, 10)
    expect(await credentials.read(`file:${path}`)).toBe('sk-live-1')
    clearInterval(growing)
    await writeFile(path, 'sk-live-2')
    expect(await credentials.read(`file:${path}`)).toBe('sk-live-2')

    expect(log.lines.map(({ level, event, fields }) => ({ level, event, fields }))).toEqual([
      { level: 'warn', event: 'credential.kept', fields: { reference: `file:${path}` } },
      { level: 'info', event: 'credential.renewed', fields: { reference: `file:${path}` } },
    ])
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
    await expect(credentials.read(`file:${folder}/none`)).rejects.toThrow(`the credential file:${folder}/none cannot be read`)
    const error = await credentials.read('sk-live-1234567890').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CredentialError)
    expect(String(error)).not.toContain('1234567890')
  })
})
