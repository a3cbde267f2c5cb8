import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { portClaims } from './ports.ts'

const listen = (host: string) =>
  new Promise<{ port: number; close(): void }>((resolve) => {
    const server = createServer().listen({ host, port: 0 }, () => {
      const address = server.address()
      resolve({ port: typeof address === 'object' && address !== null ? address.port : 0, close: () => server.close() })
    })
  })

it('gives ports below those of outgoing connections, each once', async () => {
  const claims = portClaims(() => undefined)
  const ports = await Promise.all(Array.from({ length: 20 }, () => claims.free()))
  expect(new Set(ports).size).toBe(20)
  for (const port of ports) expect(port).toSatisfy((value: number) => value > 20_000 && value < 32_768)
  claims.release()
})

it('keeps a remembered port while it is free', async () => {
  const claims = portClaims(() => undefined)
  const port = await claims.free()
  claims.release()
  expect(await claims.remembered(port, 'Kafka')).toBe(port)
  claims.release()
})

it.each(['127.0.0.1', '0.0.0.0'])('moves off a port that another program has on %s, and says so', async (host) => {
  const other = await listen(host)
  const lines: string[] = []
  const claims = portClaims((line) => lines.push(line))
  const port = await claims.remembered(other.port, 'Kafka')
  expect(port).not.toBe(other.port)
  expect(lines).toEqual([`port ${other.port} of Kafka's data is taken by another program: using ${port}`])
  claims.release()
  other.close()
})

it('moves off a port that another stack has claimed, though its server is down just now', async () => {
  const first = portClaims(() => undefined)
  const second = portClaims(() => undefined)
  const port = await first.free()
  expect(await second.remembered(port, 'Kafka')).not.toBe(port)
  first.release()
  second.release()
})
