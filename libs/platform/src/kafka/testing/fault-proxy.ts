import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * What the proxy does with what passes through it: `forward` it, `cut` every connection and refuse new ones, take everything
 * and pass on nothing (`hold`, as a stopped process or a dead network does), or pass on requests and swallow the answers
 * (`lose-answers`).
 */
export type ProxyMode = 'forward' | 'cut' | 'hold' | 'lose-answers'

/** Stands between a client and one broker, and misbehaves when told. */
export interface FaultProxy {
  readonly port: number
  set(mode: ProxyMode): void
  /** Bytes swallowed so far: proof that the fault happened. */
  readonly swallowed: number
  /** Connections cut so far. */
  readonly cuts: number
  stop(): Promise<void>
}

export async function faultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const pairs = new Set<[Socket, Socket]>()
  let mode: ProxyMode = 'forward'
  let swallowed = 0
  let cuts = 0

  const cutAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
    cuts += pairs.size
    pairs.clear()
  }

  const server: Server = createServer((client) => {
    if (mode === 'cut') {
      cuts += 1
      client.destroy()
      return
    }
    const upstream = connect(target)
    const pair: [Socket, Socket] = [client, upstream]
    pairs.add(pair)
    const pass = (to: Socket, isAnswer: boolean) => (data: Buffer) => {
      if (mode === 'hold' || (mode === 'lose-answers' && isAnswer)) swallowed += data.length
      else to.write(data)
    }
    client.on('data', pass(upstream, false))
    upstream.on('data', pass(client, true))
    for (const socket of pair) {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')

  return {
    port: address.port,
    set: (next) => {
      // What was held is lost: the connections that it belongs to cannot go on.
      const broken = mode === 'hold' || mode === 'lose-answers'
      mode = next
      if (next === 'cut' || (broken && next === 'forward')) cutAll()
    },
    get swallowed() {
      return swallowed
    },
    get cuts() {
      return cuts
    },
    stop: async () => {
      cutAll()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
