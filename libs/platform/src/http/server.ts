import { createServer, type RequestListener, type Server } from 'node:http'
import { asError, HeedError } from '../errors/index.ts'
import { once, type Part, type RunningPart } from '../lifecycle/index.ts'
import type { Logger } from '../log/index.ts'
import { finishApp } from './app.ts'

export interface HttpServerOptions {
  /** 0 takes a free one; `port` of the part says which. */
  port: number
  /** The address to listen on; all of them unless told. */
  host?: string
  app: RequestListener
  name: string
  log: Logger
  /** How long requests under way may go on when the server stops; 5 s unless told. */
  drainMs?: number
}

export interface HttpServer extends Part {
  readonly port: number
  /** `http://127.0.0.1:<port>`, for tests and for what is printed at start. */
  readonly url: string
}

/** The port is taken or not allowed. */
export class ListenError extends HeedError {
  constructor(name: string, port: number, cause: Error) {
    const { code } = cause as { code?: unknown }
    super('http.listen-failed', `${name} cannot listen on port ${port} (${typeof code === 'string' ? code : cause.name})`, { cause })
  }
}

/** A server with limits on how slowly a request may come in. Stopping lets requests under way finish. */
export function httpServer(options: HttpServerOptions): HttpServer {
  const { port, host, app, name, log, drainMs = 5_000 } = options
  let boundPort = port
  return {
    name,
    get port() {
      return boundPort
    },
    get url() {
      return `http://127.0.0.1:${boundPort}`
    },
    start: async (): Promise<RunningPart> => {
      finishApp(app)
      const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5_000, maxHeaderSize: 16_384 }, app)
      // Fewer headers than Node's 2,000: nothing legitimate has so many.
      server.maxHeadersCount = 100
      boundPort = await listen(server, port, host).catch((thrown: unknown) => {
        throw new ListenError(name, port, asError(thrown))
      })
      log.info({ server: name, port: boundPort }, 'http.listening')
      return { stop: once(() => close(server, drainMs)) }
    },
  }
}

function listen(server: Server, port: number, host: string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function close(server: Server, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), drainMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    // A connection kept alive without a request would hold the stop for its whole time-out.
    server.closeIdleConnections()
  })
}
