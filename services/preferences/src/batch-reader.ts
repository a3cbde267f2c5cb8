/** Reads by key, many at a time. */
export interface BatchReader<Key, Value> {
  /** The values of those keys that have one, as of a read that began after this call. */
  load(keys: readonly Key[]): Promise<Map<Key, Value>>
}

interface Call<Key, Value> {
  readonly keys: readonly Key[]
  resolve(values: Map<Key, Value>): void
  reject(error: unknown): void
}

/**
 * Gathers the reads that are asked for while others run, and makes one of them: under load a read for each of many calls costs hardly more than one. An idle
 * reader reads at once, or waits `gatherMs` for others. A failed read fails the calls that share it, and no other.
 */
export function batchReader<Key, Value>(options: {
  readonly read: (keys: readonly Key[]) => Promise<Map<Key, Value>>
  /** At most so many keys in one read, unless one call alone has more. */
  readonly maxKeys: number
  /** Reads under way at the same time. */
  readonly concurrency: number
  /** How long the first call waits for others; 0 unless told: those of the same turn of the event loop. */
  readonly gatherMs?: number
}): BatchReader<Key, Value> {
  const { read, maxKeys, concurrency, gatherMs = 0 } = options
  let waiting: Call<Key, Value>[] = []
  let running = 0
  let planned = false

  const take = (): Call<Key, Value>[] => {
    let keys = 0
    let count = 0
    for (const call of waiting) {
      if (count > 0 && keys + call.keys.length > maxKeys) break
      keys += call.keys.length
      count += 1
    }
    const taken = waiting.slice(0, count)
    waiting = count === waiting.length ? [] : waiting.slice(count)
    return taken
  }

  const run = async (calls: readonly Call<Key, Value>[]) => {
    try {
      const [only] = calls
      const values = await read(calls.length === 1 && only !== undefined ? only.keys : [...new Set(calls.flatMap((call) => call.keys))])
      for (const call of calls) call.resolve(values)
    } catch (thrown) {
      for (const call of calls) call.reject(thrown)
    }
  }

  const pump = () => {
    planned = false
    while (running < concurrency && waiting.length > 0) {
      running += 1
      void run(take()).finally(() => {
        running -= 1
        pump()
      })
    }
  }

  return {
    load: (keys) =>
      new Promise((resolve, reject) => {
        if (keys.length === 0) return resolve(new Map())
        waiting.push({ keys, resolve, reject })
        if (planned || running >= concurrency) return
        planned = true
        if (gatherMs > 0) setTimeout(pump, gatherMs)
        else setImmediate(pump)
      }),
  }
}
