import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startChild } from './child.ts'
import { openStage, peopleOf, refuseAll, runName, type Stage, sceneOf, verdictOf } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

describe.each(['kafka', 'mongodb'] as const)('%s that is killed under load', (part) => {
  it('costs nothing that was acknowledged', async () => {
    const config = await stage.config(runName(part))
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
      expect(await verdictOf(sceneOf(stage, config.hub, acknowledged), child, 90_000)).toEqual([])
    } finally {
      await child.stop()
    }
  })
})
