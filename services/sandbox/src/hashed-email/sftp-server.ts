import { timingSafeEqual } from 'node:crypto'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import ssh2, { type AuthContext, type Connection } from 'ssh2'
import type { Switches } from '../frame/misbehaviour.ts'
import type { Stage } from '../frame/vendor.ts'
import type { HashedEmailFault } from './control.ts'
import { type KeyPair, parsed } from './keys.ts'
import type { HomeFiles } from './sftp-files.ts'
import { serveSftp } from './sftp-session.ts'

/** Who may sign in, and what they then see. */
export interface SftpUser {
  readonly name: string
  readonly files: HomeFiles
  /** Called when a file may have appeared under its final name. */
  changed(): void
}

/** How the server is set up. */
export interface SftpServerOptions {
  readonly stage: Stage
  readonly switches: Switches<HashedEmailFault>
  /** 0 takes a free port. */
  readonly port: number
  readonly hostKey: KeyPair
  /** The key that the host shows while `host-key-changed` is on. */
  readonly otherHostKey: KeyPair
  /** Public keys, in OpenSSH's form, that open every user's home. */
  readonly authorizedKeys: () => readonly string[]
  readonly user: (name: string) => SftpUser | undefined
}

/** The running server. */
export interface SftpServer {
  readonly port: number
  stop(): Promise<void>
}

/** A real SSH server with an SFTP subsystem, public keys only. */
export async function startSftpServer(options: SftpServerOptions): Promise<SftpServer> {
  const { stage, switches } = options
  const sockets = new Set<Socket>()
  const serverWith = ({ privateKey }: KeyPair) => new ssh2.Server({ hostKeys: [privateKey], ident: 'heed-sandbox' }, onClient)
  const bySocket = new Map<string, Socket>()

  const onClient = (client: Connection, { ip, port }: { ip: string; port: number }): void => {
    let user: SftpUser | undefined
    const socket = bySocket.get(`${ip} ${port}`)
    const record = (status: string): void => {
      const at = new Date(stage.clock.now()).toISOString()
      stage.requests.record({ at, method: 'CONNECT', path: `/${user?.name ?? '{user}'}`, status, items: 0, durationMs: 0 })
    }
    // a client that breaks off, or does not like the host key, is no fault of the sandbox
    client.on('error', () => undefined)
    client.on('authentication', (context) => {
      user = options.user(context.username)
      const verdict = switches.isOn('revoked-key') || user === undefined ? 'refused' : judgeKey(context, options.authorizedKeys())
      if (verdict === 'refused') {
        if (context.method === 'publickey') {
          switches.take('revoked-key', { method: 'CONNECT' })
          record('All configured authentication methods failed')
        }
        return context.reject(['publickey'])
      }
      if (verdict === 'signed-in') record('OK')
      context.accept()
    })
    client.on('ready', () => {
      client.on('session', (accept) => {
        accept().on('sftp', (acceptSftp) => {
          if (user === undefined) return
          const { name, files, changed } = user
          serveSftp(acceptSftp(), { stage, switches, user: name, files, changed, cut: () => socket?.resetAndDestroy() })
        })
      })
    })
  }
  const servers = { usual: serverWith(options.hostKey), other: serverWith(options.otherHostKey) }

  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    const key = `${socket.remoteAddress} ${socket.remotePort}`
    bySocket.set(key, socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      bySocket.delete(key)
    })
    if (switches.take('down', { method: 'CONNECT' }) !== undefined) return void socket.resetAndDestroy()
    if (switches.take('rate-limited', { method: 'CONNECT' }) !== undefined) return void socket.end('Exceeded MaxStartups\r\n')
    const server = switches.take('host-key-changed', { method: 'CONNECT' }) === undefined ? servers.usual : servers.other
    return server.injectSocket(socket)
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(options.port, stage.host, () => resolve())
  })

  return {
    port: (listener.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function judgeKey(context: AuthContext, authorized: readonly string[]): 'signed-in' | 'known-key' | 'refused' {
  if (context.method !== 'publickey') return 'refused'
  for (const line of authorized) {
    const key = parsed(line)
    const blob = key.getPublicSSH()
    if (context.key.algo !== key.type || context.key.data.length !== blob.length || !timingSafeEqual(context.key.data, blob)) continue
    // a client first asks whether a key would do, then signs with it
    if (context.signature === undefined || context.blob === undefined) return 'known-key'
    return key.verify(context.blob, context.signature, context.hashAlgo) ? 'signed-in' : 'refused'
  }
  return 'refused'
}
