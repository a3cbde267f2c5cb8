import { describe, expect, it } from 'vitest'
import { createMetrics } from './index.ts'

describe('metrics', () => {
  it('prints what was counted, set and observed', async () => {
    const metrics = createMetrics()
    metrics.counter({ name: 'heed_a_total', help: 'a', labels: ['kind'] }).add({ kind: 'x' }, 2)
    metrics.gauge({ name: 'heed_b', help: 'b' }).set({}, 3)
    metrics.histogram({ name: 'heed_c', help: 'c', buckets: [1, 2] }).observe({}, 1.5)
    const text = await metrics.read()
    expect(text).toContain('heed_a_total{kind="x"} 2')
    expect(text).toContain('heed_b 3')
    expect(text).toContain('heed_c_bucket{le="2"} 1')
  })

  it('gives the same figure for the same name', async () => {
    const metrics = createMetrics()
    for (let times = 0; times < 2; times += 1) metrics.counter({ name: 'heed_a_total', help: 'a' }).add({})
    expect(await metrics.read()).toContain('heed_a_total 2')
  })

  it('asks a gauge that is computed when it is read', async () => {
    const metrics = createMetrics()
    let value = 1
    metrics.gauge({ name: 'heed_b', help: 'b', collect: () => value })
    value = 5
    expect(await metrics.read()).toContain('heed_b 5')
  })

  it('keeps one set apart from another', async () => {
    createMetrics({ processFigures: true }).counter({ name: 'heed_a_total', help: 'a' }).add({})
    expect(await createMetrics().read()).not.toContain('heed_a_total')
  })
})
