import type { FaultPoint } from '@heed/hub'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crashAt, openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

const moments: [FaultPoint, number, string][] = [
  ['change.inserted', 2, 'after the insert, before the publish'],
  ['change.published', 2, 'after the publish, before the journal knows it'],
  ['inbox.written', 2, 'after the inbox is written, before the offsets are committed'],
  ['vendor.answered', 5, 'after the vendor’s answer, before the settlement'],
  ['delivery.decided', 2, 'after the verdict is recorded, before the rows know it'],
  ['delivery.settled', 2, 'after the settlement, before the outcome leaves'],
  ['outcome.published', 2, 'after the outcome has left, before its record is dropped'],
]

describe('a hub that is killed', () => {
  it.each(moments)('%s (pass %i): %s', async (point, pass) => {
    const { fired, end, wrong, repeated } = await crashAt(stage, point, pass)
    expect(fired).toBe(true)
    expect(end).toBe('SIGKILL')
    expect(wrong).toEqual([])
    // I15: the same request ids give the same answers after the crash
    expect(repeated).toBe(true)
  })
})
