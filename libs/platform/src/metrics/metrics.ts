import client from 'prom-client'

/** A number that only grows. */
export interface Counter<Label extends string> {
  add(labels: Readonly<Record<Label, string>>, by?: number): void
}

/** A number as it is now. */
export interface Gauge<Label extends string> {
  set(labels: Readonly<Record<Label, string>>, value: number): void
}

/** How values spread. */
export interface Histogram<Label extends string> {
  observe(labels: Readonly<Record<Label, string>>, value: number): void
}

interface Described<Label extends string> {
  name: string
  help: string
  /** Closed lists only: never an id, never text that somebody typed. */
  labels?: readonly Label[]
}

/** The figures of one process, in the text format of Prometheus. Asking twice for the same name gives the same figure. */
export interface Metrics {
  counter<Label extends string = never>(figure: Described<Label>): Counter<Label>
  gauge<Label extends string = never>(figure: Described<Label> & { collect?: () => number | Promise<number> }): Gauge<Label>
  histogram<Label extends string = never>(figure: Described<Label> & { buckets?: readonly number[] }): Histogram<Label>
  /** Everything, as text. */
  read(): Promise<string>
  readonly contentType: string
}

/** Seconds from half a millisecond to half a minute: what an RPC, a request or a batch takes. */
export const durationBuckets: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30]

// The event loop is looked at so often: what `nodejs_eventloop_lag_*` has above it is lag. Every hundredth of a second, as the library does unless told, would be most of what
// an idle process does.
const lookAtLoopMs = 100

/** A set of figures of its own. `processFigures` adds memory, CPU and event loop; take it once per process. */
export function createMetrics(options: { processFigures?: boolean } = {}): Metrics {
  const registry = new client.Registry()
  if (options.processFigures) client.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lookAtLoopMs })

  const known = <T>(name: string, make: () => T): T => (registry.getSingleMetric(name) as T | undefined) ?? make()

  return {
    counter: ({ name, help, labels = [] }) => {
      const counter = known(name, () => new client.Counter({ name, help, labelNames: [...labels], registers: [registry] }))
      return { add: (given, by = 1) => counter.inc({ ...given }, by) }
    },
    gauge: ({ name, help, labels = [], collect }) => {
      const gauge = known(name, () => {
        const made: client.Gauge<string> = new client.Gauge({
          name,
          help,
          labelNames: [...labels],
          registers: [registry],
          ...(collect === undefined ? {} : { collect: async () => made.set(await collect()) }),
        })
        return made
      })
      return { set: (given, value) => gauge.set({ ...given }, value) }
    },
    histogram: ({ name, help, labels = [], buckets = durationBuckets }) => {
      const histogram = known(
        name,
        () => new client.Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] }),
      )
      return { observe: (given, value) => histogram.observe({ ...given }, value) }
    },
    read: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
