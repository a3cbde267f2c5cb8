import type { FaultPoint } from '@heed/hub'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crashAt, openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

// a vendor that works on a job, one that takes files, one that is called and calls back, one that answers: each dies at a moment of its own, and all of them are served in every run
const moments: { point: FaultPoint; kind?: string; pass: number; when: string }[] = [
  { point: 'vendor.answered', kind: 'google-ads', pass: 1, when: 'after an answer to google-ads, before the settlement' },
  { point: 'delivery.decided', kind: 'mailchimp', pass: 2, when: 'after a verdict of mailchimp is recorded, before the rows know it' },
  { point: 'delivery.settled', kind: 'supplier-feed', pass: 2, when: 'after a settlement of supplier-feed, before the outcome leaves' },
  {
    point: 'outcome.published',
    kind: 'hashed-email',
    pass: 1,
    when: 'after an outcome of hashed-email has left, before its record is dropped',
  },
]

describe('a hub that is killed on the way to a vendor', () => {
  it.each(moments)('$point (pass $pass): $when', async ({ point, kind, pass }) => {
    const { fired, end, wrong, repeated } = await crashAt(stage, point, pass, kind)
    expect(fired).toBe(true)
    expect(end).toBe('SIGKILL')
    expect(wrong).toEqual([])
    // I15: the same request ids give the same answers after the crash
    expect(repeated).toBe(true)
  })
})
