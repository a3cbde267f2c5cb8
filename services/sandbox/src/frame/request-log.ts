/** One request as the vendor remembers it: no credentials, no address, no body. */
export interface LoggedRequest {
  /** The sandbox's time at the end of the request, RFC 3339. */
  readonly at: string
  /** The HTTP method, or the operation of another protocol. */
  readonly method: string
  /** The path with its variable parts as names, e.g. `/3.0/lists/{list}/members/{hash}`. */
  readonly path: string
  /** The HTTP status or the protocol's word for the outcome; `'none'` when nothing was answered. */
  readonly status: number | string
  /** How many people (or rows, or operations) the request was about. */
  readonly items: number
  readonly durationMs: number
  /** The switch that spoiled this request, when one did. */
  readonly misbehaved?: string
  /** What a careful client would not have done, e.g. an address in a path. */
  readonly remark?: string
}

/** How often a route was asked and with what outcome, since the log was last cleared. */
export interface RouteTotal {
  readonly method: string
  readonly path: string
  readonly status: number | string
  readonly requests: number
  readonly items: number
}

/** The recent requests of one vendor and exact totals over all of them. */
export interface RequestLog {
  record(request: LoggedRequest): void
  /** The newest requests, oldest first; at most 10,000 are remembered. */
  recent(limit?: number): LoggedRequest[]
  totals(): RouteTotal[]
  /** All requests since the log was cleared. */
  count(): number
  /** Calls the listener after each request, once its answer is on its way; returns how to stop that. */
  onRequest(listener: (request: LoggedRequest) => void): () => void
  clear(): void
}

const REMEMBERED = 10_000

/** An empty log; `also` sees every request too (metrics, a log line). */
export function createRequestLog(also: (request: LoggedRequest) => void): RequestLog {
  const listeners = new Set<(request: LoggedRequest) => void>([also])
  let ring: LoggedRequest[] = []
  let oldest = 0
  let count = 0
  const totals = new Map<string, { -readonly [K in keyof RouteTotal]: RouteTotal[K] }>()

  return {
    record(request) {
      count += 1
      if (ring.length < REMEMBERED) ring.push(request)
      else {
        ring[oldest] = request
        oldest = (oldest + 1) % REMEMBERED
      }
      const { method, path, status, items } = request
      const key = `${method} ${path} ${status}`
      const total = totals.get(key)
      if (total === undefined) totals.set(key, { method, path, status, requests: 1, items })
      else {
        total.requests += 1
        total.items += items
      }
      for (const listener of listeners) listener(request)
    },
    recent(limit = REMEMBERED) {
      const all = [...ring.slice(oldest), ...ring.slice(0, oldest)]
      return limit >= all.length ? all : all.slice(all.length - limit)
    },
    totals: () => [...totals.values()].map((total) => ({ ...total })),
    count: () => count,
    onRequest(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    clear() {
      ring = []
      oldest = 0
      count = 0
      totals.clear()
    },
  }
}
