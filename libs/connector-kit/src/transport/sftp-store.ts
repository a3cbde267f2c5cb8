import { timingSafeEqual } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { HeedError } from '@heed/platform/errors'
import type { SFTPWrapper } from 'ssh2'
import SftpClient from 'ssh2-sftp-client'
import type { CredentialReference, Credentials } from '../contract.ts'
import { CredentialError, SettingsError } from '../settings.ts'
import { checkedPath, type FileStore, StoreFault } from './file-store.ts'
import { posixRename, readWhole, rename, type SftpSession, sizeOf, writeWhole } from './sftp-files.ts'

/** How a partner's SFTP server is reached. */
export interface SftpOptions {
  readonly host: string
  readonly port: number
  readonly username: string
  /** The private key (OpenSSH or PEM text). */
  readonly privateKey: CredentialReference
  /** SHA-256 fingerprints of host keys, as `SHA256:<base64>` or hex; one, or two while the partner changes its key. Any other host key is refused. */
  readonly hostKeys: readonly string[]
  /** The folder on the server that paths are relative to; where the session begins unless told. */
  readonly directory?: string
  readonly credentials: Credentials
  /** How long connecting and signing in may take; 20 s unless told. */
  readonly readyTimeoutMs?: number
  /** A connection that was not used for so long is closed; 30 s unless told. */
  readonly idleMs?: number
}

/** The digest that a fingerprint stands for. Throws `SettingsError` where it is none. */
export function parseFingerprint(text: string): Buffer {
  const trimmed = text.trim()
  const digest = /^SHA256:/i.test(trimmed) ? Buffer.from(trimmed.slice(7), 'base64') : Buffer.from(trimmed.replaceAll(':', ''), 'hex')
  if (digest.length !== 32) throw new SettingsError('hostKeys', 'a fingerprint is SHA256:<base64> or 64 hex digits')
  return digest
}

interface Connected extends SftpSession {
  readonly client: SftpClient
}

/**
 * A partner's SFTP server as a store. One connection, made when it is needed, used by one call at a time, made anew after a fault. Files are written under
 * `.<name>.part` beside each other, their sizes checked, and one after the other renamed over their names (the OpenSSH extension posix-rename, which is atomic and
 * replaces): a data file and its manifest take six round trips. A server without that extension can take new files only: a file that stands there with other bytes is then a fault of the configuration.
 * @throws SettingsError for fingerprints that are none, or none at all: a host that is not pinned is never talked to.
 */
export function sftpStore(options: SftpOptions): FileStore {
  const { host, port, username, privateKey, credentials, directory = '', readyTimeoutMs = 20_000, idleMs = 30_000 } = options
  const pinned = options.hostKeys.map(parseFingerprint)
  if (pinned.length === 0 || pinned.length > 2)
    throw new SettingsError('hostKeys', 'one fingerprint is needed, or two during a change of keys')
  const root = directory === '' || directory === '.' ? '' : `${directory.replace(/\/+$/, '')}/`

  let current: Connected | undefined
  let idle: NodeJS.Timeout | undefined
  let turn: Promise<unknown> = Promise.resolve()

  const drop = async (session: Connected | undefined) => {
    if (session === current) current = undefined
    await session?.client.end().catch(() => undefined)
  }

  const connected = async (): Promise<Connected> => {
    if (current !== undefined) return current
    const key = await credentials.read(privateKey)
    let refusedHost = false
    const loss = new AbortController()
    const lost = new Promise<never>((_, reject) =>
      loss.signal.addEventListener('abort', () => reject(new StoreFault('unavailable.store', true)), { once: true }),
    )
    // it is lost at some time, and mostly nobody waits for anything then
    lost.catch(() => undefined)
    const forget = () => {
      if (current?.client === client) current = undefined
      loss.abort()
    }
    const sock = await openSocket(host, port, readyTimeoutMs)
    // Without these the library prints to the console.
    const client = new SftpClient('heed', { error: forget, end: forget, close: forget })
    let sftp: SFTPWrapper
    try {
      sftp = await client.connect({
        sock,
        username,
        privateKey: key,
        readyTimeout: readyTimeoutMs,
        keepaliveInterval: 10_000,
        keepaliveCountMax: 2,
        hostHash: 'sha256',
        hostVerifier: (hash: string) => {
          const shown = Buffer.from(hash, 'hex')
          const known = pinned.some((digest) => digest.length === shown.length && timingSafeEqual(digest, shown))
          refusedHost = !known
          return known
        },
      })
    } catch (thrown) {
      await client.end().catch(() => undefined)
      sock.destroy()
      throw refusedHost ? new StoreFault('configuration.host-key', false) : connectFault(thrown)
    }
    current = { client, sftp, lost }
    return current
  }

  /** One after the other: an SFTP session in two minds mixes up its answers. */
  const inTurn = <T>(work: (session: SftpSession) => Promise<T>, writes: boolean): Promise<T> => {
    const result = turn.then(async () => {
      clearTimeout(idle)
      let session: Connected | undefined
      try {
        session = await connected()
        return await work(session)
      } catch (thrown) {
        const fault = faultOf(thrown, writes && session !== undefined)
        // what is missing or forbidden is no fault of the connection
        if (!(fault instanceof StoreFault) || fault.outcome.startsWith('unavailable.')) await drop(session)
        throw fault
      } finally {
        idle = setTimeout(() => void drop(current), idleMs)
        idle.unref()
      }
    })
    turn = result.catch(() => undefined)
    return result
  }

  return {
    put: async (files) => {
      const targets = files.map(({ path, content }) => targetOf(root + checkedPath(path), content))
      await inTurn(async (session) => {
        const there = await Promise.all(targets.map((target) => isThere(session, target)))
        const missing = targets.filter((_, index) => there[index] !== true)
        await Promise.all(missing.map(({ part, content }) => writeWhole(session, part, content)))
        for (const { part, path } of missing) await replace(session, part, path)
      }, true)
    },
    get: async (path) => {
      const target = root + checkedPath(path)
      return inTurn((session) => readWhole(session, target), false)
    },
    close: async () => {
      clearTimeout(idle)
      await drop(current)
    },
  }
}

// Our own socket, because SFTP is many small questions and answers: with Nagle's algorithm each would wait 40 ms for the other side's acknowledgement.
function openSocket(host: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, timeout: timeoutMs })
    const fail = (error: Error) => {
      socket.destroy()
      reject(connectFault(error))
    }
    socket.once('error', fail)
    socket.once('timeout', () => fail(new Error('timeout')))
    socket.once('connect', () => {
      socket.off('error', fail)
      socket.setTimeout(0)
      resolve(socket)
    })
  })
}

/** A file as it is put: first under a name that nobody looks for. */
interface Target {
  readonly path: string
  readonly part: string
  readonly content: Buffer
}

function targetOf(path: string, content: Uint8Array): Target {
  const slash = path.lastIndexOf('/') + 1
  return {
    path,
    part: `${path.slice(0, slash)}.${path.slice(slash)}.part`,
    content: Buffer.from(content.buffer, content.byteOffset, content.byteLength),
  }
}

async function isThere(session: SftpSession, { path, content }: Target): Promise<boolean> {
  if ((await sizeOf(session, path)) !== content.length) return false
  return (await readWhole(session, path))?.equals(content) === true
}

async function replace(session: SftpSession, part: string, target: string): Promise<void> {
  try {
    await posixRename(session, part, target)
  } catch (thrown) {
    if (!/does not support this extended request/.test(messageOf(thrown))) throw thrown
    if ((await sizeOf(session, target)) !== undefined) throw new StoreFault('configuration.no-atomic-replace', false)
    await rename(session, part, target)
  }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : '')

function connectFault(thrown: unknown): Error {
  const message = messageOf(thrown)
  if (/authentication methods failed/i.test(message)) return new StoreFault('auth.refused', false)
  if (/privateKey|private key|passphrase/i.test(message)) return new StoreFault('configuration.private-key', false)
  if (/verification failed|Host denied/i.test(message)) return new StoreFault('configuration.host-key', false)
  const { code } = thrown as { code?: unknown }
  return new StoreFault(code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'unavailable.dns' : 'unavailable.connect', false)
}

// The numbers are those of SSH_FXP_STATUS: https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02#section-7
function faultOf(thrown: unknown, sent: boolean): Error {
  if (thrown instanceof CredentialError) return new StoreFault('configuration.credential-missing', false)
  if (thrown instanceof HeedError || thrown instanceof RangeError) return thrown
  const { code } = thrown as { code?: unknown }
  if (code === 3 || code === 'EACCES' || /permission denied/i.test(messageOf(thrown)))
    return new StoreFault('configuration.permission-denied', sent)
  if (code === 2 || code === 'ENOENT' || /no such file/i.test(messageOf(thrown)))
    return new StoreFault('configuration.no-such-folder', sent)
  return new StoreFault('unavailable.store', sent)
}
