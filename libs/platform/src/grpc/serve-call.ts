import type * as grpc from '@grpc/grpc-js'
import type { Clock } from '../clock/index.ts'
import { asError } from '../errors/index.ts'
import type { Logger } from '../log/index.ts'
import { isMongoMomentary, isMongoUnavailable } from '../mongo/errors.ts'
import { CallContext } from './call-context.ts'
import type { CallFigures } from './call-figures.ts'
import { faultStatus, GrpcFault, status, statusName } from './faults.ts'
import type { Caller, Gatekeeper, GuardedMethod } from './gatekeeper.ts'
import type { BidiHandler, ClientStreamHandler, ServerStreamHandler, UnaryHandler } from './handlers.ts'
import { readStream } from './read-stream.ts'
import { UnreadableRequest } from './readable-request.ts'

/** What serving a call of one method needs. */
export interface ServedMethod extends GuardedMethod {
  readonly hot: boolean
  readonly gatekeeper: Gatekeeper
  readonly clock: Clock
  readonly log: Logger
  readonly figures: CallFigures
  readonly defaultDeadlineMs: number
  /** Streams without a deadline of the caller's may stay open for ever. */
  readonly open: Set<OpenCall>
  readonly translate: (error: Error) => GrpcFault | undefined
}

/** A call under way that can be told to end. */
export interface OpenCall {
  end(fault: GrpcFault): void
}

type Call =
  | grpc.ServerUnaryCall<unknown, unknown>
  | grpc.ServerWritableStream<unknown, unknown>
  | grpc.ServerReadableStream<unknown, unknown>
type Answer = grpc.sendUnaryData<unknown>

/** A request that could not be read is refused here, where it is also counted and logged. */
function refuseUnreadable(request: unknown): void {
  if (request instanceof UnreadableRequest) throw request.fault
}

const cancelled = () => new GrpcFault({ code: status.CANCELLED, reason: 'CANCELLED', message: 'the caller went away' })
const deadlineExceeded = () =>
  new GrpcFault({ code: status.DEADLINE_EXCEEDED, reason: 'DEADLINE_EXCEEDED', message: 'the deadline has passed' })

/** The caller's deadline in milliseconds since 1970; Infinity when it gave none. */
function givenDeadline(call: Call): number {
  const deadline = call.getDeadline()
  return typeof deadline === 'number' ? deadline : deadline.getTime()
}

/** The fault that goes over the wire for whatever a handler threw. Nothing of a foreign error is told to the caller. */
function toFault(thrown: unknown, method: ServedMethod, context: CallContext | undefined): GrpcFault {
  if (thrown instanceof GrpcFault) return thrown
  const error = asError(thrown)
  const translated = method.translate(error)
  if (translated !== undefined) return translated
  if (isMongoUnavailable(error)) return GrpcFault.unavailable('STORE_UNAVAILABLE', 'the database is not reachable', 1, error)
  if (isMongoMomentary(error))
    return GrpcFault.unavailable('STORE_BUSY', 'the database gave the operation up for a moment; repeat the call', 1, error)
  if (context?.signal.aborted)
    return new GrpcFault({ code: status.CANCELLED, reason: 'CANCELLED', message: 'the call is over' }, { cause: error })
  const metadata = context === undefined ? {} : { requestId: context.requestId }
  return new GrpcFault({ code: status.INTERNAL, reason: 'INTERNAL', message: 'an internal error', metadata }, { cause: error })
}

/** One wide line and one observation for each call. */
function conclude(
  method: ServedMethod,
  caller: Caller | undefined,
  context: CallContext | undefined,
  startedAt: number,
  fault?: GrpcFault,
): void {
  const durationMs = performance.now() - startedAt
  const code = fault?.code ?? status.OK
  method.figures.observe(code, durationMs / 1000)
  if (fault === undefined && method.hot && !method.log.debugEnabled) return
  const fields = {
    method: method.path,
    callerId: caller?.id,
    code: statusName(code),
    durationMs: Math.round(durationMs * 10) / 10,
    requestId: context?.requestId,
  }
  if (fault === undefined) {
    if (method.hot) method.log.debug(fields, 'rpc.served')
    else method.log.info(fields, 'rpc.served')
  } else if (code === status.INTERNAL || code === status.UNKNOWN || code === status.DATA_LOSS) {
    method.log.error({ ...fields, reason: fault.reason, error: fault.cause ?? fault }, 'rpc.failed')
  } else if (fault.cause !== undefined) method.log.warn({ ...fields, reason: fault.reason, error: fault.cause }, 'rpc.failed')
  else method.log.info({ ...fields, reason: fault.reason }, 'rpc.refused')
}

/** The promise-returning handler as grpc-js wants it. Written without a chain of closures: this is the hot path. */
export function serveUnary(method: ServedMethod, handler: UnaryHandler<never, unknown>): grpc.handleUnaryCall<unknown, unknown> {
  const run = handler as UnaryHandler<unknown, unknown>

  const serve = (caller: Caller, call: grpc.ServerUnaryCall<unknown, unknown>, answer: Answer, startedAt: number) => {
    const given = givenDeadline(call)
    const deadline = given === Number.POSITIVE_INFINITY ? method.clock.now() + method.defaultDeadlineMs : given
    const context = new CallContext(call, caller, method.path, deadline, method.log)
    let answered = false
    const refuse = (fault: GrpcFault) => {
      if (answered) return
      answered = true
      clearTimeout(timer)
      conclude(method, caller, context, startedAt, fault)
      answer(faultStatus(fault))
    }
    // grpc-js keeps the caller's deadline itself; ours stands in where there is none.
    const timer =
      given === Number.POSITIVE_INFINITY
        ? setTimeout(() => {
            const fault = deadlineExceeded()
            context.abort(fault)
            refuse(fault)
          }, method.defaultDeadlineMs)
        : undefined
    let result: Promise<unknown>
    try {
      refuseUnreadable(call.request)
      result = run(call.request, context)
    } catch (thrown) {
      refuse(toFault(thrown, method, context))
      return
    }
    result.then(
      (response) => {
        if (answered) return
        answered = true
        clearTimeout(timer)
        // Nobody gets the answer any more; the work was done all the same.
        const missed = call.cancelled ? (method.clock.now() >= deadline ? deadlineExceeded() : cancelled()) : undefined
        conclude(method, caller, context, startedAt, missed)
        answer(null, response)
      },
      (thrown: unknown) => refuse(toFault(thrown, method, context)),
    )
  }

  return (call, answer) => {
    const startedAt = performance.now()
    const settle = (admitted: Caller | GrpcFault) => {
      if (admitted instanceof GrpcFault) {
        conclude(method, undefined, undefined, startedAt, admitted)
        answer(faultStatus(admitted))
      } else serve(admitted, call, answer, startedAt)
    }
    const admitted = method.gatekeeper.admit(call.metadata, method)
    if (admitted instanceof Promise) admitted.then(settle, (thrown: unknown) => settle(toFault(thrown, method, undefined)))
    else settle(admitted)
  }
}

/** A stream under way: admitted, with a context whose signal ends it. */
interface StreamCall {
  caller: Caller
  context: CallContext
  startedAt: number
  /** Rejects once, with the reason why the call must end before the handler is done. */
  cut: Promise<never>
  close(): void
}

async function openStream(method: ServedMethod, call: Call, startedAt: number): Promise<StreamCall> {
  const admitted = await method.gatekeeper.admit(call.metadata, method)
  if (admitted instanceof GrpcFault) throw admitted
  const deadline = givenDeadline(call)
  const context = new CallContext(call, admitted, method.path, deadline, method.log)
  let end: (fault: GrpcFault) => void = () => undefined
  const cut = new Promise<never>((_, reject) => {
    end = (fault) => {
      // In this order: the abort is heard below, as the caller's leaving.
      reject(fault)
      context.abort(fault)
    }
  })
  cut.catch(() => undefined)
  const leave = () => end(method.clock.now() >= deadline ? deadlineExceeded() : cancelled())
  if (context.signal.aborted) leave()
  else context.signal.addEventListener('abort', leave, { once: true })
  const entry: OpenCall = { end }
  method.open.add(entry)
  return { caller: admitted, context, startedAt, cut, close: () => method.open.delete(entry) }
}

/** A handler that answers a stream with one response. */
export function serveClientStream(
  method: ServedMethod,
  handler: ClientStreamHandler<never, unknown>,
): grpc.handleClientStreamingCall<unknown, unknown> {
  const run = handler as ClientStreamHandler<unknown, unknown>
  const serve = async (call: grpc.ServerReadableStream<unknown, unknown>, answer: Answer) => {
    const startedAt = performance.now()
    let stream: StreamCall | undefined
    try {
      stream = await openStream(method, call, startedAt)
      const response = await Promise.race([run(readStream(call, { check: refuseUnreadable }), stream.context), stream.cut])
      conclude(method, stream.caller, stream.context, startedAt)
      answer(null, response)
    } catch (thrown) {
      const fault = toFault(thrown, method, stream?.context)
      conclude(method, stream?.caller, stream?.context, startedAt, fault)
      answer(faultStatus(fault))
    } finally {
      stream?.close()
      // A handler that stopped early leaves requests unread; without a reader they would be kept.
      call.destroy()
    }
  }
  return (call, answer) => void serve(call, answer)
}

type WritableCall = grpc.ServerWritableStream<unknown, unknown> | grpc.ServerDuplexStream<unknown, unknown>

// More than the 16 objects at which a stream asks to wait: a wait for each 16 small messages would cost more than the messages.
const writeAhead = 128

/** Writes what the handler yields, waiting where the caller reads slower than the handler writes. */
async function pump(call: WritableCall, responses: AsyncIterable<unknown>): Promise<void> {
  for await (const response of responses) {
    if (call.cancelled || call.destroyed) return
    if (!call.write(response) && call.writableLength >= writeAhead) await drained(call)
  }
}

/** Resolves when the caller has taken what was written, and also when it never will. */
function drained(call: WritableCall): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done)
      call.off('close', done)
      resolve()
    }
    call.on('drain', done)
    call.on('close', done)
  })
}

function serveResponses(
  method: ServedMethod,
  open: (call: WritableCall, context: CallContext) => AsyncIterable<unknown>,
): (call: WritableCall) => void {
  const serve = async (call: WritableCall) => {
    const startedAt = performance.now()
    let stream: StreamCall | undefined
    // A stream that breaks while it is written says so by an event; the signal has already ended the call then.
    call.on('error', () => undefined)
    try {
      stream = await openStream(method, call, startedAt)
      // One race for the whole call: one for each message would leave its traces on `cut` for as long as the stream lives.
      await Promise.race([pump(call, open(call, stream.context)), stream.cut])
      conclude(method, stream.caller, stream.context, startedAt)
      call.end()
    } catch (thrown) {
      const fault = toFault(thrown, method, stream?.context)
      conclude(method, stream?.caller, stream?.context, startedAt, fault)
      call.emit('error', faultStatus(fault))
    } finally {
      stream?.close()
    }
  }
  return (call) => void serve(call)
}

/** A handler that answers one request with a stream. */
export function serveServerStream(
  method: ServedMethod,
  handler: ServerStreamHandler<never, unknown>,
): grpc.handleServerStreamingCall<unknown, unknown> {
  const run = handler as ServerStreamHandler<unknown, unknown>
  return serveResponses(method, (call, context) => {
    const { request } = call as grpc.ServerWritableStream<unknown, unknown>
    refuseUnreadable(request)
    return run(request, context)
  })
}

/** A handler that answers a stream with a stream. */
export function serveBidi(method: ServedMethod, handler: BidiHandler<never, unknown>): grpc.handleBidiStreamingCall<unknown, unknown> {
  const run = handler as BidiHandler<unknown, unknown>
  return serveResponses(method, (call, context) =>
    run(readStream(call as grpc.ServerDuplexStream<unknown, unknown>, { check: refuseUnreadable }), context),
  )
}
