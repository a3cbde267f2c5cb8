import type { Readable } from 'node:stream'

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void
  reject(error: unknown): void
}

export interface ReadStreamOptions {
  /** What the reader is told in place of the stream's own error. */
  translate?(error: Error): unknown
  /** Refuses an object by throwing; the reader then gets the error in its place. */
  check?(item: unknown): void
  /** Called when the reader leaves before the end. */
  leave?(): void
}

/**
 * The objects of a stream, taken one by one as they are asked for, so that the sender is slowed down to the reader. Unlike the
 * stream's own iterator it leaves the stream open at the end: a duplex stream still has its answers to write. A stream that
 * closes before its end makes the iteration throw. Written without generators: a hop less for each message.
 */
export function readStream<T>(stream: Readable, options: ReadStreamOptions = {}): AsyncIterableIterator<T, undefined> {
  const waiters: Waiter<T>[] = []
  let ended = false
  let left = false
  let failure: Error | undefined

  const over = (): IteratorResult<T, undefined> => ({ value: undefined, done: true })
  const settle = () => {
    while (waiters.length > 0) {
      const item: T | null = left ? null : stream.read()
      if (item === null && !left && !ended && failure === undefined) return
      const waiter = waiters.shift()
      if (item !== null) checked(item).then(waiter?.resolve, waiter?.reject)
      else if (failure !== undefined && !left) waiter?.reject(options.translate?.(failure) ?? failure)
      else waiter?.resolve(over())
    }
  }
  // Answers with the object, or with the refusal of it.
  const checked = (item: T): Promise<IteratorResult<T, undefined>> => {
    try {
      options.check?.(item)
      return Promise.resolve({ value: item, done: false })
    } catch (thrown) {
      return Promise.reject(thrown)
    }
  }
  stream.on('readable', settle)
  stream.once('end', () => {
    ended = true
    settle()
  })
  // Stays to the end: an error without a listener would end the process.
  stream.on('error', (error: Error) => {
    failure ??= error
    settle()
  })
  stream.once('close', () => {
    if (!ended) failure ??= new Error('the stream closed before its end')
    settle()
  })

  return {
    next: () => {
      if (waiters.length === 0 && !left) {
        const item: T | null = stream.read()
        if (item !== null) return checked(item)
      }
      return new Promise((resolve, reject) => {
        waiters.push({ resolve, reject })
        settle()
      })
    },
    return: () => {
      const early = !left && !ended && failure === undefined
      left = true
      settle()
      if (early) options.leave?.()
      return Promise.resolve(over())
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
