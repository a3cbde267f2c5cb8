import type { CallContext } from './call-context.ts'
import type { ScopeRule } from './scopes.ts'

export type UnaryHandler<Request, Response> = (request: Request, context: CallContext) => Promise<Response>
/** What it yields is sent as fast as the caller reads. */
export type ServerStreamHandler<Request, Response> = (request: Request, context: CallContext) => AsyncIterable<Response>
/** Requests are read as fast as the handler asks for them. */
export type ClientStreamHandler<Request, Response> = (requests: AsyncIterable<Request>, context: CallContext) => Promise<Response>
export type BidiHandler<Request, Response> = (requests: AsyncIterable<Request>, context: CallContext) => AsyncIterable<Response>

/** Any of the four kinds; which one a method is, its definition says. */
export type AnyHandler =
  | UnaryHandler<never, unknown>
  | ServerStreamHandler<never, unknown>
  | ClientStreamHandler<never, unknown>
  | BidiHandler<never, unknown>

/** A method as proto-loader describes it. */
export interface MethodDefinition {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly requestSerialize: (value: never) => Buffer
  readonly requestDeserialize: (bytes: Buffer) => unknown
  readonly responseSerialize: (value: never) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => unknown
  readonly originalName?: string
}

/** A service as proto-loader describes it: methods by name. */
export type ServiceDefinition = Readonly<Record<string, MethodDefinition>>

/** One service of a server. */
export interface ServedService {
  definition: ServiceDefinition
  /** By the name of the method in the definition, such as `SetPreferences`. Every method has one. */
  handlers: Readonly<Record<string, AnyHandler>>
  /** What a caller must hold, by method. A method without one keeps the server from starting. */
  scopes: Readonly<Record<string, ScopeRule>>
  /** Methods so frequent that a success is logged at debug only; metrics count them all the same. */
  hot?: readonly string[]
}
