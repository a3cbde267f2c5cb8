import { createServer } from 'node:net'

/** A port that was free a moment ago, and whether it is the one that was wanted. */
export interface ChosenPort {
  readonly port: number
  readonly wanted: number
}

/** The wanted port, or where it is busy a free one. 0 stays 0: the server itself takes a free one. */
export async function choosePort(wanted: number): Promise<ChosenPort> {
  if (wanted === 0 || (await isFree(wanted))) return { port: wanted, wanted }
  return { port: await freePort(), wanted }
}

async function isFree(port: number): Promise<boolean> {
  // one after the other, since the second would find the first in its way; a stranger on 127.0.0.1 alone does not stop a server on all addresses
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '0.0.0.0'))
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
