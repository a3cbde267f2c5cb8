/** One measured figure. `ceiling` is the raw client or server in the same run, in the same unit; `ratio` is value / ceiling (for times: ceiling / value). */
export interface Figure {
  readonly key: string
  readonly value: number
  readonly unit: string
  readonly ceiling?: number
  readonly ratio?: number
  /** CPU time of each process for one, in microseconds, where it was measured. */
  readonly cpu?: string
}

/** What a figure has to reach, and what it should. */
export interface Target {
  readonly atLeast: string
  readonly reachFor: string
}

/** Targets by key, as they are agreed; the benchmark prints them and judges nothing. */
export const targets: Readonly<Record<string, Target>> = {
  'intake.streamed.existing': { atLeast: '3,000/s', reachFor: '6,000/s' },
  'intake.streamed.new': { atLeast: '2,000/s', reachFor: '4,000/s' },
  'intake.unary': { atLeast: 'ratio 0.40', reachFor: 'ratio 0.60' },
  'check.unary': { atLeast: 'ratio 0.70', reachFor: 'ratio 0.85' },
  'check.batch': { atLeast: '20,000/s', reachFor: '60,000/s' },
  'latency.confirmed.p50': { atLeast: '500 ms', reachFor: '200 ms' },
  'latency.confirmed.p99': { atLeast: '3,000 ms', reachFor: '1,000 ms' },
  'deliveries.settled': { atLeast: '2,000/s', reachFor: '4,000/s' },
  'oneclick.post': { atLeast: 'ratio 0.50', reachFor: 'ratio 0.70' },
  'vendor.requests.mailchimp': { atLeast: '100', reachFor: '50' },
  'idle.cpu': { atLeast: '10 %', reachFor: '5 %' },
  'idle.rss': { atLeast: '300 MB', reachFor: '200 MB' },
  'fanout.latency.p50': { atLeast: '1,000 ms', reachFor: '400 ms' },
  'fanout.settled': { atLeast: '2,000/s', reachFor: '4,000/s' },
  'vendor.requests.google': { atLeast: '5', reachFor: '' },
  'vendor.requests.meta': { atLeast: '5', reachFor: '' },
  'vendor.requests.linkedin': { atLeast: '2 (5,000 each)', reachFor: '' },
  'vendor.requests.x': { atLeast: '4 (2,500 each), 8 with its Do Not Reach List', reachFor: '' },
  'vendor.requests.microsoft': { atLeast: '10 (1,000 each)', reachFor: '' },
  'inbox.rss': { atLeast: '250 MB, flat', reachFor: '150 MB' },
  'trail.append': { atLeast: '5,000/s', reachFor: 'ratio 0.50' },
  'trail.checkpoint.p99': { atLeast: '1,000 ms', reachFor: '300 ms' },
  'trail.proof.p99': { atLeast: '5 ms', reachFor: '1 ms' },
  'trail.verify': { atLeast: '50 ms', reachFor: '10 ms' },
  'trail.audit': { atLeast: '20,000/s', reachFor: '50,000/s' },
  'start.first-confirmed': { atLeast: '20 s', reachFor: '10 s' },
}

/** The value at a share of sorted or unsorted samples; NaN for none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** Runs `work` again and again, `inFlight` at a time, for so long, and gives how often a second it ended. */
export async function ratePerSecond(inFlight: number, ms: number, work: (index: number) => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  const until = startedAt + ms
  let next = 0
  let done = 0
  const one = async () => {
    while (performance.now() < until) {
      await work(next++)
      done += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  return (done * 1000) / (performance.now() - startedAt)
}
