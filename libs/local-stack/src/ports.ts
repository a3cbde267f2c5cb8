import { connect, createServer } from 'node:net'
import { systemCodeOf } from './errors.ts'

/** The address that everything of a local stack listens on. */
export const loopback = '127.0.0.1'

/** As many different free TCP ports of the loopback address as asked for. Nothing reserves them: bind soon. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listenOn(0)))
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address()
      await new Promise((resolve) => server.close(resolve))
      if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
      return address.port
    }),
  )
}

/** Whether a server could listen on this port of the loopback address now. */
export async function isPortFree(port: number): Promise<boolean> {
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
