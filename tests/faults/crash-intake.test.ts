import type { FaultPoint } from '@heed/hub'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crashAt, openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

// from the journal to the inboxes; crash-deliveries goes on from there
const moments: { point: FaultPoint; kind?: string; pass: number; when: string }[] = [
  { point: 'change.inserted', pass: 2, when: 'after the insert, before the publish' },
  { point: 'change.published', pass: 2, when: 'after the publish, before the journal knows it' },
  { point: 'inbox.written', kind: 'x-ads', pass: 2, when: 'after the inbox of x-ads is written, before the offsets are committed' },
]

describe('a hub that is killed on the way to the inboxes', () => {
  it.each(moments)('$point (pass $pass): $when', async ({ point, kind, pass }) => {
    const { fired, end, wrong, repeated } = await crashAt(stage, point, pass, kind)
    expect(fired).toBe(true)
    expect(end).toBe('SIGKILL')
    expect(wrong).toEqual([])
    // I15: the same request ids give the same answers after the crash
    expect(repeated).toBe(true)
  })
})
