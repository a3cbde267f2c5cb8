import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join, posix } from 'node:path'
import ssh2, { type Attributes } from 'ssh2'

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp

/** A refusal as the protocol says it: a status code and a message. */
export interface SftpRefusal {
  readonly code: number
  readonly message: string
}

export const NO_SUCH_FILE: SftpRefusal = { code: STATUS_CODE.NO_SUCH_FILE, message: 'No such file' }
export const PERMISSION_DENIED: SftpRefusal = { code: STATUS_CODE.PERMISSION_DENIED, message: 'Permission denied' }
export const FAILURE: SftpRefusal = { code: STATUS_CODE.FAILURE, message: 'Failure' }
export const NO_SPACE: SftpRefusal = { code: STATUS_CODE.FAILURE, message: 'No space left on device' }

/** Thrown by file operations; anything else that is thrown is answered as a plain failure. */
export class SftpError extends Error {
  readonly refusal: SftpRefusal

  constructor(refusal: SftpRefusal) {
    super(refusal.message)
    this.name = 'SftpError'
    this.refusal = refusal
  }
}

/** A path of the partner's home, which has two flat folders: `/in` to write and `/ack` to read. */
export type HomePath =
  | { readonly kind: 'home' }
  | { readonly kind: 'folder'; readonly folder: 'in' | 'ack' }
  | { readonly kind: 'file'; readonly folder: 'in' | 'ack'; readonly name: string }

/** Reads a client's path, relative or absolute; a path outside the two folders leads nowhere. */
export function readHomePath(path: string): HomePath | undefined {
  const [folder = '', name, ...deeper] = posix
    .normalize(posix.join('/', path))
    .split('/')
    .slice(1)
    .filter((part) => part !== '')
  if (folder === '') return { kind: 'home' }
  if ((folder !== 'in' && folder !== 'ack') || deeper.length > 0) return undefined
  return name === undefined ? { kind: 'folder', folder } : { kind: 'file', folder, name }
}

/** The files of one partner's home, as an SFTP session may touch them. */
export interface HomeFiles {
  open(path: string, flags: number): Promise<FileHandle>
  list(path: string): Promise<{ filename: string; longname: string; attrs: Attributes }[]>
  attributes(path: string): Promise<Attributes>
  remove(path: string): Promise<void>
  /** `replaces`: the POSIX rename, which takes the place of an existing file; the plain one fails then. */
  rename(from: string, to: string, replaces: boolean): Promise<void>
}

/** The home at `root`. New files come into `in/` only; acks can be read and removed. */
export function homeFiles(root: string): HomeFiles {
  const real = (path: string): string => {
    const read = readHomePath(path)
    if (read === undefined) throw new SftpError(NO_SUCH_FILE)
    return read.kind === 'home' ? root : read.kind === 'folder' ? join(root, read.folder) : join(root, read.folder, read.name)
  }
  const file = (path: string, purpose: 'read' | 'write' | 'remove'): string => {
    const read = readHomePath(path)
    if (read === undefined) throw new SftpError(NO_SUCH_FILE)
    if (read.kind !== 'file') throw new SftpError(FAILURE)
    if (purpose === 'write' && read.folder !== 'in') throw new SftpError(PERMISSION_DENIED)
    return join(root, read.folder, read.name)
  }

  return {
    async open(path, flags) {
      const writes = (flags & (OPEN_MODE.WRITE | OPEN_MODE.APPEND | OPEN_MODE.CREAT)) !== 0
      try {
        return await open(file(path, writes ? 'write' : 'read'), nodeFlags(flags))
      } catch (error) {
        throw translated(error)
      }
    },
    async list(path) {
      const folder = real(path)
      const entries = await readdir(folder).catch((error: unknown) => {
        throw translated(error)
      })
      return Promise.all(
        entries.map(async (filename) => {
          const attrs = await this.attributes(posix.join(path, filename))
          return {
            filename,
            longname: `${(attrs.mode & 0o40000) === 0 ? '-rw-r-----' : 'drwxr-x---'} 1 heed heed ${attrs.size} ${filename}`,
            attrs,
          }
        }),
      )
    },
    async attributes(path) {
      try {
        const { mode, uid, gid, size, atimeMs, mtimeMs } = await stat(real(path))
        return { mode, uid, gid, size, atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) }
      } catch (error) {
        throw translated(error)
      }
    },
    async remove(path) {
      await unlink(file(path, 'remove')).catch((error: unknown) => {
        throw translated(error)
      })
    },
    async rename(from, to, replaces) {
      const [source, target] = [file(from, 'write'), file(to, 'write')]
      if (!replaces && (await exists(target))) throw new SftpError(FAILURE)
      await rename(source, target).catch((error: unknown) => {
        throw translated(error)
      })
    },
  }
}

function nodeFlags(flags: number): string {
  const exclusive = (flags & OPEN_MODE.EXCL) !== 0 ? 'x' : ''
  if ((flags & OPEN_MODE.APPEND) !== 0) return `a${exclusive}`
  if ((flags & OPEN_MODE.WRITE) === 0) return 'r'
  const reads = (flags & OPEN_MODE.READ) !== 0 ? '+' : ''
  if ((flags & OPEN_MODE.TRUNC) !== 0 || exclusive !== '') return `w${exclusive}${reads}`
  return (flags & OPEN_MODE.CREAT) !== 0 ? 'a+' : 'r+'
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function translated(error: unknown): SftpError {
  if (error instanceof SftpError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return new SftpError(NO_SUCH_FILE)
  if (code === 'EACCES' || code === 'EPERM') return new SftpError(PERMISSION_DENIED)
  return new SftpError(code === 'ENOSPC' ? NO_SPACE : FAILURE)
}
