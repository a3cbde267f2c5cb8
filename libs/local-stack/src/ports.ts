import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { LocalStackError, systemCodeOf } from './errors.ts'
import { type HeldLock, tryLock } from './file-lock.ts'

/** The address that everything of a local stack listens on. */
export const loopback = '127.0.0.1'

// Below the ports that Linux (32768 up) and macOS (49152 up) give to outgoing connections: one of those could sit on a remembered port.
const firstPort = 21_000
const lastPort = 31_999

/** Ports of the loopback address that are kept from every other stack of this user until `release`, or until this process ends. */
export interface PortClaims {
  /** A free port. Throws `LocalStackError` where none of 200 random ones is free. */
  free(): Promise<number>
  /** The port that a server's data remember, or, told through the log, another one when somebody has it. */
  remembered(port: number, server: string): Promise<number>
  release(): void
}

/** Nothing is claimed yet. */
export function portClaims(log: (line: string) => void): PortClaims {
  const held: HeldLock[] = []
  const claim = async (port: number): Promise<boolean> => {
    const result = tryLock(join(tmpdir(), `heed-ports-${userInfo().uid}`, String(port)))
    if ('heldBy' in result) return false
    if (await isPortFree(port)) {
      held.push(result)
      return true
    }
    result.release()
    return false
  }
  const free = async () => {
    for (let attempt = 0; attempt < 200; attempt++) {
      const port = randomInt(firstPort, lastPort + 1)
      if (await claim(port)) return port
    }
    throw new LocalStackError('port-busy', `no free port was found between ${firstPort} and ${lastPort}`)
  }
  return {
    free,
    async remembered(port, server) {
      if (await claim(port)) return port
      const other = await free()
      log(`port ${port} of ${server}'s data is taken by another program: using ${other}`)
      return other
    },
    release() {
      for (const lock of held.splice(0)) lock.release()
    },
  }
}

/** Whether a server could listen on this port of the loopback address now. */
async function isPortFree(port: number): Promise<boolean> {
  // Someone who listens on every address answers here too, though binding the loopback address beside them may succeed.
  if (await answers(loopback, port, 500)) return false
  try {
    const server = await listenOn(port)
    await new Promise((resolve) => server.close(resolve))
    return true
  } catch (problem) {
    const code = systemCodeOf(problem)
    if (code === 'EADDRINUSE' || code === 'EACCES') return false
    throw problem
  }
}

/** Whether something accepts a TCP connection there within the time. */
export function answers(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (result: boolean) => {
      socket.destroy()
      resolve(result)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

function listenOn(port: number) {
  return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: loopback, port, exclusive: true }, () => resolve(server))
  })
}
