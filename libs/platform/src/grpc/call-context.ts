import { randomUUID } from 'node:crypto'
import type { ServerUnaryCall } from '@grpc/grpc-js'
import type { Logger } from '../log/index.ts'
import { type Caller, missingScope } from './gatekeeper.ts'
import { scopesSatisfy } from './scopes.ts'

const requestIdPattern = /^[\w.:-]{1,128}$/

/** What all four kinds of call have. */
type SurfaceCall = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'cancelled'> & {
  once(event: 'cancelled', listener: () => void): unknown
}

/** What a handler may know of its call beside the request. Costly things are made when first asked for. */
export class CallContext {
  readonly caller: Caller
  /** Milliseconds since 1970; the caller's, or the server's where the caller gave none. */
  readonly deadline: number
  readonly #call: SurfaceCall
  readonly #log: Logger
  readonly #method: string
  #abort: AbortController | undefined
  #over: Error | undefined
  #requestId: string | undefined
  #ownLog: Logger | undefined

  constructor(call: SurfaceCall, caller: Caller, method: string, deadline: number, log: Logger) {
    this.#call = call
    this.#log = log
    this.#method = method
    this.caller = caller
    this.deadline = deadline
  }

  /** Aborted when the caller went away, the deadline has passed or the server stops: nobody waits for the answer. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#over !== undefined) this.#abort.abort(this.#over)
      else if (this.#call.cancelled) this.#abort.abort(new Error('cancelled'))
      else this.#call.once('cancelled', () => this.abort(new Error('cancelled')))
    }
    return this.#abort.signal
  }

  /** The caller's `x-request-id`, or one made here; it is in the log line and in the details of an internal fault. */
  get requestId(): string {
    if (this.#requestId === undefined) {
      const given = this.header('x-request-id')
      this.#requestId = given !== undefined && requestIdPattern.test(given) ? given : randomUUID()
    }
    return this.#requestId
  }

  /** Logs with the method, the caller and the request id. */
  get log(): Logger {
    this.#ownLog ??= this.#log.child({ method: this.#method, callerId: this.caller.id, requestId: this.requestId })
    return this.#ownLog
  }

  /** The first value of a metadata key that is text. */
  header(name: string): string | undefined {
    const [value] = this.#call.metadata.get(name)
    return typeof value === 'string' ? value : undefined
  }

  /** Whether the caller holds the scope. */
  hasScope(scope: string): boolean {
    return scopesSatisfy(this.caller.scopes, scope)
  }

  /** @throws GrpcFault PERMISSION_DENIED when the caller lacks the scope. */
  requireScope(scope: string): void {
    if (!this.hasScope(scope)) throw missingScope(scope)
  }

  /** Ends the wait for this call. Only the server calls it. */
  abort(reason: Error): void {
    if (this.#over !== undefined) return
    this.#over = reason
    this.#abort?.abort(reason)
  }
}
