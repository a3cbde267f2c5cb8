import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import ssh2, { type Connection, type SFTPWrapper } from 'ssh2'

const { STATUS_CODE, OPEN_MODE } = ssh2.utils.sftp

/** A partner's server for tests: the real protocol over a socket, files in memory. */
export interface SftpFixture {
  readonly port: number
  readonly files: Map<string, Buffer>
  /** The fingerprint of the host key as `ssh-keygen -l` prints it. */
  readonly fingerprint: string
  /** How many sessions were begun. */
  readonly sessions: () => number
  /** Cuts every connection. */
  cut(): void
  stop(): Promise<void>
}

export interface SftpFixtureOptions {
  readonly authorizedKey: string
  /** Announces posix-rename@openssh.com; true unless told. */
  readonly posixRename?: boolean
  /** What an operation on a path is answered with instead of being done. */
  refuse?(operation: string, path: string): number | undefined
}

/** An ed25519 pair in OpenSSH's notation. */
export function newKeyPair(): { private: string; public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519')
    // now and then the generator drops a leading zero byte, and the key cannot be read
    if (![pair.private, pair.public].some((text) => ssh2.utils.parseKey(text) instanceof Error)) return pair
  }
}

const fingerprintOf = (publicKey: string): string =>
  `SHA256:${createHash('sha256')
    .update(Buffer.from(publicKey.split(' ')[1] ?? '', 'base64'))
    .digest('base64')
    .replace(/=+$/, '')}`

export async function startSftpServer(options: SftpFixtureOptions): Promise<SftpFixture> {
  const host = newKeyPair()
  const files = new Map<string, Buffer>()
  const connections = new Set<Connection>()
  const authorized = ssh2.utils.parseKey(options.authorizedKey)
  if (authorized instanceof Error) throw authorized
  let sessions = 0

  const server = new ssh2.Server({ hostKeys: [host.private] }, (connection) => {
    connections.add(connection)
    // not in the types; without it each answer waits for an acknowledgement
    ;(connection as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true)
    connection.on('error', () => undefined).on('close', () => connections.delete(connection))
    connection.on('authentication', (context) => {
      const known = context.method === 'publickey' && context.key.data.equals(authorized.getPublicSSH())
      if (!known) return context.reject(['publickey'])
      if (
        context.signature !== undefined &&
        authorized.verify(context.blob ?? Buffer.alloc(0), context.signature, context.hashAlgo) !== true
      )
        return context.reject()
      context.accept()
    })
    connection.on('session', (accept) => {
      accept().on('sftp', (acceptSftp) => {
        sessions += 1
        serve(acceptSftp(), files, options)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const connection of connections) connection.end()
  }
  return {
    port: (server.address() as AddressInfo).port,
    files,
    fingerprint: fingerprintOf(host.public),
    sessions: () => sessions,
    cut,
    stop: () => {
      cut()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function serve(sftp: SFTPWrapper, files: Map<string, Buffer>, options: SftpFixtureOptions): void {
  const handles = new Map<number, { path: string; content: Buffer; writes: boolean }>()
  let lastHandle = 0
  if (options.posixRename !== false) announcePosixRename(sftp)

  const guard = (operation: string, path: string, id: number, work: () => void) => {
    const refusal = options.refuse?.(operation, path)
    if (refusal === undefined) work()
    else sftp.status(id, refusal)
  }
  const attributes = (content: Buffer) => ({ mode: 0o100640, uid: 0, gid: 0, size: content.length, atime: 0, mtime: 0 })
  const stat = (id: number, path: string) =>
    guard('STAT', path, id, () => {
      const content = files.get(path)
      if (content === undefined) sftp.status(id, STATUS_CODE.NO_SUCH_FILE)
      else sftp.attrs(id, attributes(content))
    })
  const rename = (id: number, from: string, to: string, replaces: boolean) =>
    guard('RENAME', to, id, () => {
      const content = files.get(from)
      if (content === undefined) return sftp.status(id, STATUS_CODE.NO_SUCH_FILE)
      if (files.has(to) && !replaces) return sftp.status(id, STATUS_CODE.FAILURE)
      files.delete(from)
      files.set(to, content)
      sftp.status(id, STATUS_CODE.OK)
    })
  const handleOf = (handle: Buffer) => handles.get(handle.readUInt32BE(0))

  sftp.on('REALPATH', (id, path) => sftp.name(id, [{ filename: path, longname: path, attrs: attributes(Buffer.alloc(0)) }]))
  sftp.on('STAT', stat).on('LSTAT', stat)
  sftp.on('OPEN', (id, path, flags) =>
    guard('OPEN', path, id, () => {
      const writes = (flags & OPEN_MODE.WRITE) !== 0
      const there = files.get(path)
      if (!writes && there === undefined) return sftp.status(id, STATUS_CODE.NO_SUCH_FILE)
      lastHandle += 1
      handles.set(lastHandle, { path, content: writes ? Buffer.alloc(0) : (there ?? Buffer.alloc(0)), writes })
      if (writes) files.set(path, Buffer.alloc(0))
      const handle = Buffer.alloc(4)
      handle.writeUInt32BE(lastHandle)
      sftp.handle(id, handle)
    }),
  )
  sftp.on('FSTAT', (id, handle) => {
    const open = handleOf(handle)
    if (open === undefined) sftp.status(id, STATUS_CODE.FAILURE)
    else sftp.attrs(id, attributes(open.content))
  })
  sftp.on('READ', (id, handle, offset, length) => {
    const open = handleOf(handle)
    if (open === undefined) return sftp.status(id, STATUS_CODE.FAILURE)
    if (offset >= open.content.length) return sftp.status(id, STATUS_CODE.EOF)
    sftp.data(id, open.content.subarray(offset, offset + length))
  })
  sftp.on('WRITE', (id, handle, offset, data) => {
    const open = handleOf(handle)
    if (open === undefined) return sftp.status(id, STATUS_CODE.FAILURE)
    guard('WRITE', open.path, id, () => {
      const grown = Buffer.alloc(Math.max(open.content.length, offset + data.length))
      open.content.copy(grown)
      data.copy(grown, offset)
      open.content = grown
      files.set(open.path, grown)
      sftp.status(id, STATUS_CODE.OK)
    })
  })
  sftp.on('CLOSE', (id, handle) => {
    handles.delete(handle.readUInt32BE(0))
    sftp.status(id, STATUS_CODE.OK)
  })
  sftp.on('RENAME', (id, from, to) => rename(id, from, to, false))
  sftp.on('EXTENDED', (id, name, data) => {
    if (name !== 'posix-rename@openssh.com') return sftp.status(id, STATUS_CODE.OP_UNSUPPORTED)
    const fromLength = data.readUInt32BE(0)
    const from = data.subarray(4, 4 + fromLength).toString()
    rename(id, from, data.subarray(8 + fromLength).toString(), true)
  })
}

/** ssh2 serves extended operations without announcing any: two strings are added to its first packet, the version. */
function announcePosixRename(sftp: SFTPWrapper): void {
  const inner = sftp as unknown as { outgoing: { window: number }; _protocol: { channelData(channel: number, data: Buffer): unknown } }
  const protocol = inner._protocol
  const pair = ['posix-rename@openssh.com', '1'].map((text) => {
    const bytes = Buffer.alloc(4 + text.length)
    bytes.writeUInt32BE(text.length)
    bytes.write(text, 4)
    return bytes
  })
  inner._protocol = Object.assign(Object.create(protocol) as typeof protocol, {
    channelData(channel: number, version: Buffer) {
      inner._protocol = protocol
      const longer = Buffer.concat([version, ...pair])
      longer.writeUInt32BE(longer.length - 4, 0)
      inner.outgoing.window -= longer.length - version.length
      return protocol.channelData(channel, longer)
    },
  })
}
