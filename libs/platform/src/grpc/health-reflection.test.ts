import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { loadSync } from '@grpc/proto-loader'
import { protoPath as healthProto } from 'grpc-health-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type BidiCall, closeClient, grpcClient, type ServerStreamCall, type ServiceDefinition, status, type UnaryCall } from './index.ts'
import { collect, startEcho } from './testing/echo.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function served(options: Parameters<typeof startEcho>[0] = {}) {
  const echo = await startEcho(options)
  cleanups.push(echo.stop)
  return echo
}

const load = (path: string, service: string) =>
  loadSync(path, { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true })[service] as unknown as ServiceDefinition

interface HealthClient {
  check: UnaryCall<{ service?: string }, { status: string }>
  watch: ServerStreamCall<{ service?: string }, { status: string }>
}

interface ReflectionClient {
  serverReflectionInfo: BidiCall<
    object,
    { list_services_response: { service: { name: string }[] } | null; file_descriptor_response: { file_descriptor_proto: Buffer[] } | null }
  >
}

function clientOf<Client extends object>(address: string, path: string, service: string): Client {
  const client = grpcClient<Client>(load(path, service), { address })
  cleanups.push(() => closeClient(client))
  return client
}

const reflectionProto = join(
  dirname(createRequire(import.meta.url).resolve('@grpc/reflection/package.json')),
  'build/proto/grpc/reflection/v1/reflection.proto',
)

describe('the health service', () => {
  const health = (address: string) => clientOf<HealthClient>(address, healthProto, 'grpc.health.v1.Health')

  it('answers everyone, for the server and for each service', async () => {
    const { address } = await served()
    const client = health(address)
    expect(await client.check({})).toEqual({ status: 'SERVING' })
    expect(await client.check({ service: 'heed.testing.v1.EchoService' })).toEqual({ status: 'SERVING' })
    await expect(client.check({ service: 'unknown' })).rejects.toMatchObject({ code: status.NOT_FOUND })
  })

  it('tells a watcher when the server is about to stop', async () => {
    const { address, server } = await served()
    const watching = health(address).watch({})[Symbol.asyncIterator]()
    expect((await watching.next()).value).toEqual({ status: 'SERVING' })
    server.setServing(false)
    expect((await watching.next()).value).toEqual({ status: 'NOT_SERVING' })
    await watching.return?.()
  })
})

describe('reflection', () => {
  const reflection = (address: string) => clientOf<ReflectionClient>(address, reflectionProto, 'grpc.reflection.v1.ServerReflection')

  it('lists the services and describes them, where it is on', async () => {
    const { address } = await served({ reflection: true })
    const [list, file] = await collect(
      reflection(address).serverReflectionInfo([{ list_services: '*' }, { file_containing_symbol: 'heed.testing.v1.EchoService' }]),
    )
    expect(list?.list_services_response?.service).toEqual([{ name: 'heed.testing.v1.EchoService' }])
    expect(file?.file_descriptor_response?.file_descriptor_proto.length).toBeGreaterThan(0)
  })

  it('is not there where it is off', async () => {
    const { address } = await served({ reflection: false })
    await expect(collect(reflection(address).serverReflectionInfo([{ list_services: '*' }]))).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
    })
  })
})
