import type { FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import ssh2, { type SFTPWrapper } from 'ssh2'
import type { Switches } from '../frame/misbehaviour.ts'
import type { Stage } from '../frame/vendor.ts'
import type { HashedEmailFault } from './control.ts'
import { FAILURE, type HomeFiles, NO_SPACE, PERMISSION_DENIED, SftpError } from './sftp-files.ts'

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp

/** What a session serves and to whom. */
export interface SessionContext {
  readonly stage: Stage
  readonly switches: Switches<HashedEmailFault>
  readonly user: string
  readonly files: HomeFiles
  /** Called when a file may have appeared under its final name. */
  changed(): void
  /** Cuts the connection without a word. */
  cut(): void
}

interface OpenHandle {
  readonly path: string
  readonly file?: FileHandle
  /** A listing, until it was handed out. */
  listing?: Awaited<ReturnType<HomeFiles['list']>> | undefined
}

// after so long an operation that is never answered ends with its connection
const GIVES_UP_MS = 120_000
const POSIX_RENAME = 'posix-rename@openssh.com'
const FSYNC = 'fsync@openssh.com'

/** Serves one SFTP session (protocol version 3) over the partner's files. */
export function serveSftp(sftp: SFTPWrapper, context: SessionContext): void {
  const { stage, switches, files, user } = context
  const handles = new Map<number, OpenHandle>()
  let nextHandle = 1
  announceExtensions(sftp, { [POSIX_RENAME]: '1', [FSYNC]: '1' })

  const keep = (handle: OpenHandle): Buffer => {
    const id = nextHandle
    nextHandle += 1
    handles.set(id, handle)
    const name = Buffer.alloc(4)
    name.writeUInt32BE(id)
    return name
  }
  const find = (handle: Buffer): OpenHandle => {
    const found = handle.length === 4 ? handles.get(handle.readUInt32BE()) : undefined
    if (found === undefined) throw new SftpError(FAILURE)
    return found
  }
  const fileOf = (handle: Buffer): FileHandle => {
    const { file } = find(handle)
    if (file === undefined) throw new SftpError(FAILURE)
    return file
  }
  const template = (path: string): string => `/${user}/${path.replace(/^\/+/, '').replace(/(?<=^(in|ack)\/).+/, '{file}')}`

  // Each operation: wait where it is slow, refuse where a switch says so, do it, answer it, log it.
  const performNow = async (
    operation: string,
    path: string,
    id: number,
    run: () => Promise<() => void>,
    writes: boolean,
  ): Promise<void> => {
    const startedAt = performance.now()
    const occasion = { method: operation, path: path === '' ? `/${user}` : template(path) }
    const log = (status: string, misbehaved?: string): void => {
      if (operation === 'READ' || operation === 'WRITE') return
      const durationMs = Math.round((performance.now() - startedAt) * 10) / 10
      const at = new Date(stage.clock.now()).toISOString()
      stage.requests.record({ at, method: operation, path: occasion.path, status, items: 0, durationMs, ...(misbehaved && { misbehaved }) })
    }
    // a server that goes down takes the sessions with it that stand open
    if (switches.take('down', occasion) !== undefined) {
      log('none', 'down')
      return context.cut()
    }
    try {
      const slow = switches.take('slow', occasion)
      if (slow !== undefined) await sleep(slow.ms ?? 1000)
      if (writes && switches.take('permission-denied', occasion) !== undefined) throw new SftpError(PERMISSION_DENIED)
      if (operation === 'WRITE' && switches.take('disk-full', occasion) !== undefined) throw new SftpError(NO_SPACE)
      const answer = await run()
      const silent = operation === 'RENAME' ? switches.take('applied-then-timeout', occasion) : undefined
      if (silent !== undefined) {
        log('none', silent.kind)
        if (silent.afterwards === 'reset') context.cut()
        else stage.clock.after(GIVES_UP_MS, context.cut)
        return
      }
      answer()
      log('OK', slow?.kind)
    } catch (error) {
      if (!(error instanceof SftpError)) stage.failed(error)
      const refusal = error instanceof SftpError ? error.refusal : FAILURE
      sftp.status(id, refusal.code, refusal.message)
      log(refusal.message)
    }
  }
  // One after the other, as a server has to do what concerns one file: draft-ietf-secsh-filexfer-02 §6.1.
  let turn = Promise.resolve()
  const perform = (operation: string, path: string, id: number, run: () => Promise<() => void>, writes = false): void => {
    turn = turn.then(() => performNow(operation, path, id, run, writes))
  }
  const ok = (id: number) => () => sftp.status(id, STATUS_CODE.OK)

  sftp.on('REALPATH', (id, path) => {
    const full = `/${path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/')}`
    sftp.name(id, [{ filename: full, longname: full, attrs: NO_ATTRIBUTES }])
  })
  sftp.on('OPEN', (id, path, flags) => {
    const writes = (flags & (OPEN_MODE.WRITE | OPEN_MODE.APPEND | OPEN_MODE.CREAT)) !== 0
    perform(
      'OPEN',
      path,
      id,
      async () => {
        const handle = keep({ path, file: await files.open(path, flags) })
        return () => sftp.handle(id, handle)
      },
      writes,
    )
  })
  sftp.on('WRITE', (id, handle, offset, data) => {
    perform('WRITE', '', id, async () => {
      await fileOf(handle).write(data, 0, data.length, offset)
      return ok(id)
    })
  })
  sftp.on('READ', (id, handle, offset, length) => {
    perform('READ', '', id, async () => {
      const { bytesRead, buffer } = await fileOf(handle).read(Buffer.alloc(length), 0, length, offset)
      return bytesRead === 0 ? () => sftp.status(id, STATUS_CODE.EOF) : () => sftp.data(id, buffer.subarray(0, bytesRead))
    })
  })
  sftp.on('CLOSE', (id, handle) => {
    const { path } = handles.get(handle.length === 4 ? handle.readUInt32BE() : 0) ?? { path: '' }
    perform('CLOSE', path, id, async () => {
      const { file } = find(handle)
      handles.delete(handle.readUInt32BE())
      await file?.close()
      context.changed()
      return ok(id)
    })
  })
  sftp.on('FSTAT', (id, handle) => {
    perform('STAT', '', id, async () => {
      const attributes = await files.attributes(find(handle).path)
      return () => sftp.attrs(id, attributes)
    })
  })
  const onStat = (id: number, path: string): void => {
    perform('STAT', path, id, async () => {
      const attributes = await files.attributes(path)
      return () => sftp.attrs(id, attributes)
    })
  }
  sftp.on('STAT', onStat)
  sftp.on('LSTAT', onStat)
  sftp.on('SETSTAT', (id) => sftp.status(id, STATUS_CODE.OK))
  sftp.on('FSETSTAT', (id) => sftp.status(id, STATUS_CODE.OK))
  sftp.on('OPENDIR', (id, path) => {
    perform('LIST', path, id, async () => {
      const handle = keep({ path, listing: await files.list(path) })
      return () => sftp.handle(id, handle)
    })
  })
  sftp.on('READDIR', (id, handle) => {
    perform('READ', '', id, async () => {
      const open = find(handle)
      const { listing } = open
      open.listing = undefined
      return listing === undefined || listing.length === 0 ? () => sftp.status(id, STATUS_CODE.EOF) : () => sftp.name(id, listing)
    })
  })
  sftp.on('REMOVE', (id, path) => {
    perform(
      'REMOVE',
      path,
      id,
      async () => {
        await files.remove(path)
        return ok(id)
      },
      true,
    )
  })
  const onRename = (id: number, from: string, to: string, replaces: boolean): void => {
    perform(
      'RENAME',
      to,
      id,
      async () => {
        await files.rename(from, to, replaces)
        context.changed()
        return ok(id)
      },
      true,
    )
  }
  sftp.on('RENAME', (id, from, to) => onRename(id, from, to, false))
  sftp.on('MKDIR', (id) => sftp.status(id, PERMISSION_DENIED.code, PERMISSION_DENIED.message))
  sftp.on('RMDIR', (id) => sftp.status(id, PERMISSION_DENIED.code, PERMISSION_DENIED.message))
  sftp.on('EXTENDED', (id, name, data) => {
    if (name === POSIX_RENAME) {
      const [from = '', to = ''] = readStrings(data)
      return onRename(id, from, to, true)
    }
    return sftp.status(id, name === FSYNC ? STATUS_CODE.OK : STATUS_CODE.OP_UNSUPPORTED)
  })
  sftp.on('close', () => {
    for (const { file } of handles.values()) file?.close().catch(stage.failed)
    handles.clear()
  })
}

const NO_ATTRIBUTES = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 }

function readStrings(data: Buffer): string[] {
  const strings: string[] = []
  for (let at = 0; at + 4 <= data.length; ) {
    const length = data.readUInt32BE(at)
    strings.push(data.toString('utf8', at + 4, at + 4 + length))
    at += 4 + length
  }
  return strings
}

/** The inside of ssh2's session that its types leave out. */
interface SessionInside {
  outgoing: { window: number }
  _protocol: { channelData(channel: number, data: Buffer): unknown }
}

// ssh2 serves extended operations but has no way to announce them, and clients use only what is announced. The first data that a
// server sends is its version; the extensions belong to the end of that packet.
function announceExtensions(sftp: SFTPWrapper, extensions: Readonly<Record<string, string>>): void {
  const inside = sftp as unknown as SessionInside
  const protocol = inside._protocol
  const text = (value: string): Buffer => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(value))
    return Buffer.concat([length, Buffer.from(value)])
  }
  inside._protocol = Object.create(protocol, {
    channelData: {
      value(channel: number, version: Buffer) {
        inside._protocol = protocol
        const added = Buffer.concat(Object.entries(extensions).flatMap(([name, value]) => [text(name), text(value)]))
        const packet = Buffer.concat([version, added])
        packet.writeUInt32BE(packet.length - 4, 0)
        inside.outgoing.window -= added.length
        return protocol.channelData(channel, packet)
      },
    },
  })
}
