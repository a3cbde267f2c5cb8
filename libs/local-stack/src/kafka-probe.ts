import { connect } from 'node:net'

/**
 * Asks a broker for the cluster's live brokers (Metadata request, version 1, no topics) and tells how many there are; 0 when nothing
 * answers within the time. A broker lists itself once it serves, so 1 or more means ready.
 */
export function liveBrokers(host: string, port: number, timeoutMs: number): Promise<number> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect({ host, port })
    const timer = setTimeout(() => end(0), timeoutMs)
    const end = (brokers: number) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(brokers)
    }
    socket.once('connect', () => socket.write(metadataRequest()))
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      const brokers = readBrokerCount(Buffer.concat(chunks))
      if (brokers !== undefined) end(brokers)
    })
    socket.once('error', () => end(0))
    socket.once('close', () => end(0))
  })
}

/** Size, then header version 1 (key, version, correlation id, client id), then an empty topic array, which means "none" from version 1 on. */
export function metadataRequest(): Buffer {
  const client = Buffer.from('heed-local-stack')
  const frame = Buffer.alloc(4 + 2 + 2 + 4 + 2 + client.length + 4)
  let at = frame.writeInt32BE(frame.length - 4, 0)
  at = frame.writeInt16BE(3, at)
  at = frame.writeInt16BE(1, at)
  at = frame.writeInt32BE(1, at)
  at = frame.writeInt16BE(client.length, at)
  at += client.copy(frame, at)
  frame.writeInt32BE(0, at)
  return frame
}

/** The length of the broker array in a Metadata response, or `undefined` while the answer is not there in full. */
export function readBrokerCount(received: Buffer): number | undefined {
  if (received.length < 12 || received.length < 4 + received.readInt32BE(0)) return undefined
  return Math.max(0, received.readInt32BE(8))
}
