import { createHash } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import ssh2 from 'ssh2'
import SftpClient, { type ConnectOptions } from 'ssh2-sftp-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../index.ts'
import { keptKeyPair } from './keys.ts'
import { aFile, sha256, type TestFile } from './test-file.ts'

let sandbox: Sandbox
const clients: SftpClient[] = []
const ada = 'ada@example.com'
const control = () => sandbox.hashedEmail.control

beforeAll(async () => {
  const partners = [
    { name: 'partner', profile: 'plain-sha256-hex' as const, knownPeople: [ada] },
    { name: 'other', profile: 'uid2-sha256-b64' as const },
  ]
  sandbox = await startSandbox({ port: 0, vendors: ['hashed-email'], hashedEmail: { ackDelayMs: 0, partners } })
})
afterAll(() => sandbox.stop())
beforeEach(() => control().reset())
afterEach(async () => {
  control().behave()
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)))
})

async function connect(options: ConnectOptions = {}): Promise<SftpClient> {
  const client = new SftpClient('test', { error: () => undefined, end: () => undefined, close: () => undefined })
  clients.push(client)
  const { host, port, hostKeySha256, clientKey } = sandbox.hashedEmail
  await client.connect({
    // a socket of its own, without Nagle's algorithm: an SFTP session is a row of small packets
    sock: connectSocket({ host, port, noDelay: true }),
    username: 'partner',
    privateKey: clientKey.privateKey,
    hostHash: 'sha256',
    hostVerifier: (seen: string) => seen === hostKeySha256,
    readyTimeout: 5000,
    ...options,
  })
  return client
}

/** Opens and writes by ssh2 itself: the upload of ssh2-sftp-client 12.1 does not report a write that was refused. */
async function rawWrite(path: string, flags: 'w' | 'wx'): Promise<void> {
  const { host, port, clientKey } = sandbox.hashedEmail
  const client = new ssh2.Client()
  try {
    await new Promise<void>((resolve, reject) => {
      client.on('error', reject).on('ready', () => {
        client.sftp((failed, sftp) => {
          if (failed) return reject(failed)
          return sftp.open(path, flags, (refused, handle) => {
            if (refused) return reject(refused)
            return sftp.write(handle, Buffer.from('y'), 0, 1, 0, (error) => (error ? reject(error) : resolve()))
          })
        })
      })
      client.connect({ sock: connectSocket({ host, port, noDelay: true }), username: 'partner', privateKey: clientKey.privateKey })
    })
  } finally {
    client.end()
  }
}

async function put(client: SftpClient, name: string, bytes: Buffer): Promise<void> {
  await client.put(bytes, `in/.${name}.part`)
  await client.posixRename(`in/.${name}.part`, `in/${name}`)
}

async function deliver(client: SftpClient, options: TestFile): Promise<string> {
  const { name, bytes, manifest } = aFile(options)
  await put(client, name, bytes)
  await put(client, `${name}.manifest.json`, manifest)
  return name
}

it('carries a file to the partner and its answer back', async () => {
  const client = await connect()
  const name = await deliver(client, { rows: [{ hash: sha256(ada) }] })
  await expect.poll(() => client.exists(`ack/${name}.ack.json`)).toBe('-')
  const ack = JSON.parse((await client.get(`ack/${name}.ack.json`)).toString())
  expect(ack).toMatchObject({ file: name, status: 'accepted', rows_ok: 1 })
  expect(control().person({ address: ada })).toMatchObject([{ partner: 'partner', suppressed: true, scopes: ['all'] }])
  expect((await client.list('/ack')).map(({ name: listed }) => listed)).toEqual([`${name}.ack.json`])
})

it('carries large files whole', async () => {
  const rows = Array.from({ length: 20_000 }, (_, n) => ({ hash: sha256(`person-${n}@example.com`) }))
  await deliver(await connect(), { rows })
  await control().idle()
  expect(
    control()
      .requests()
      .find(({ method }) => method === 'FILE'),
  ).toMatchObject({ status: 'accepted', items: 20_000 })
})

it('shows every partner its own home only', async () => {
  const client = await connect()
  await put(client, 'note.txt', Buffer.from('x'))
  const other = await connect({ username: 'other' })
  expect(await other.list('in')).toEqual([])
  expect(await other.exists('../partner/in/note.txt')).toBe(false)
  expect((await other.list('/')).map(({ name }) => name).toSorted()).toEqual(['ack', 'in'])
})

describe('renaming', () => {
  it('replaces by the POSIX rename, fails by the plain one when the target exists', async () => {
    const client = await connect()
    await put(client, 'a.txt', Buffer.from('one'))
    await client.put(Buffer.from('two'), 'in/b.txt')
    await expect(client.rename('in/b.txt', 'in/a.txt')).rejects.toThrow('Failure')
    await client.posixRename('in/b.txt', 'in/a.txt')
    expect((await client.get('in/a.txt')).toString()).toBe('two')
    await client.rename('in/a.txt', 'in/c.txt')
    expect(await client.exists('in/c.txt')).toBe('-')
  })
})

describe('writing', () => {
  it('refuses to open an existing file exclusively', async () => {
    const client = await connect()
    await client.put(Buffer.from('one'), 'in/a.txt')
    await expect(rawWrite('in/a.txt', 'wx')).rejects.toThrow('Failure')
  })
  it('is allowed in `in` only; acks may be read and removed', async () => {
    const client = await connect()
    await expect(client.put(Buffer.from('x'), 'ack/forged.ack.json')).rejects.toThrow('Permission denied')
    await expect(client.put(Buffer.from('x'), 'elsewhere.txt')).rejects.toThrow('No such file')
    await expect(client.mkdir('in/deeper')).rejects.toThrow('Permission denied')
    const name = await deliver(client, { rows: [] })
    await expect.poll(() => client.exists(`ack/${name}.ack.json`)).toBe('-')
    await client.delete(`ack/${name}.ack.json`)
    await client.delete(`in/${name}`)
    expect(await client.list('ack')).toEqual([])
  })
  it('says so when a file is not there', async () => {
    await expect((await connect()).get('in/nothing')).rejects.toThrow('No such file')
  })
})

describe('signing in', () => {
  it('wants a key that is known', async () => {
    const stranger = keptKeyPair(control().partners()[0]?.folder ?? '', 'stranger')
    await expect(connect({ privateKey: stranger.privateKey })).rejects.toThrow('All configured authentication methods failed')
    control().authorize(stranger.publicKey)
    expect(await (await connect({ privateKey: stranger.privateKey })).exists('in')).toBe('d')
  })
  it('knows no passwords and no strangers', async () => {
    const { host, port } = sandbox.hashedEmail
    const client = new SftpClient('test', { error: () => undefined, end: () => undefined, close: () => undefined })
    clients.push(client)
    await expect(client.connect({ sock: connectSocket({ host, port }), username: 'partner', password: 'partner' })).rejects.toThrow(
      'authentication methods failed',
    )
    await expect(connect({ username: 'nobody' })).rejects.toThrow('All configured authentication methods failed')
  })
  it('shows one host key, whose fingerprint can be pinned', async () => {
    const seen: string[] = []
    await connect({ hostVerifier: (hash: string) => seen.push(hash) > 0 })
    expect(seen).toEqual([sandbox.hashedEmail.hostKeySha256])
    expect(sandbox.hashedEmail.clientKey.publicKey).toMatch(/^ssh-ed25519 /)
  })
})

describe('switches', () => {
  it('host-key-changed: another key, whose fingerprint is told too', async () => {
    control().misbehave({ kind: 'host-key-changed', count: 2 })
    await expect(connect()).rejects.toThrow('verification failed')
    await connect({ hostVerifier: (seen: string) => seen === sandbox.hashedEmail.otherHostKeySha256 })
    await connect()
  })
  it('down: the connection is reset', async () => {
    control().misbehave({ kind: 'down', count: 1 })
    await expect(connect()).rejects.toThrow(/ECONNRESET|reset/)
  })
  it('down: a session that stands open ends with the next operation, which does nothing', async () => {
    const client = await connect()
    control().misbehave({ kind: 'down', count: 1 })
    await expect(client.put(Buffer.from('x'), 'in/a.txt')).rejects.toThrow()
    expect(await (await connect()).exists('in/a.txt')).toBe(false)
  })
  it('rate-limited: the connection is closed before it begins', async () => {
    control().misbehave({ kind: 'rate-limited', count: 1 })
    await expect(connect()).rejects.toThrow()
    await connect()
  })
  it('revoked-key: nobody signs in', async () => {
    control().misbehave({ kind: 'revoked-key' })
    await expect(connect()).rejects.toThrow('All configured authentication methods failed')
  })
  it('disk-full: writing fails, and what was uploaded before is still there', async () => {
    const client = await connect()
    await client.put(Buffer.from('x'), 'in/a.txt')
    control().misbehave({ kind: 'disk-full', count: 1 })
    await expect(rawWrite('in/b.txt', 'w')).rejects.toThrow('No space left on device')
    expect((await client.stat('in/b.txt')).size).toBe(0)
    expect(await client.exists('in/a.txt')).toBe('-')
  })
  it('permission-denied: nothing can be written, all can be read', async () => {
    const client = await connect()
    control().misbehave({ kind: 'permission-denied' })
    await expect(client.put(Buffer.from('x'), 'in/a.txt')).rejects.toThrow('Permission denied')
    expect(await client.list('in')).toEqual([])
  })
  it('slow: every operation takes its time', async () => {
    const client = await connect()
    control().misbehave({ kind: 'slow', ms: 60, count: 1 })
    const before = performance.now()
    await client.exists('in')
    expect(performance.now() - before).toBeGreaterThanOrEqual(59)
  })
  it('applied-then-timeout: the file is there, the answer is not', async () => {
    const client = await connect()
    await client.put(Buffer.from('x'), 'in/.a.part')
    control().misbehave({ kind: 'applied-then-timeout', afterwards: 'reset', count: 1 })
    await expect(client.posixRename('in/.a.part', 'in/a')).rejects.toThrow()
    expect(await (await connect()).exists('in/a')).toBe('-')
  })
})

it('logs operations by partner and folder, without names of files', async () => {
  const client = await connect()
  const name = await deliver(client, { rows: [] })
  const log = JSON.stringify(control().requests())
  expect(log).toContain('"RENAME","path":"/partner/in/{file}"')
  for (const text of [name, createHash('sha256').update(ada).digest('hex')]) expect(log).not.toContain(text)
})
