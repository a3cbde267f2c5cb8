import kafkajs from 'kafkajs'
import { systemClock } from '../clock/index.ts'
import { asError } from '../errors/index.ts'
import { once } from '../lifecycle/index.ts'
import type { Logger } from '../log/index.ts'
import { isRecordFault, kafkaErrorText, PublishError } from './errors.ts'
import type { OutgoingRecord, Publisher, PublisherOptions } from './types.ts'

/** The default limit of a broker is 1 MiB for one batch of one partition; a request stays below it with room for framing. */
export const maxRequestBytes = 900 * 1024

const stopGraceMs = 5_000
const unhealthyStopGraceMs = 1_000

interface Call {
  settled: boolean
  records: readonly OutgoingRecord[]
  bytes: number
  giveUpAt: number
  resolve(): void
  reject(error: Error): void
}

const sizeOf = (record: OutgoingRecord): number => {
  let bytes = record.key.length + 100 + (record.value === null ? 0 : Buffer.byteLength(record.value))
  for (const [name, value] of Object.entries(record.headers ?? {})) bytes += name.length + value.length + 4
  return bytes
}

/**
 * One request in flight, ever: with two, kafkajs may give the sequence number of a lost batch to a different one, and the
 * broker then acknowledges records that it never stored. After any failed send the producer is dropped and made anew.
 */
export function createPublisher(client: kafkajs.Kafka, log: Logger, options: PublisherOptions = {}): Publisher {
  const { deliveryTimeoutMs = 30_000, maxQueue = 20_000, maxBatch = 1_000 } = options
  let queue: Call[] = []
  let queuedRecords = 0
  let working: Promise<void> | undefined
  let producer: kafkajs.Producer | undefined
  let healthy = true
  let proven = false
  let stopped = false
  let inFlight: readonly Call[] = []
  const stopping = new AbortController()

  const drop = () => {
    const dropped = producer
    producer = undefined
    // A disconnect of a broken connection may hang; it is not waited for.
    dropped?.disconnect().catch(() => undefined)
  }

  const connected = async (): Promise<kafkajs.Producer> => {
    if (producer !== undefined) return producer
    const fresh = client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      // The same request again, under the same sequence number: the broker drops the repetition.
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
    })
    try {
      await fresh.connect()
    } catch (thrown) {
      // A producer whose connect failed half-way would silently send without idempotence: it is never used.
      fresh.disconnect().catch(() => undefined)
      throw thrown
    }
    producer = fresh
    return fresh
  }

  const send = async (calls: readonly Call[]) => {
    const byTopic = new Map<string, kafkajs.Message[]>()
    for (const { records } of calls) {
      for (const { topic, key, value, headers } of records) {
        let messages = byTopic.get(topic)
        if (messages === undefined) {
          messages = []
          byTopic.set(topic, messages)
        }
        messages.push({ key, value, ...(headers === undefined ? {} : { headers: { ...headers } }) })
      }
    }
    const topicMessages = [...byTopic].map(([topic, messages]) => ({ topic, messages }))
    const current = await connected()
    await current.sendBatch({ acks: -1, timeout: 10_000, topicMessages })
  }

  const takeBatch = (): Call[] => {
    let records = 0
    let bytes = 0
    let count = 0
    for (const call of queue) {
      if (count > 0 && (records + call.records.length > maxBatch || bytes + call.bytes > maxRequestBytes)) break
      records += call.records.length
      bytes += call.bytes
      count += 1
    }
    const batch = queue.slice(0, count)
    queue = queue.slice(count)
    return batch
  }

  const settle = (call: Call, error?: Error) => {
    if (call.settled) return
    call.settled = true
    queuedRecords -= call.records.length
    if (error === undefined) call.resolve()
    else call.reject(error)
  }

  /** Gives back to their callers those of the calls that `isLate` says. */
  const giveUp = (calls: readonly Call[], isLate: (call: Call) => boolean, cause?: Error) => {
    for (const call of calls) {
      if (isLate(call)) settle(call, new PublishError('kafka.unavailable', 'the broker did not acknowledge in time', cause))
    }
  }
  const unsettled = (calls: readonly Call[]): Call[] => calls.filter((call) => !call.settled)

  /** Sends until it is stored, or until each of the calls is past its time. */
  const deliver = async (calls: readonly Call[]) => {
    let open = calls
    for (let attempt = 1; open.length > 0; attempt += 1) {
      inFlight = open
      try {
        await send(open)
        if (!healthy) log.info({ attempt }, 'kafka.publish-recovered')
        healthy = true
        proven = true
        for (const call of open) settle(call)
        return
      } catch (thrown) {
        const error = asError(thrown)
        drop()
        if (isRecordFault(error)) {
          const [only] = open
          if (open.length === 1 && only !== undefined) {
            log.error({ topics: topicsOf(only), error: kafkaErrorText(error) }, 'kafka.record-refused')
            settle(only, new PublishError('kafka.record-refused', `the broker refused the records: ${kafkaErrorText(error)}`, error))
          } else for (const call of open) await deliver([call])
          return
        }
        healthy = false
        log.warn({ attempt, calls: open.length, error: kafkaErrorText(error) }, 'kafka.publish-failed')
        const now = Date.now()
        // Those that wait behind are also past their time at some point, though nobody has tried to send them.
        giveUp([...open, ...queue], (call) => call.giveUpAt <= now || stopping.signal.aborted, error)
        queue = unsettled(queue)
        open = unsettled(open)
        if (open.length > 0) await pause(Math.min(100 * 2 ** (attempt - 1), 2_000), stopping.signal)
      }
    }
  }

  const work = async () => {
    // Whatever is published in the same turn of the event loop shares the first request too.
    await new Promise((resolve) => setImmediate(resolve))
    while (queue.length > 0) await deliver(takeBatch())
    working = undefined
  }

  const enqueue = (records: readonly OutgoingRecord[], bytes: number): Promise<void> =>
    new Promise((resolve, reject) => {
      queue.push({ settled: false, records, bytes, giveUpAt: Date.now() + deliveryTimeoutMs, resolve, reject })
      queuedRecords += records.length
      working ??= work()
    })

  /** One call is one request, unless it is larger than a request may be. */
  const enqueueSlices = async (records: readonly OutgoingRecord[], sizes: readonly number[]): Promise<void> => {
    const slices: Promise<void>[] = []
    let from = 0
    let bytes = 0
    for (const [index, size] of sizes.entries()) {
      if (index > from && (bytes + size > maxRequestBytes || index - from >= maxBatch)) {
        slices.push(enqueue(records.slice(from, index), bytes))
        from = index
        bytes = 0
      }
      bytes += size
    }
    slices.push(enqueue(from === 0 ? records : records.slice(from), bytes))
    const results = await Promise.allSettled(slices)
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  return {
    publish: (records) => {
      if (records.length === 0) return Promise.resolve()
      if (stopped) return Promise.reject(new PublishError('kafka.stopped', 'the publisher is stopping'))
      if (queuedRecords + records.length > maxQueue) {
        return Promise.reject(new PublishError('kafka.queue-full', `more than ${maxQueue} records wait to be published`))
      }
      const sizes = records.map(sizeOf)
      const tooLarge = sizes.findIndex((size) => size > maxRequestBytes)
      if (tooLarge !== -1) {
        const topic = records[tooLarge]?.topic ?? ''
        return Promise.reject(new PublishError('kafka.record-refused', `a record for ${topic} is larger than ${maxRequestBytes} bytes`))
      }
      return enqueueSlices(records, sizes)
    },
    get healthy() {
      return healthy
    },
    stop: once(async () => {
      stopped = true
      // What waits is still sent; what cannot be sent within the grace is given back to its caller, also when the client
      // is still trying: it would go on for longer than anybody waits for a stop.
      const graceOver = new AbortController()
      const grace = pause(healthy && proven ? stopGraceMs : unhealthyStopGraceMs, graceOver.signal)
      await Promise.race([working, grace])
      graceOver.abort()
      stopping.abort()
      giveUp([...inFlight, ...queue], () => true)
      queue = []
      const last = producer
      producer = undefined
      if (last !== undefined) await Promise.race([last.disconnect().catch(() => undefined), pause(2_000)])
    }),
  }
}

const topicsOf = (call: Call): string[] => [...new Set(call.records.map(({ topic }) => topic))]

const pause = (ms: number, signal?: AbortSignal): Promise<void> => systemClock.sleep(ms, signal)
