import { connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, inject, it } from 'vitest'
import { silentLogger } from '../log/index.ts'
import { connectMongo } from './connection.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** Stands before the database, and stops to read what its clients send when it is told. */
async function lazyProxy({ hostname, port }: URL): Promise<{ port: number; stall(): void }> {
  const sockets = new Set<Socket>()
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    clients.add(client)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return {
    port: address.port,
    stall: () => {
      for (const client of clients) client.unpipe().pause()
    },
  }
}

it('a command that the socket did not take whole ends with its connection', async () => {
  const uri = new URL(inject('mongoUri'))
  const proxy = await lazyProxy(new URL(inject('mongoUri')))
  uri.port = String(proxy.port)
  const mongo = await connectMongo({ uri: uri.href, appName: 'platform-test', log: silentLogger, maxPoolSize: 1 })
  const rows = mongo.collection<{ _id: string; filling: string }>('platform_closed_writes', 'rows')
  await rows.findOne({})
  proxy.stall()
  const outcome = rows.insertOne({ _id: 'large', filling: 'x'.repeat(15_000_000) }).then(
    () => 'stored',
    (error: unknown) => (error as Error).name,
  )
  // until its bytes are with the socket
  await new Promise((resolve) => setTimeout(resolve, 200))
  await mongo.stop()
  expect(await Promise.race([outcome, new Promise((resolve) => setTimeout(resolve, 5_000, 'no answer'))])).toMatch(/^Mongo.*Error$/)
})
