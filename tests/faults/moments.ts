import type { FaultPoint } from '@heed/hub'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crashAt, openStage, type Stage } from './stage.ts'

/** A moment at which a hub dies: which point, of which kind of connector where it is one of theirs, and how often it is passed before. */
export interface Moment {
  readonly point: FaultPoint
  readonly kind?: string
  readonly pass: number
  readonly when: string
}

/** Kills a hub at each moment, and asks the oracle what the next one made of it. */
export function itSurvives(title: string, moments: readonly Moment[]): void {
  describe(title, () => {
    let stage: Stage
    beforeAll(async () => {
      stage = await openStage()
    })
    afterAll(() => stage.close())

    it.each(moments)('$point (pass $pass): $when', async ({ point, kind, pass }) => {
      const { fired, end, wrong, repeated } = await crashAt(stage, point, pass, kind)
      expect(fired).toBe(true)
      expect(end).toBe('SIGKILL')
      expect(wrong).toEqual([])
      // I15: the same request ids give the same answers after the crash
      expect(repeated).toBe(true)
    })
  })
}
