import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Misbehaviour, Occasion, Switches } from './misbehaviour.ts'
import { createRouter, type Routed } from './router.ts'
import type { Stage } from './vendor.ts'

/** A request as a vendor's route sees it: admitted, body read, path taken apart. */
export interface HttpRequest {
  readonly method: string
  readonly template: string
  /** The path after the vendor's mount, as it was sent. */
  readonly path: string
  readonly parameters: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What a vendor answers. A body that is an object is sent as JSON; without one, the answer has no body at all. */
export interface HttpReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** In place of a body: this text again and again, for as long as the client listens. */
  readonly endless?: { readonly text: string; readonly everyMs: number }
  /** How many people the request was about, for the log. Default 0. */
  readonly items?: number
  readonly remark?: string
}

export type HttpHandler = (request: HttpRequest) => HttpReply | Promise<HttpReply>

/** The kinds of fault that every vendor with an HTTP interface can play. */
export type HttpFault =
  | 'down'
  | 'rate-limited'
  | 'revoked-key'
  | 'slow'
  | 'applied-then-timeout'
  | 'forbidden-no-body'
  | 'bad-gateway-html'
  | 'server-error'

/** One vendor's HTTP interface: its routes, and how it says no in its own words. */
export interface HttpPlay {
  readonly routes: readonly Routed<HttpHandler>[]
  /** Looks at the credentials of each request; a reply refuses it. */
  admit(request: HttpRequest): HttpReply | undefined
  /**
   * Templates where clients sign in. They need no credentials, and switches reach them only when they name the path,
   * except that a revoked key signs in no longer.
   */
  readonly signIn?: { readonly templates: readonly string[]; refused(): HttpReply }
  /** Requests that the vendor serves at the same time; one more is refused with `refuse.tooManyAtOnce`. */
  readonly concurrency?: number
  /** After how long the vendor gives up on a request that it does not answer. Default 120 s, on the sandbox's clock. */
  readonly timeoutMs?: number
  /** How long each answer takes at least, in milliseconds. */
  latencyMs(): number
  readonly refuse: {
    tooManyAtOnce(): HttpReply
    rateLimited(retryAfterSeconds: number | undefined): HttpReply
    revokedKey(): HttpReply
    serverError(): HttpReply
    notFound(): HttpReply
    methodNotAllowed(): HttpReply
    tooLarge(): HttpReply
  }
}

const MAX_BODY_BYTES = 32 * 1024 * 1024
const GATEWAY_PAGE = '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\n'

/**
 * The listener that plays this interface, with the switches of the vendor applied. What a request changed is in the
 * operating system's hands before its answer leaves, so a kill never takes back what a client was told.
 */
export function playHttp<Kind extends string>(
  play: HttpPlay,
  stage: Stage,
  switches: Switches<Kind | HttpFault>,
  flush: () => Promise<void>,
): (incoming: IncomingMessage, response: ServerResponse, path: string) => void {
  const match = createRouter(play.routes)
  const concurrency = play.concurrency ?? Number.POSITIVE_INFINITY
  let inFlight = 0

  const serve = async (incoming: IncomingMessage, response: ServerResponse, target: string): Promise<void> => {
    const startedAt = performance.now()
    const method = incoming.method ?? 'GET'
    const questionMark = target.indexOf('?')
    const path = questionMark < 0 ? target : target.slice(0, questionMark)
    const found = match(method, path)
    const template = found.kind === 'unknown' ? '(unknown)' : found.template
    const aside = play.signIn?.templates.includes(template) === true
    const occasion: Occasion = { method, path: template, aside }

    const log = (status: number | 'none', reply?: HttpReply, misbehaved?: string): void => {
      stage.requests.record({
        at: new Date(stage.clock.now()).toISOString(),
        method,
        path: template,
        status,
        items: reply?.items ?? 0,
        durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
        ...(misbehaved === undefined ? {} : { misbehaved }),
        ...(reply?.remark === undefined ? {} : { remark: reply.remark }),
      })
    }
    const answer = async (reply: HttpReply, misbehaved?: string): Promise<void> => {
      await flush()
      send(response, reply)
      log(reply.status, reply, misbehaved)
    }

    if (switches.take('down', occasion) !== undefined) {
      incoming.socket.destroy()
      return log('none', undefined, 'down')
    }
    if (inFlight >= concurrency) {
      incoming.resume()
      return answer(play.refuse.tooManyAtOnce())
    }
    inFlight += 1
    try {
      const body = await readBody(incoming)
      if (body === undefined) return await answer(play.refuse.tooLarge())
      const slow = switches.take('slow', occasion)
      const waitMs = Math.max(play.latencyMs(), slow === undefined ? 0 : (slow.ms ?? 1000))
      if (waitMs > 0) await pause(waitMs, switches)

      const spoiled = spoil(play, switches, occasion)
      if (spoiled !== undefined) return await answer(spoiled.reply, spoiled.kind)
      const request: HttpRequest = {
        method,
        template,
        path,
        parameters: found.kind === 'route' ? found.parameters : {},
        query: new URLSearchParams(questionMark < 0 ? '' : target.slice(questionMark + 1)),
        headers: incoming.headers,
        body,
      }
      const refused = aside ? undefined : play.admit(request)
      if (refused !== undefined) return await answer(refused)
      if (found.kind !== 'route') return await answer(found.kind === 'unknown' ? play.refuse.notFound() : play.refuse.methodNotAllowed())

      const reply = await found.handler(request)
      const silent = switches.take('applied-then-timeout', occasion)
      if (silent === undefined) return await answer(reply, slow?.kind)
      await flush()
      log('none', reply, silent.kind)
      // the connection stays taken for as long as the vendor works on it, whether or not the client still waits
      if (silent.afterwards !== 'reset') await untilGivenUp(stage, play.timeoutMs ?? 120_000, switches)
      incoming.socket.destroy()
    } finally {
      inFlight -= 1
    }
  }

  return (incoming, response, path) => {
    serve(incoming, response, path).catch((error: unknown) => {
      if (incoming.destroyed && !incoming.complete) return
      stage.failed(error)
      if (!response.headersSent) send(response, play.refuse.serverError())
    })
  }
}

function spoil<Kind extends string>(
  play: HttpPlay,
  switches: Switches<Kind | HttpFault>,
  occasion: Occasion,
): { kind: string; reply: HttpReply } | undefined {
  const taken = (kind: HttpFault): Misbehaviour | undefined => switches.take(kind, occasion)
  if (taken('forbidden-no-body') !== undefined) return { kind: 'forbidden-no-body', reply: { status: 403 } }
  if (taken('bad-gateway-html') !== undefined) {
    const headers = { 'content-type': 'text/html', server: 'gateway' }
    return { kind: 'bad-gateway-html', reply: { status: 502, headers, body: GATEWAY_PAGE } }
  }
  if (taken('server-error') !== undefined) return { kind: 'server-error', reply: play.refuse.serverError() }
  const limited = taken('rate-limited')
  if (limited !== undefined) return { kind: 'rate-limited', reply: play.refuse.rateLimited(limited.retryAfterSeconds) }
  const revoked = taken('revoked-key') !== undefined || (occasion.aside === true && isRevoked(switches))
  if (!revoked) return undefined
  const refused = occasion.aside === true ? play.signIn?.refused() : undefined
  return { kind: 'revoked-key', reply: refused ?? play.refuse.revokedKey() }
}

// revoked for a number of requests is a token that ended early: signing in anew then helps
function isRevoked<Kind extends string>(switches: Switches<Kind | HttpFault>): boolean {
  return switches.active().some(({ kind, count, match }) => kind === 'revoked-key' && count === undefined && match === undefined)
}

function send(response: ServerResponse, { status, headers, body, endless }: HttpReply): void {
  if (response.destroyed) return
  if (endless !== undefined) {
    response.writeHead(status, { ...headers })
    const more = setInterval(() => response.write(endless.text), endless.everyMs)
    response.once('close', () => clearInterval(more))
    return
  }
  response.writeHead(status, body === undefined ? { ...headers } : { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/** `undefined` when the body is larger than any vendor takes. */
function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
      else chunks.length = 0
    })
    incoming.on('end', () => resolve(bytes > MAX_BODY_BYTES ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    incoming.on('error', reject)
  })
}

/** Waits, or until the switches are turned off. */
async function pause<Kind extends string>(waitMs: number, switches: Switches<Kind>): Promise<void> {
  const released = new AbortController()
  const forget = switches.onTurnedOff(() => released.abort())
  try {
    await sleep(waitMs, undefined, { signal: released.signal })
  } catch {
    // let go early: the request goes on at once
  } finally {
    forget()
  }
}

function untilGivenUp<Kind extends string>(stage: Stage, timeoutMs: number, switches: Switches<Kind>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      forget()
      cancel()
      resolve()
    }
    const cancel = stage.clock.after(timeoutMs, done)
    const forget = switches.onTurnedOff(done)
  })
}
