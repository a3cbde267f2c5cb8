import { fileURLToPath } from 'node:url'
import { loadSync } from '@grpc/proto-loader'
import { startAll } from '../../lifecycle/index.ts'
import { silentLogger } from '../../log/index.ts'
import { hashKey, mintKey } from '../caller-key.ts'
import type { CallerStore, StoredCaller } from '../caller-store.ts'
import { type BidiCall, type ClientStreamCall, closeClient, grpcClient, type ServerStreamCall, type UnaryCall } from '../client.ts'
import type { AnyHandler, ServedService, ServiceDefinition } from '../handlers.ts'
import { type GrpcServer, type GrpcServerOptions, grpcServer } from '../server.ts'

export interface Echo {
  text: string
  number: number
}

/** The test service as its callers see it. */
export interface EchoClient {
  echo: UnaryCall<Partial<Echo>, Echo>
  count: ServerStreamCall<Partial<Echo>, Echo>
  collect: ClientStreamCall<Partial<Echo>, Echo>
  chat: BidiCall<Partial<Echo>, Echo>
}

const path = fileURLToPath(new URL('./echo.proto', import.meta.url))

/** The definition of the test service. */
export const echoDefinition = loadSync(path, { longs: String, enums: String, defaults: true, oneofs: true })[
  'heed.testing.v1.EchoService'
] as unknown as ServiceDefinition

/** Answers with what it got; streams count up to the number asked for. */
export const echoHandlers = {
  Echo: async (request: Echo) => request,
  Count: async function* ({ text, number }: Echo) {
    for (let n = 1; n <= number; n += 1) yield { text, number: n }
  },
  Collect: async (requests: AsyncIterable<Echo>) => {
    let number = 0
    for await (const request of requests) number += request.number
    return { text: 'sum', number }
  },
  Chat: async function* (requests: AsyncIterable<Echo>) {
    for await (const request of requests) yield request
  },
}

/** The test service with some handlers replaced. */
export function echoService(handlers: Readonly<Record<string, AnyHandler>> = {}): ServedService {
  return {
    definition: echoDefinition,
    handlers: { ...echoHandlers, ...handlers },
    scopes: { Echo: 'echo:say', Count: 'echo:count', Collect: 'echo:say', Chat: 'echo:say' },
  }
}

/** Callers in memory. What `set` is told is what `find` says from then on, as the promise of the store demands. */
export class MemoryCallers implements CallerStore {
  readonly #callers = new Map<string, StoredCaller>()
  lookups = 0

  async find(callerId: string): Promise<StoredCaller | undefined> {
    this.lookups += 1
    return this.#callers.get(callerId)
  }

  set(caller: StoredCaller): void {
    this.#callers.set(caller.id, caller)
  }

  /** A caller with a fresh key. */
  add(id: string, scopes: readonly string[], extra: Partial<StoredCaller> = {}): string {
    const key = mintKey(id)
    this.set({ id, scopes, keys: [{ hash: hashKey(key), createdAt: 0 }], createdAt: 0, ...extra })
    return key
  }
}

/** A running test server, a key that may do everything, and clients that are closed with it. */
export async function startEcho(options: Partial<GrpcServerOptions> & { handlers?: Readonly<Record<string, AnyHandler>> } = {}) {
  const { handlers, ...rest } = options
  const callers = new MemoryCallers()
  const key = callers.add('tester', ['*'])
  const server: GrpcServer = grpcServer({
    name: 'echo',
    port: 0,
    host: '127.0.0.1',
    services: [echoService(handlers)],
    callers,
    log: silentLogger,
    reflection: false,
    drainMs: 200,
    ...rest,
  })
  const running = await startAll([server], silentLogger)
  const address = `127.0.0.1:${server.port}`
  const clients: EchoClient[] = []
  const connect = (withKey?: string): EchoClient => {
    const client = grpcClient<EchoClient>(echoDefinition, {
      address,
      deadlineMs: 5_000,
      ...(withKey === undefined ? {} : { key: withKey }),
    })
    clients.push(client)
    return client
  }
  const stop = async () => {
    for (const client of clients) closeClient(client)
    await running.stop()
  }
  return { server, callers, key, address, connect, client: connect(key), stop, stopServer: running.stop }
}

/** Everything that a stream brings. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** A promise and its resolver: for what a handler must wait for. */
export function gate(): { opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
