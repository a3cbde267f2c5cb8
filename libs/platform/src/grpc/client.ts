import * as grpc from '@grpc/grpc-js'
import { decodeFault, GrpcFault, status } from './faults.ts'
import type { MethodDefinition, ServiceDefinition } from './handlers.ts'
import { readStream } from './read-stream.ts'

export interface CallOptions {
  /** Instead of the client's. */
  deadlineMs?: number
  /** Cancels the call. */
  signal?: AbortSignal
  metadata?: Readonly<Record<string, string>>
}

export type UnaryCall<Request, Response> = (request: Request, options?: CallOptions) => Promise<Response>
export type ServerStreamCall<Request, Response> = (request: Request, options?: CallOptions) => AsyncIterable<Response>
export type ClientStreamCall<Request, Response> = (
  requests: AsyncIterable<Request> | Iterable<Request>,
  options?: CallOptions,
) => Promise<Response>
/** Requests are taken as fast as the server reads them. */
export type BidiCall<Request, Response> = (
  requests: AsyncIterable<Request> | Iterable<Request>,
  options?: CallOptions,
) => AsyncIterable<Response>

export interface GrpcClientOptions {
  /** `host:port`, or any other name that grpc-js resolves. */
  address: string
  /** `heed_<callerId>_<secret>`. */
  key?: string
  /** For a unary or client-streaming call that gives none; 10 s unless told. Other streams have none. */
  deadlineMs?: number
  tls?: { authorities?: Buffer; key?: Buffer; certificate?: Buffer } | boolean
  /** Of one message; 16 MiB unless told. */
  maxMessageBytes?: number
}

interface Channels {
  unary: grpc.Client
  streams: grpc.Client
}

const channels = new WeakMap<object, Channels>()

/**
 * A client with the methods of the definition, under their proto names and in lower camel case. `Client` says their types. Calls
 * reject with `GrpcFault`, also when the server cannot be reached (code UNAVAILABLE).
 */
export function grpcClient<Client extends object>(definition: ServiceDefinition, options: GrpcClientOptions): Client {
  const { address, key, deadlineMs = 10_000 } = options
  grpc.setLogVerbosity(grpc.logVerbosity.NONE)
  const settings = {
    'grpc.max_receive_message_length': options.maxMessageBytes ?? 16 * 1024 * 1024,
    'grpc.max_send_message_length': options.maxMessageBytes ?? 16 * 1024 * 1024,
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 5_000,
  }
  const own: Channels = {
    unary: new grpc.Client(address, credentials(options.tls), settings),
    // For retries, grpc-js keeps up to 1 MiB of a call's messages, tells their writer that they are sent, and walks through all
    // of them for each one that really is. A stream that broke half-way cannot be retried by the transport anyway; what is left
    // is a little room to write ahead of the network.
    streams: new grpc.Client(address, credentials(options.tls), {
      ...settings,
      'grpc.enable_retries': 0,
      'grpc.per_rpc_retry_buffer_size': 32 * 1024,
    }),
  }
  const metadata = new grpc.Metadata()
  if (key !== undefined) metadata.set('authorization', `Bearer ${key}`)
  const methods: Record<string, unknown> = {}
  for (const [name, method] of Object.entries(definition)) {
    const call = caller(method.requestStream || method.responseStream ? own.streams : own.unary, method, metadata, deadlineMs)
    methods[name] = call
    methods[name.charAt(0).toLowerCase() + name.slice(1)] = call
  }
  channels.set(methods, own)
  // The definition, not the compiler, says what the methods are; their types are the caller's promise.
  return methods as Client
}

/** Ends the client: calls under way are cancelled, no further ones are possible. */
export function closeClient(client: object): void {
  const own = channels.get(client)
  own?.unary.close()
  own?.streams.close()
}

/** @throws GrpcFault UNAVAILABLE when the server has not answered within the time. */
export function waitForServer(client: object, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const own = channels.get(client)
    if (own === undefined) return reject(new TypeError('this is no client'))
    own.unary.waitForReady(Date.now() + timeoutMs, (error) => {
      if (error === undefined) resolve()
      else reject(GrpcFault.unavailable('SERVER_UNREACHABLE', 'the server does not answer', 1, error))
    })
  })
}

function caller(channel: grpc.Client, method: MethodDefinition, base: grpc.Metadata, deadlineMs: number): unknown {
  const { path } = method
  const serialize = method.requestSerialize as (value: unknown) => Buffer
  const deserialize = method.responseDeserialize
  const metadataOf = (options: CallOptions | undefined): grpc.Metadata => {
    if (options?.metadata === undefined) return base
    const own = base.clone()
    for (const [name, value] of Object.entries(options.metadata)) own.set(name, value)
    return own
  }
  const bounded = (options: CallOptions | undefined): grpc.CallOptions => ({ deadline: Date.now() + (options?.deadlineMs ?? deadlineMs) })
  const unbounded = (options: CallOptions | undefined): grpc.CallOptions =>
    options?.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs }

  if (!method.requestStream && !method.responseStream) {
    return (request: unknown, options?: CallOptions) =>
      new Promise((resolve, reject) => {
        const call = channel.makeUnaryRequest(
          path,
          serialize,
          deserialize,
          request,
          metadataOf(options),
          bounded(options),
          (error, response) => {
            if (error === null) resolve(response)
            else reject(decodeFault(error))
          },
        )
        cancelOn(options?.signal, call)
      })
  }
  if (!method.responseStream) {
    return (requests: AsyncIterable<unknown> | Iterable<unknown>, options?: CallOptions) =>
      new Promise((resolve, reject) => {
        const call = channel.makeClientStreamRequest(
          path,
          serialize,
          deserialize,
          metadataOf(options),
          bounded(options),
          (error, response) => {
            if (error === null) resolve(response)
            else reject(decodeFault(error))
          },
        )
        cancelOn(options?.signal, call)
        feed(call, requests).catch((thrown: unknown) => {
          call.cancel()
          reject(thrown)
        })
      })
  }
  if (!method.requestStream) {
    return (request: unknown, options?: CallOptions) => {
      const call = channel.makeServerStreamRequest(path, serialize, deserialize, request, metadataOf(options), unbounded(options))
      cancelOn(options?.signal, call)
      return responses(call)
    }
  }
  return (requests: AsyncIterable<unknown> | Iterable<unknown>, options?: CallOptions) => {
    const call = channel.makeBidiStreamRequest(path, serialize, deserialize, metadataOf(options), unbounded(options))
    cancelOn(options?.signal, call)
    let sourceError: unknown
    feed(call, requests).catch((thrown: unknown) => {
      sourceError = thrown
      call.cancel()
    })
    return responses(call, () => sourceError)
  }
}

interface Cancellable {
  cancel(): void
  on(event: 'status', listener: () => void): unknown
}

function cancelOn(signal: AbortSignal | undefined, call: Cancellable): void {
  if (signal === undefined) return
  const cancel = () => call.cancel()
  if (signal.aborted) cancel()
  else {
    signal.addEventListener('abort', cancel, { once: true })
    call.on('status', () => signal.removeEventListener('abort', cancel))
  }
}

type Sink = Pick<grpc.ClientWritableStream<unknown>, 'write' | 'end' | 'on' | 'off' | 'once' | 'writableLength'>

// More than the 16 objects at which a stream asks to wait: a wait for each 16 small messages would cost more than the messages.
const writeAhead = 128

/** Sends what the source yields as fast as the server takes it; ends quietly when the call is over before the source is. */
async function feed(call: Sink, source: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
  let over = false
  let wake: (() => void) | undefined
  const awake = () => {
    const waiting = wake
    wake = undefined
    waiting?.()
  }
  call.on('drain', awake)
  call.once('status', () => {
    over = true
    awake()
  })
  const taken = () =>
    new Promise<void>((resolve) => {
      wake = resolve
    })
  // A list is walked without a promise for each item.
  if (Symbol.iterator in source) {
    for (const request of source) {
      if (over) return
      if (!call.write(request) && call.writableLength >= writeAhead) await taken()
    }
  } else {
    for await (const request of source) {
      if (over) return
      if (!call.write(request) && call.writableLength >= writeAhead) await taken()
    }
  }
  if (!over) call.end()
}

type Responses = grpc.ClientReadableStream<unknown> | grpc.ClientDuplexStream<unknown, unknown>

/** What the server sends, with its refusal as a fault. Leaving the loop early cancels the call. */
function responses(call: Responses, sourceError?: () => unknown): AsyncIterable<unknown> {
  return readStream(call, {
    translate: (error) => sourceError?.() ?? (isServiceError(error) ? decodeFault(error) : error),
    leave: () => call.cancel(),
  })
}

const isServiceError = (thrown: unknown): thrown is grpc.ServiceError =>
  thrown instanceof Error &&
  typeof (thrown as { code?: unknown }).code === 'number' &&
  typeof (thrown as { details?: unknown }).details === 'string'

function credentials(tls: GrpcClientOptions['tls']): grpc.ChannelCredentials {
  if (tls === undefined || tls === false) return grpc.credentials.createInsecure()
  if (tls === true) return grpc.credentials.createSsl()
  return grpc.credentials.createSsl(tls.authorities ?? null, tls.key ?? null, tls.certificate ?? null)
}

/** Whether the same call may succeed later: the server was away, overloaded or too slow. */
export function isRetryable(error: unknown): boolean {
  return (
    error instanceof GrpcFault &&
    [status.UNAVAILABLE, status.RESOURCE_EXHAUSTED, status.DEADLINE_EXCEEDED, status.ABORTED].includes(error.code)
  )
}
