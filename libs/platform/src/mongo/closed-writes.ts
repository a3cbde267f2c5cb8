import { createRequire } from 'node:module'
import { HeedError } from '../errors/index.ts'

/** What is used of a connection of the driver. */
interface DriverConnection {
  readonly socket: NodeJS.EventEmitter
  cleanup(error: Error): void
}

let mended = false

/**
 * Makes commands end with their connection. A command whose bytes the socket does not take at once waits for its `drain`; a socket that is destroyed tells only `close`, and the
 * driver (7.8 and 7.9) does not listen for that: the command would never end, nor would whoever waits for it. Where a connection is given up, its socket is made to say `drain`: the driver
 * looks at the connection next, and throws its error as for any other command on it. Once for a process; throws where the driver is built otherwise.
 */
export function endWritesOfClosedConnections(): void {
  if (mended) return
  const ofMongoose = createRequire(createRequire(import.meta.url).resolve('mongoose'))
  const { Connection } = ofMongoose('mongodb/lib/cmap/connection.js') as { Connection?: { prototype: Partial<DriverConnection> } }
  const cleanup = Connection?.prototype.cleanup
  if (Connection === undefined || cleanup === undefined)
    throw new HeedError('mongo.driver-changed', 'this version of the MongoDB driver closes its connections in another way')
  Connection.prototype.cleanup = function (this: DriverConnection, error: Error) {
    cleanup.call(this, error)
    this.socket.emit('drain')
  }
  mended = true
}
