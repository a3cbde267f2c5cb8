import type { FaultPoint } from '@heed/hub'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startChild } from './child.ts'
import { crashAt, openStage, peopleOf, refuseAll, type Stage, verdictOf } from './stage.ts'

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

describe.each(['kafka', 'mongodb'] as const)('%s that is killed under load', (part) => {
  it('costs nothing that was acknowledged', async () => {
    const config = await stage.config(part)
    const people = peopleOf(stage, part, 40)
    const child = await startChild(config, stage.logFile)
    try {
      const running = refuseAll(() => child, people, part)
      await new Promise((resolve) => setTimeout(resolve, 150))
      await stage.stack.kill(part)
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      await stage.stack.restart(part)
      const acknowledged = await running
      expect(acknowledged.size).toBe(people.length)
      const scene = { hub: config.hub, sandbox: stage.sandbox, acknowledged, served: ['mailchimp', 'select-third-parties'] }
      expect(await verdictOf(scene, child, 90_000)).toEqual([])
    } finally {
      await child.stop()
    }
  })
})
