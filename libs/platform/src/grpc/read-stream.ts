import type { Readable } from 'node:stream'

/**
 * The objects of a stream, taken one by one as they are asked for, so that the sender is slowed down to the reader. Unlike the
 * stream's own iterator it leaves the stream open at the end: a duplex stream still has its answers to write. A stream that
 * closes before its end makes the iteration throw.
 */
export function readStream<T>(stream: Readable): AsyncIterable<T> {
  let ended = false
  let failure: Error | undefined
  let wake: (() => void) | undefined
  const awake = () => {
    const waiting = wake
    wake = undefined
    waiting?.()
  }
  stream.on('readable', awake)
  stream.once('end', () => {
    ended = true
    awake()
  })
  stream.once('error', (error: Error) => {
    failure ??= error
    awake()
  })
  stream.once('close', () => {
    if (!ended) failure ??= new Error('the stream closed before its end')
    awake()
  })

  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const item: T | null = stream.read()
        if (item !== null) yield item
        else if (failure !== undefined) throw failure
        else if (ended) return
        else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    },
  }
}
