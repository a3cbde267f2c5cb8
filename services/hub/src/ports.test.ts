import { createServer, type Server } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { choosePort } from './ports.ts'

const open: Server[] = []
const listen = (host: string): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer()
    open.push(server)
    server.listen(0, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
afterEach(() => Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))))

it('takes the wanted port where it is free', async () => {
  const wanted = await listen('127.0.0.1')
  await new Promise((resolve) => open.splice(0)[0]?.close(resolve))
  expect(await choosePort(wanted)).toEqual({ port: wanted, wanted })
})

it.each(['127.0.0.1', '0.0.0.0'])('takes another where somebody listens on %s', async (host) => {
  const wanted = await listen(host)
  const { port } = await choosePort(wanted)
  expect(port).not.toBe(wanted)
  expect(port).toBeGreaterThan(0)
})

it('leaves 0 to the server', async () => {
  expect(await choosePort(0)).toEqual({ port: 0, wanted: 0 })
})
