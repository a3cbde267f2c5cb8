import type { FaultPoint } from '@heed/hub'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crashAt, openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

// a vendor that works on a job, one that takes files, one that is called and calls back, one that answers: each dies at a moment of its own, and all of them are served in every run
const moments: [FaultPoint, string | undefined, number, string][] = [
  ['change.inserted', undefined, 2, 'after the insert, before the publish'],
  ['change.published', undefined, 2, 'after the publish, before the journal knows it'],
  ['inbox.written', 'x-ads', 2, 'after the inbox is written, before the offsets are committed'],
  ['vendor.answered', 'google-ads', 1, 'after the vendor’s answer, before the settlement'],
  ['delivery.decided', 'mailchimp', 2, 'after the verdict is recorded, before the rows know it'],
  ['delivery.settled', 'supplier-feed', 2, 'after the settlement, before the outcome leaves'],
  ['outcome.published', 'hashed-email', 1, 'after the outcome has left, before its record is dropped'],
]

describe('a hub that is killed', () => {
  it.each(moments)('%s of %s (pass %i): %s', async (point, kind, pass) => {
    const { fired, end, wrong, repeated } = await crashAt(stage, point, pass, kind)
    expect(fired).toBe(true)
    expect(end).toBe('SIGKILL')
    expect(wrong).toEqual([])
    // I15: the same request ids give the same answers after the crash
    expect(repeated).toBe(true)
  })
})
