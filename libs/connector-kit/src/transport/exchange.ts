import type { Dispatcher } from 'undici'
import type { OutgoingRequest } from './authentication.ts'
import { RequestFailure } from './http-failures.ts'

/** What came back. */
export interface Exchange {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * One request and its whole answer, within `timeoutMs` from connecting to the last byte; no more of its body than `keepBytes`, where that is set.
 * @throws RequestFailure that says whether the request had been begun on a connection.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: OutgoingRequest,
  limit: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly keepBytes?: number },
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    let begun: Dispatcher.DispatchController | undefined
    let ended = false
    let status = 0
    let headers: Record<string, string> = {}
    const chunks: Buffer[] = []
    let bytes = 0

    const end = (finish: () => void) => {
      if (ended) return
      ended = true
      clearTimeout(timer)
      limit.signal.removeEventListener('abort', stop)
      finish()
    }
    const fail = (cause: unknown) => end(() => reject(new RequestFailure(begun !== undefined, cause)))
    // A request that still waits for a connection has no controller yet: it is given up when it would begin.
    const giveUp = (code: 'HEED_TIMEOUT' | 'HEED_STOPPED') => {
      const reason = Object.assign(new Error(code), { code })
      begun?.abort(reason)
      fail(reason)
    }
    const stop = () => giveUp('HEED_STOPPED')
    const timer = setTimeout(() => giveUp('HEED_TIMEOUT'), limit.timeoutMs)
    if (limit.signal.aborted) return stop()
    limit.signal.addEventListener('abort', stop, { once: true })

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (controller) => {
        if (ended) return controller.abort(new Error('HEED_STOPPED'))
        begun = controller
      },
      onResponseStart: (_, code, incoming) => {
        status = code
        headers = {}
        for (const [name, value] of Object.entries(incoming))
          if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
      },
      onResponseData: (controller, chunk) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (limit.keepBytes === undefined || bytes <= limit.keepBytes) return
        const body = Buffer.concat(chunks).subarray(0, limit.keepBytes)
        end(() => resolve({ status, headers, body }))
        controller.abort(new Error('HEED_ENOUGH'))
      },
      onResponseEnd: () => end(() => resolve({ status, headers, body: Buffer.concat(chunks) })),
      onResponseError: (_, error) => fail(error),
    }
    try {
      dispatcher.dispatch(
        {
          origin: request.url.origin,
          path: request.url.pathname + request.url.search,
          method: request.method as Dispatcher.HttpMethod,
          headers: { ...request.headers },
          body: request.body === undefined ? null : Buffer.from(request.body.buffer, request.body.byteOffset, request.body.byteLength),
        },
        handler,
      )
    } catch (thrown) {
      fail(thrown)
    }
  })
}
