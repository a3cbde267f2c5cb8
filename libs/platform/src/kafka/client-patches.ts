import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

// kafkajs 2.2.4 has had no release since 2023. What is mended here, per connection:
//   - a timer that re-arms itself for ever, also with nothing to send (5 to 8 per cent of a core in an idle process,
//     and a TimeoutNegativeWarning each time on newer Node versions);
//   - the check for overdue requests every 100 ms; every other second is enough for timeouts of many seconds, and one look for all connections of the process.

const overdueCheckMs = 2_000

interface Queue {
  pending: unknown[]
  inflight: Map<number, { sentAt: number; requestTimeout: number; timeoutRequest(): void }>
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  enforceRequestTimeout: boolean
  checkPendingRequests(): void
  isConnected(): boolean
  destroy(): void
}

const patched = Symbol.for('heed.kafkajs.patched')

/** Mends the client once per process; doing it again changes nothing. */
export function patchClient(): void {
  const prototype = RequestQueue.prototype as {
    [patched]?: boolean
    scheduleCheckPendingRequests(): void
    scheduleRequestTimeoutCheck(): void
    destroy(): void
  }
  if (prototype[patched]) return
  prototype[patched] = true

  prototype.scheduleCheckPendingRequests = function (this: Queue) {
    const throttledMs = this.throttledUntil - Date.now()
    if (this.throttleCheckTimeoutId !== null || (this.pending.length === 0 && throttledMs <= 0)) return
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null
        this.checkPendingRequests()
      },
      Math.max(throttledMs, 10),
    )
  }

  const watched = new Set<Queue>()
  let watch: NodeJS.Timeout | undefined
  const lookAtAll = () => {
    const now = Date.now()
    for (const queue of watched) {
      for (const request of queue.inflight.values()) if (now - request.sentAt > request.requestTimeout) request.timeoutRequest()
      if (!queue.isConnected()) queue.destroy()
    }
  }

  prototype.scheduleRequestTimeoutCheck = function (this: Queue) {
    if (!this.enforceRequestTimeout) return
    watched.add(this)
    watch ??= setInterval(lookAtAll, overdueCheckMs)
  }

  prototype.destroy = function (this: Queue) {
    watched.delete(this)
    if (watched.size === 0) {
      clearInterval(watch)
      watch = undefined
    }
    if (this.throttleCheckTimeoutId !== null) clearTimeout(this.throttleCheckTimeoutId)
    this.throttleCheckTimeoutId = null
  }
}
