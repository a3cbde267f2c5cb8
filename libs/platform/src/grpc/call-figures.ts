import type { Metrics } from '../metrics/index.ts'
import { statusName } from './faults.ts'

/** Counts calls and how long they take. */
export interface CallFigures {
  observe(code: number, seconds: number): void
}

/** The figures of one method; nothing where there are no metrics. */
export function callFigures(metrics: Metrics | undefined, method: string): CallFigures {
  if (metrics === undefined) return { observe: () => undefined }
  const seconds = metrics.histogram({
    name: 'heed_rpc_seconds',
    help: 'How long a call took, by method and status',
    labels: ['method', 'code'],
  })
  const labels = new Map<number, { method: string; code: string }>()
  return {
    observe: (code, value) => {
      let own = labels.get(code)
      if (own === undefined) {
        own = { method, code: statusName(code) }
        labels.set(code, own)
      }
      seconds.observe(own, value)
    },
  }
}
