import * as grpc from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import { HealthImplementation } from 'grpc-health-check'
import { type Clock, systemClock } from '../clock/index.ts'
import { asError, HeedError } from '../errors/index.ts'
import { once, type Part, type RunningPart } from '../lifecycle/index.ts'
import type { Logger } from '../log/index.ts'
import type { Metrics } from '../metrics/index.ts'
import { callFigures } from './call-figures.ts'
import type { CallerStore } from './caller-store.ts'
import { GrpcFault } from './faults.ts'
import { Gatekeeper } from './gatekeeper.ts'
import type {
  AnyHandler,
  BidiHandler,
  ClientStreamHandler,
  MethodDefinition,
  ServedService,
  ServerStreamHandler,
  UnaryHandler,
} from './handlers.ts'
import { safeDeserializer } from './readable-request.ts'
import { type OpenCall, type ServedMethod, serveBidi, serveClientStream, serveServerStream, serveUnary } from './serve-call.ts'

export interface GrpcServerOptions {
  name: string
  /** 0 takes a free one; `port` of the part says which. */
  port: number
  /** The address to listen on; all of them unless told. */
  host?: string
  services: readonly ServedService[]
  callers: CallerStore
  log: Logger
  metrics?: Metrics
  /** Lets tools ask what there is to call. Off in production: it tells the same to everybody. */
  reflection: boolean
  /** Of one message; 4 MiB unless told. */
  maxMessageBytes?: number
  /** For a unary call that comes without a deadline; 10 s unless told. */
  defaultDeadlineMs?: number
  /** Calls a second of a caller that has no rate of its own; 10,000 unless told. */
  callerRatePerSecond?: number
  /** How long an answer of the caller store is used; 5 s unless told. */
  callerCacheMs?: number
  /** How long calls under way may go on when the server stops; 5 s unless told. */
  drainMs?: number
  tls?: { key: Buffer; certificate: Buffer; clientAuthorities?: Buffer }
  /** A room's own error as a fault; undefined leaves it an internal one. */
  translate?: (error: Error) => GrpcFault | undefined
  clock?: Clock
}

export interface GrpcServer extends Part {
  /** The port that is listened on, once started. */
  readonly port: number
  /** What the health service answers; true from the start until the stop. */
  setServing(serving: boolean): void
}

/** A service is not completely declared, or the port is taken. */
export class GrpcServerError extends HeedError {
  constructor(
    reason: 'grpc.method-without-handler' | 'grpc.method-without-scope' | 'grpc.unknown-method' | 'grpc.listen-failed',
    message: string,
    cause?: Error,
  ) {
    super(reason, message, cause === undefined ? undefined : { cause })
  }
}

/**
 * A server that refuses whatever is not allowed: each call is authenticated, authorised, limited, bounded in time, counted and
 * logged in one line. The standard health service is open to everyone.
 * @throws GrpcServerError for a method without handler or scope, before anything listens.
 */
export function grpcServer(options: GrpcServerOptions): GrpcServer {
  const { name, port, host = '0.0.0.0', services, log, drainMs = 5_000 } = options
  let boundPort = port
  const open = new Set<OpenCall>()
  // grpc-js prints to standard error, past the log; what it says there is in the errors that it throws.
  grpc.setLogVerbosity(grpc.logVerbosity.NONE)
  const server = new grpc.Server({
    'grpc.max_receive_message_length': options.maxMessageBytes ?? 4 * 1024 * 1024,
    'grpc.max_concurrent_streams': 2_000,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.so_reuseport': 0,
    // Bookkeeping for a debugging protocol that nothing here speaks.
    'grpc.enable_channelz': 0,
  })
  for (const service of services) server.addService(asGrpc(service), implementation(service, options, open))

  const names = services.map(serviceName)
  const health = new HealthImplementation(Object.fromEntries(['', ...names].map((service) => [service, 'NOT_SERVING' as const])))
  health.addToServer(server)
  const setServing = (serving: boolean) => {
    for (const service of ['', ...names]) health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING')
  }
  if (options.reflection) addReflection(server, services, names)

  return {
    name,
    get port() {
      return boundPort
    },
    setServing,
    start: async (): Promise<RunningPart> => {
      boundPort = await listen(server, `${host.includes(':') ? `[${host}]` : host}:${port}`, credentials(options), name)
      setServing(true)
      log.info({ server: name, port: boundPort, reflection: options.reflection }, 'grpc.listening')
      return { stop: once(() => stop(server, open, drainMs, setServing)) }
    },
  }
}

function implementation(service: ServedService, options: GrpcServerOptions, open: Set<OpenCall>): grpc.UntypedServiceImplementation {
  const clock = options.clock ?? systemClock
  const gatekeeper = new Gatekeeper({
    callers: options.callers,
    clock,
    ...(options.callerCacheMs === undefined ? {} : { cacheMs: options.callerCacheMs }),
    ...(options.callerRatePerSecond === undefined ? {} : { ratePerSecond: options.callerRatePerSecond }),
  })
  const known = new Set(Object.keys(service.definition))
  for (const declared of [...Object.keys(service.handlers), ...Object.keys(service.scopes), ...(service.hot ?? [])]) {
    if (!known.has(declared)) throw new GrpcServerError('grpc.unknown-method', `${serviceName(service)} has no method ${declared}`)
  }
  const implemented: grpc.UntypedServiceImplementation = {}
  for (const [methodName, definition] of Object.entries(service.definition)) {
    const handler = service.handlers[methodName]
    const scope = service.scopes[methodName]
    if (handler === undefined) throw new GrpcServerError('grpc.method-without-handler', `${definition.path} has no handler`)
    if (scope === undefined || scope.length === 0)
      throw new GrpcServerError('grpc.method-without-scope', `${definition.path} declares no scope`)
    implemented[methodName] = serve(definition, handler, {
      path: definition.path,
      scope,
      hot: service.hot?.includes(methodName) ?? false,
      gatekeeper,
      clock,
      log: options.log,
      figures: callFigures(options.metrics, definition.path),
      defaultDeadlineMs: options.defaultDeadlineMs ?? 10_000,
      open,
      translate: options.translate ?? (() => undefined),
    })
  }
  return implemented
}

// Which kind a handler is cannot be seen on the function; the definition says it.
function serve(definition: MethodDefinition, handler: AnyHandler, method: ServedMethod): grpc.UntypedHandleCall {
  if (definition.requestStream) {
    return definition.responseStream
      ? serveBidi(method, handler as BidiHandler<never, unknown>)
      : serveClientStream(method, handler as ClientStreamHandler<never, unknown>)
  }
  return definition.responseStream
    ? serveServerStream(method, handler as ServerStreamHandler<never, unknown>)
    : serveUnary(method, handler as UnaryHandler<never, unknown>)
}

function asGrpc({ definition }: ServedService): grpc.ServiceDefinition {
  const methods = Object.entries(definition).map(([methodName, method]) => [
    methodName,
    { ...method, requestDeserialize: safeDeserializer(method.requestDeserialize) },
  ])
  return Object.fromEntries(methods)
}

/** `heed.preferences.v1.PreferenceService`, read off the path `/heed.preferences.v1.PreferenceService/SetPreferences`. */
function serviceName(service: ServedService): string {
  const [first] = Object.values(service.definition)
  return first?.path.split('/')[1] ?? ''
}

// The reflection service wants the types of a whole package; each method carries the descriptors of its own.
function addReflection(server: grpc.Server, services: readonly ServedService[], names: readonly string[]): void {
  const types: Record<string, unknown> = {}
  for (const { definition } of services) {
    for (const [methodName, method] of Object.entries(definition)) {
      const { requestType, responseType } = method as { requestType?: unknown; responseType?: unknown }
      types[`${method.path}/${methodName}/request`] = requestType
      types[`${method.path}/${methodName}/response`] = responseType
    }
  }
  new ReflectionService(types as ConstructorParameters<typeof ReflectionService>[0], { services: [...names] }).addToServer(server)
}

function credentials({ tls }: GrpcServerOptions): grpc.ServerCredentials {
  if (tls === undefined) return grpc.ServerCredentials.createInsecure()
  const pair = [{ private_key: tls.key, cert_chain: tls.certificate }]
  return grpc.ServerCredentials.createSsl(tls.clientAuthorities ?? null, pair, tls.clientAuthorities !== undefined)
}

function listen(server: grpc.Server, address: string, serverCredentials: grpc.ServerCredentials, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, serverCredentials, (error, port) => {
      if (error === null) resolve(port)
      else reject(new GrpcServerError('grpc.listen-failed', `${name} cannot listen on ${address}`, asError(error)))
    })
  })
}

async function stop(server: grpc.Server, open: Set<OpenCall>, drainMs: number, setServing: (serving: boolean) => void): Promise<void> {
  setServing(false)
  const drained = new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
  // A stream may be meant to stay open for ever: it is told at once, so that its caller goes elsewhere.
  for (const call of open) call.end(GrpcFault.unavailable('SERVER_STOPPING', 'the server is stopping', 1))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, drainMs)
  })
  await Promise.race([drained, late])
  clearTimeout(timer)
  server.forceShutdown()
}
