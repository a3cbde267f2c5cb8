import { afterEach, describe, expect, it } from 'vitest'
import { referencedCredentials, SettingsError } from '../settings.ts'
import { testFileStore } from './file-store.conformance.ts'
import { newKeyPair, type SftpFixture, type SftpFixtureOptions, startSftpServer } from './sftp-server.fixture.ts'
import { type SftpOptions, sftpStore } from './sftp-store.ts'

const key = newKeyPair()
const credentials = referencedCredentials({ KEY: key.private, OTHER: newKeyPair().private, GARBAGE: 'no key at all' })
const noSuchFile = 2
const permissionDenied = 3
const failure = 4

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function partner(options: Partial<SftpFixtureOptions> = {}): Promise<SftpFixture> {
  const server = await startSftpServer({ authorizedKey: key.public, ...options })
  closers.push(() => server.stop())
  return server
}

function open(server: SftpFixture, options: Partial<SftpOptions> = {}) {
  const store = sftpStore({
    host: '127.0.0.1',
    port: server.port,
    username: 'heed',
    privateKey: 'env:KEY',
    hostKeys: [server.fingerprint],
    credentials,
    ...options,
  })
  closers.push(() => store.close())
  return store
}

testFileStore('an SFTP server', async () => {
  const server = await partner()
  return { store: open(server), list: async () => [...server.files.keys()], end: async () => undefined }
})

describe('an SFTP server as a store', () => {
  it('shows a name only when its content is whole', async () => {
    const seen: string[][] = []
    const server = await partner({
      refuse: (operation) => {
        if (operation === 'WRITE') seen.push([...server.files.keys()])
        return undefined
      },
    })
    await open(server, { directory: 'drop' }).put([{ path: 'in/list.csv.gz', content: Buffer.from('rows') }])
    expect(seen).toEqual([['drop/in/.list.csv.gz.part']])
    expect([...server.files.keys()]).toEqual(['drop/in/list.csv.gz'])
  })

  it('shows no file before those above it', async () => {
    let refused = true
    const server = await partner({
      refuse: (operation, path) => (operation === 'RENAME' && path === 'list.csv' && refused ? failure : undefined),
    })
    const store = open(server)
    const files = [
      { path: 'list.csv', content: Buffer.from('rows') },
      { path: 'list.csv.manifest.json', content: Buffer.from('{}') },
    ]
    await expect(store.put(files)).rejects.toMatchObject({ outcome: 'unavailable.store', sent: true })
    expect([...server.files.keys()].toSorted()).toEqual(['.list.csv.manifest.json.part', '.list.csv.part'])
    refused = false
    await store.put(files)
    expect([...server.files.keys()].toSorted()).toEqual(['list.csv', 'list.csv.manifest.json'])
  })

  it('gives up what is under way when the connection is cut', async () => {
    let cutting = true
    const server = await partner({
      refuse: (operation) => {
        if (operation === 'WRITE' && cutting) server.cut()
        return undefined
      },
    })
    const store = open(server)
    const large = Buffer.alloc(5_000_000, 'x')
    await expect(store.put([{ path: 'a', content: large }])).rejects.toMatchObject({ outcome: 'unavailable.store', sent: true })
    cutting = false
    await store.put([{ path: 'a', content: large }])
    expect(server.files.get('a')?.equals(large)).toBe(true)
  })

  it('is never talked to with another host key', async () => {
    const [server, other] = [await partner(), await partner()]
    const store = open(server, { hostKeys: [other.fingerprint] })
    await expect(store.put([{ path: 'a', content: Buffer.from('x') }])).rejects.toMatchObject({
      outcome: 'configuration.host-key',
      sent: false,
    })
    expect(server.sessions()).toBe(0)
  })

  it('may have two host keys while the partner changes them, in either notation', async () => {
    const [server, other] = [await partner(), await partner()]
    const hex = Buffer.from(server.fingerprint.slice(7), 'base64').toString('hex')
    const store = open(server, { hostKeys: [other.fingerprint, hex] })
    await store.put([{ path: 'a', content: Buffer.from('x') }])
    expect(server.files.size).toBe(1)
  })

  it('needs a fingerprint', async () => {
    const server = await partner()
    expect(() => open(server, { hostKeys: [] })).toThrow(SettingsError)
    expect(() => open(server, { hostKeys: ['ssh-ed25519 AAAA'] })).toThrow(SettingsError)
  })

  it('tells a refused key, a key that is none, and a missing one apart', async () => {
    const server = await partner()
    await expect(open(server, { privateKey: 'env:OTHER' }).get('a')).rejects.toMatchObject({ outcome: 'auth.refused', sent: false })
    await expect(open(server, { privateKey: 'env:GARBAGE' }).get('a')).rejects.toMatchObject({
      outcome: 'configuration.private-key',
      sent: false,
    })
    await expect(open(server, { privateKey: 'env:NONE' }).get('a')).rejects.toMatchObject({
      outcome: 'configuration.credential-missing',
      sent: false,
    })
  })

  it('calls a server that is away unavailable, with nothing sent', async () => {
    const server = await partner()
    await server.stop()
    await expect(open(server).put([{ path: 'a', content: Buffer.from('x') }])).rejects.toMatchObject({
      outcome: 'unavailable.connect',
      sent: false,
    })
  })

  it.each([
    [noSuchFile, 'configuration.no-such-folder'],
    [permissionDenied, 'configuration.permission-denied'],
    [failure, 'unavailable.store'],
  ])('calls status %i %s', async (status, outcome) => {
    const server = await partner({ refuse: (operation) => (operation === 'OPEN' ? status : undefined) })
    await expect(open(server).put([{ path: 'a', content: Buffer.from('x') }])).rejects.toMatchObject({ outcome })
  })

  it('uses one connection, and makes a new one after it was cut', async () => {
    const server = await partner()
    const store = open(server)
    await store.put([{ path: 'a', content: Buffer.from('1') }])
    await store.put([{ path: 'b', content: Buffer.from('2') }])
    expect(server.sessions()).toBe(1)
    server.cut()
    await expect
      .poll(async () => {
        await store.put([{ path: 'c', content: Buffer.from('3') }]).catch(() => undefined)
        return server.files.has('c')
      })
      .toBe(true)
    expect(server.sessions()).toBe(2)
  })

  it('puts new files where posix-rename is not offered, and refuses to replace one half-safely', async () => {
    const server = await partner({ posixRename: false })
    const store = open(server)
    await store.put([{ path: 'a', content: Buffer.from('1') }])
    await store.put([{ path: 'a', content: Buffer.from('1') }])
    await expect(store.put([{ path: 'a', content: Buffer.from('other') }])).rejects.toMatchObject({
      outcome: 'configuration.no-atomic-replace',
    })
    expect(server.files.get('a')?.toString()).toBe('1')
  })
})
